// The local APIC: registers, priorities, acceptance and interprocessor interrupts (SDM volume 3,
// chapter 11). Its timer is in local_apic_timer.cc.

#include "hw/intc/local_apic.h"

#include <bit>

#include "hw/intc/cpu_port.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

using core::field;

// Register numbers: offset / 16, and MSR - 800h.
enum RegisterIndex : unsigned {
  kId = 0x02,
  kVersion = 0x03,
  kTaskPriority = 0x08,
  kArbitrationPriority = 0x09,
  kProcessorPriority = 0x0a,
  kEoi = 0x0b,
  kLogicalDestination = 0x0d,
  kDestinationFormat = 0x0e,
  kSpurious = 0x0f,
  kInService = 0x10,
  kTriggerModes = 0x18,
  kRequests = 0x20,
  kErrorStatus = 0x28,
  kLvtCmci = 0x2f,
  kInterruptCommandLow = 0x30,
  kInterruptCommandHigh = 0x31,
  kLvtFirst = 0x32,
  kLvtLast = 0x37,
  kInitialCount = 0x38,
  kCurrentCount = 0x39,
  kDivideConfiguration = 0x3e,
  kSelfIpi = 0x3f,
};

// Version 14h, six LVT entries.
constexpr uint32_t kVersionValue = 0x00050014;
constexpr uint32_t kLvtMasked = 1u << 16;
constexpr uint32_t kLvtWritable[6] = {0x710ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff};
enum ErrorBit : uint32_t {
  kSendIllegalVector = 1u << 5,
  kReceiveIllegalVector = 1u << 6,
  kIllegalRegister = 1u << 7,
};
constexpr uint64_t kBaseReserved = ~uint64_t{0xfffffffd00};  // 40 bits of address

DeliveryMode delivery_mode(uint64_t entry) { return static_cast<DeliveryMode>((entry >> 8) & 7); }

}  // namespace

int VectorSet::highest() const {
  for (int i = 7; i >= 0; --i) {
    if (words[i] != 0) return i * 32 + 31 - std::countl_zero(words[i]);
  }
  return -1;
}

void LocalApic::describe(core::Description<LocalApic>& d) {
  d.type("apic", "local APIC of a CPU");
  d.user_creatable(false);
  d.interrupt_inputs("lint", 2, &LocalApic::set_lint);
  const auto vectors = [](std::string_view name, VectorSet Regs::*member) {
    return field(name, member, field("words", &VectorSet::words));
  };
  d.state(&LocalApic::regs_, 1, field("base", &Regs::base), field("id", &Regs::id),
          field("task-priority", &Regs::task_priority),
          field("logical-destination", &Regs::logical_destination),
          field("destination-format", &Regs::destination_format),
          field("spurious", &Regs::spurious), field("error-status", &Regs::error_status),
          field("pending-errors", &Regs::pending_errors),
          field("interrupt-command", &Regs::interrupt_command), field("lvt", &Regs::lvt),
          vectors("in-service", &Regs::in_service), vectors("requests", &Regs::requests),
          vectors("trigger-modes", &Regs::trigger_modes),
          field("divide-configuration", &Regs::divide_configuration),
          field("initial-count", &Regs::initial_count),
          field("timer-start-ns", &Regs::timer_start_ns).min(0),
          field("timer-next-ns", &Regs::timer_next_ns).min(-1),
          field("tsc-deadline", &Regs::tsc_deadline), field("lint-levels", &Regs::lint_levels),
          field("external-pending", &Regs::external_pending));
}

void LocalApic::connect(CpuPort& cpu, ApicBus& bus, std::function<uint8_t()> external) {
  cpu_ = &cpu;
  bus_ = &bus;
  external_ = std::move(external);
}

void LocalApic::set_identity(uint32_t apic_id, bool bootstrap) {
  apic_id_ = apic_id;
  bootstrap_ = bootstrap;
}

util::Status LocalApic::on_realize() {
  timer_.attach(environment().timers, [this] { timer_expired(); });
  return {};
}

void LocalApic::on_reset() {
  regs_.id = static_cast<uint8_t>(apic_id_);
  if (!bootstrap_) return;
  // Software that runs without firmware finds the virtual wire mode that firmware would set up.
  regs_.base |= 0x100;
  regs_.lvt[kLvtLint0] = static_cast<uint32_t>(DeliveryMode::external) << 8;
}

void LocalApic::init() {
  const uint64_t base = regs_.base;
  const uint8_t id = regs_.id;
  const auto levels = regs_.lint_levels;
  regs_ = Regs{};
  on_reset();
  regs_.base = base;
  regs_.id = id;
  regs_.lint_levels = levels;
  sync_outputs();
}

