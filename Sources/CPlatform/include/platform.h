#ifndef LIKEWISE_PLATFORM_H
#define LIKEWISE_PLATFORM_H

#include <stddef.h>
#include <stdint.h>
// Not in the module of the C library.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// CRC-32C (Castagnoli, RFC 3720 B.4) of `length` bytes, continued from `crc` (0 to begin).
uint32_t likewise_crc32c(uint32_t crc, const void *bytes, size_t length);

/// The same in portable C, for tests and for processors without the instruction.
uint32_t likewise_crc32c_portable(uint32_t crc, const void *bytes, size_t length);

/// A bit for each of the sixteen numbers at `lanes` (on a cache line of their own) that equals `value`; the lowest bit is
/// the first. Inline, because a filter asks it for every like.
static inline uint32_t likewise_equal_lanes(const uint32_t *lanes, uint32_t value) {
#if defined(__SSE2__)
  __m128i wanted = _mm_set1_epi32((int)value);
  const __m128i *p = (const __m128i *)lanes;
  __m128i a = _mm_packs_epi32(_mm_cmpeq_epi32(p[0], wanted), _mm_cmpeq_epi32(p[1], wanted));
  __m128i b = _mm_packs_epi32(_mm_cmpeq_epi32(p[2], wanted), _mm_cmpeq_epi32(p[3], wanted));
  return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a, b));
#else
  uint32_t mask = 0;
  for (int i = 0; i < 16; i++) mask |= (uint32_t)(lanes[i] == value) << i;
  return mask;
#endif
}

/// Asks the processor to bring the cache line of `address` near; any address will do.
static inline void likewise_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

/// Zeroed memory for a table that is probed at random, on a cache line's boundary; NULL where there is none. Large ones
/// lie on huge pages where the system has them, so that a probe misses the processor's page cache less often.
void *likewise_allocate_table(size_t bytes);

/// Returns once all of this memory, which reads as zeros, has pages of its own.
void likewise_bring_in(void *start, size_t bytes);

/// Asks for huge pages for what of this memory fills them; it keeps its content.
void likewise_use_huge_pages(void *start, size_t bytes);

/// Gives back what likewise_allocate_table gave for so many bytes.
void likewise_free_table(void *table, size_t bytes);

/// `block` of `old` bytes (NULL and 0 for a new one) moved to where `bytes` have room, as realloc(3) does; NULL where there
/// is no memory. Large blocks are mapped: they grow by their page tables, without a copy, and go back to the system when
/// they are freed, where the C library would keep them for later.
void *likewise_resize_block(void *block, size_t old, size_t bytes);

/// Gives back a block of so many bytes.
void likewise_free_block(void *block, size_t bytes);

/// Gives the memory of whole pages back to the system; they read as zeros from then on.
void likewise_release_pages(void *start, size_t bytes);

/// Gives memory that was freed back to the system.
void likewise_trim_heap(void);

/// From now on the C library keeps less memory that nobody uses. It maps each block of 32 KiB and more by itself, so that
/// its memory goes back to the system when it is freed: arrays of a transaction come and go between blocks that stay for
/// long, and would leave gaps. And it has as many heaps as processors, not eight times as many, each with gaps of its own.
void likewise_settle_heap(void);

/// fallocate(2), without the C library's fallback of writing every block: 0, or an errno.
int likewise_allocate(int descriptor, int64_t size);

/// accept4(2): a connection of `listener`, which never blocks and is closed on exec; -1 with errno set where there is none.
/// `peer` gets the 16 bytes of its other end's address in IPv6, one of IPv4 mapped (RFC 4291); zeros for other families.
int likewise_accept(int listener, uint8_t peer[16]);

/// Lets other threads of the process go first, from now on, wherever they want the processor too (a nice value of 10, which
/// needs no privilege and cannot be taken back). Costs next to nothing once done.
void likewise_give_way(void);

/// Asks for turns of about so many nanoseconds on the processor for the calling thread, from now on. A thread with short
/// turns gets one sooner when it is woken; one with long turns lets others go first. Not a share: that stays as it is.
/// Linux before 6.12 passes over it.
void likewise_set_turn(uint64_t nanoseconds);

/// Names the calling thread; 15 bytes at most are kept.
void likewise_name_thread(const char *name);

#endif
