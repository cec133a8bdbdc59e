/* Memory: the C library's copy and fill at several sizes, and STREAM's triad. */
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
uint64_t copy_4k(void) { return copy(4 << 10, 2000000); }
uint64_t copy_64k(void) { return copy(64 << 10, 120000); }
uint64_t copy_1m(void) { return copy(1 << 20, 4000); }
uint64_t copy_16m(void) { return copy(16 << 20, 100); }
uint64_t copy_64m(void) { return copy(64 << 20, 25); }
uint64_t set_1k(void) { return set(1 << 10, 6000000); }
uint64_t set_4k(void) { return set(4 << 10, 2500000); }
uint64_t set_64k(void) { return set(64 << 10, 200000); }
uint64_t set_1m(void) { return set(1 << 20, 6000); }
uint64_t set_16m(void) { return set(16 << 20, 300); }
uint64_t set_64m(void) { return set(64 << 20, 75); }

uint64_t triad(void) {
  enum { kCount = 2 << 20, kRounds = 60 };
  double *a = allocate(kCount * sizeof *a), *b = allocate(kCount * sizeof *b),
         *c = allocate(kCount * sizeof *c);
  for (size_t i = 0; i < kCount; i++) {
    b[i] = (double)i;
    c[i] = 0.5;
  }
  restart_clock();
  for (int round = 0; round < kRounds; round++) {
    double factor = round;
    for (size_t i = 0; i < kCount; i++) a[i] = b[i] + factor * c[i];
    OPAQUE(a);
  }
  return checksum(a, 65536);
}
