#ifndef LIKEWISE_STORE_H
#define LIKEWISE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What the ledger needs of RocksDB, in C: a sorted map from bytes to bytes. RocksDB's own C interface is not used, because
// it tells errors by their words alone, cannot resume after a full disk, and allocates several times a key looked up.

typedef enum {
  LIKEWISE_STORE_OK = 0,
  /// No space left on the disk, or the quota is used up.
  LIKEWISE_STORE_FULL,
  /// What was read is not what was written.
  LIKEWISE_STORE_DAMAGED,
  /// There is no store, or it may not be opened.
  LIKEWISE_STORE_MISSING,
  /// Another process, or another part of this one, has it open for writing.
  LIKEWISE_STORE_LOCKED,
  LIKEWISE_STORE_FAILED,
} likewise_store_code;

/// How a call went. `message` is in RocksDB's words, or NULL; to be freed with `free`.
typedef struct {
  likewise_store_code code;
  char *message;
} likewise_store_status;

typedef struct likewise_store likewise_store;
typedef struct likewise_store_iterator likewise_store_iterator;
typedef struct likewise_store_batch likewise_store_batch;

typedef struct {
  const char *data;
  size_t size;
} likewise_store_bytes;

typedef struct {
  bool read_only;
  /// Blocks, indexes and filters in memory.
  size_t cache_bytes;
  /// Small commits that wait in memory (and in the write-ahead log) to be written as a file.
  size_t memtable_bytes;
  /// Keys that begin with one of these bytes (up to the first zero) have an entry in a filter, so that asking for one reads
  /// next to nothing of the files that do not hold it. A store that was written with others is read without its filters.
  const char *filtered;
} likewise_store_options;

likewise_store_status likewise_store_open(const char *path, likewise_store_options options, likewise_store **store);
void likewise_store_close(likewise_store *store);

/// Calls `found` with the value of `key`, if there is one, before it returns.
likewise_store_status likewise_store_get(
    likewise_store *store, const void *snapshot, likewise_store_bytes key, void *context,
    void (*found)(void *context, likewise_store_bytes value));
/// Calls `found` with the index and value of each of `keys` that is there. They are sorted; one may come
/// more than once.
likewise_store_status likewise_store_get_sorted(
    likewise_store *store, const likewise_store_bytes *keys, size_t count, void *context,
    void (*found)(void *context, size_t index, likewise_store_bytes value));

const void *likewise_store_snapshot(likewise_store *store);
void likewise_store_release(likewise_store *store, const void *snapshot);

/// Walks over the keys from `from` on and below `below`, as they were when it was made or as `snapshot` has them.
/// `scan`: much will be read once, so that it is read ahead and does not push anything out of the cache.
likewise_store_iterator *likewise_store_iterator_make(
    likewise_store *store, const void *snapshot, likewise_store_bytes from, likewise_store_bytes below, bool scan);
void likewise_store_iterator_free(likewise_store_iterator *iterator);
/// Whether it stands on a key. Where not, `status` says whether that is the end.
bool likewise_store_iterator_valid(const likewise_store_iterator *iterator);
void likewise_store_iterator_next(likewise_store_iterator *iterator);
likewise_store_bytes likewise_store_iterator_key(const likewise_store_iterator *iterator);
likewise_store_bytes likewise_store_iterator_value(const likewise_store_iterator *iterator);
likewise_store_status likewise_store_iterator_status(const likewise_store_iterator *iterator);

/// Changes that are committed together. Each key may be changed once.
likewise_store_batch *likewise_store_batch_make(void);
void likewise_store_batch_free(likewise_store_batch *batch);
void likewise_store_batch_put(likewise_store_batch *batch, likewise_store_bytes key, likewise_store_bytes value);
void likewise_store_batch_delete(likewise_store_batch *batch, likewise_store_bytes key);
size_t likewise_store_batch_count(const likewise_store_batch *batch);
size_t likewise_store_batch_bytes(const likewise_store_batch *batch);
/// Commits all changes or none, durable on return. From `file_from` changes on they are written as a sorted file of
/// their own that the store takes in whole; fewer go through the write-ahead log.
likewise_store_status likewise_store_commit(likewise_store *store, likewise_store_batch *batch, size_t file_from);

/// A number that RocksDB knows under `name` ("rocksdb.total-sst-files-size"), or 0.
uint64_t likewise_store_number(likewise_store *store, const char *name);

#ifdef __cplusplus
}
#endif

#endif
