/* The benchmark programs in one binary.
 *   suite <name>                     runs one of our own workloads
 *   suite time <name> <program...>   times another program; its output, kept in /tmp, gives the
 * checksum. Either prints `BENCH <name> <seconds> <checksum>`.
 *   suite again <name> <program...>  the same behind a run that is not timed
 *   suite growth <row> <name> <size> gives nanoseconds for a unit of work
 *   suite serve                      serves those that use the network */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

static const struct {
  const char* name;
  uint64_t (*run)(void);
} kWorkloads[] = {
    {"queens", queens},
    {"sieve", sieve},
    {"quicksort", quicksort},
    {"tree", tree},
    {"hash", hash},
    {"crc32", crc32},
    {"lz", lz},
    {"interpreter", interpreter},
    {"fibonacci", fibonacci},
    {"matrix", matrix},
    {"linpack", linpack},
    {"nbody", nbody},
    {"fft", fft},
    {"longdouble", longdouble},
    {"copy-1k", copy_1k},
    {"copy-4k", copy_4k},
    {"copy-64k", copy_64k},
    {"copy-1m", copy_1m},
    {"copy-16m", copy_16m},
    {"copy-64m", copy_64m},
    {"set-1k", set_1k},
    {"set-4k", set_4k},
    {"set-64k", set_64k},
    {"set-1m", set_1m},
    {"set-16m", set_16m},
    {"set-64m", set_64m},
    {"stream-copy", stream_copy},
    {"stream-scale", stream_scale},
    {"stream-add", stream_add},
    {"stream-triad", stream_triad},
    {"syscall", null_call},
    {"read-1", read_1},
    {"read-1k", read_1k},
    {"read-64k", read_64k},
    {"read-1m", read_1m},
    {"write-1", write_1},
    {"write-1k", write_1k},
    {"write-1m", write_1m},
    {"stat", file_stat},
    {"open", file_open},
    {"pipe", pipe_bytes},
    {"switch-2", switch_2},
    {"switch-4", switch_4},
    {"switch-8", switch_8},
    {"switch-16", switch_16},
    {"switch-2-64k", switch_2_64k},
    {"switch-4-64k", switch_4_64k},
    {"switch-8-64k", switch_8_64k},
    {"switch-16-64k", switch_16_64k},
    {"switch-2-1m", switch_2_1m},
    {"switch-4-1m", switch_4_1m},
    {"switch-8-1m", switch_8_1m},
    {"switch-16-1m", switch_16_1m},
    {"spawn", spawn},
    {"pagefault", page_faults},
    {"mmap", map_unmap},
    {"signal", signals},
    {"net-latency", net_latency},
    {"net-send", net_send},
    {"net-receive", net_receive},
};

static const struct {
  const char* name;
  double (*run)(long size);
} kGrowth[] = {
    {"code-first", code_first}, {"code-again", code_again}, {"fork", fork_among},
    {"switch", switch_among},   {"page-touch", page_touch}, {"random-read", random_read},
};

static struct timespec begin;

void restart_clock(void) { clock_gettime(CLOCK_MONOTONIC, &begin); }

static void report(const char* name, double seconds, uint64_t sum) {
  printf("BENCH %s %.6f %016llx\n", name, seconds, (unsigned long long)sum);
}

double elapsed(void) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) * 1e-9;
}

void require(int condition, const char* what) {
  if (!condition) {
    perror(what);
    exit(1);
  }
}

void* allocate(size_t bytes) {
  void* memory = malloc(bytes);
  require(memory != NULL, "malloc");
  return memset(memory, 1, bytes);
}

uint64_t next_random(uint64_t* state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

uint64_t checksum(const void* data, size_t bytes) {
  const unsigned char* from = data;
  uint64_t sum = 0xcbf29ce484222325;
  for (size_t i = 0; i < bytes; i++) sum = (sum ^ from[i]) * 0x100000001b3;
  return sum;
}

static uint64_t checksum_of_file(int file) {
  struct stat status;
  require(fstat(file, &status) == 0, "fstat");
  if (status.st_size == 0) return 0;
  void* data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  require(data != MAP_FAILED, "mmap");
  return checksum(data, (size_t)status.st_size);
}

/* For profiles, with BENCH_MAPS set: where a process has code. */
static void print_maps(pid_t process) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%d/maps", (int)process);
  FILE* maps = getenv("BENCH_MAPS") != NULL ? fopen(path, "r") : NULL;
  if (maps == NULL) return;
  while (fgets(line, sizeof line, maps) != NULL) {
    if (strstr(line, " r-xp ") != NULL) printf("MAP %s", line);
  }
  fclose(maps);
  fflush(stdout);
}

static int open_output(void) {
  int output = open("/tmp/output", O_RDWR | O_CREAT | O_TRUNC, 0600);
  require(output >= 0, "/tmp/output");
  return output;
}

static pid_t start_program(char** command, int output) {
  pid_t child = fork();
  require(child >= 0, "fork");
  if (child == 0) {
    dup2(output, STDOUT_FILENO);
    execv(command[0], command);
    perror(command[0]);
    _exit(127);
  }
  return child;
}

static int end_of(pid_t child) {
  int status;
  require(waitpid(child, &status, 0) == child, "waitpid");
  return status;
}

static int time_program(const char* name, char** command) {
  int output = open_output();
  restart_clock();
  pid_t child = start_program(command, output);
  if (getenv("BENCH_MAPS") != NULL) usleep(50000); /* until the program has its libraries */
  print_maps(child);
  int status = end_of(child);
  double seconds = elapsed();
  if (status != 0) return 1;
  report(name, seconds, checksum_of_file(output));
  return 0;
}

static int time_again(const char* name, char** command) {
  return end_of(start_program(command, open_output())) == 0 ? time_program(name, command) : 1;
}

static int run_workload(const char* name) {
  for (size_t i = 0; i < sizeof kWorkloads / sizeof kWorkloads[0]; i++) {
    if (strcmp(kWorkloads[i].name, name) == 0) {
      print_maps(getpid());
      restart_clock();
      uint64_t sum = kWorkloads[i].run();
      report(name, elapsed(), sum);
      return 0;
    }
  }
  fprintf(stderr, "suite: no workload '%s'\n", name);
  return 1;
}

/* Units are short: the line says nanoseconds. */
static int run_growth(const char* row, const char* name, long size) {
  for (size_t i = 0; i < sizeof kGrowth / sizeof kGrowth[0]; i++) {
    if (strcmp(kGrowth[i].name, name) == 0) {
      report(row, kGrowth[i].run(size) * 1e9, 0);
      return 0;
    }
  }
  fprintf(stderr, "suite: nothing grows by '%s'\n", name);
  return 1;
}

int main(int count, char** arguments) {
  if (count >= 4 && strcmp(arguments[1], "time") == 0)
    return time_program(arguments[2], arguments + 3);
  if (count >= 4 && strcmp(arguments[1], "again") == 0)
    return time_again(arguments[2], arguments + 3);
  if (count == 2 && strcmp(arguments[1], "serve") == 0) return serve();
  if (count == 2) return run_workload(arguments[1]);
  if (count == 5 && strcmp(arguments[1], "growth") == 0)
    return run_growth(arguments[2], arguments[3], atol(arguments[4]));
  fprintf(stderr,
          "usage: suite <name> | suite time|again <name> <program> [arguments] | suite growth "
          "<row> <name> <size> | suite serve\n");
  return 2;
}
