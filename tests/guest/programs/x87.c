// x87 instructions on random operands, with every kind of control word, and where they meet MMX,
// page borders and signals. Prints a checksum of the results of each; run on the host and in a
// guest, both print the same.

#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "checksum.h"

enum {
  kRounds = 3000,
  kFaults = 200,
  kPage = 4096,
  kImage = 108,
  kPointers = 12,
  kPointersEnd = 28,
  kRegister = 10
};

static void random_number(uint8_t* number) {
  static const uint64_t kSignificands[] = {(uint64_t)1 << 63,
                                           ~(uint64_t)0,
                                           (uint64_t)3 << 62,
                                           ((uint64_t)1 << 63) + 1,
                                           0,
                                           (uint64_t)1 << 62,
                                           1};
  static const uint16_t kExponents[] = {0,      1,      0x3fff, 0x4000, 0x3ffe, 0x7ffe,
                                        0x7fff, 0xbfff, 0xc000, 0x8000, 0xffff, 0x401d,
                                        0x403e, 0x3fc0, 0x3f81, 0x3c01, 0x43fe};
  uint64_t significand = random_word() | (uint64_t)1 << 63;
  uint16_t exponent = (uint16_t)((0x3fe1 + random_word() % 60) | (random_word() & 1) << 15);
  if (random_word() % 4 == 0) significand = kSignificands[random_word() % 7];
  if (random_word() % 4 == 0) exponent = kExponents[random_word() % 17];
  memcpy(number, &significand, 8);
  memcpy(number + 8, &exponent, 2);
}

static uint8_t a[16], b[16], image[kImage];
static uint16_t control, status;
static double float64;
static float float32;
static int64_t int64;
static int32_t int32;
static int16_t int16;

static void add_image(void) {
  memset(image + kPointers, 0, kPointersEnd - kPointers);
  add(image, sizeof image);
}

// FXAM sets the condition bits by a's sign and kind.
#define LOAD "fninit; fldcw %1; fldt %2; fldt %3; fxam; "
#define ON_REGISTERS(code)                          \
  do {                                              \
    __asm__ volatile(LOAD code "; fnsave %0"        \
                     : "=m"(image)                  \
                     : "m"(control), "m"(b), "m"(a) \
                     : "memory");                   \
    add_image();                                    \
  } while (0)
#define FROM_MEMORY(code, operand)                                \
  do {                                                            \
    __asm__ volatile(LOAD code " %4; fnsave %0"                   \
                     : "=m"(image)                                \
                     : "m"(control), "m"(b), "m"(a), "m"(operand) \
                     : "memory");                                 \
    add_image();                                                  \
  } while (0)
#define TO_MEMORY(code, operand)            \
  do {                                      \
    memset(&(operand), 0, sizeof(operand)); \
    FROM_MEMORY(code, operand);             \
    add(&(operand), sizeof(operand));       \
  } while (0)
// C1 behind these differs among processors: FABS clears it before.
#define TO_FLAGS(code)                                                 \
  do {                                                                 \
    uint64_t flags;                                                    \
    __asm__ volatile("fninit; fldcw %2; fldt %3; fldt %4; fabs; " code \
                     "; pushfq; pop %1; fnsave %0"                     \
                     : "=m"(image), "=r"(flags)                        \
                     : "m"(control), "m"(b), "m"(a)                    \
                     : "memory", "cc");                                \
    flags &= 0x8d5;                                                    \
    add(&flags, sizeof flags);                                         \
    add_image();                                                       \
  } while (0)

static void arithmetic(void) {
  ON_REGISTERS("faddp");
  ON_REGISTERS("fmulp");
  ON_REGISTERS("fsubp");
  ON_REGISTERS("fsubrp");
  ON_REGISTERS("fdivp");
  ON_REGISTERS("fdivrp");
  ON_REGISTERS("fadd %%st(1),%%st");
  ON_REGISTERS("fmul %%st,%%st(1)");
  ON_REGISTERS("fchs");
  ON_REGISTERS("fabs");
  ON_REGISTERS("fsqrt");
  ON_REGISTERS("frndint");
  ON_REGISTERS("fscale");
  ON_REGISTERS("fprem");
  ON_REGISTERS("fprem1");
  ON_REGISTERS("fxtract");
  ON_REGISTERS("fstp %%st; fstp %%st; fadd %%st(1),%%st");
  FROM_MEMORY("fadds", float32);
  FROM_MEMORY("faddl", float64);
  FROM_MEMORY("fmull", float64);
  FROM_MEMORY("fsubrs", float32);
  FROM_MEMORY("fdivl", float64);
  FROM_MEMORY("fiaddl", int32);
  FROM_MEMORY("fimuls", int16);
}

