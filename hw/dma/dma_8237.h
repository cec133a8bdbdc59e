#pragma once

#include <array>
#include <cstdint>

#include "core/device/description.h"
#include "hw/isa/isa_bus.h"

namespace vireo::hw {

/// The two cascaded 8237A DMA controllers of a PC with their page registers at 80h to 8fh (Intel
/// 8237A data sheet 231466). Channels 0 to 3 move bytes, 5 to 7 words; 4 is the cascade. Port 80h
/// is a page register that no channel uses: diagnostics write there.
class Dma8237Pair final : public core::Device, public IsaDma {
 public:
  static void describe(core::Description<Dma8237Pair>& d);

  void set_slave(unsigned channel, IsaDmaSlave* slave) override { slaves_[channel & 7] = slave; }
  size_t transfer(unsigned channel, uint8_t* buffer, size_t length, bool from_device,
                  bool& terminal_count) override;

 protected:
  util::Status on_realize() override;
  void on_unrealize() override;

 private:
  struct Channel {
    uint16_t base_address = 0;
    uint16_t base_count = 0;
    uint16_t address = 0;
    uint16_t count = 0;
    uint8_t mode = 0;
  };
  struct Controller {
    std::array<Channel, 4> channels;
    uint8_t command = 0;
    uint8_t status = 0;
    uint8_t mask = 0x0f;
    uint8_t requests = 0;
    bool high_byte_next = false;
  };
  struct Regs {
    std::array<Controller, 2> controllers;
    std::array<uint8_t, 16> pages{};
  };

  template <unsigned kIndex>
  uint64_t read_controller(uint64_t offset, unsigned) {
    return read(kIndex, static_cast<unsigned>(offset >> kIndex));
  }
  template <unsigned kIndex>
  void write_controller(uint64_t offset, unsigned, uint64_t value) {
    write(kIndex, static_cast<unsigned>(offset >> kIndex), static_cast<uint8_t>(value));
  }
  uint64_t read_page(uint64_t offset, unsigned) { return regs_.pages[offset]; }
  void write_page(uint64_t offset, unsigned, uint64_t value) {
    regs_.pages[offset] = static_cast<uint8_t>(value);
  }
  uint8_t read(unsigned index, unsigned reg);
  void write(unsigned index, unsigned reg, uint8_t value);
  void write_channel(Controller& controller, unsigned reg, uint8_t value);
  void write_control(Controller& controller, unsigned reg, uint8_t value);
  uint64_t physical_address(unsigned channel) const;
  void wake_slaves();

  std::array<IsaDmaSlave*, 8> slaves_{};
  Regs regs_;
};

}  // namespace vireo::hw
