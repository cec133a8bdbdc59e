#pragma once

#include <cstdint>

#include "hw/input/ps2_queue.h"

namespace vireo::hw {

/// A PS/2 mouse that becomes an IntelliMouse with a wheel when asked (IBM PS/2 Hardware Interface
/// Technical Reference, Mouse). Plain state, part of the controller's.
struct Ps2Mouse {
  Ps2Queue queue;
  bool reporting = false;
  bool remote = false;
  bool wrap = false;
  bool double_scaling = false;
  uint8_t resolution = 2;
  uint8_t rate = 100;
  uint8_t id = 0;     ///< 3 with a wheel.
  uint8_t knock = 0;  ///< How much of the rate sequence 200, 100, 80 was seen.
  uint8_t pending_command = 0;
  uint8_t buttons = 0;
  int32_t dx = 0;  ///< Movement not yet reported; upwards is positive.
  int32_t dy = 0;
  int32_t dz = 0;

  void command(uint8_t value);
  /// Movement to the right and downwards, the wheel towards the user, buttons of ui::PointerButton.
  void move(int x, int y, int z, uint8_t now_down);
  /// Queues what has not been reported, if there is room.
  void report_pending();

  void argument(uint8_t value);
  void set_defaults();
  void queue_report();
};

}  // namespace vireo::hw
