// The files that browsers get, as parts of the binary.

#ifndef LIKEWISE_WEB_H
#define LIKEWISE_WEB_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A file under web/, and the path at which it is served.
typedef struct {
  const char *path;
  const unsigned char *bytes;
  size_t count;
} likewise_web_file;

/// All files; the number of them is put into `count`. They live as long as the process.
const likewise_web_file *likewise_web_files(size_t *count);

/// Compresses with gzip at its best level (RFC 1952). Returns the bytes that were written, 0 where `room` was too small.
size_t likewise_gzip(const void *bytes, size_t count, void *out, size_t room);

#ifdef __cplusplus
}
#endif

#endif
