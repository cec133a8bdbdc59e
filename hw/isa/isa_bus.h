#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/device/bus.h"
#include "core/device/irq_line.h"

namespace vireo::hw {

/// A slave of one 8237 DMA channel, e.g. a floppy controller.
class IsaDmaSlave {
 public:
  virtual ~IsaDmaSlave() = default;
  /// The channel was programmed or unmasked: a held-back transfer may go on.
  virtual void dma_ready() = 0;
};

/// What an ISA device asks of the DMA controller.
class IsaDma {
 public:
  virtual ~IsaDma() = default;
  virtual void set_slave(unsigned channel, IsaDmaSlave* slave) = 0;
  /// Moves up to `length` bytes between `buffer` and the channel's memory, in the direction that
  /// the channel is programmed for; returns how many moved. Sets `terminal_count` when the count
  /// ran out.
  virtual size_t transfer(unsigned channel, uint8_t* buffer, size_t length, bool from_device,
                          bool& terminal_count) = 0;
};

/// The ISA bus: 16 interrupt lines, each the OR of its sources, and DMA. Ports are those of the
/// environment.
class IsaBus final : public core::Bus, private core::IrqHandler {
 public:
  static constexpr unsigned kIrqCount = 16;

  explicit IsaBus(core::Device* owner = nullptr) : Bus("isa", "isa.0", owner) {}

  /// Where interrupt `irq` (0 to 15) goes; the receivers see the OR of all sources.
  void connect_irq_receiver(unsigned irq, core::IrqInput receiver) {
    outputs_[irq].connect(receiver);
  }
  /// A new source of interrupt `irq`.
  core::IrqInput add_irq_source(unsigned irq);

  /// Tells the receivers all levels again: they have forgotten them in a reset.
  void tell_levels();

  void set_dma(IsaDma* dma) { dma_ = dma; }
  /// Null on a machine without an 8237.
  IsaDma* dma() const { return dma_; }

 private:
  struct Source {
    unsigned irq;
    bool level;
  };
  void set_irq(unsigned source, bool level) override;

  std::array<core::IrqLine, kIrqCount> outputs_;
  std::vector<Source> sources_;
  IsaDma* dma_ = nullptr;
};

/// Connects `line` of `device` to ISA interrupt `irq` of the bus that the device sits on. Errors:
/// no such interrupt. Does nothing for a device on no ISA bus.
util::Status connect_isa_irq(core::Device& device, core::IrqLine& line, unsigned irq);

}  // namespace vireo::hw
