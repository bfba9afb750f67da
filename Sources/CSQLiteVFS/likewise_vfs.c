// A shim around SQLite's own file system that only adds syncs (https://www.sqlite.org/vfs.html, "VFS Shims").
#include "include/likewise_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

typedef struct {
  sqlite3_file base;
  sqlite3_file *real;
  int is_smoothed;
  // Bytes written since the last sync.
  sqlite3_int64 unsynced;
} File;

static sqlite3_vfs *real_vfs;
static sqlite3_vfs shim_vfs;
static sqlite3_int64 piece_bytes;

#define REAL(f) (((File *)(f))->real)

static int file_close(sqlite3_file *f) {
  int code = REAL(f)->pMethods ? REAL(f)->pMethods->xClose(REAL(f)) : SQLITE_OK;
  f->pMethods = NULL;
  return code;
}

static int file_read(sqlite3_file *f, void *to, int count, sqlite3_int64 at) {
  return REAL(f)->pMethods->xRead(REAL(f), to, count, at);
}

static int file_write(sqlite3_file *f, const void *from, int count, sqlite3_int64 at) {
  File *file = (File *)f;
  int code = file->real->pMethods->xWrite(file->real, from, count, at);
  if (code != SQLITE_OK || !file->is_smoothed) return code;
  file->unsynced += count;
  if (file->unsynced < piece_bytes) return SQLITE_OK;
  file->unsynced = 0;
  return file->real->pMethods->xSync(file->real, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size) {
  return REAL(f)->pMethods->xTruncate(REAL(f), size);
}

static int file_sync(sqlite3_file *f, int flags) {
  ((File *)f)->unsynced = 0;
  return REAL(f)->pMethods->xSync(REAL(f), flags);
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size) { return REAL(f)->pMethods->xFileSize(REAL(f), size); }
static int file_lock(sqlite3_file *f, int level) { return REAL(f)->pMethods->xLock(REAL(f), level); }
static int file_unlock(sqlite3_file *f, int level) { return REAL(f)->pMethods->xUnlock(REAL(f), level); }
static int file_check(sqlite3_file *f, int *result) { return REAL(f)->pMethods->xCheckReservedLock(REAL(f), result); }
static int file_control(sqlite3_file *f, int what, void *value) {
  return REAL(f)->pMethods->xFileControl(REAL(f), what, value);
}
static int file_sector(sqlite3_file *f) { return REAL(f)->pMethods->xSectorSize(REAL(f)); }
static int file_traits(sqlite3_file *f) { return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f)); }
static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **at) {
  return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, at);
}
static int file_shm_lock(sqlite3_file *f, int offset, int count, int flags) {
  return REAL(f)->pMethods->xShmLock(REAL(f), offset, count, flags);
}
static void file_shm_barrier(sqlite3_file *f) { REAL(f)->pMethods->xShmBarrier(REAL(f)); }
static int file_shm_unmap(sqlite3_file *f, int remove) { return REAL(f)->pMethods->xShmUnmap(REAL(f), remove); }
static int file_fetch(sqlite3_file *f, sqlite3_int64 at, int count, void **to) {
  return REAL(f)->pMethods->xFetch(REAL(f), at, count, to);
}
static int file_unfetch(sqlite3_file *f, sqlite3_int64 at, void *page) {
  return REAL(f)->pMethods->xUnfetch(REAL(f), at, page);
}

#define METHODS(version)                                                                                      \
  {                                                                                                           \
    version, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_unlock, \
        file_check, file_control, file_sector, file_traits, file_shm_map, file_shm_lock, file_shm_barrier,   \
        file_shm_unmap, file_fetch, file_unfetch                                                              \
  }

// SQLite goes by the version to know which methods there are; those behind it are never called.
static const sqlite3_io_methods methods[] = {METHODS(1), METHODS(2), METHODS(3)};

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *out) {
  (void)vfs;
  File *file = (File *)f;
  memset(file, 0, sizeof *file);
  file->real = (sqlite3_file *)(file + 1);
  // Temporary files need not survive anything.
  file->is_smoothed = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) && !(flags & SQLITE_OPEN_READONLY);
  int code = real_vfs->xOpen(real_vfs, name, file->real, flags, out);
  if (file->real->pMethods) {
    int version = file->real->pMethods->iVersion;
    file->base.pMethods = &methods[version < 1 ? 0 : version > 3 ? 2 : version - 1];
  }
  return code;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int result;

static void install(void) {
  result = sqlite3_initialize();
  if (result != SQLITE_OK) return;
  real_vfs = sqlite3_vfs_find(NULL);
  if (!real_vfs) {
    result = SQLITE_ERROR;
    return;
  }
  // All but opening a file is the real one's; its methods go by pAppData, which is copied too.
  shim_vfs = *real_vfs;
  shim_vfs.zName = "likewise";
  shim_vfs.pNext = NULL;
  shim_vfs.szOsFile = (int)sizeof(File) + real_vfs->szOsFile;
  shim_vfs.xOpen = vfs_open;
  result = sqlite3_vfs_register(&shim_vfs, 1);
}

int likewise_smooth_sqlite_writes(int piece) {
  if (piece_bytes == 0) piece_bytes = piece;
  pthread_once(&once, install);
  return result;
}
