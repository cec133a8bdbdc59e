// A conventional PCI bus: slots, interrupt lines and the way of MSI messages.

#include "hw/pci/pci_bus.h"

#include <fmt/format.h>

#include <algorithm>

#include "hw/pci/pci_device.h"

namespace vireo::hw {
namespace {

constexpr unsigned kFunctionsPerSlot = 8;

}  // namespace

int PciBus::free_devfn() const {
  for (unsigned slot = 0; slot < 32; ++slot) {
    const auto first = functions_.begin() + slot * kFunctionsPerSlot;
    if (std::all_of(first, first + kFunctionsPerSlot, [](auto* f) { return f == nullptr; })) {
      return static_cast<int>(slot * kFunctionsPerSlot);
    }
  }
  return -1;
}

bool PciBus::has_room_for(const core::Device& device) const {
  const auto& function = static_cast<const PciDevice&>(device);
  const auto wanted = function.requested_devfn();
  if (!wanted) return false;
  return *wanted < 0 ? free_devfn() >= 0 : functions_[static_cast<unsigned>(*wanted)] == nullptr;
}

std::string PciBus::address_of(const core::Device& device) const {
  const uint8_t devfn = static_cast<const PciDevice&>(device).devfn();
  return fmt::format("{:02x}.{}", devfn >> 3, devfn & 7);
}

util::Status PciBus::claim_slot(core::Device& device) {
  auto& function = static_cast<PciDevice&>(device);
  VIREO_TRY_ASSIGN(wanted, function.requested_devfn());
  const int devfn = wanted < 0 ? free_devfn() : wanted;
  if (devfn < 0) {
    return util::Error(util::ErrorCode::kBusy, fmt::format("no free slot on {}", name()));
  }
  PciDevice*& place = functions_[static_cast<unsigned>(devfn)];
  if (place != nullptr) {
    return util::Error(util::ErrorCode::kBusy,
                       fmt::format("slot {:02x}.{} of {} is taken by '{}'", devfn >> 3, devfn & 7,
                                   name(), place->label()));
  }
  place = &function;
  function.set_place(*this, static_cast<uint8_t>(devfn));
  return {};
}

// Called for devices under destruction too, which are no PciDevices any more.
void PciBus::release_slot(core::Device& device) {
  const auto place = std::ranges::find_if(functions_, [&](PciDevice* function) {
    return static_cast<core::Device*>(function) == &device;
  });
  if (place == functions_.end()) return;
  *place = nullptr;
  const auto devfn = static_cast<uint8_t>(place - functions_.begin());
  asserted_[devfn] = 0;
  for (unsigned pirq = 0; pirq < kPirqs; ++pirq) update_pirq(pirq);
}

void PciBus::set_interrupt(const PciDevice& device, unsigned pin, bool level) {
  const auto bit = static_cast<uint8_t>(1u << pin);
  uint8_t& asserted = asserted_[device.devfn()];
  asserted = static_cast<uint8_t>(level ? asserted | bit : asserted & ~bit);
  update_pirq(pirq_of(device.devfn(), pin));
}

void PciBus::update_pirq(unsigned pirq) {
  bool any = false;
  for (unsigned devfn = 0; devfn < functions_.size(); ++devfn) {
    // The pin that leads from this slot to the line.
    const unsigned leading = (pirq - pirq_of(static_cast<uint8_t>(devfn), 0)) & 3;
    any = any || ((asserted_[devfn] >> leading) & 1);
  }
  // Only changes are passed on: while state is loaded, functions report one after the other.
  if (any != pirqs_[pirq].level()) pirqs_[pirq].set(any);
}

}  // namespace vireo::hw