void LocalApic::sync_outputs() {
  timer_.arm(regs_.timer_next_ns);
  update_request();
}

void LocalApic::update_request() {
  if (cpu_ != nullptr) cpu_->set_interrupt_request(interrupt_pending());
}

// Priorities and acceptance.

uint8_t LocalApic::processor_priority() const {
  const int highest = regs_.in_service.highest();
  const auto service_class = static_cast<uint8_t>(highest < 0 ? 0 : highest & 0xf0);
  return (regs_.task_priority & 0xf0) >= service_class ? regs_.task_priority : service_class;
}

int LocalApic::deliverable_vector() const {
  if (!enabled() || !software_enabled()) return -1;
  const int vector = regs_.requests.highest();
  return vector >= 0 && (vector & 0xf0) > (processor_priority() & 0xf0) ? vector : -1;
}

bool LocalApic::external_request() const {
  if (regs_.external_pending) return true;
  if (!regs_.lint_levels[0]) return false;
  if (!enabled()) return true;
  const uint32_t lint0 = regs_.lvt[kLvtLint0];
  return !(lint0 & kLvtMasked) && delivery_mode(lint0) == DeliveryMode::external;
}

bool LocalApic::interrupt_pending() const {
  return deliverable_vector() >= 0 || external_request();
}

std::optional<uint8_t> LocalApic::acknowledge() {
  std::optional<uint8_t> taken;
  const int vector = deliverable_vector();
  if (vector >= 0) {
    regs_.requests.erase(static_cast<unsigned>(vector));
    regs_.in_service.insert(static_cast<unsigned>(vector));
    taken = static_cast<uint8_t>(vector);
  } else if (external_request() && external_) {
    regs_.external_pending = false;
    taken = external_();
  }
  update_request();
  return taken;
}

void LocalApic::set_cr8(uint8_t value) {
  regs_.task_priority = static_cast<uint8_t>(value << 4);
  update_request();
}

void LocalApic::request_vector(uint8_t vector, bool level_triggered) {
  if (vector < 16) return report_error(kReceiveIllegalVector);
  regs_.requests.insert(vector);
  if (level_triggered) {
    regs_.trigger_modes.insert(vector);
  } else {
    regs_.trigger_modes.erase(vector);
  }
  update_request();
}

void LocalApic::end_of_interrupt() {
  const int vector = regs_.in_service.highest();
  if (vector < 0) return;
  regs_.in_service.erase(static_cast<unsigned>(vector));
  if (regs_.trigger_modes.contains(static_cast<unsigned>(vector)) && bus_ != nullptr) {
    bus_->end_of_interrupt(static_cast<uint8_t>(vector));
  }
  update_request();
}

void LocalApic::report_error(uint32_t bits) {
  const bool first = (regs_.pending_errors & bits) != bits;
  regs_.pending_errors |= bits;
  const uint32_t entry = regs_.lvt[kLvtError];
  // An illegal vector in the error entry itself must not report again.
  if (first && !(entry & kLvtMasked) && (entry & 0xff) >= 16) trigger_lvt(kLvtError);
}

// Local interrupts.

void LocalApic::trigger_lvt(Lvt entry) {
  const uint32_t value = regs_.lvt[entry];
  if ((value & kLvtMasked) || !enabled()) return;
  receive({.mode = entry == kLvtTimer || entry == kLvtError ? DeliveryMode::fixed
                                                            : delivery_mode(value),
           .vector = static_cast<uint8_t>(value),
           .level_triggered = false});
}

void LocalApic::set_lint(unsigned pin, bool level) {
  const bool rose = level && !regs_.lint_levels[pin];
  regs_.lint_levels[pin] = level;
  if (rose) {
    if (pin == 1 && !enabled() && cpu_ != nullptr) cpu_->raise_nmi();
    const Lvt entry = pin == 0 ? kLvtLint0 : kLvtLint1;
    // An ExtINT follows the line and is no message.
    if (delivery_mode(regs_.lvt[entry]) != DeliveryMode::external) trigger_lvt(entry);
  }
  update_request();
}

// Messages.

uint32_t LocalApic::logical_id() const {
  return ((apic_id_ >> 4) << 16) | (1u << (apic_id_ & 0xf));
}

bool LocalApic::accepts_logical(uint32_t mask) const {
  if (x2apic()) {
    if (mask == 0xffffffff) return true;
    return (mask >> 16) == (logical_id() >> 16) && (mask & logical_id() & 0xffff) != 0;
  }
  if ((mask & 0xff) == 0xff) return true;
  const uint8_t own = regs_.logical_destination;
  if (regs_.destination_format == 0xf) return (mask & own) != 0;
  return (mask & 0xf0) == (own & 0xf0) && (mask & own & 0x0f) != 0;
}

