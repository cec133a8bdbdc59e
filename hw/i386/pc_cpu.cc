// One x86 vCPU between accelerator and board.

#include "hw/i386/pc_cpu.h"

#include <fmt/format.h>
#include <sys/random.h>

#include "accel/tcg/vcpu.h"
#include "core/clock/guest_clock.h"
#include "core/machine_lock.h"
#include "core/memory/address_space.h"
#include "core/run_control.h"
#include "hw/i386/pc_machine.h"
#include "hw/intc/local_apic.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/cpu/reset.h"
#include "target/i386/helper/debug.h"
#include "target/i386/helper/exception.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/smm.h"
#include "target/i386/helper/x87_unit.h"
#include "target/i386/translate/block.h"
#include "target/i386/translate/refused_branch.h"
#include "util/log.h"

namespace vireo::hw {

/// The board's local APIC as the CPU model wants it.
class PcCpu::Apic final : public i386::LocalApic {
 public:
  Apic(hw::LocalApic& apic, const i386::CpuState& state) : apic_(apic), state_(state) {}

  uint64_t read_base() override {
    const core::MachineLockIfNeeded lock;
    return apic_.base_msr();
  }
  bool write_base(uint64_t value) override {
    const core::MachineLockIfNeeded lock;
    return apic_.write_base_msr(value);
  }
  unsigned task_priority() override {
    const core::MachineLockIfNeeded lock;
    return apic_.cr8();
  }
  void set_task_priority(unsigned priority) override {
    const core::MachineLockIfNeeded lock;
    apic_.set_cr8(static_cast<uint8_t>(priority));
  }
  bool read_register(uint32_t msr, uint64_t& value) override {
    const core::MachineLockIfNeeded lock;
    const auto read = apic_.read_msr(msr);
    value = read.value_or(0);
    return read.has_value();
  }
  bool write_register(uint32_t msr, uint64_t value) override {
    const core::MachineLockIfNeeded lock;
    return apic_.write_msr(msr, value);
  }
  uint64_t read_tsc_deadline() override {
    const core::MachineLockIfNeeded lock;
    return apic_.tsc_deadline();
  }
  void write_tsc_deadline(uint64_t value) override {
    const core::MachineLockIfNeeded lock;
    apic_.set_tsc_deadline(value);
  }
  bool interrupt_pending() const override {
    return i386::has_request(state_, i386::kInterruptRequest);
  }
  int acknowledge_interrupt() override {
    const core::MachineLockIfNeeded lock;
    const auto vector = apic_.acknowledge();
    return vector ? *vector : -1;
  }

