#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "ui/input.h"
#include "util/async/event_loop.h"

namespace vireo::system {

/// Types chords for a monitor, one after the other, in host time. Loop thread, without the machine
/// lock.
class KeySender {
 public:
  KeySender(util::EventLoop& loop, ui::InputHub& hub);

  /// The keys (Linux event codes) go down in order, and up in reverse after `hold_ms`. Waits for
  /// chords that were sent before; dropped if very many wait.
  void send(std::vector<uint16_t> codes, unsigned hold_ms);

 private:
  struct Chord {
    std::vector<uint16_t> codes;
    unsigned hold_ms;
  };
  void press();
  void release();

  ui::InputHub& hub_;
  std::deque<Chord> chords_;  // the first is down
  util::LoopTimer timer_;
};

}  // namespace vireo::system
