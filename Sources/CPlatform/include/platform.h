#ifndef LIKEWISE_PLATFORM_H
#define LIKEWISE_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, RFC 3720 B.4) of `length` bytes, continued from `crc` (0 to begin).
uint32_t likewise_crc32c(uint32_t crc, const void *bytes, size_t length);

/// The same in portable C, for tests and for processors without the instruction.
uint32_t likewise_crc32c_portable(uint32_t crc, const void *bytes, size_t length);

/// fallocate(2), without the C library's fallback of writing every block: 0, or an errno.
int likewise_allocate(int descriptor, int64_t size);

/// Names the calling thread; 15 bytes at most are kept.
void likewise_name_thread(const char *name);

#endif
