#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

namespace vireo::hw {

/// Bytes on their way from a PS/2 device to the controller.
struct Ps2Queue {
  static constexpr unsigned kSize = 64;

  std::array<uint8_t, kSize> bytes{};
  uint8_t first = 0;
  uint8_t count = 0;

  bool empty() const { return count == 0; }
  bool has_room_for(unsigned more) const { return count + more <= kSize; }
  void push(uint8_t byte) {
    if (count < kSize) bytes[(first + count++) % kSize] = byte;
  }
  void push(std::initializer_list<uint8_t> list) {
    for (uint8_t byte : list) push(byte);
  }
  uint8_t pop() {
    const uint8_t byte = bytes[first];
    first = static_cast<uint8_t>((first + 1) % kSize);
    --count;
    return byte;
  }
  void clear() { first = count = 0; }
};

}  // namespace vireo::hw