bool LocalApic::accepts(const InterruptMessage& message) const {
  if (!enabled()) return false;
  if (message.logical) return accepts_logical(message.destination);
  if (x2apic()) {
    return message.destination == 0xffffffff || message.destination == 0xff ||
           message.destination == apic_id_;
  }
  return message.destination == 0xff || message.destination == regs_.id;
}

void LocalApic::receive(const InterruptMessage& message) {
  if (cpu_ == nullptr) return;
  switch (message.mode) {
    case DeliveryMode::fixed:
    case DeliveryMode::lowest_priority:
      if (software_enabled()) request_vector(message.vector, message.level_triggered);
      break;
    case DeliveryMode::smi:
      cpu_->raise_smi();
      break;
    case DeliveryMode::nmi:
      cpu_->raise_nmi();
      break;
    case DeliveryMode::init:
      init();
      cpu_->init();
      break;
    case DeliveryMode::start_up:
      cpu_->start_up(message.vector);
      break;
    case DeliveryMode::external:
      regs_.external_pending = true;
      update_request();
      break;
    default:
      util::log(util::kLogGuestErrors, "apic: reserved delivery mode 3\n");
      break;
  }
}

void LocalApic::send_interrupt_command() {
  const uint64_t command = regs_.interrupt_command;
  const InterruptMessage message{
      .destination = static_cast<uint32_t>(x2apic() ? command >> 32 : command >> 56),
      .logical = (command & 0x800) != 0,
      .mode = delivery_mode(command),
      .vector = static_cast<uint8_t>(command),
      .level_triggered = (command & 0x8000) != 0};
  // INIT level de-assert only told old APICs their arbitration ids.
  if (message.mode == DeliveryMode::init && message.level_triggered && !(command & 0x4000)) return;
  if (message.mode <= DeliveryMode::lowest_priority && message.vector < 16) {
    return report_error(kSendIllegalVector);
  }
  if (bus_ == nullptr) return;
  switch ((command >> 18) & 3) {
    case 0:
      return bus_->deliver(message);
    case 1:
      return receive(message);
    case 2:
      return bus_->broadcast(message, nullptr);
    default:
      return bus_->broadcast(message, this);
  }
}

// Registers.

void LocalApic::write_spurious(uint32_t value) {
  const bool was_enabled = software_enabled();
  regs_.spurious = value & 0x3ff;
  // Switching the APIC off masks all local interrupts (11.4.7.2).
  if (was_enabled && !software_enabled()) {
    for (uint32_t& entry : regs_.lvt) entry |= kLvtMasked;
  }
}

void LocalApic::write_lvt(unsigned entry, uint32_t value) {
  const unsigned mode_before = timer_mode();
  regs_.lvt[entry] = value & kLvtWritable[entry];
  if (!software_enabled()) regs_.lvt[entry] |= kLvtMasked;
  if (entry == kLvtTimer && timer_mode() != mode_before) {
    // Changes to and from deadline mode disarm; between the other two the count goes on.
    if (mode_before == 2 || timer_mode() == 2) {
      regs_.tsc_deadline = 0;
      regs_.initial_count = 0;
    }
    start_timer();
  }
}

uint32_t LocalApic::read_register(unsigned index) {
  const auto word = [index](const VectorSet& set) { return set.words[index & 7]; };
  switch (index) {
    case kId:
      return x2apic() ? apic_id_ : uint32_t{regs_.id} << 24;
    case kVersion:
      return kVersionValue;
    case kTaskPriority:
      return regs_.task_priority;
    case kArbitrationPriority:
    case kProcessorPriority:
      return processor_priority();
    case kLogicalDestination:
      return x2apic() ? logical_id() : uint32_t{regs_.logical_destination} << 24;
    case kDestinationFormat:
      return uint32_t{regs_.destination_format} << 28 | 0x0fffffff;
    case kSpurious:
      return regs_.spurious;
    case kInService ... kInService + 7:
      return word(regs_.in_service);
    case kTriggerModes ... kTriggerModes + 7:
      return word(regs_.trigger_modes);
    case kRequests ... kRequests + 7:
      return word(regs_.requests);
    case kErrorStatus:
      return regs_.error_status;
    case kInterruptCommandLow:
      return static_cast<uint32_t>(regs_.interrupt_command);
    case kInterruptCommandHigh:
      return static_cast<uint32_t>(regs_.interrupt_command >> 32);
    case kLvtFirst ... kLvtLast:
      return regs_.lvt[index - kLvtFirst];
    case kInitialCount:
      return regs_.initial_count;
    case kCurrentCount:
      return current_count();
    case kDivideConfiguration:
      return regs_.divide_configuration;
    case kEoi:  // write-only
      return 0;
    default:
      report_error(kIllegalRegister);
      return 0;
  }
}

