// The ISA bus: wired-OR interrupt lines.

#include "hw/isa/isa_bus.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/device/device.h"

namespace vireo::hw {

core::IrqInput IsaBus::add_irq_source(unsigned irq) {
  sources_.push_back({irq, false});
  return {this, static_cast<unsigned>(sources_.size() - 1)};
}

void IsaBus::tell_levels() {
  for (core::IrqLine& output : outputs_) output.set(output.level());
}

void IsaBus::set_irq(unsigned source, bool level) {
  sources_[source].level = level;
  const unsigned irq = sources_[source].irq;
  const bool any = std::ranges::any_of(
      sources_, [irq](const Source& other) { return other.irq == irq && other.level; });
  // Only changes are passed on: while state is loaded, sources report one after the other.
  if (any != outputs_[irq].level()) outputs_[irq].set(any);
}

util::Status connect_isa_irq(core::Device& device, core::IrqLine& line, unsigned irq) {
  if (irq >= IsaBus::kIrqCount) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("{}: irq {} is none of 0 to 15", device.label(), irq));
  }
  if (auto* bus = dynamic_cast<IsaBus*>(device.bus())) line.connect(bus->add_irq_source(irq));
  return {};
}

}  // namespace vireo::hw
