// Keys that a monitor's user types into the guest.

#include "system/key_sender.h"

#include <utility>

#include "core/machine_lock.h"

namespace vireo::system {

namespace {

constexpr size_t kMostChords = 1024;

}  // namespace

KeySender::KeySender(util::EventLoop& loop, ui::InputHub& hub)
    : hub_(hub), timer_(loop, [this] { release(); }) {}

void KeySender::send(std::vector<uint16_t> codes, unsigned hold_ms) {
  if (chords_.size() >= kMostChords) return;
  chords_.push_back({std::move(codes), hold_ms});
  if (chords_.size() == 1) press();
}

void KeySender::press() {
  const Chord& chord = chords_.front();
  {
    const core::MachineLockGuard lock;
    for (const uint16_t code : chord.codes) hub_.key(code, true);
  }
  timer_.arm(util::host_monotonic_ns() + int64_t{chord.hold_ms} * 1'000'000);
}

void KeySender::release() {
  {
    const core::MachineLockGuard lock;
    const auto& codes = chords_.front().codes;
    for (auto code = codes.rbegin(); code != codes.rend(); ++code) hub_.key(*code, false);
  }
  chords_.pop_front();
  if (!chords_.empty()) press();
}

}  // namespace vireo::system