void LocalApic::write_register(unsigned index, uint32_t value) {
  switch (index) {
    case kId:
      regs_.id = static_cast<uint8_t>(value >> 24);
      break;
    case kTaskPriority:
      regs_.task_priority = static_cast<uint8_t>(value);
      break;
    case kEoi:
      return end_of_interrupt();
    case kLogicalDestination:
      regs_.logical_destination = static_cast<uint8_t>(value >> 24);
      break;
    case kDestinationFormat:
      regs_.destination_format = static_cast<uint8_t>(value >> 28);
      break;
    case kSpurious:
      write_spurious(value);
      break;
    case kErrorStatus:
      regs_.error_status = std::exchange(regs_.pending_errors, 0);
      break;
    case kInterruptCommandLow:
      regs_.interrupt_command =
          (regs_.interrupt_command & ~uint64_t{0xffffffff}) | (value & 0xccfff);
      send_interrupt_command();
      break;
    case kInterruptCommandHigh:
      regs_.interrupt_command =
          (regs_.interrupt_command & 0xffffffff) | uint64_t{value & 0xff000000} << 32;
      break;
    case kLvtFirst ... kLvtLast:
      write_lvt(index - kLvtFirst, value);
      break;
    case kInitialCount:
      if (timer_mode() == 2) break;
      regs_.initial_count = value;
      start_timer();
      break;
    case kDivideConfiguration:
      regs_.divide_configuration = value & 0xb;
      start_timer();
      break;
    case kVersion:
    case kArbitrationPriority:
    case kProcessorPriority:
    case kCurrentCount:  // read-only
      break;
    default:
      report_error(kIllegalRegister);
      break;
  }
  update_request();
}

// MSRs.

bool LocalApic::write_base_msr(uint64_t value) {
  if (value & kBaseReserved) return false;
  const unsigned before = (regs_.base >> 10) & 3;
  const unsigned after = (value >> 10) & 3;  // bit 1: EN, bit 0: EXTD
  // Not to EXTD without EN, not from disabled straight to x2APIC, not from x2APIC to xAPIC
  // (11.12.5).
  if (after == 1 || (before == 0 && after == 3) || (before == 3 && after == 2)) return false;
  if ((value & 0xfffffff000) != ApicBus::kMessageBase) {
    util::log(util::kLogUnimp, "apic: base {:#x} is not fee00000h, where the registers stay\n",
              value & 0xfffffff000);
  }
  if (after == 0 && before != 0) init();
  regs_.base = (value & ~uint64_t{0x100}) | (bootstrap_ ? 0x100 : 0);
  if (after == 3 && before != 3) regs_.id = static_cast<uint8_t>(apic_id_);
  sync_outputs();
  return true;
}

std::optional<uint64_t> LocalApic::read_msr(uint32_t msr) {
  const unsigned index = msr - 0x800;
  if (!enabled() || !x2apic()) return std::nullopt;
  switch (index) {
    case kInterruptCommandLow:
      return regs_.interrupt_command;
    case kId:
    case kVersion:
    case kTaskPriority:
    case kProcessorPriority:
    case kLogicalDestination:
    case kSpurious:
    case kInService ... kRequests + 7:
    case kErrorStatus:
    case kLvtFirst ... kCurrentCount:
    case kDivideConfiguration:
      return read_register(index);
    default:
      return std::nullopt;
  }
}

bool LocalApic::write_msr(uint32_t msr, uint64_t value) {
  const unsigned index = msr - 0x800;
  if (!enabled() || !x2apic()) return false;
  if (index == kInterruptCommandLow) {
    if (value & 0xfff33000) return false;
    regs_.interrupt_command = value;
    send_interrupt_command();
    return true;
  }
  if (value >> 32) return false;
  switch (index) {
    case kTaskPriority:
      if (value > 0xff) return false;
      break;
    case kEoi:
    case kErrorStatus:
      if (value != 0) return false;
      break;
    case kSelfIpi:
      if (value > 0xff) return false;
      request_vector(static_cast<uint8_t>(value), false);
      return true;
    case kSpurious:
    case kLvtFirst ... kInitialCount:
    case kDivideConfiguration:
      break;
    default:
      return false;
  }
  write_register(index, static_cast<uint32_t>(value));
  return true;
}

REGISTER_DEVICE(LocalApic);

}  // namespace vireo::hw
