/* Integer programs: search, sorting, trees, tables, coding, an interpreter, calls. */
#include <stdlib.h>
#include <string.h>

#include "workload.h"

enum { kBoard = 12 };
static int column_of[kBoard];

static int is_safe(int row, int column) {
  for (int i = 0; i < row; i++) {
    if (column_of[i] == column || abs(column_of[i] - column) == row - i) return 0;
  }
  return 1;
}

static uint64_t place(int row) {
  if (row == kBoard) return 1;
  uint64_t solutions = 0;
  for (int column = 0; column < kBoard; column++) {
    if (!is_safe(row, column)) continue;
    column_of[row] = column;
    solutions += place(row + 1);
  }
  return solutions;
}

uint64_t queens(void) { return place(0) + place(0); }

uint64_t sieve(void) {
  enum { kLimit = 4000000, kRounds = 12 };
  unsigned char* composite = allocate(kLimit);
  uint64_t primes = 0;
  for (int round = 0; round < kRounds; round++) {
    memset(composite, 0, kLimit);
    for (size_t i = 2; i < kLimit; i++) {
      if (composite[i]) continue;
      primes++;
      for (size_t j = i * 2; j < kLimit; j += i) composite[j] = 1;
    }
  }
  return primes;
}

static void sort(int32_t* items, long low, long high) {
  while (low < high) {
    int32_t pivot = items[(low + high) / 2];
    long i = low, j = high;
    while (i <= j) {
      while (items[i] < pivot) i++;
      while (items[j] > pivot) j--;
      if (i > j) break;
      int32_t swapped = items[i];
      items[i++] = items[j];
      items[j--] = swapped;
    }
    sort(items, low, j);
    low = i;
  }
}

uint64_t quicksort(void) {
  enum { kCount = 2000000 };
  int32_t* items = allocate(kCount * sizeof *items);
  uint64_t seed = 1;
  for (long i = 0; i < kCount; i++) items[i] = (int32_t)next_random(&seed);
  restart_clock();
  sort(items, 0, kCount - 1);
  return checksum(items, kCount * sizeof *items / 16);
}

struct node {
  struct node* child[2];
  uint64_t key;
};

uint64_t tree(void) {
  enum { kNodes = 120000, kLookups = 500000 };
  struct node *root = NULL, *nodes = allocate(kNodes * sizeof *nodes);
  uint64_t seed = 7, found = 0, steps = 0;
  restart_clock();
  for (long i = 0; i < kNodes; i++) {
    uint64_t key = next_random(&seed) >> 44;
    struct node** at = &root;
    while (*at != NULL && (*at)->key != key) at = &(*at)->child[key > (*at)->key];
    if (*at != NULL) continue;
    nodes[i] = (struct node){{NULL, NULL}, key};
    *at = &nodes[i];
  }
  for (long i = 0; i < kLookups; i++) {
    uint64_t key = next_random(&seed) >> 44;
    const struct node* at = root;
    while (at != NULL && at->key != key) {
      at = at->child[key > at->key];
      steps++;
    }
    found += at != NULL;
  }
  return found ^ steps << 32;
}

uint64_t hash(void) {
  enum { kSlots = 1 << 18, kKeys = 160000, kRounds = 80 };
  uint64_t* table = allocate(kSlots * sizeof *table);
  uint64_t collisions = 0;
  for (int round = 0; round < kRounds; round++) {
    uint64_t seed = (uint64_t)round + 3;
    memset(table, 0, kSlots * sizeof *table);
    for (long i = 0; i < kKeys; i++) {
      uint64_t key = next_random(&seed);
      size_t slot = (key * 0x9e3779b97f4a7c15) >> 46;
      while (table[slot] != 0 && table[slot] != key) {
        slot = (slot + 1) % kSlots;
        collisions++;
      }
      table[slot] = key;
    }
  }
  return collisions;
}

uint64_t crc32(void) {
  enum { kBytes = 1 << 20, kRounds = 64 };
  static uint32_t table[256];
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0xedb88320 : value >> 1;
    table[i] = value;
  }
  unsigned char* data = allocate(kBytes);
  uint32_t crc = ~0u;
  for (int round = 0; round < kRounds; round++) {
    for (size_t i = 0; i < kBytes; i++) crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
  }
  return ~crc;
}

/* Words of a small vocabulary: text that compresses about as text does. */
static void fill_with_words(unsigned char* data, size_t bytes) {
  static const char* const kWords[] = {
      "the ", "guest ", "reads ", "page ",  "and ",    "writes ", "register ", "of ",
      "a ",   "timer ", "queue ", "until ", "device ", "stops",   ".\n",       "so "};
  uint64_t seed = 5;
  for (size_t at = 0; at < bytes;) {
    const char* word = kWords[next_random(&seed) % 16];
    size_t length = strlen(word);
    if (length > bytes - at) length = bytes - at;
    memcpy(data + at, word, length);
    at += length;
  }
}

enum { kWindow = 65536, kHashes = 1 << 14, kShortest = 4, kLongest = 255 + kShortest };

static uint32_t hash_of(const unsigned char* at) {
  uint32_t four;
  memcpy(&four, at, 4);
  return four * 2654435761u >> 18;
}

