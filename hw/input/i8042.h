#pragma once

#include <cstdint>

#include "core/device/description.h"
#include "hw/input/ps2_keyboard.h"
#include "hw/input/ps2_mouse.h"
#include "ui/input.h"

namespace vireo::hw {

/// The 8042 keyboard controller with a PS/2 keyboard and mouse (IBM PS/2 Hardware Interface
/// Technical Reference, Keyboard and Auxiliary Device Controller). Output "a20" is the gate.
class I8042 final : public core::Device, public ui::InputSink {
 public:
  static void describe(core::Description<I8042>& d);

  void key(uint16_t code, bool down) override;
  void pointer(int dx, int dy, int dz, uint8_t buttons) override;

 protected:
  util::Status on_realize() override;
  void sync_outputs() override;

 private:
  struct Regs {
    uint8_t configuration = 0;
    uint8_t output_port = 0x03;  // bit 0 low resets, bit 1 is A20
    uint8_t pending_command = 0;
    uint8_t output = 0;  // the output buffer
    bool output_full = false;
    bool output_from_mouse = false;
    bool command_last = false;  // the A2 bit of the status
    bool break_prefix = false;  // of the translation
    Ps2Keyboard keyboard;
    Ps2Mouse mouse;
  };

  uint8_t read_data();
  void write_data(uint8_t value);
  uint8_t read_status() const;
  void write_command(uint8_t value);
  void fill(uint8_t value, bool from_mouse);
  void fill_from_devices();
  void write_output_port(uint8_t value);

  core::IrqLine keyboard_irq_;
  core::IrqLine mouse_irq_;
  core::IrqLine a20_;
  Regs regs_;
};

}  // namespace vireo::hw
