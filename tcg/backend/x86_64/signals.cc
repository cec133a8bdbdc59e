// Host signals that translated code raises on purpose.

#include "tcg/backend/x86_64/signals.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <atomic>
#include <cstring>
#include <mutex>

#include "tcg/backend/x86_64/jit_backend.h"
#include "tcg/backend/x86_64/layout.h"
#include "tcg/runtime/return_stacks.h"
#include "util/host/memory.h"

namespace vireo::tcg::x86_64 {
namespace {

constexpr unsigned kMostBackends = 8;
std::atomic<JitBackend*> backends[kMostBackends];
struct sigaction previous_segv, previous_fpe;

// volatile: set around code that the compiler does not see.
thread_local const JitBackend* volatile current_backend;
thread_local Frame* volatile current_frame;

constexpr int kGregOf[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                             REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                             REG_R12, REG_R13, REG_R14, REG_R15};

greg_t& greg(ucontext_t* context, Reg reg) { return context->uc_mcontext.gregs[kGregOf[reg]]; }
greg_t& rip(ucontext_t* context) { return context->uc_mcontext.gregs[REG_RIP]; }

void continue_at(ucontext_t* context, const uint8_t* code) {
  rip(context) = reinterpret_cast<greg_t>(code);
}

JitBackend* backend_of(const void* code) {
  for (auto& entry : backends) {
    JitBackend* backend = entry.load(std::memory_order_acquire);
    if (backend && backend->contains(code)) return backend;
  }
  return nullptr;
}

bool handle_poll(const JitBackend& backend, Frame* frame, ucontext_t* context) {
  const auto* code = reinterpret_cast<const uint8_t*>(rip(context));
  const BlockData* data = backend.find(code);
  if (data == nullptr) return false;
  const auto offset = static_cast<uint32_t>(code - backend.code(data->code));
  for (const ExitSite& site : data->exits()) {
    if (site.poll_offset == 0 || site.poll_offset != offset) continue;
    frame->guest_ip = guest_ip_of(*data->page, *frame, data->target_of(site));
    frame->host_return = nullptr;
    frame->left_from = data->left_mark();
    backend.note_use(code);
    const bool memory = site.flags & kFlagsInMemory;
    continue_at(context, memory ? backend.thunks().poll_memory : backend.thunks().poll_host);
    return true;
  }
  return false;
}

bool handle_full_return_stack(const Frame& frame, const void* address, ucontext_t* context) {
  greg_t& top = greg(context, kRsp);
  void* const shorter = shorten_return_stack(frame, address, reinterpret_cast<void*>(top));
  if (shorter != nullptr) top = reinterpret_cast<greg_t>(shorter);
  return shorter != nullptr;
}

// An empty entry of the jump cache stands for guest IP 0 with no code.
bool handle_empty_target(ucontext_t* context) {
  Frame* frame = current_frame;
  const auto frame_register = static_cast<uint64_t>(greg(context, kFrameReg));
  if (rip(context) != 0 || frame == nullptr || greg(context, kAddressReg) != 0 ||
      frame_register != reinterpret_cast<uint64_t>(frame) + kFrameBias) {
    return false;
  }
  continue_at(context, current_backend->thunks().lookup_again);
  return true;
}

// The upper half of a vector register: the AVX state of the XSAVE area that a signal's context is,
// in its standard format (SDM volume 1, 13.4). State in its initial configuration is not there.
void restore_upper_half(unsigned reg, const char* saved, ucontext_t* context) {
  constexpr size_t kPresent = 512, kUpperHalves = 576;
  constexpr uint64_t kAvxState = 4;
  char* area = reinterpret_cast<char*>(context->uc_mcontext.fpregs);
  uint64_t present;
  std::memcpy(&present, area + kPresent, sizeof present);
  if (!(present & kAvxState)) std::memset(area + kUpperHalves, 0, 16 * 16);
  present |= kAvxState;
  std::memcpy(area + kPresent, &present, sizeof present);
  std::memcpy(area + kUpperHalves + reg * 16, saved, 16);
}

void restore_moved_state(const BlockData& data, uint32_t offset, Frame* frame, bool wide,
                         ucontext_t* context) {
  for (const FaultFixup& fixup : data.fixups()) {
    if (fixup.host_offset != offset) continue;
    const char* saved = reinterpret_cast<const char*>(frame) + fixup.frame_offset;
    if (fixup.is_vector) {
      std::memcpy(&context->uc_mcontext.fpregs->_xmm[fixup.reg], saved, 16);
      if (wide) restore_upper_half(fixup.reg, saved + 16, context);
    } else {
      std::memcpy(&greg(context, static_cast<Reg>(fixup.reg)), saved, 8);
    }
  }
}

bool handle_arithmetic(const JitBackend& backend, Frame* frame, bool divides, ucontext_t* context) {
  const auto* code = reinterpret_cast<const uint8_t*>(rip(context));
  const BlockData* data = backend.find(code);
  if (data == nullptr) return false;
  restore_moved_state(*data, static_cast<uint32_t>(code - backend.code(data->code)), frame,
                      backend.vector_bytes() == 32, context);
  FlagsPlace flags = kFlagsInMemory;
  frame->guest_ip = guest_ip_of(*data->page, *frame, backend.guest_ip_at(*data, code, &flags));
  const Thunks& thunks = backend.thunks();
  continue_at(context, divides                         ? thunks.divide_error
                       : (flags & kFlagsInMemory) != 0 ? thunks.simd_exception_memory
                                                       : thunks.simd_exception_host);
  return true;
}

void pass_on(int signal, siginfo_t* information, void* context, const struct sigaction& previous) {
  if (previous.sa_flags & SA_SIGINFO) return previous.sa_sigaction(signal, information, context);
  if (previous.sa_handler == SIG_IGN && information->si_code <= 0) return;
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    return previous.sa_handler(signal);
  }
  // The default action, when the instruction faults again.
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  sigaction(signal, &standard, nullptr);
}

void handle(int signal, siginfo_t* information, void* raw_context) {
  auto* context = static_cast<ucontext_t*>(raw_context);
  const auto* code = reinterpret_cast<const void*>(rip(context));
  Frame* frame = current_frame;
  const JitBackend* backend = backend_of(code);
  bool handled = false;
  if (backend && frame && signal == SIGSEGV) {
    handled = handle_full_return_stack(*frame, information->si_addr, context) ||
              handle_poll(*backend, frame, context);
  } else if (backend && frame) {
    handled = handle_arithmetic(*backend, frame, information->si_code == FPE_INTDIV, context);
  } else if (signal == SIGSEGV) {
    handled = handle_empty_target(context);
  }
  if (!handled) {
    pass_on(signal, information, raw_context, signal == SIGSEGV ? previous_segv : previous_fpe);
  }
}

/// Where handlers of this thread run: return stacks have no room for them.
class AlternateStack {
 public:
  AlternateStack() {
    stack_t old = {};
    sigaltstack(nullptr, &old);
    if ((old.ss_flags & SS_DISABLE) == 0) return;
    auto memory = util::MemoryMapping::create("signal handlers", kBytes);
    if (!memory) return;
    memory_ = std::move(*memory);
    stack_t stack = {};
    stack.ss_sp = memory_.data();
    stack.ss_size = memory_.size();
    sigaltstack(&stack, nullptr);
  }
  ~AlternateStack() {
    stack_t none = {};
    none.ss_flags = SS_DISABLE;
    if (memory_.data() != nullptr) sigaltstack(&none, nullptr);
  }
  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;

 private:
  static constexpr size_t kBytes = size_t{64} << 10;
  util::MemoryMapping memory_;
};

void install() {
  struct sigaction action = {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGSEGV, &action, &previous_segv);
  sigaction(SIGFPE, &action, &previous_fpe);
}

}  // namespace

void watch_faults(JitBackend* backend) {
  static std::once_flag once;
  std::call_once(once, install);
  for (auto& entry : backends) {
    JitBackend* none = nullptr;
    if (entry.compare_exchange_strong(none, backend)) return;
  }
}

void unwatch_faults(JitBackend* backend) {
  for (auto& entry : backends) {
    JitBackend* expected = backend;
    entry.compare_exchange_strong(expected, nullptr);
  }
}

FaultScope::FaultScope(const JitBackend& backend, Frame* frame) {
  thread_local const AlternateStack alternate;
  current_backend = &backend;
  current_frame = frame;
}
FaultScope::~FaultScope() { current_frame = nullptr; }

}  // namespace vireo::tcg::x86_64
