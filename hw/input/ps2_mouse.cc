// A PS/2 mouse: commands and movement reports.

#include "hw/input/ps2_mouse.h"

#include <algorithm>
#include <utility>

namespace vireo::hw {
namespace {

constexpr uint8_t kAcknowledge = 0xfa;
constexpr uint8_t kError = 0xfc;
constexpr uint8_t kWheelId = 3;
constexpr int kMaxPending = 4096;

enum Command : uint8_t {
  kScaling1To1 = 0xe6,
  kScaling2To1 = 0xe7,
  kSetResolution = 0xe8,
  kStatus = 0xe9,
  kStreamMode = 0xea,
  kReadData = 0xeb,
  kResetWrap = 0xec,
  kWrapMode = 0xee,
  kRemoteMode = 0xf0,
  kIdentify = 0xf2,
  kSetRate = 0xf3,
  kEnable = 0xf4,
  kDisable = 0xf5,
  kDefaults = 0xf6,
  kReset = 0xff,
};

}  // namespace

void Ps2Mouse::set_defaults() {
  reporting = remote = wrap = double_scaling = false;
  resolution = 2;
  rate = 100;
  knock = 0;
  dx = dy = dz = 0;
}

void Ps2Mouse::argument(uint8_t value) {
  if (std::exchange(pending_command, 0) == kSetResolution) {
    resolution = value & 3;
  } else {
    constexpr uint8_t kKnock[] = {200, 100, 80};
    rate = value;
    knock = value == kKnock[knock] ? knock + 1 : value == kKnock[0] ? 1 : 0;
    if (knock == 3) {
      id = kWheelId;
      knock = 0;
    }
  }
  queue.push(kAcknowledge);
}

void Ps2Mouse::command(uint8_t value) {
  if (pending_command != 0) return argument(value);
  if (wrap && value != kResetWrap && value != kReset) return queue.push(value);
  queue.push(kAcknowledge);
  switch (value) {
    case kScaling1To1:
    case kScaling2To1:
      double_scaling = value == kScaling2To1;
      break;
    case kSetResolution:
    case kSetRate:
      pending_command = value;
      break;
    case kStatus:
      queue.push({static_cast<uint8_t>((remote ? 0x40 : 0) | (reporting ? 0x20 : 0) |
                                       (double_scaling ? 0x10 : 0) | (buttons & 1) << 2 |
                                       (buttons & 4) >> 1 | (buttons & 2) >> 1),
                  resolution, rate});
      break;
    case kStreamMode:
    case kRemoteMode:
      remote = value == kRemoteMode;
      break;
    case kReadData:
      queue_report();
      break;
    case kWrapMode:
    case kResetWrap:
      wrap = value == kWrapMode;
      break;
    case kIdentify:
      queue.push(id);
      break;
    case kEnable:
    case kDisable:
      reporting = value == kEnable;
      break;
    case kDefaults:
      set_defaults();
      break;
    case kReset:
      set_defaults();
      id = 0;
      queue.clear();
      queue.push({kAcknowledge, 0xaa, 0x00});
      break;
    default:
      queue.clear();
      queue.push(kError);
      break;
  }
}

void Ps2Mouse::move(int x, int y, int z, uint8_t now_down) {
  const auto add = [](int32_t& sum, int amount) {
    sum =
        std::clamp(sum + std::clamp(amount, -kMaxPending, kMaxPending), -kMaxPending, kMaxPending);
  };
  const bool pressed = now_down != buttons;
  add(dx, x);
  add(dy, -y);
  add(dz, z);
  buttons = now_down & 7;
  if (!reporting || remote) return;
  if (pressed && queue.has_room_for(4)) queue_report();
  report_pending();
}

void Ps2Mouse::report_pending() {
  // Reports beyond a handful would only make the pointer lag.
  constexpr unsigned kEnoughQueued = 16;
  while (reporting && !remote && (dx != 0 || dy != 0 || dz != 0) && queue.count < kEnoughQueued) {
    queue_report();
  }
}

// Three bytes, or four with the wheel; the movement that fits.
void Ps2Mouse::queue_report() {
  const auto x = std::clamp(dx, -255, 255), y = std::clamp(dy, -255, 255);
  const auto z = std::clamp(dz, -8, 7);
  queue.push({static_cast<uint8_t>(0x08 | buttons | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0)),
              static_cast<uint8_t>(x), static_cast<uint8_t>(y)});
  if (id == kWheelId) queue.push(static_cast<uint8_t>(z));
  dx -= x;
  dy -= y;
  dz = id == kWheelId ? dz - z : 0;
}

}  // namespace vireo::hw
