// The 82093AA I/O APIC.

#include "hw/intc/io_apic.h"

namespace vireo::hw {
namespace {

using core::field;

constexpr uint32_t kVersion = 0x20 | (IoApic::kPins - 1) << 16;
constexpr int kPriority = 10;

enum RedirectionBit : uint64_t {
  kLogical = 1u << 11,
  kDeliveryStatus = 1u << 12,
  kActiveLow = 1u << 13,
  kRemoteIrr = 1u << 14,
  kLevelTriggered = 1u << 15,
  kMasked = 1u << 16,
};
constexpr uint64_t kReadOnly = kDeliveryStatus | kRemoteIrr;
constexpr uint64_t kWritable = 0xff0000000001ffff & ~kReadOnly;

}  // namespace

void IoApic::describe(core::Description<IoApic>& d) {
  d.type("ioapic", "82093AA I/O APIC");
  d.user_creatable(false);
  d.interrupt_inputs("pin", kPins, &IoApic::set_pin);
  d.region("registers", core::Space::memory, 0x1000, &IoApic::read, &IoApic::write,
           {.implemented_min = 4});
  d.state(&IoApic::regs_, 1, field("id", &Regs::id), field("select", &Regs::select),
          field("redirections", &Regs::redirections), field("levels", &Regs::levels),
          field("requests", &Regs::requests));
}

void IoApic::connect(ApicBus& bus) {
  bus_ = &bus;
  bus.add_eoi_listener(*this);
}

util::Status IoApic::on_realize() {
  map_region("registers", kBase, kPriority);
  return {};
}

void IoApic::on_reset() { regs_.redirections.fill(kMasked); }

bool IoApic::active(unsigned pin) const {
  const bool level = (regs_.levels >> pin) & 1;
  return level != ((regs_.redirections[pin] & kActiveLow) != 0);
}

void IoApic::set_pin(unsigned pin, bool level) {
  const bool was_active = active(pin);
  const uint32_t bit = 1u << pin;
  regs_.levels = level ? regs_.levels | bit : regs_.levels & ~bit;
  const bool is_active = active(pin);
  if (regs_.redirections[pin] & kLevelTriggered) {
    regs_.requests = is_active ? regs_.requests | bit : regs_.requests & ~bit;
  } else if (is_active && !was_active) {
    regs_.requests |= bit;
  }
  service(pin);
}

// Sends the pin's message if it has a request that may go out.
void IoApic::service(unsigned pin) {
  uint64_t& entry = regs_.redirections[pin];
  const uint32_t bit = 1u << pin;
  if (!(regs_.requests & bit) || (entry & kMasked)) return;
  const bool level_triggered = entry & kLevelTriggered;
  if (level_triggered) {
    if (entry & kRemoteIrr) return;
    entry |= kRemoteIrr;
  } else {
    regs_.requests &= ~bit;
  }
  if (bus_ == nullptr) return;
  bus_->deliver({.destination = static_cast<uint32_t>(entry >> 56),
                 .logical = (entry & kLogical) != 0,
                 .mode = static_cast<DeliveryMode>((entry >> 8) & 7),
                 .vector = static_cast<uint8_t>(entry),
                 .level_triggered = level_triggered});
}

void IoApic::end_of_interrupt(uint8_t vector) {
  for (unsigned pin = 0; pin < kPins; ++pin) {
    uint64_t& entry = regs_.redirections[pin];
    if (static_cast<uint8_t>(entry) != vector || !(entry & kRemoteIrr)) continue;
    entry &= ~kRemoteIrr;
    if (entry & kLevelTriggered) service(pin);
  }
}

uint32_t IoApic::read_selected() const {
  switch (regs_.select) {
    case 0:
    case 2:  // arbitration id
      return uint32_t{regs_.id} << 24;
    case 1:
      return kVersion;
    default:
      break;
  }
  const unsigned pin = (regs_.select - 0x10u) >> 1;
  if (pin >= kPins) return 0xffffffff;
  return static_cast<uint32_t>(regs_.redirections[pin] >> (regs_.select & 1 ? 32 : 0));
}

void IoApic::write_selected(uint32_t value) {
  if (regs_.select == 0) {
    regs_.id = (value >> 24) & 0xf;
    return;
  }
  const unsigned pin = (regs_.select - 0x10u) >> 1;
  if (pin >= kPins) return;
  uint64_t& entry = regs_.redirections[pin];
  const unsigned shift = regs_.select & 1 ? 32 : 0;
  const uint64_t writable = kWritable & (uint64_t{0xffffffff} << shift);
  const bool was_level = entry & kLevelTriggered;
  entry = (entry & ~writable) | (uint64_t{value} << shift & writable);
  const bool is_level = entry & kLevelTriggered;
  // An edge-triggered entry has no remote IRR; writing one is how old kernels clear it.
  if (!is_level) entry &= ~kRemoteIrr;
  const uint32_t bit = 1u << pin;
  if (is_level) {
    regs_.requests = active(pin) ? regs_.requests | bit : regs_.requests & ~bit;
  } else if (was_level) {
    regs_.requests &= ~bit;
  }
  service(pin);
}

uint64_t IoApic::read(uint64_t offset, unsigned) {
  if (offset == 0) return regs_.select;
  return offset == 0x10 ? read_selected() : 0;
}

void IoApic::write(uint64_t offset, unsigned, uint64_t value) {
  if (offset == 0) {
    regs_.select = static_cast<uint8_t>(value);
  } else if (offset == 0x10) {
    write_selected(static_cast<uint32_t>(value));
  } else if (offset == 0x40) {
    end_of_interrupt(static_cast<uint8_t>(value));
  }
}

REGISTER_DEVICE(IoApic);

}  // namespace vireo::hw
