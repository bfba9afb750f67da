#ifndef LIKEWISE_VFS_H
#define LIKEWISE_VFS_H

/// Makes what SQLite writes go to the disk in small pieces, for every connection that this process opens from now on.
///
/// A transaction or a checkpoint writes tens of megabytes into the system's page cache and then waits for all of it, and
/// a log record that is synced meanwhile waits behind it in the disk's queue: 40 to 140 ms behind 100 MB, 3 ms behind
/// pieces of 2 MB, on the machines this was measured on. So each `piece` bytes that a file got are synced at once.
///
/// Durability is SQLite's own: nothing is synced later than it would have been. Answers an SQLite result code; 0 is good,
/// also where it was called before.
int likewise_smooth_sqlite_writes(int piece);

#endif
