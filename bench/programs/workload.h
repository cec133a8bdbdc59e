/* What the benchmark programs share: each is a function that works for some tenths of a second on a
 * recent host and returns a checksum, by which the runs on different machines are compared. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Starts the clock again, behind what is not to be timed. */
void restart_clock(void);

/* Seconds since then. */
double elapsed(void);

/* Ends the program with a message if `condition` is false. */
void require(int condition, const char* what);

/* Memory of `bytes` bytes that is already touched. */
void* allocate(size_t bytes);

/* The next of a fixed series of numbers (xorshift); `state` must not be 0. */
uint64_t next_random(uint64_t* state);

/* FNV-1a over bytes. */
uint64_t checksum(const void* data, size_t bytes);

/* An address or value behind which the compiler cannot see. */
#define OPAQUE(value) __asm__ volatile("" : "+r"(value) : : "memory")

uint64_t queens(void);
uint64_t sieve(void);
uint64_t quicksort(void);
uint64_t tree(void);
uint64_t hash(void);
uint64_t crc32(void);
uint64_t lz(void);
uint64_t interpreter(void);
uint64_t fibonacci(void);

uint64_t matrix(void);
uint64_t linpack(void);
uint64_t nbody(void);
uint64_t fft(void);
uint64_t longdouble(void);

uint64_t copy_1k(void);
uint64_t copy_4k(void);
uint64_t copy_64k(void);
uint64_t copy_1m(void);
uint64_t copy_16m(void);
uint64_t copy_64m(void);
uint64_t set_1k(void);
uint64_t set_4k(void);
uint64_t set_64k(void);
uint64_t set_1m(void);
uint64_t set_16m(void);
uint64_t set_64m(void);
uint64_t stream_copy(void);
uint64_t stream_scale(void);
uint64_t stream_add(void);
uint64_t stream_triad(void);

uint64_t null_call(void);
uint64_t read_1(void);
uint64_t read_1k(void);
uint64_t read_64k(void);
uint64_t read_1m(void);
uint64_t write_1(void);
uint64_t write_1k(void);
uint64_t write_1m(void);
uint64_t file_stat(void);
uint64_t file_open(void);
uint64_t pipe_bytes(void);
uint64_t switch_2(void);
uint64_t switch_4(void);
uint64_t switch_8(void);
uint64_t switch_16(void);
uint64_t switch_2_64k(void);
uint64_t switch_4_64k(void);
uint64_t switch_8_64k(void);
uint64_t switch_16_64k(void);
uint64_t switch_2_1m(void);
uint64_t switch_4_1m(void);
uint64_t switch_8_1m(void);
uint64_t switch_16_1m(void);
uint64_t spawn(void);
uint64_t page_faults(void);
uint64_t map_unmap(void);
uint64_t signals(void);

uint64_t net_latency(void);
uint64_t net_send(void);
uint64_t net_receive(void);
/* The server of these: prints its port, and does not come back. */
int serve(void);

/* Seconds for a unit of work at a size. */
double code_first(long blocks);
double code_again(long blocks);
double fork_among(long processes);
double switch_among(long processes);
double page_touch(long mebibytes);
double random_read(long mebibytes);
