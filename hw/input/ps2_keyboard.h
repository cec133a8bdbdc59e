#pragma once

#include <cstdint>

#include "hw/input/ps2_queue.h"

namespace vireo::hw {

/// A PS/2 keyboard with scan code sets 1 to 3 (IBM PS/2 Hardware Interface Technical Reference,
/// Keyboards). Plain state, part of the controller's.
struct Ps2Keyboard {
  Ps2Queue queue;
  uint8_t scan_set = 2;
  bool scanning = true;
  uint8_t leds = 0;
  uint8_t pending_command = 0;  ///< A command that waits for its argument.
  uint8_t last_sent = 0;        ///< For the resend command.

  /// A byte from the host.
  void command(uint8_t value);
  /// A key by its Linux input event code; unknown ones have no scan code.
  void key(uint16_t code, bool down);
  uint8_t take();

  void argument(uint8_t value);
  void set_defaults();
};

/// What the 8042 makes of a byte of scan set 2 when translating; `break_prefix` remembers F0h.
/// Returns -1 for a byte that is swallowed.
int translate_to_set_1(uint8_t byte, bool& break_prefix);

}  // namespace vireo::hw
