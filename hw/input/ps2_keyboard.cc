// A PS/2 keyboard: commands and scan codes.

#include "hw/input/ps2_keyboard.h"

#include <array>
#include <utility>

namespace vireo::hw {
namespace {

constexpr uint8_t kAcknowledge = 0xfa;
constexpr uint8_t kSelfTestPassed = 0xaa;
constexpr uint8_t kResend = 0xfe;
constexpr uint8_t kBreak = 0xf0;
constexpr uint8_t kExtended = 0xe0;

enum Command : uint8_t {
  kSetLeds = 0xed,
  kEcho = 0xee,
  kSelectScanSet = 0xf0,
  kIdentify = 0xf2,
  kSetRate = 0xf3,
  kEnable = 0xf4,
  kDisable = 0xf5,
  kDefaults = 0xf6,
  kSetKeyModes = 0xf7,  // to FDh: set 3 only, without effect here
  kLastKeyMode = 0xfd,
  kResendLast = 0xfe,
  kReset = 0xff,
};

constexpr uint16_t kKeyPause = 119;

// Codes of a key in each set; Linux event codes up to 88 are set 1 codes.
struct Key {
  uint16_t event;
  uint8_t set1;
  uint8_t set2;
  uint8_t set3;
  bool extended;  // E0h before the codes of sets 1 and 2
};

constexpr Key kKeys[] = {
    {1, 0x01, 0x76, 0x08, false},  {2, 0x02, 0x16, 0x16, false},  {3, 0x03, 0x1e, 0x1e, false},
    {4, 0x04, 0x26, 0x26, false},  {5, 0x05, 0x25, 0x25, false},  {6, 0x06, 0x2e, 0x2e, false},
    {7, 0x07, 0x36, 0x36, false},  {8, 0x08, 0x3d, 0x3d, false},  {9, 0x09, 0x3e, 0x3e, false},
    {10, 0x0a, 0x46, 0x46, false}, {11, 0x0b, 0x45, 0x45, false}, {12, 0x0c, 0x4e, 0x4e, false},
    {13, 0x0d, 0x55, 0x55, false}, {14, 0x0e, 0x66, 0x66, false}, {15, 0x0f, 0x0d, 0x0d, false},
    {16, 0x10, 0x15, 0x15, false}, {17, 0x11, 0x1d, 0x1d, false}, {18, 0x12, 0x24, 0x24, false},
    {19, 0x13, 0x2d, 0x2d, false}, {20, 0x14, 0x2c, 0x2c, false}, {21, 0x15, 0x35, 0x35, false},
    {22, 0x16, 0x3c, 0x3c, false}, {23, 0x17, 0x43, 0x43, false}, {24, 0x18, 0x44, 0x44, false},
    {25, 0x19, 0x4d, 0x4d, false}, {26, 0x1a, 0x54, 0x54, false}, {27, 0x1b, 0x5b, 0x5b, false},
    {28, 0x1c, 0x5a, 0x5a, false}, {29, 0x1d, 0x14, 0x11, false}, {30, 0x1e, 0x1c, 0x1c, false},
    {31, 0x1f, 0x1b, 0x1b, false}, {32, 0x20, 0x23, 0x23, false}, {33, 0x21, 0x2b, 0x2b, false},
    {34, 0x22, 0x34, 0x34, false}, {35, 0x23, 0x33, 0x33, false}, {36, 0x24, 0x3b, 0x3b, false},
    {37, 0x25, 0x42, 0x42, false}, {38, 0x26, 0x4b, 0x4b, false}, {39, 0x27, 0x4c, 0x4c, false},
    {40, 0x28, 0x52, 0x52, false}, {41, 0x29, 0x0e, 0x0e, false}, {42, 0x2a, 0x12, 0x12, false},
    {43, 0x2b, 0x5d, 0x5c, false}, {44, 0x2c, 0x1a, 0x1a, false}, {45, 0x2d, 0x22, 0x22, false},
    {46, 0x2e, 0x21, 0x21, false}, {47, 0x2f, 0x2a, 0x2a, false}, {48, 0x30, 0x32, 0x32, false},
    {49, 0x31, 0x31, 0x31, false}, {50, 0x32, 0x3a, 0x3a, false}, {51, 0x33, 0x41, 0x41, false},
    {52, 0x34, 0x49, 0x49, false}, {53, 0x35, 0x4a, 0x4a, false}, {54, 0x36, 0x59, 0x59, false},
    {55, 0x37, 0x7c, 0x7e, false}, {56, 0x38, 0x11, 0x19, false}, {57, 0x39, 0x29, 0x29, false},
    {58, 0x3a, 0x58, 0x14, false}, {59, 0x3b, 0x05, 0x07, false}, {60, 0x3c, 0x06, 0x0f, false},
    {61, 0x3d, 0x04, 0x17, false}, {62, 0x3e, 0x0c, 0x1f, false}, {63, 0x3f, 0x03, 0x27, false},
    {64, 0x40, 0x0b, 0x2f, false}, {65, 0x41, 0x83, 0x37, false}, {66, 0x42, 0x0a, 0x3f, false},
    {67, 0x43, 0x01, 0x47, false}, {68, 0x44, 0x09, 0x4f, false}, {69, 0x45, 0x77, 0x76, false},
    {70, 0x46, 0x7e, 0x5f, false}, {71, 0x47, 0x6c, 0x6c, false}, {72, 0x48, 0x75, 0x75, false},
    {73, 0x49, 0x7d, 0x7d, false}, {74, 0x4a, 0x7b, 0x84, false}, {75, 0x4b, 0x6b, 0x6b, false},
    {76, 0x4c, 0x73, 0x73, false}, {77, 0x4d, 0x74, 0x74, false}, {78, 0x4e, 0x79, 0x7c, false},
    {79, 0x4f, 0x69, 0x69, false}, {80, 0x50, 0x72, 0x72, false}, {81, 0x51, 0x7a, 0x7a, false},
    {82, 0x52, 0x70, 0x70, false}, {83, 0x53, 0x71, 0x71, false}, {84, 0x54, 0x84, 0x57, false},
    {86, 0x56, 0x61, 0x13, false}, {87, 0x57, 0x78, 0x56, false}, {88, 0x58, 0x07, 0x5e, false},
    {96, 0x1c, 0x5a, 0x79, true},  {97, 0x1d, 0x14, 0x58, true},  {98, 0x35, 0x4a, 0x77, true},
    {99, 0x37, 0x7c, 0x57, true},  {100, 0x38, 0x11, 0x39, true}, {102, 0x47, 0x6c, 0x6e, true},
    {103, 0x48, 0x75, 0x63, true}, {104, 0x49, 0x7d, 0x6f, true}, {105, 0x4b, 0x6b, 0x61, true},
    {106, 0x4d, 0x74, 0x6a, true}, {107, 0x4f, 0x69, 0x65, true}, {108, 0x50, 0x72, 0x60, true},
    {109, 0x51, 0x7a, 0x6d, true}, {110, 0x52, 0x70, 0x67, true}, {111, 0x53, 0x71, 0x64, true},
    {125, 0x5b, 0x1f, 0x8b, true}, {126, 0x5c, 0x27, 0x8c, true}, {127, 0x5d, 0x2f, 0x8d, true},
};

const Key* find_key(uint16_t event) {
  for (const Key& key : kKeys) {
    if (key.event == event) return &key;
  }
  return nullptr;
}

// The 8042's table; bytes that are no key's code pass unchanged.
constexpr std::array<uint8_t, 256> kTranslation = [] {
  std::array<uint8_t, 256> table{};
  for (unsigned i = 0; i < table.size(); ++i) table[i] = static_cast<uint8_t>(i);
  for (const Key& key : kKeys) table[key.set2] = key.set1;
  return table;
}();

}  // namespace

int translate_to_set_1(uint8_t byte, bool& break_prefix) {
  if (byte == kBreak) {
    break_prefix = true;
    return -1;
  }
  const uint8_t code = kTranslation[byte];
  if (byte == kExtended || byte == 0xe1 || !break_prefix) return code;
  break_prefix = false;
  return code | 0x80;
}

uint8_t Ps2Keyboard::take() { return last_sent = queue.pop(); }

void Ps2Keyboard::set_defaults() {
  queue.clear();
  scan_set = 2;
  leds = 0;
}

void Ps2Keyboard::argument(uint8_t value) {
  switch (std::exchange(pending_command, 0)) {
    case kSetLeds:
      leds = value & 7;
      queue.push(kAcknowledge);
      break;
    case kSelectScanSet:
      queue.push(value <= 3 ? kAcknowledge : kResend);
      if (value == 0) queue.push(scan_set);
      if (value >= 1 && value <= 3) scan_set = value;
      break;
    default:  // typematic rate: repeating is the front end's
      queue.push(kAcknowledge);
      break;
  }
}

void Ps2Keyboard::command(uint8_t value) {
  if (pending_command != 0 && value < kSetLeds) return argument(value);
  pending_command = 0;
  switch (value) {
    case kSetLeds:
    case kSelectScanSet:
    case kSetRate:
      pending_command = value;
      queue.push(kAcknowledge);
      break;
    case kEcho:
      queue.push(kEcho);
      break;
    case kIdentify:
      queue.push({kAcknowledge, 0xab, 0x83});
      break;
    case kEnable:
      queue.clear();
      scanning = true;
      queue.push(kAcknowledge);
      break;
    case kDisable:
    case kDefaults:
      set_defaults();
      scanning = value == kDefaults;
      queue.push(kAcknowledge);
      break;
    case kResendLast:
      queue.push(last_sent);
      break;
    case kReset:
      set_defaults();
      scanning = true;
      queue.push({kAcknowledge, kSelfTestPassed});
      break;
    default:
      queue.push(value >= kSetKeyModes && value <= kLastKeyMode ? kAcknowledge : kResend);
      break;
  }
}

void Ps2Keyboard::key(uint16_t event, bool down) {
  constexpr unsigned kLongestCode = 8;
  // A key that does not fit as a whole is lost, as when a real keyboard's buffer overruns.
  if (!scanning || !queue.has_room_for(kLongestCode)) return;
  if (event == kKeyPause && scan_set != 3) {
    if (!down) return;
    if (scan_set == 1) return queue.push({0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5});
    return queue.push({0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77});
  }
  const Key* key = find_key(event);
  if (key == nullptr) return;
  if (scan_set == 3) {
    if (!down) queue.push(kBreak);
    return queue.push(key->set3);
  }
  if (key->extended) queue.push(kExtended);
  if (scan_set == 1) return queue.push(down ? key->set1 : key->set1 | 0x80);
  if (!down) queue.push(kBreak);
  queue.push(key->set2);
}

}  // namespace vireo::hw
