// Runs one instruction on the host: loads all registers, jumps to it, and stores them when it is
// done. A fault comes as a signal, which is handled on its own stack, since RSP is the
// instruction's.

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include "tests/conformance/host_cpu/processor_state.h"

using vireo::host_cpu::ProcessorState;

extern "C" {
ProcessorState vireo_host_state;
uint64_t vireo_host_stack;
uint64_t vireo_host_code;
uint32_t vireo_host_mxcsr;
bool vireo_host_avx = __builtin_cpu_supports("avx");
void vireo_host_enter();
extern const char vireo_host_exit[];
}

static_assert(offsetof(ProcessorState, flags) == 128 && offsetof(ProcessorState, mxcsr) == 136 &&
              offsetof(ProcessorState, x87) == 144 && offsetof(ProcessorState, vector) == 256);

// clang-format off
asm(R"(
.text
.globl vireo_host_enter
vireo_host_enter:
  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15
  mov %rsp, vireo_host_stack(%rip)
  stmxcsr vireo_host_mxcsr(%rip)
  lea vireo_host_state(%rip), %rax
  ldmxcsr 136(%rax)
  frstor 144(%rax)
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  movups 256+32*\n(%rax), %xmm\n
  .endr
  cmpb $0, vireo_host_avx(%rip)
  je 1f
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  vmovups 256+32*\n(%rax), %ymm\n
  .endr
1:
  pushq 128(%rax)
  popfq
  mov 8(%rax), %rcx;   mov 16(%rax), %rdx;  mov 24(%rax), %rbx;  mov 32(%rax), %rsp
  mov 40(%rax), %rbp;  mov 48(%rax), %rsi;  mov 56(%rax), %rdi;  mov 64(%rax), %r8
  mov 72(%rax), %r9;   mov 80(%rax), %r10;  mov 88(%rax), %r11;  mov 96(%rax), %r12
  mov 104(%rax), %r13; mov 112(%rax), %r14; mov 120(%rax), %r15
  mov (%rax), %rax
  jmp *vireo_host_code(%rip)
.globl vireo_host_exit
vireo_host_exit:
  mov %rax, vireo_host_state(%rip)
  lea vireo_host_state(%rip), %rax
  mov %rcx, 8(%rax);   mov %rdx, 16(%rax);  mov %rbx, 24(%rax);  mov %rsp, 32(%rax)
  mov %rbp, 40(%rax);  mov %rsi, 48(%rax);  mov %rdi, 56(%rax);  mov %r8, 64(%rax)
  mov %r9, 72(%rax);   mov %r10, 80(%rax);  mov %r11, 88(%rax);  mov %r12, 96(%rax)
  mov %r13, 104(%rax); mov %r14, 112(%rax); mov %r15, 120(%rax)
  mov vireo_host_stack(%rip), %rsp
  pushfq
  popq 128(%rax)
  stmxcsr 136(%rax)
  fnsave 144(%rax)
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  movups %xmm\n, 256+32*\n(%rax)
  .endr
  cmpb $0, vireo_host_avx(%rip)
  je 2f
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
  vmovups %ymm\n, 256+32*\n(%rax)
  .endr
  vzeroupper
2:
  ldmxcsr vireo_host_mxcsr(%rip)
  pushq $2
  popfq
  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx
  ret
)");
// clang-format on

namespace vireo::host_cpu {
namespace {

sigjmp_buf after_fault;

void on_fault(int signal) { siglongjmp(after_fault, signal); }

/// Takes faults while it lives; the code generator's own handlers are back afterwards.
class FaultCatcher {
 public:
  FaultCatcher() {
    static uint8_t stack[64 << 10];
    const stack_t alternative{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
    sigaltstack(&alternative, &stack_before_);
    struct sigaction action {};
    action.sa_handler = on_fault;
    action.sa_flags = SA_ONSTACK | SA_NODEFER;
    for (unsigned i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &action, &before_[i]);
  }
  ~FaultCatcher() {
    for (unsigned i = 0; i < std::size(kSignals); ++i) {
      sigaction(kSignals[i], &before_[i], nullptr);
    }
    sigaltstack(&stack_before_, nullptr);
  }

 private:
  static constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
  struct sigaction before_[std::size(kSignals)];
  stack_t stack_before_;
};

uint8_t* map_low(size_t size, int protection) {
  void* memory = mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("no memory below 4 GiB for the instructions under test");
    std::abort();
  }
  return static_cast<uint8_t*>(memory);
}

// Where in the code page what is needed around the instruction stands.
constexpr unsigned kExitAt = 0x800, kEnter32At = 0x900;

template <class T>
uint8_t* put(uint8_t* at, T value) {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

uint32_t low_address(const uint8_t* code) {
  return static_cast<uint32_t>(reinterpret_cast<uint64_t>(code));
}

/// Puts a jump to where the registers are stored behind the instruction; returns where to begin.
uint64_t surround(unsigned bits, unsigned length) {
  uint8_t* const code = arena().code;
  // JMP [RIP + 0].
  put(put<uint32_t>(put<uint16_t>(code + kExitAt, 0x25ff), 0),
      reinterpret_cast<uint64_t>(vireo_host_exit));
  uint8_t* const behind = code + length;
  if (bits == 64) {
    put<uint32_t>(put<uint8_t>(behind, 0xe9), kExitAt - length - 5);  // JMP.
    return reinterpret_cast<uint64_t>(code);
  }
  put(put(put<uint8_t>(behind, 0xea), low_address(code + kExitAt)), kCode64);  // JMP far.
  // JMP far [RIP + 0].
  put(put(put<uint32_t>(put<uint16_t>(code + kEnter32At, 0x2dff), 0), low_address(code)), kCode32);
  return reinterpret_cast<uint64_t>(code + kEnter32At);
}

}  // namespace

const Arena& arena() {
  static const Arena kArena{map_low(Arena::kDataSize, PROT_READ | PROT_WRITE),
                            map_low(4096, PROT_READ | PROT_WRITE | PROT_EXEC)};
  return kArena;
}

Outcome run_on_host(unsigned bits, unsigned length, ProcessorState& state) {
  const FaultCatcher catcher;
  // 64-bit mode does not care; a 32-bit segment needs data segments beside it.
  asm volatile("mov %0, %%ds; mov %0, %%es" ::"r"(uint32_t{kData}));
  vireo_host_state = state;
  vireo_host_code = surround(bits, length);
  const int signal = sigsetjmp(after_fault, 1);
  if (signal != 0) {
    asm volatile("emms; ldmxcsr %0; cld" ::"m"(vireo_host_mxcsr));
    return signal == SIGFPE ? Outcome::kDivideError : Outcome::kOther;
  }
  vireo_host_enter();
  state = vireo_host_state;
  return Outcome::kDone;
}

bool host_has_avx() { return vireo_host_avx; }

bool host_has_32bit_segment() {
  const uint8_t dec_eax_or_prefix[] = {0x48, 0x90};  // In 64-bit mode a NOP.
  std::memcpy(arena().code, dec_eax_or_prefix, sizeof dec_eax_or_prefix);
  ProcessorState state{};
  state.general[0] = 5;
  state.mxcsr = 0x1f80;
  return run_on_host(32, sizeof dec_eax_or_prefix, state) == Outcome::kDone &&
         static_cast<uint32_t>(state.general[0]) == 4;
}

}  // namespace vireo::host_cpu