 private:
  hw::LocalApic& apic_;
  const i386::CpuState& state_;
};

PcCpu::PcCpu(const i386::CpuConfig& config, PcMachine& machine, core::RunControl& run_control)
    : config_(config), machine_(machine), run_control_(run_control) {
  state_.machine = this;
  state_.config = &config_;
  state_.walk_cache = &walk_cache_;
  state_.frame.runtime = static_cast<i386::Machine*>(this);
}

PcCpu::~PcCpu() = default;

void PcCpu::attach(accel::TcgVcpu& vcpu) {
  vcpu_ = &vcpu;
  apic_ = std::make_unique<Apic>(machine_.local_apic(0), state_);
}

// ---- accel::GuestCpu

void PcCpu::record_fault(uint64_t linear, const accel::PageWalk& fault) {
  if (fault.vector == i386::kPf) state_.cr2 = linear;
  i386::record_exception(state_, fault.vector, fault.error);
}

// SDM volume 3, table 6-2: traps of the instruction before and code breakpoints come first.
void PcCpu::record_fetch_fault(uint64_t linear, const accel::PageWalk& fault) {
  if ((state_.mode & i386::kModeBreakpoints) && i386::debug_exception_comes(state_)) {
    i386::record_exception(state_, i386::kDb);
  } else {
    record_fault(linear, fault);
  }
}

bool PcCpu::refuse_branch(uint64_t block_ip, unsigned insns, accel::CodeReader& code) {
  return i386::refuse_branch(state_, config_.features, block_ip, insns, code);
}

void PcCpu::record_misaligned() { i386::record_exception(state_, i386::kGp, 0); }

void PcCpu::record_divide_error() { i386::record_exception(state_, i386::kDe); }

void PcCpu::record_simd_exception() {
  const bool reported = (state_.cr4 & i386::kCr4Osxmmexcpt) != 0;
  i386::record_exception(state_, reported ? i386::kXm : i386::kUd);
}

accel::CodePosition PcCpu::position() const {
  const uint64_t ip = state_.frame.guest_ip;
  uint64_t linear = state_.segments[i386::kCs].base + ip;
  if (!i386::in_64bit_mode(state_)) linear &= 0xffffffff;
  return {.ip = ip,
          .linear = linear,
          .mode = state_.mode,
          .user = state_.cpl == 3,
          .ip_mask = i386::ip_mask(state_.mode),
          .relocatable = i386::is_relocatable(state_.mode, ip)};
}

util::InstructionSet PcCpu::instruction_set(uint64_t mode) const {
  return mode & i386::kMode64       ? util::InstructionSet::x86_64
         : mode & i386::kModeCode32 ? util::InstructionSet::x86_32
                                    : util::InstructionSet::x86_16;
}

bool PcCpu::translate(tcg::Block& block, accel::CodeReader& code, unsigned max_insns,
                      uint64_t& fault_linear) {
  const accel::CodePosition at = position();
  const i386::BlockStart start{
      .mode = at.mode, .ip = at.ip, .linear = at.linear, .max_insns = max_insns};
  return i386::translate_block(start, config_.features, code, block, fault_linear);
}

bool PcCpu::prepare() {
  if (!state_.smm.active && init_request_.exchange(false)) i386::init(state_);
  i386::unmask_x87(state_);
  if (state_.pending.vector != i386::kNoException) i386::deliver_pending(state_);
  if (i386::has_request(state_, i386::kMachineCheckRequest)) take_machine_checks();
  const bool takes_smi = !state_.smm.active && !state_.interrupt_shadow;
  if (takes_smi && i386::has_request(state_, i386::kSmiRequest)) {
    i386::change_request(state_, i386::kSmiRequest, false);
    i386::enter_system_management(state_);
  }
  if (state_.held_debug_hits) return !state_.halted;  // a trap that comes before interrupts
  if (i386::has_request(state_, i386::kNmiRequest) && !state_.nmi_blocked) {
    i386::change_request(state_, i386::kNmiRequest, false);
    i386::deliver_nmi(state_);
  } else if (i386::has_request(state_, i386::kInterruptRequest) &&
             (state_.eflags & i386::kIf) != 0 && !state_.interrupt_shadow) {
    const int vector = apic_->acknowledge_interrupt();
    if (vector >= 0) i386::deliver_interrupt(state_, static_cast<uint8_t>(vector));
  }
  return !state_.halted;
}

// Above SMIs, below what the last instruction has raised (SDM volume 3, table 6-2).
void PcCpu::take_machine_checks() {
  std::vector<i386::MachineCheck> errors;
  {
    const core::MachineLockIfNeeded lock;
    i386::change_request(state_, i386::kMachineCheckRequest, false);
    errors.swap(machine_checks_);
  }
  for (const i386::MachineCheck& error : errors) i386::report_machine_check(state_, error);
}

void PcCpu::reset() {
  i386::reset(state_);
  init_request_ = false;
  const core::MachineLockIfNeeded lock;
  // Those that the CPU did not get to are found behind the reset as well.
  for (const i386::MachineCheck& error : machine_checks_) i386::log_machine_check(state_, error);
  machine_checks_.clear();
  i386::change_request(
      state_,
      i386::kInterruptRequest | i386::kNmiRequest | i386::kSmiRequest | i386::kMachineCheckRequest,
      false);
  if (boot_entry_) enter_boot_entry(*boot_entry_);
  if (util::log_enabled(util::kLogCpuReset)) dump(false);
}

void PcCpu::enter_boot_entry(const BootEntry& entry) {
  // A flat segment: present, accessed, 32-bit, 4 GiB; code is type 0xb, data type 3.
  const auto flat = [](uint16_t selector, uint16_t type) {
    return i386::Segment{.base = 0,
                         .limit = 0xffffffff,
                         .selector = selector,
                         .attributes = static_cast<uint16_t>(0xc090 | type)};
  };
  state_.cr0 |= i386::kCr0Pe;
  state_.gdtr = {entry.gdt_base, entry.gdt_limit};
  for (unsigned i = 0; i < i386::kSegmentCount; ++i) {
    state_.segments[i] = flat(entry.data_selector, 3);
  }
  state_.segments[i386::kCs] = flat(entry.code_selector, 0xb);
  state_.frame.guest_ip = entry.eip;
  state_.frame.general[i386::kRax] = entry.eax;
  state_.frame.general[i386::kRbx] = entry.ebx;
  state_.frame.general[i386::kRsi] = entry.esi;
  state_.frame.general[i386::kRsp] = entry.esp;
  i386::update_mode(state_);
}

void PcCpu::dump(bool vectors) const { util::write_log(describe(vectors)); }

namespace {

std::string describe_vectors(const i386::CpuState& state) {
  const i386::X87State& x87 = state.x87;
  std::string text = fmt::format("FCW={:04x} FSW={:04x} TOP={} EMPTY={:02x} MXCSR={:08x}\n",
                                 x87.control, x87.status, x87.top, x87.empty, state.frame.mxcsr);
  for (unsigned i = 0; i < 8; ++i) {
    text += fmt::format("R{}={:04x} {:016x}{}", i, x87.registers[i].sign_exponent,
                        x87.registers[i].significand, i % 2 == 1 ? '\n' : ' ');
  }
  for (unsigned i = 0; i < 16; ++i) {
    const auto* words = reinterpret_cast<const uint64_t*>(state.frame.vector[i]);
    text +=
        fmt::format("XMM{:02}={:016x}{:016x}{}", i, words[1], words[0], i % 2 == 1 ? '\n' : ' ');
  }
  return text;
}

}  // namespace

std::string PcCpu::describe(bool vectors) const {
  static constexpr const char* kNames[] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                           "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15"};
  std::string text = fmt::format("RIP={:016x} RFL={:08x} CPL={} HLT={}\n", state_.frame.guest_ip,
                                 i386::full_eflags(state_), state_.cpl, state_.halted);
  for (unsigned i = 0; i < 16; ++i) {
    text +=
        fmt::format("{}={:016x}{}", kNames[i], state_.frame.general[i], i % 4 == 3 ? '\n' : ' ');
  }
  static constexpr const char* kSegments[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
  for (unsigned i = 0; i < i386::kSegmentCount; ++i) {
    const i386::Segment& segment = state_.segments[i];
    text += fmt::format("{} ={:04x} {:016x} {:08x} {:04x}\n", kSegments[i], segment.selector,
                        segment.base, segment.limit, segment.attributes);
  }
  text += fmt::format("CR0={:08x} CR2={:016x} CR3={:016x} CR4={:08x} EFER={:x}\n", state_.cr0,
                      state_.cr2, state_.cr3, state_.cr4, state_.efer);
  return vectors ? text + describe_vectors(state_) : text;
}

// ---- CpuPort

void PcCpu::set_interrupt_request(bool pending) {
  const bool before = i386::change_request(state_, i386::kInterruptRequest, pending);
  if (pending && !before && vcpu_ != nullptr) vcpu_->wake();
}

void PcCpu::raise_nmi() {
  i386::change_request(state_, i386::kNmiRequest, true);
  if (vcpu_ != nullptr) vcpu_->wake();
}

util::Status PcCpu::raise_machine_check(const i386::MachineCheck& error) {
  const auto refuse = [](std::string reason) {
    return util::Error(util::ErrorCode::kInvalidArgument, std::move(reason));
  };
  if (!config_.has(i386::Feature::kMca)) return refuse("the CPU model has no machine checks");
  if (error.bank >= i386::kMachineCheckBanks)
    return refuse(fmt::format("bank {}: there are {}", error.bank, i386::kMachineCheckBanks));
  if (!(error.status & i386::kMachineCheckValid)) return refuse("the status lacks bit 63 (valid)");
  machine_checks_.push_back(error);
  i386::change_request(state_, i386::kMachineCheckRequest, true);
  if (vcpu_ != nullptr) vcpu_->wake();
  return {};
}

void PcCpu::raise_smi() {
  i386::change_request(state_, i386::kSmiRequest, true);
  if (vcpu_ != nullptr) vcpu_->wake();
}

void PcCpu::init() {
  init_request_ = true;
  if (vcpu_ != nullptr) vcpu_->wake();
}

// The boot processor never waits for a start-up IPI.
void PcCpu::start_up(uint8_t) {}

uint64_t PcCpu::tsc_shift() const { return state_.tsc_offset + state_.tsc_adjust; }

// The counter runs at config_.tsc_hz, a whole number of ticks a nanosecond.
uint64_t PcCpu::tsc_at(int64_t guest_ns) {
  return static_cast<uint64_t>(guest_ns) * (config_.tsc_hz / 1'000'000'000) + tsc_shift();
}

int64_t PcCpu::time_of_tsc(uint64_t tsc) {
  const auto ticks = static_cast<int64_t>(tsc - tsc_shift());
  return ticks < 0 ? 0 : ticks / static_cast<int64_t>(config_.tsc_hz / 1'000'000'000);
}

void PcCpu::set_a20(bool enabled) {
  const uint64_t mask = enabled ? ~uint64_t{0} : ~(uint64_t{1} << 20);
  if (mask == address_mask_) return;
  address_mask_ = mask;
  if (vcpu_ != nullptr) vcpu_->forget_memory();
}

core::AddressSpace& PcCpu::memory() {
  return state_.smm.active ? machine_.system_management_memory() : machine_.memory();
}

// ---- i386::Machine

uint64_t PcCpu::read_physical(uint64_t address, unsigned width) {
  return memory().read_value(address & address_mask(), width);
}

void PcCpu::write_physical(uint64_t address, unsigned width, uint64_t value) {
  memory().write_value(address & address_mask(), width, value);
}

std::span<std::byte> PcCpu::memory_span(uint64_t address, size_t length, bool for_write) {
  return memory().host_span(address & address_mask(), length, for_write);
}

void PcCpu::mark_written(uint64_t address, size_t length) {
  memory().mark_written(address & address_mask(), length);
}

uint32_t PcCpu::read_port(uint16_t port, unsigned width) {
  return static_cast<uint32_t>(machine_.ports().read_io(port, width));
}

void PcCpu::write_port(uint16_t port, unsigned width, uint32_t value) {
  machine_.ports().write_io(port, width, value);
}

// Whatever changes what the TLB holds makes page walks begin at the root again.
accel::TcgVcpu& PcCpu::changing_tlb() {
  walk_cache_.clear();
  return *vcpu_;
}

void PcCpu::flush_tlb() { changing_tlb().flush_all(); }
void PcCpu::flush_tlb_non_global() { changing_tlb().flush_non_global(); }
void PcCpu::flush_tlb_page(uint64_t linear) { changing_tlb().flush_page(linear); }
void PcCpu::set_address_space(uint16_t id, bool keep) {
  changing_tlb().set_address_space(id, keep);
}
void PcCpu::flush_address_space(uint16_t id) { changing_tlb().flush_address_space(id); }
void PcCpu::flush_tlb_keys(uint16_t keys) { vcpu_->flush_keys(keys); }
void PcCpu::set_system_management(bool active) {
  changing_tlb().set_memory(active ? machine_.system_management_memory() : machine_.memory());
}
void PcCpu::mode_changed() { vcpu_->mode_changed(); }

bool PcCpu::fill_tlb(uint64_t linear, unsigned size, bool is_write, bool user) {
  return vcpu_->refill(linear, size, is_write ? tcg::Access::kWrite : tcg::Access::kRead,
                       user ? tcg::kMemoryUser : 0);
}

i386::LocalApic* PcCpu::apic() { return apic_.get(); }

uint64_t PcCpu::tsc_now() {
  return static_cast<uint64_t>(machine_.clock().now_ns()) * (config_.tsc_hz / 1'000'000'000);
}

void PcCpu::triple_fault() {
  util::log(util::kLogInt | util::kLogCpuReset, "triple fault at {:#x}\n", state_.frame.guest_ip);
  state_.halted = 1;
  run_control_.request_reset(core::ResetCause::triple_fault);
}

void PcCpu::signal_fpu_error() {
  const core::MachineLockIfNeeded lock;
  machine_.signal_fpu_error();
}

// By many at a time: a system call takes ten times as long as what the guest does with a number.
uint64_t PcCpu::random() {
  if (random_left_ == 0) {
    while (::getrandom(random_.data(), sizeof random_, 0) != sizeof random_) {
    }
    random_left_ = random_.size();
  }
  return std::exchange(random_[--random_left_], 0);
}

}  // namespace vireo::hw
