#pragma once

#include <array>
#include <cstdint>

#include "core/device/description.h"
#include "hw/intc/apic_bus.h"

namespace vireo::hw {

/// An 82093AA I/O APIC with 24 inputs ("pin") and the EOI register of version 20h (Intel 82093AA
/// data sheet, 290566-001). A set input is electrically high.
class IoApic final : public core::Device, public EoiListener {
 public:
  static constexpr unsigned kPins = 24;
  static constexpr uint64_t kBase = 0xfec00000;

  static void describe(core::Description<IoApic>& d);

  /// Before realize.
  void connect(ApicBus& bus);
  void end_of_interrupt(uint8_t vector) override;

 protected:
  util::Status on_realize() override;
  void on_reset() override;

 private:
  struct Regs {
    uint8_t id = 0;
    uint8_t select = 0;
    std::array<uint64_t, kPins> redirections{};
    uint32_t levels = 0;    // the inputs
    uint32_t requests = 0;  // edges seen but masked, levels active but not yet sent
  };

  uint64_t read(uint64_t offset, unsigned width);
  void write(uint64_t offset, unsigned width, uint64_t value);
  uint32_t read_selected() const;
  void write_selected(uint32_t value);
  void set_pin(unsigned pin, bool level);
  bool active(unsigned pin) const;
  void service(unsigned pin);

  ApicBus* bus_ = nullptr;
  Regs regs_;
};

}  // namespace vireo::hw
