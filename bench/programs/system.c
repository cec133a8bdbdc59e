/* What the kernel does for programs: calls, files, pipes, switches, processes, pages, signals. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

enum { kPage = 4096 };

uint64_t null_call(void) {
  enum { kCalls = 1000000 };
  uint64_t sum = 0;
  for (long i = 0; i < kCalls; i++) sum += syscall(SYS_getppid) > 0;
  return sum;
}

static uint64_t read_zeros(size_t bytes, long rounds) {
  char* buffer = allocate(bytes);
  int zeros = open("/dev/zero", O_RDONLY);
  require(zeros >= 0, "/dev/zero");
  uint64_t sum = 0;
  for (long i = 0; i < rounds; i++) sum += (uint64_t)read(zeros, buffer, bytes);
  return sum;
}

uint64_t read_1(void) { return read_zeros(1, 600000); }
uint64_t read_1k(void) { return read_zeros(1024, 500000); }
uint64_t read_64k(void) { return read_zeros(65536, 100000); }
uint64_t read_1m(void) { return read_zeros(1 << 20, 6000); }

/* Over and over the beginning of a file in memory. */
static uint64_t write_file(size_t bytes, long rounds) {
  char* buffer = allocate(bytes);
  int file = open("/tmp/written", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  require(file >= 0, "/tmp/written");
  uint64_t sum = 0;
  for (long i = 0; i < rounds; i++) sum += (uint64_t)pwrite(file, buffer, bytes, 0);
  unlink("/tmp/written");
  return sum;
}

uint64_t write_1(void) { return write_file(1, 250000); }
uint64_t write_1k(void) { return write_file(1024, 200000); }
uint64_t write_1m(void) { return write_file(1 << 20, 4000); }

uint64_t file_stat(void) {
  struct stat status;
  uint64_t sum = 0;
  for (long i = 0; i < 150000; i++) sum += stat("/usr/bin/suite", &status) == 0;
  return sum;
}

uint64_t file_open(void) {
  uint64_t sum = 0;
  for (long i = 0; i < 80000; i++) {
    int file = open("/usr/bin/suite", O_RDONLY);
    sum += file >= 0;
    close(file);
  }
  return sum;
}

static pid_t fork_or_stop(void) {
  pid_t child = fork();
  require(child >= 0, "fork");
  return child;
}

static void open_pipe(int* ends) { require(pipe(ends) == 0, "pipe"); }

uint64_t pipe_bytes(void) {
  enum { kBlock = 16384, kBlocks = 30000 };
  char* buffer = allocate(kBlock);
  int ends[2];
  open_pipe(ends);
  pid_t child = fork_or_stop();
  if (child == 0) {
    for (long i = 0; i < kBlocks; i++) require(write(ends[1], buffer, kBlock) == kBlock, "write");
    _exit(0);
  }
  close(ends[1]);
  uint64_t sum = 0;
  for (ssize_t got; (got = read(ends[0], buffer, kBlock)) > 0;) sum += (uint64_t)got;
  waitpid(child, NULL, 0);
  return sum;
}

/* A byte goes round a ring of processes, so that each step is a switch; process i reads from pipe
 * i. Whoever has it changes a word in each line of the processor's cache in its footprint. */
static void pass_on(int* from, int* to, long rounds, size_t footprint) {
  enum { kLine = 64 };
  char token = 1, *own = footprint > 0 ? allocate(footprint) : NULL;
  for (long i = 0; i < rounds; i++) {
    require(read(from[0], &token, 1) == 1, "ring");
    for (size_t at = 0; at < footprint; at += kLine) ++*(volatile long*)(own + at);
    require(write(to[1], &token, 1) == 1, "ring");
  }
}

static uint64_t ring(int processes, long rounds, size_t footprint) {
  enum { kMost = 16 };
  int pipes[kMost][2];
  for (int i = 0; i < processes; i++) open_pipe(pipes[i]);
  for (int i = 1; i < processes; i++) {
    if (fork_or_stop() != 0) continue;
    pass_on(pipes[i], pipes[(i + 1) % processes], rounds, footprint);
    _exit(0);
  }
  require(write(pipes[1][1], "", 1) == 1, "ring");
  pass_on(pipes[0], pipes[1], rounds, footprint);
  while (wait(NULL) > 0) continue;
  return (uint64_t)rounds;
}

uint64_t switch_2(void) { return ring(2, 30000, 0); }
uint64_t switch_4(void) { return ring(4, 12000, 0); }
uint64_t switch_8(void) { return ring(8, 5000, 0); }
uint64_t switch_16(void) { return ring(16, 2500, 0); }
uint64_t switch_2_64k(void) { return ring(2, 15000, 64 << 10); }
uint64_t switch_4_64k(void) { return ring(4, 7000, 64 << 10); }
uint64_t switch_8_64k(void) { return ring(8, 3000, 64 << 10); }
uint64_t switch_16_64k(void) { return ring(16, 1500, 64 << 10); }
uint64_t switch_2_1m(void) { return ring(2, 3600, 1 << 20); }
uint64_t switch_4_1m(void) { return ring(4, 1600, 1 << 20); }
uint64_t switch_8_1m(void) { return ring(8, 600, 1 << 20); }
uint64_t switch_16_1m(void) { return ring(16, 200, 1 << 20); }

uint64_t spawn(void) {
  enum { kChildren = 250 };
  uint64_t ended = 0;
  for (int i = 0; i < kChildren; i++) {
    pid_t child = fork_or_stop();
    if (child == 0) {
      execl("/bin/true", "true", (char*)NULL);
      _exit(127);
    }
    int status = 1;
    waitpid(child, &status, 0);
    ended += status == 0;
  }
  return ended;
}

uint64_t page_faults(void) {
  enum { kPages = 8192, kRounds = 6 };
  uint64_t sum = 0;
  for (int round = 0; round < kRounds; round++) {
    unsigned char* memory =
        mmap(NULL, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(memory != MAP_FAILED, "mmap");
    madvise(memory, kPages * kPage, MADV_NOHUGEPAGE);
    for (long i = 0; i < kPages; i++) sum += ++memory[i * kPage];
    munmap(memory, kPages * kPage);
  }
  return sum;
}

uint64_t map_unmap(void) {
  uint64_t sum = 0;
  for (long i = 0; i < 30000; i++) {
    unsigned char* memory =
        mmap(NULL, 16 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(memory != MAP_FAILED, "mmap");
    memory[kPage] = 1;
    sum += memory[kPage];
    munmap(memory, 16 * kPage);
  }
  return sum;
}

static volatile sig_atomic_t delivered;
static void on_signal(int number) { delivered += number == SIGUSR1; }

uint64_t signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  pid_t self = getpid();
  for (long i = 0; i < 80000; i++) kill(self, SIGUSR1);
  return (uint64_t)delivered;
}