static void comparisons(void) {
  ON_REGISTERS("fcom");
  ON_REGISTERS("fcompp");
  ON_REGISTERS("fucompp");
  ON_REGISTERS("ftst");
  ON_REGISTERS("fxam");
  FROM_MEMORY("fcoml", float64);
  FROM_MEMORY("ficomps", int16);
  TO_FLAGS("fcomi %%st(1),%%st");
  TO_FLAGS("fucomi %%st(1),%%st");
  TO_FLAGS("fcomip %%st(1),%%st");
  TO_FLAGS("fucomip %%st(1),%%st");
  TO_FLAGS("fcomi %%st(1),%%st; fcmovb %%st(1),%%st");
}

static void moves(void) {
  ON_REGISTERS("fxch");
  ON_REGISTERS("fld %%st(1)");
  ON_REGISTERS("ffree %%st(1)");
  ON_REGISTERS("fincstp");
  ON_REGISTERS("fdecstp");
  ON_REGISTERS("fld1");
  ON_REGISTERS("fldpi");
  ON_REGISTERS("fldl2e");
  ON_REGISTERS("fldz");
  ON_REGISTERS("fst %%st(3)");
  ON_REGISTERS("fstp %%st(1)");
  ON_REGISTERS("fnop");
  ON_REGISTERS("fnclex");
  FROM_MEMORY("fildll", int64);
  FROM_MEMORY("filds", int16);
  FROM_MEMORY("fildl", int32);
  FROM_MEMORY("fldl", float64);
  FROM_MEMORY("flds", float32);
  FROM_MEMORY("fldt", b);
  TO_MEMORY("fstl", float64);
  TO_MEMORY("fstpl", float64);
  TO_MEMORY("fsts", float32);
  TO_MEMORY("fstps", float32);
  TO_MEMORY("fistl", int32);
  TO_MEMORY("fistpl", int32);
  TO_MEMORY("fistps", int16);
  TO_MEMORY("fistpll", int64);
  TO_MEMORY("fnstsw", status);
  TO_MEMORY("fnstcw", status);
}

// Numbers across a page border, and MMX between x87 instructions.
static void neighbours(uint8_t* border) {
  uint8_t(*number)[kRegister] = (void*)(border - random_word() % 12);
  uint64_t words;
  memcpy(number, a, kRegister);
  __asm__ volatile("fninit; fldt %0; fldt %1; faddp; fstpt %0" : "+m"(*number) : "m"(b));
  add(number, kRegister);
  __asm__ volatile(
      "fldt %1; movq %2,%%mm0; paddw %%mm0,%%mm0; movq %%mm0,%0; emms; fninit; fldt %1; fld1; "
      "faddp; fstpt %1"
      : "=m"(words), "+m"(a)
      : "m"(int64));
  add(&words, sizeof words);
  add(a, kRegister);
}

static sigjmp_buf after_fault;
static int faults;

static void on_fault(int signal, siginfo_t* information, void* context) {
  const uint16_t word = ((ucontext_t*)context)->uc_mcontext.fpregs->swd;
  (void)signal;
  (void)information;
  add(&word, sizeof word);
  faults++;
  siglongjmp(after_fault, 1);
}

// Exceptions that are not masked come as signals before the next instruction that waits.
static void unmasked(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
  sigaction(SIGFPE, &action, NULL);
  for (int i = 0; i < kFaults; i++) {
    control = (uint16_t)(0x37f & ~(1 << i % 6));
    random_number(a);
    random_number(b);
    if (i % 6 == 2) memset(a, 0, kRegister);
    if (sigsetjmp(after_fault, 1) == 0) {
      __asm__ volatile(
          "fninit; fldcw %1; fldt %2; fldt %3; fdivp; fwait; fld1; fstp %%st; fnstsw %0"
          : "=m"(status)
          : "m"(control), "m"(b), "m"(a)
          : "memory");
      add(&status, sizeof status);
    }
    __asm__ volatile("fninit");
  }
}

int main(void) {
  uint8_t* pages =
      mmap(NULL, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int round = 0; round < kRounds; round++) {
    const uint64_t word = random_word();
    const uint64_t rounding = random_word() & 3, precision = random_word() % 3;
    random_number(a);
    random_number(b);
    control = (uint16_t)(0x7f | rounding << 10 | (precision == 1 ? 3 : precision) << 8);
    float64 = (double)(int64_t)random_word() * 1e-10;
    if (round % 3 == 0) memcpy(&float64, &word, sizeof float64);
    memcpy(&float32, &word, sizeof float32);
    int64 = (int64_t)random_word();
    int32 = (int32_t)word;
    int16 = (int16_t)word;
    arithmetic();
    comparisons();
    moves();
    if (round % 8 == 0) neighbours(pages + kPage);
  }
  unmasked();
  printf("x87: %016llx, %d faults\n", (unsigned long long)sum, faults);
  return 0;
}
