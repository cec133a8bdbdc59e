// The path of APIC interrupt messages, and the memory window that writes them (SDM volume 3, 11).

#include "hw/intc/apic_bus.h"

#include "hw/intc/local_apic.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

constexpr uint64_t kRegisterPage = 0x1000;
// The system root's RAM and PCI holes lie below the APICs.
constexpr int kPriority = 10;

}  // namespace

void ApicBus::describe(core::Description<ApicBus>& d) {
  d.type("apic-bus", "path of APIC interrupt messages and MSI window");
  d.user_creatable(false);
  d.region("messages", core::Space::memory, kMessageSize, &ApicBus::read, &ApicBus::write,
           {.implemented_min = 4});
}

util::Status ApicBus::on_realize() {
  map_region("messages", kMessageBase, kPriority);
  return {};
}

LocalApic* ApicBus::current() const {
  if (current_) return current_();
  return apics_.empty() ? nullptr : apics_.front();
}

uint64_t ApicBus::read(uint64_t offset, unsigned) {
  LocalApic* apic = current();
  if (offset >= kRegisterPage || apic == nullptr || !apic->mmio_enabled()) return 0xffffffff;
  // Registers lie at multiples of 16; the bytes between them are undefined.
  return (offset & 0xf) ? 0 : apic->read_register(static_cast<unsigned>(offset >> 4));
}

void ApicBus::write(uint64_t offset, unsigned, uint64_t value) {
  LocalApic* apic = current();
  if (offset < kRegisterPage && apic != nullptr && apic->mmio_enabled()) {
    if ((offset & 0xf) == 0) {
      apic->write_register(static_cast<unsigned>(offset >> 4), static_cast<uint32_t>(value));
    }
    return;
  }
  deliver_msi(kMessageBase + offset, static_cast<uint32_t>(value));
}

void ApicBus::deliver_msi(uint64_t address, uint32_t data) {
  deliver({.destination = static_cast<uint32_t>(address >> 12) & 0xff,
           .logical = (address & 4) != 0,
           .mode = static_cast<DeliveryMode>((data >> 8) & 7),
           .vector = static_cast<uint8_t>(data),
           .level_triggered = (data & 0x8000) != 0});
}

void ApicBus::deliver(const InterruptMessage& message) {
  LocalApic* lowest = nullptr;
  for (LocalApic* apic : apics_) {
    if (!apic->accepts(message)) continue;
    if (message.mode != DeliveryMode::lowest_priority) {
      apic->receive(message);
    } else if (lowest == nullptr || apic->processor_priority() < lowest->processor_priority()) {
      lowest = apic;
    }
  }
  if (lowest != nullptr) lowest->receive(message);
}

void ApicBus::broadcast(const InterruptMessage& message, const LocalApic* except) {
  for (LocalApic* apic : apics_) {
    if (apic != except) apic->receive(message);
  }
}

void ApicBus::end_of_interrupt(uint8_t vector) {
  for (EoiListener* listener : eoi_listeners_) listener->end_of_interrupt(vector);
}

REGISTER_DEVICE(ApicBus);

}  // namespace vireo::hw
