/* Memory: the C library's copy and fill at several sizes, and STREAM. */
#include <string.h>

#include "workload.h"

/* What is copied does not lie at the same place in its pages as the copy: processors take a load
 * for dependent on a store whose address has the same low bits. */
static uint64_t copy(size_t bytes, long rounds) {
  enum { kApart = 1024 };
  char *from = allocate(bytes), *to = (char*)allocate(bytes + kApart) + kApart;
  restart_clock();
  for (long i = 0; i < rounds; i++) {
    from[(size_t)i % bytes] = (char)i;
    OPAQUE(from);
    memcpy(to, from, bytes);
    OPAQUE(to);
  }
  return checksum(to, bytes < 65536 ? bytes : 65536);
}

static uint64_t set(size_t bytes, long rounds) {
  char* to = allocate(bytes);
  restart_clock();
  for (long i = 0; i < rounds; i++) {
    memset(to, (int)i & 127, bytes);
    OPAQUE(to);
  }
  return checksum(to, bytes < 65536 ? bytes : 65536);
}

uint64_t copy_1k(void) { return copy(1 << 10, 8000000); }
uint64_t copy_4k(void) { return copy(4 << 10, 2800000); }
uint64_t copy_64k(void) { return copy(64 << 10, 120000); }
uint64_t copy_1m(void) { return copy(1 << 20, 6000); }
uint64_t copy_16m(void) { return copy(16 << 20, 150); }
uint64_t copy_64m(void) { return copy(64 << 20, 25); }
uint64_t set_1k(void) { return set(1 << 10, 8000000); }
uint64_t set_4k(void) { return set(4 << 10, 3500000); }
uint64_t set_64k(void) { return set(64 << 10, 200000); }
uint64_t set_1m(void) { return set(1 << 20, 10000); }
uint64_t set_16m(void) { return set(16 << 20, 500); }
uint64_t set_64m(void) { return set(64 << 20, 75); }

/* STREAM's kernels, each of them loops: the C library's copy has its own rows. */
#define STREAM_KERNEL(name, value)                                                          \
  __attribute__((noinline, optimize("no-tree-loop-distribute-patterns"))) static void name( \
      double* restrict to, const double* restrict one, const double* restrict other,        \
      double factor) {                                                                      \
    for (size_t i = 0; i < kStreamCount; i++) to[i] = (value);                              \
  }

enum { kStreamCount = 2 << 20 };
STREAM_KERNEL(copy_kernel, one[i])
STREAM_KERNEL(scale_kernel, factor* one[i])
STREAM_KERNEL(add_kernel, one[i] + other[i])
STREAM_KERNEL(triad_kernel, one[i] + factor * other[i])

static uint64_t stream(void (*kernel)(double*, const double*, const double*, double), int rounds) {
  const size_t bytes = kStreamCount * sizeof(double);
  double *to = allocate(bytes), *one = allocate(bytes), *other = allocate(bytes);
  for (size_t i = 0; i < kStreamCount; i++) {
    one[i] = (double)i;
    other[i] = 0.5;
  }
  restart_clock();
  for (int round = 1; round <= rounds; round++) kernel(to, one, other, round);
  return checksum(to, 65536);
}

uint64_t stream_copy(void) { return stream(copy_kernel, 120); }
uint64_t stream_scale(void) { return stream(scale_kernel, 120); }
uint64_t stream_add(void) { return stream(add_kernel, 60); }
uint64_t stream_triad(void) { return stream(triad_kernel, 60); }
