#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace vireo::ui {

/// Buttons of a pointer event.
enum PointerButton : uint8_t { kButtonLeft = 1, kButtonRight = 2, kButtonMiddle = 4 };

/// A device's end of keyboard and pointer input. Called under the machine lock.
class InputSink {
 public:
  virtual ~InputSink() = default;
  /// `code` is a Linux input event code (KEY_A is 30).
  virtual void key(uint16_t code, bool down) { (void)code, (void)down; }
  /// Movement to the right, downwards, and of the wheel towards the user; all buttons that are
  /// down.
  virtual void pointer(int dx, int dy, int dz, uint8_t buttons) {
    (void)dx, (void)dy, (void)dz, (void)buttons;
  }
};

/// Hands input of the front ends to the machine's devices: each event goes to all sinks. Machine
/// lock held.
class InputHub {
 public:
  void add(InputSink& sink) { sinks_.push_back(&sink); }
  void remove(InputSink& sink) { std::erase(sinks_, &sink); }
  void key(uint16_t code, bool down) {
    for (InputSink* sink : sinks_) sink->key(code, down);
  }
  void pointer(int dx, int dy, int dz, uint8_t buttons) {
    for (InputSink* sink : sinks_) sink->pointer(dx, dy, dz, buttons);
  }

 private:
  std::vector<InputSink*> sinks_;
};

}  // namespace vireo::ui
