/* Does a cost grow with the size of things? Each program prints nanoseconds for a unit of work,
 * which should stay what they are: for much code, for many processes, and in machines with much
 * memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

enum { kPage = 4096 };

/* Blocks that go from one to the next, in x86-64 code: 32 bytes each, five instructions. */
static uint64_t* data;
typedef void (*code)(uint64_t* data);

static code make_blocks(long count) {
  static const unsigned char kBlock[] = {0x48, 0x05, 1,    2,    3, 0, /* add $0x30201, %rax */
                                         0x48, 0x8b, 0x4f, 0x08,       /* mov 8(%rdi), %rcx */
                                         0x48, 0x31, 0xc8,             /* xor %rcx, %rax */
                                         0x48, 0x89, 0x47, 0x10,       /* mov %rax, 16(%rdi) */
                                         0xe9, 0x0a, 0,    0,    0};   /* jmp to the next */
  enum { kEvery = 32 };
  size_t bytes = (size_t)(count + 1) * kEvery;
  unsigned char* memory =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  for (long i = 0; i < count; i++) memcpy(memory + i * kEvery, kBlock, sizeof kBlock);
  memory[count * kEvery] = 0xc3; /* ret */
  require(mprotect(memory, bytes, PROT_READ | PROT_EXEC) == 0, "mprotect");
  data = allocate(kPage);
  return (code)(uintptr_t)memory;
}

double code_first(long blocks) {
  code run = make_blocks(blocks);
  restart_clock();
  run(data);
  return elapsed() / (double)blocks;
}

/* Few rounds where even that takes long. */
double code_again(long blocks) {
  enum { kMostRounds = 5, kEnoughSeconds = 5 };
  code run = make_blocks(blocks);
  run(data);
  int rounds = 0;
  restart_clock();
  while (rounds < kMostRounds && elapsed() < kEnoughSeconds) {
    run(data);
    rounds++;
  }
  return elapsed() / ((double)blocks * rounds);
}

/* Others, which sleep until their pipe ends. */
static int with_processes(long count) {
  struct rlimit most = {8192, 8192};
  setrlimit(RLIMIT_NOFILE, &most);
  int ends[2];
  char byte;
  require(pipe(ends) == 0, "pipe");
  for (long i = 0; i < count; i++) {
    pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
      close(ends[1]);
      _exit(read(ends[0], &byte, 1) != 0);
    }
  }
  close(ends[0]);
  return ends[1];
}

static void end_processes(int pipe_end) {
  close(pipe_end);
  while (wait(NULL) > 0) continue;
}

double fork_among(long processes) {
  enum { kChildren = 300 };
  int others = with_processes(processes);
  restart_clock();
  for (int i = 0; i < kChildren; i++) {
    pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
  }
  double each = elapsed() / kChildren;
  end_processes(others);
  return each;
}

/* A byte goes round all of them. */
double switch_among(long processes) {
  enum { kSwitches = 20000 };
  struct rlimit most = {8192, 8192};
  setrlimit(RLIMIT_NOFILE, &most);
  long rounds = kSwitches / processes;
  int first[2], from[2], to[2];
  char byte = 0;
  require(pipe(first) == 0, "pipe");
  memcpy(from, first, sizeof from);
  for (long i = 1; i < processes; i++) {
    require(pipe(to) == 0, "pipe");
    pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
      for (long j = 0; j < rounds + 1; j++) {
        require(read(from[0], &byte, 1) == 1 && write(to[1], &byte, 1) == 1, "ring");
      }
      _exit(0);
    }
    memcpy(from, to, sizeof from);
  }
  for (long i = 0; i < rounds + 1; i++) {
    if (i == 1) restart_clock(); /* the first round takes memory that was shared since fork */
    require(write(first[1], &byte, 1) == 1 && read(from[0], &byte, 1) == 1, "ring");
  }
  double each = elapsed() / (double)(rounds * processes);
  while (wait(NULL) > 0) continue;
  return each;
}

double page_touch(long mebibytes) {
  size_t bytes = (size_t)mebibytes << 20;
  unsigned char* memory =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  require(memory != MAP_FAILED, "mmap");
  madvise(memory, bytes, MADV_NOHUGEPAGE);
  restart_clock();
  for (size_t at = 0; at < bytes; at += kPage) memory[at] = 1;
  return elapsed() / (double)(bytes / kPage);
}

double random_read(long mebibytes) {
  enum { kReads = 2000000 };
  size_t words = ((size_t)mebibytes << 20) / sizeof(uint64_t);
  uint64_t* memory = allocate(words * sizeof *memory);
  uint64_t seed = 5, sum = 0;
  restart_clock();
  for (long i = 0; i < kReads; i++) sum += memory[next_random(&seed) % words];
  OPAQUE(sum);
  return elapsed() / kReads;
}
