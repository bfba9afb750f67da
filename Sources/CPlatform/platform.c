// What Swift cannot reach by itself.
//
// CRC-32C for log records: Swift has no portable way to SSE 4.2's and ARMv8's CRC instructions, and a table costs about
// six times as much a byte, on a path that every like takes. fallocate, prctl and accept4 are not in the
// C library's module.
#define _GNU_SOURCE
#include "platform.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int likewise_allocate(int descriptor, int64_t size) {
  int code;
  do code = fallocate(descriptor, 0, 0, size);
  while (code != 0 && errno == EINTR);
  return code == 0 ? 0 : errno;
}

// The size of a huge page on x86-64 and, mostly, on ARM.
#define HUGE_PAGE ((size_t)2 << 20)

void *likewise_allocate_table(size_t bytes) {
  if (bytes < HUGE_PAGE) {
    void *table = NULL;
    if (posix_memalign(&table, 64, bytes)) return NULL;
    return memset(table, 0, bytes);
  }
  // More than is asked for, so that the part that is kept can begin where a huge page does.
  size_t size = (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
  char *start = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return NULL;
  char *table = (char *)(((uintptr_t)start + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
  if (table > start) munmap(start, (size_t)(table - start));
  size_t behind = (size_t)(start + HUGE_PAGE - table);
  if (behind) munmap(table + size, behind);
  madvise(table, size, MADV_HUGEPAGE);
  return table;
}

void likewise_bring_in(void *start, size_t bytes) {
  for (size_t at = 0; at < bytes; at += 4096) ((volatile char *)start)[at] = 0;
}

void likewise_use_huge_pages(void *start, size_t bytes) {
  uintptr_t first = ((uintptr_t)start + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
  uintptr_t end = ((uintptr_t)start + bytes) & ~(uintptr_t)(HUGE_PAGE - 1);
  if (end > first) madvise((void *)first, end - first, MADV_HUGEPAGE);
}

void likewise_free_table(void *table, size_t bytes) {
  if (bytes < HUGE_PAGE) {
    free(table);
  } else {
    munmap(table, (bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
  }
}

// From this size on a block is mapped; at least a page.
#define MAPPED_BLOCK ((size_t)1 << 17)

void *likewise_resize_block(void *block, size_t old, size_t bytes) {
  if (bytes < MAPPED_BLOCK) return realloc(block, bytes);
  if (old >= MAPPED_BLOCK) {
    void *moved = mremap(block, old, bytes, MREMAP_MAYMOVE);
    return moved == MAP_FAILED ? NULL : moved;
  }
  void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return NULL;
  if (block) memcpy(mapped, block, old);
  free(block);
  return mapped;
}

void likewise_free_block(void *block, size_t bytes) {
  if (bytes >= MAPPED_BLOCK) {
    munmap(block, bytes);
  } else {
    free(block);
  }
}

void likewise_release_pages(void *start, size_t bytes) { madvise(start, bytes, MADV_DONTNEED); }

void likewise_trim_heap(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void likewise_settle_heap(void) {
#ifdef __GLIBC__
  // Said once, it stays: otherwise it rises up to 32 MiB with the blocks that are freed.
  mallopt(M_MMAP_THRESHOLD, 32 << 10);
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  mallopt(M_ARENA_MAX, processors > 2 ? (int)processors : 2);
#endif
}

void likewise_give_way(void) {
  static _Thread_local int done = 0;
  if (done) return;
  done = 1;
  // On Linux a nice value is a thread's own, and 0 is the calling one.
  setpriority(PRIO_PROCESS, 0, 10);
}

// sched_setattr(2), which the C library does not have.
struct scheduling {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  // The length of a turn in nanoseconds, for the ordinary policy since Linux 6.12 (EEVDF's "slice").
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

void likewise_set_turn(uint64_t nanoseconds) {
  struct scheduling wanted = {.size = sizeof wanted, .runtime = nanoseconds};
  wanted.nice = getpriority(PRIO_PROCESS, 0);
  syscall(SYS_sched_setattr, 0, &wanted, 0);
}

void likewise_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

static const uint32_t *table(void) {
  static uint32_t entries[256];
  static int ready;
  if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) {
    // Two threads that race write the same values.
    for (uint32_t i = 0; i < 256; i++) {
      uint32_t c = i;
      for (int k = 0; k < 8; k++) c = (c >> 1) ^ (0x82f63b78u & (0u - (c & 1)));
      __atomic_store_n(&entries[i], c, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
  }
  return entries;
}

uint32_t likewise_crc32c_portable(uint32_t crc, const void *bytes, size_t length) {
  const uint32_t *t = table();
  const unsigned char *p = bytes;
  crc = ~crc;
  while (length--) crc = (crc >> 8) ^ t[(crc ^ *p++) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_hardware(uint32_t crc, const void *bytes, size_t length) {
  const unsigned char *p = bytes;
  uint64_t c = (uint32_t)~crc;
  for (; length >= 8; length -= 8, p += 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    c = __builtin_ia32_crc32di(c, word);
  }
  for (; length; length--) c = __builtin_ia32_crc32qi((uint32_t)c, *p++);
  return ~(uint32_t)c;
}
static int has_hardware(void) { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
__attribute__((target("crc"))) static uint32_t crc32c_hardware(uint32_t crc, const void *bytes, size_t length) {
  const unsigned char *p = bytes;
  uint32_t c = ~crc;
  for (; length >= 8; length -= 8, p += 8) {
    uint64_t word;
    memcpy(&word, p, 8);
    c = __crc32cd(c, word);
  }
  for (; length; length--) c = __crc32cb(c, *p++);
  return ~c;
}
static int has_hardware(void) { return (getauxval(AT_HWCAP) & (1 << 7)) != 0; }
#else
#define crc32c_hardware likewise_crc32c_portable
static int has_hardware(void) { return 0; }
#endif

uint32_t likewise_crc32c(uint32_t crc, const void *bytes, size_t length) {
  static int known;  // 0: not asked, 1: table, 2: instruction
  int k = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (!k) {
    k = has_hardware() ? 2 : 1;
    __atomic_store_n(&known, k, __ATOMIC_RELAXED);
  }
  return k == 2 ? crc32c_hardware(crc, bytes, length) : likewise_crc32c_portable(crc, bytes, length);
}

int likewise_accept(int listener, uint8_t peer[16]) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  address.ss_family = AF_UNSPEC;
  int descriptor = accept4(listener, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  memset(peer, 0, 16);
  if (address.ss_family == AF_INET6) {
    memcpy(peer, &((struct sockaddr_in6 *)&address)->sin6_addr, 16);
  } else if (address.ss_family == AF_INET) {
    peer[10] = peer[11] = 0xff;
    memcpy(peer + 12, &((struct sockaddr_in *)&address)->sin_addr, 4);
  }
  return descriptor;
}
