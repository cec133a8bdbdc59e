#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chardev/chardev.h"

namespace vireo::chardev {

/// Shares one byte stream among several devices (a serial port and the monitor, say): all write to
/// it, the one with the focus reads. C-a is the escape: C-a c moves the focus on, C-a x ends the
/// program, C-a b sends a break, C-a h shows help, C-a C-a sends C-a.
class Mux {
 public:
  /// `quit` is called for C-a x, under the machine lock on the loop's thread.
  Mux(std::unique_ptr<Chardev> stream, std::function<void()> quit);
  ~Mux();

  /// A new end; the first one has the focus. Lives as long as the Mux.
  Chardev& add_end();

 private:
  class End;
  void receive(std::span<const uint8_t> bytes);
  void escape(uint8_t command);
  void deliver(uint8_t byte);
  void focus_next();
  void print(std::string_view text);
  size_t room();

  std::unique_ptr<Chardev> stream_;
  std::function<void()> quit_;
  std::vector<std::unique_ptr<End>> ends_;
  size_t focus_ = 0;
  bool escaped_ = false;
};

}  // namespace vireo::chardev