/* Codes: 0, byte | 1, length - kShortest, distance (two bytes). */
static size_t compress(const unsigned char* from, size_t bytes, unsigned char* to) {
  static uint32_t latest[kHashes];
  memset(latest, 0xff, sizeof latest);
  size_t out = 0;
  for (size_t at = 0; at < bytes;) {
    size_t length = 0, distance = 0;
    if (at + kLongest < bytes) {
      uint32_t* slot = &latest[hash_of(from + at)];
      distance = at - *slot;
      if (*slot != UINT32_MAX && distance < kWindow) {
        while (length < kLongest && from[*slot + length] == from[at + length]) length++;
      }
      *slot = (uint32_t)at;
    }
    if (length >= kShortest) {
      to[out++] = 1;
      to[out++] = (unsigned char)(length - kShortest);
      to[out++] = (unsigned char)(distance >> 8);
      to[out++] = (unsigned char)distance;
      at += length;
    } else {
      to[out++] = 0;
      to[out++] = from[at++];
    }
  }
  return out;
}

static size_t expand(const unsigned char* from, size_t bytes, unsigned char* to) {
  size_t out = 0;
  for (size_t at = 0; at < bytes;) {
    if (from[at] == 0) {
      to[out++] = from[at + 1];
      at += 2;
    } else {
      size_t length = from[at + 1] + (size_t)kShortest,
             distance = (size_t)from[at + 2] << 8 | from[at + 3];
      for (size_t i = 0; i < length; i++, out++) to[out] = to[out - distance];
      at += 4;
    }
  }
  return out;
}

uint64_t lz(void) {
  enum { kBytes = 2 << 20, kRounds = 20 };
  unsigned char *plain = allocate(kBytes), *packed = allocate(2 * kBytes),
                *again = allocate(kBytes);
  fill_with_words(plain, kBytes);
  restart_clock();
  size_t length = 0;
  for (int round = 0; round < kRounds; round++) {
    length = compress(plain, kBytes, packed);
    require(expand(packed, length, again) == kBytes && memcmp(plain, again, kBytes) == 0, "lz");
  }
  return length;
}

/* A stack machine; its program counts the steps of Collatz series. */
enum code {
  kPush,
  kLoad,
  kStore,
  kAdd,
  kMultiply,
  kHalve,
  kIsOdd,
  kLess,
  kJump,
  kJumpIfZero,
  kStop
};
struct instruction {
  enum code code;
  int64_t operand;
};

static int64_t interpret(const struct instruction* program, int64_t* variables) {
  int64_t stack[16], *top = stack;
  for (const struct instruction* at = program;; at++) {
    switch (at->code) {
      case kPush:
        *++top = at->operand;
        break;
      case kLoad:
        *++top = variables[at->operand];
        break;
      case kStore:
        variables[at->operand] = *top--;
        break;
      case kAdd:
        top--;
        top[0] += top[1];
        break;
      case kMultiply:
        top--;
        top[0] *= top[1];
        break;
      case kHalve:
        top[0] >>= 1;
        break;
      case kIsOdd:
        top[0] &= 1;
        break;
      case kLess:
        top--;
        top[0] = top[0] < top[1];
        break;
      case kJump:
        at = program + at->operand - 1;
        break;
      case kJumpIfZero:
        if (*top-- == 0) at = program + at->operand - 1;
        break;
      case kStop:
        return variables[2];
    }
  }
}

uint64_t interpreter(void) {
  enum { kStart, kValue, kSteps };
  static const struct instruction kCollatz[] = {
      {kLoad, kStart},   {kPush, 50000},   {kLess, 0},
      {kJumpIfZero, 28},                   /* 0: while start < 50000 */
      {kLoad, kStart},   {kStore, kValue}, /* 4: value = start */
      {kPush, 1},        {kLoad, kValue},  {kLess, 0},
      {kJumpIfZero, 23},                                      /* 6: while 1 < value */
      {kLoad, kValue},   {kIsOdd, 0},      {kJumpIfZero, 18}, /* 10: if odd */
      {kLoad, kValue},   {kPush, 3},       {kMultiply, 0},
      {kPush, 1},        {kJump, 29},                  /* 13: value * 3 + 1 */
      {kLoad, kValue},   {kHalve, 0},                  /* 18: else value / 2 */
      {kStore, kValue},  {kJump, 32},      {kStop, 0}, /* 20 */
      {kLoad, kStart},   {kPush, 1},       {kAdd, 0},
      {kStore, kStart},  {kJump, 0},                    /* 23: start += 1 */
      {kStop, 0},                                       /* 28 */
      {kAdd, 0},         {kStore, kValue}, {kJump, 32}, /* 29 */
      {kLoad, kSteps},   {kPush, 1},       {kAdd, 0},
      {kStore, kSteps},  {kJump, 6}, /* 32: steps += 1 */
  };
  int64_t variables[3] = {1, 0, 0};
  return (uint64_t)interpret(kCollatz, variables);
}

/* At -O1 each call stays a call. */
static __attribute__((noinline, optimize("O1"))) uint64_t fib(unsigned n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

uint64_t fibonacci(void) { return fib(38); }
