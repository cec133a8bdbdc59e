// AVX, AVX2, FMA, F16C, BMI and ADX as compilers use them, and where vector registers meet signals,
// page borders and other processes. Prints a checksum; run on the host and in a guest, both print
// the same.

#define _GNU_SOURCE
#include <immintrin.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checksum.h"

enum { kRounds = 2000, kPage = 4096, kProcesses = 3, kTurns = 300 };

static __m256i random_vector(void) {
  return _mm256_set_epi64x((long long)random_word(), (long long)random_word(),
                           (long long)random_word(), (long long)random_word());
}
static __m256 random_floats(void) {
  return _mm256_div_ps(_mm256_cvtepi32_ps(random_vector()), _mm256_set1_ps(65536));
}

static void add_vector(__m256i value) { add(&value, sizeof value); }
static void add_floats(__m256 value) { add(&value, sizeof value); }

static void integers(void) {
  const __m256i a = random_vector(), b = random_vector();
  const __m128i low = _mm256_castsi256_si128(a);
  add_vector(_mm256_add_epi8(a, b));
  add_vector(_mm256_mullo_epi32(a, b));
  add_vector(_mm256_shuffle_epi8(a, b));
  add_vector(_mm256_alignr_epi8(a, b, 5));
  add_vector(_mm256_mpsadbw_epu8(a, b, 0x2d));
  add_vector(_mm256_permutevar8x32_epi32(a, b));
  add_vector(_mm256_permute4x64_epi64(a, 0x39));
  add_vector(_mm256_sllv_epi32(a, _mm256_and_si256(b, _mm256_set1_epi32(63))));
  add_vector(_mm256_srav_epi32(a, _mm256_and_si256(b, _mm256_set1_epi32(63))));
  add_vector(_mm256_blendv_epi8(a, b, _mm256_slli_epi16(a, 3)));
  add_vector(_mm256_cvtepi8_epi16(low));
  add_vector(_mm256_cvtepu8_epi64(low));
  add_vector(_mm256_broadcastb_epi8(low));
  add_vector(_mm256_inserti128_si256(b, low, 1));
  const int mask =
      _mm256_movemask_epi8(a) + _mm256_testz_si256(a, b) * 2 + _mm256_testc_si256(a, a);
  add(&mask, sizeof mask);
}

static void floats(void) {
  const __m256 a = random_floats(), b = random_floats(), c = random_floats();
  add_floats(_mm256_fmadd_ps(a, b, c));
  add_floats(_mm256_fnmsub_ps(a, b, c));
  add_floats(_mm256_fmaddsub_ps(a, b, c));
  add_floats(_mm256_div_ps(a, b));
  add_floats(_mm256_sqrt_ps(_mm256_mul_ps(a, a)));
  add_floats(_mm256_round_ps(a, _MM_FROUND_FLOOR));
  add_floats(_mm256_cmp_ps(a, b, _CMP_NGT_UQ));
  add_floats(_mm256_hadd_ps(a, b));
  add_floats(_mm256_dp_ps(a, b, 0xf5));
  add_floats(_mm256_permutevar_ps(a, _mm256_castps_si256(b)));
  add_floats(_mm256_permute2f128_ps(a, b, 0x21));
  add_floats(_mm256_cvtph_ps(_mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT)));
  add_vector(_mm256_castpd_si256(_mm256_cvtps_pd(_mm256_castps256_ps128(a))));
  add_vector(_mm256_castsi128_si256(_mm256_cvtpd_epi32(_mm256_set1_pd(a[1] * 3.5))));
}

static void bits(void) {
  const uint64_t a = random_word(), b = random_word();
  unsigned long long high, carry_sum;
  uint64_t results[] = {_pdep_u64(a, b),
                        _pext_u64(a, b),
                        _bzhi_u64(a, b & 127),
                        _andn_u64(a, b),
                        _blsr_u64(a),
                        _blsi_u64(b),
                        _bextr_u64(a, b & 63, 9),
                        _mulx_u64(a, b, &high),
                        _tzcnt_u64(a),
                        0,
                        0};
  results[9] = high;
  results[10] = _addcarryx_u64(a & 1, a, b, &carry_sum) + carry_sum;
  add(results, sizeof results);
}

// The page behind is not there: only elements that are masked out lie in it.
static void memory(uint8_t* end) {
  const __m256i mask = _mm256_set_epi32(0, 0, 0, -1, 0, -1, -1, 0);
  int* edge = (int*)(end - 20);
  _mm256_maskstore_epi32(edge, mask, random_vector());
  add_vector(_mm256_maskload_epi32(edge, mask));
  const __m256i indexes = _mm256_set_epi32(99999, 99999, 99999, -7, 99999, -60, -1, 99999);
  const __m256i before = random_vector();
  add_vector(_mm256_mask_i32gather_epi32(before, (int*)end, indexes, mask, 4));
}

static sigjmp_buf after_signal;
static void on_signal(int number) { siglongjmp(after_signal, number); }

static void expect_signal(void (*cause)(void*), void* argument) {
  const int number = sigsetjmp(after_signal, 1);
  if (number == 0) cause(argument);
  add(&number, sizeof number);
}

static void load_beyond(void* end) {
  add_vector(_mm256_loadu_si256((const __m256i*)((uint8_t*)end - 16)));
}
static void load_misaligned(void* end) {
  __asm__ volatile("vmovaps %0, %%ymm3" ::"m"(*(__m256i*)((uint8_t*)end - 48)) : "xmm3");
}
static void divide_by_zero(void* unused) {
  (void)unused;
  _mm_setcsr(0x1d80);
  __asm__ volatile(
      "vxorps %%ymm1, %%ymm1, %%ymm1; vdivps %%ymm1, %0, %%ymm2" ::"x"(_mm256_set1_ps(3))
      : "xmm1", "xmm2");
}

// Registers survive while other processes use them too.
static void switches(void) {
  for (int i = 0; i < kProcesses; i++) {
    const pid_t child = fork();
    if (child == 0) {
      const __m256i mine = _mm256_set1_epi64x(0x0102030405060708 * (i + 1));
      __m256i kept = mine;
      __asm__ volatile("" : "+x"(kept));
      for (int turn = 0; turn < kTurns; turn++) {
        long result = SYS_sched_yield;  // not through the library, which may use vectors itself
        __asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
        __asm__ volatile("" : "+x"(kept));
      }
      _exit(_mm256_movemask_epi8(_mm256_cmpeq_epi8(kept, mine)) == -1 ? i : 99);
    }
  }
  int total = 0, status;
  while (wait(&status) > 0) total += WEXITSTATUS(status);
  add(&total, sizeof total);
}

int main(void) {
  uint8_t* pages = mmap(0, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  uint8_t* end = pages + kPage;
  munmap(end, kPage);
  signal(SIGSEGV, on_signal);
  signal(SIGFPE, on_signal);
  for (int round = 0; round < kRounds; round++) {
    integers();
    floats();
    bits();
    memory(end);
  }
  printf("vectors %016llx", (unsigned long long)sum);
  for (int i = 0; i < 20; i++) {
    expect_signal(load_beyond, end);
    expect_signal(load_misaligned, end);
    expect_signal(divide_by_zero, 0);
    _mm_setcsr(0x1f80);
    floats();
  }
  printf(" signals %016llx", (unsigned long long)sum);
  fflush(stdout);
  switches();
  printf(" processes %016llx\n", (unsigned long long)sum);
  return 0;
}
