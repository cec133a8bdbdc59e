// Runs code on the host: loads all registers, jumps to it, and stores them when it is done. A fault
// comes as a signal, which is handled on its own stack, since RSP is the code's.

#include "tests/conformance/host_cpu/host_run.h"

#include <asm/ldt.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "target/i386/cpu/state.h"

using vireo::host_cpu::ProcessorState;

extern "C" {
ProcessorState vireo_host_state;
uint64_t vireo_host_stack;
uint64_t vireo_host_code;
uint32_t vireo_host_data_segment;
uint32_t vireo_host_mxcsr;
bool vireo_host_avx = __builtin_cpu_supports("avx");
void vireo_host_enter();
void vireo_host_signal(int, siginfo_t*, void*);
void vireo_host_on_fault(int, siginfo_t*, void* raw);
extern const char vireo_host_exit[], vireo_host_interrupted[];
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
  mov vireo_host_data_segment(%rip), %eax
  mov %eax, %ds
  mov %eax, %es
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
  pushq $2
  popfq
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
  jmp 3f
.globl vireo_host_interrupted
vireo_host_interrupted:
  fninit
  cmpb $0, vireo_host_avx(%rip)
  je 3f
  vzeroupper
3:
  ldmxcsr vireo_host_mxcsr(%rip)
  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx
  ret
.globl vireo_host_signal
vireo_host_signal:  # Handlers begin with the interrupted code's EFLAGS.AC, which C++ cannot bear.
  pushq $2
  popfq
  jmp vireo_host_on_fault
)");
// clang-format on

namespace vireo::host_cpu {
namespace {

bool interrupted;
Ending fault;

/// FXSAVE's format (SDM volume 1, table 10-2) as FNSAVE's.
void convert_x87(const uint8_t* fxsave, uint8_t* image) {
  std::memset(image, 0, 28);
  std::memcpy(image, fxsave, 2);
  std::memcpy(image + 4, fxsave + 2, 2);
  uint16_t tags = 0;
  for (unsigned i = 0; i < 8; ++i) {
    if (!(fxsave[4] >> i & 1)) tags |= static_cast<uint16_t>(3u << (i * 2));
    std::memcpy(image + 28 + i * 10, fxsave + 32 + i * 16, 10);
  }
  std::memcpy(image + 8, &tags, 2);
}

/// What the kernel has saved of the interrupted code's registers.
void read_registers(const ucontext_t& context, ProcessorState& state) {
  constexpr int kOrder[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                            REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  for (unsigned i = 0; i < 16; ++i) {
    state.general[i] = static_cast<uint64_t>(context.uc_mcontext.gregs[kOrder[i]]);
  }
  state.flags = static_cast<uint64_t>(context.uc_mcontext.gregs[REG_EFL]);
  const auto* area = reinterpret_cast<const uint8_t*>(context.uc_mcontext.fpregs);
  convert_x87(area, state.x87);
  uint32_t mxcsr;
  std::memcpy(&mxcsr, area + 24, 4);
  state.mxcsr = mxcsr;
  uint64_t present;
  std::memcpy(&present, area + 512, 8);
  constexpr uint64_t kSse = 2, kAvx = 4;
  for (unsigned i = 0; i < 16; ++i) {
    std::memset(state.vector[i], 0, 32);
    if (present & kSse || !vireo_host_avx) std::memcpy(state.vector[i], area + 160 + 16 * i, 16);
    if (vireo_host_avx && present & kAvx)
      std::memcpy(state.vector[i] + 16, area + 576 + 16 * i, 16);
  }
}

/// Going to where nothing is, or to an INT3 of the filling, is arriving there.
void turn_arrivals(const Batch& batch, Ending& ending) {
  const uint64_t start = arena().code_address(Arena::kStart);
  const bool moved = ending.ip != start;
  if (ending.vector == i386::kPf && moved && ending.fault_address == ending.ip) {
    ending = {.ip = ending.ip};
  } else if (batch.traps && ending.vector == i386::kBp && moved) {
    ending = {.ip = ending.ip - 1};
  }
}

uint8_t* map_low(size_t size, int protection) {
  void* memory = mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("no memory below 4 GiB for the instructions under test");
    std::abort();
  }
  return static_cast<uint8_t*>(memory);
}

// Where behind the code page what is needed around the code stands.
constexpr unsigned kExitAt = Arena::kCodeSize, kEnter32At = kExitAt + 0x100;
// JMP and far JMP by [RIP + 2], where the address is aligned: EFLAGS.AC may be set.
constexpr uint64_t kJump = 0x225ff, kFarJump = 0x22dff;

template <class T>
uint8_t* put(uint8_t* at, T value) {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

/// Puts a jump to where the registers are stored behind the code; returns where to begin.
uint64_t surround(const Batch& batch) {
  const Arena& memory = arena();
  uint8_t* const code = memory.code;
  const uint64_t end = Arena::kStart + batch.code_length;
  put(put(code + kExitAt, kJump), reinterpret_cast<uint64_t>(vireo_host_exit));
  uint8_t* const behind = code + end;
  if (batch.bits == 64) {
    if (!batch.traps) put<uint32_t>(put<uint8_t>(behind, 0xe9), uint32_t(kExitAt - end - 5));
    return memory.code_address(Arena::kStart);
  }
  if (!batch.traps)  // JMP far.
    put(put(put<uint8_t>(behind, 0xea), uint32_t(memory.code_address(kExitAt))), kCode64);
  put(put(put(code + kEnter32At, kFarJump), uint32_t(memory.code_address(Arena::kStart))), kCode32);
  return memory.code_address(kEnter32At);
}

void run_case(const Batch& batch, const Case& from, CaseResult& to) {
  uint8_t* const patch = arena().data + from.patch_at;
  std::memcpy(patch, from.patch, from.patch_size);
  vireo_host_state = from.state;
  interrupted = false;
  vireo_host_enter();
  to.ending = {.ip = arena().code_address(Arena::kStart + batch.code_length)};
  if (interrupted) {
    turn_arrivals(batch, fault);
    to.ending = fault;
  }
  to.state = vireo_host_state;
  std::memcpy(to.window, patch, from.patch_size);
}

}  // namespace

const Arena& arena() {
  static const Arena kArena = [] {
    constexpr uint64_t kMapped = Arena::kDataSize + Arena::kReadOnlySize;
    // A page on either side that does not exist.
    uint8_t* data = map_low(kMapped + 2 * Arena::kPage, PROT_NONE) + Arena::kPage;
    mprotect(data, kMapped, PROT_READ | PROT_WRITE);
    for (uint64_t i = 0; i < kMapped; ++i) data[i] = static_cast<uint8_t>(i * 0x9d >> 3);
    mprotect(data + Arena::kDataSize, Arena::kReadOnlySize, PROT_READ);
    return Arena{data,
                 map_low(Arena::kCodeSize + Arena::kPage, PROT_READ | PROT_WRITE | PROT_EXEC)};
  }();
  return kArena;
}

void catch_faults() {
  static uint8_t stack[64 << 10];
  const stack_t alternative{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
  sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_sigaction = vireo_host_signal;
  action.sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO;
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP}) {
    sigaction(signal, &action, nullptr);
  }
}

void run_natively(const Batch& batch, BatchResult& result) {
  std::memcpy(arena().data, batch.memory, sizeof batch.memory);
  std::memcpy(arena().code, batch.code, sizeof batch.code);
  vireo_host_code = surround(batch);
  vireo_host_data_segment = batch.small_data ? kSmallData : kData;
  for (unsigned i = 0; i < batch.count; ++i) {
    run_case(batch, batch.cases[i], result.results[i]);
    result.done = i + 1;
  }
  std::memcpy(result.code, arena().code, sizeof result.code);
  std::memcpy(result.memory, arena().data, sizeof result.memory);
}

bool host_has_small_data() {
  static const bool kHas = [] {
    user_desc segment{};
    segment.base_addr = static_cast<unsigned>(arena().small_data_base());
    segment.limit = kSmallSize - 1;
    segment.seg_32bit = segment.useable = 1;
    constexpr int kWrite = 1;
    return syscall(SYS_modify_ldt, kWrite, &segment, sizeof segment) == 0;
  }();
  return kHas;
}

bool host_has_avx() { return vireo_host_avx; }

}  // namespace vireo::host_cpu

// Goes back to where vireo_host_enter() was called, as the end of the code does. (Sanitizers do not
// take a longjmp() out of a signal's stack.)
void vireo_host_on_fault(int, siginfo_t*, void* raw) {
  using namespace vireo;
  using namespace host_cpu;
  auto& context = *static_cast<ucontext_t*>(raw);
  auto& registers = context.uc_mcontext.gregs;
  read_registers(context, vireo_host_state);
  fault.ip = static_cast<uint64_t>(registers[REG_RIP]);
  fault.vector = static_cast<uint8_t>(registers[REG_TRAPNO]);
  fault.error = static_cast<uint32_t>(registers[REG_ERR]);
  fault.fault_address = fault.vector == i386::kPf ? static_cast<uint64_t>(registers[REG_CR2]) : 0;
  interrupted = true;
  constexpr greg_t kSelectors = 0xffff;
  registers[REG_RIP] = reinterpret_cast<greg_t>(vireo_host_interrupted);
  registers[REG_RSP] = static_cast<greg_t>(vireo_host_stack);
  registers[REG_EFL] = 2;
  registers[REG_CSGSFS] = (registers[REG_CSGSFS] & ~kSelectors) | kCode64;
}
