#pragma once

#include <cstdint>

namespace vireo::host_cpu {

/// Random numbers, quickly (splitmix64, by G. Steele and others, 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t operator()() {
    uint64_t value = state_ += 0x9e3779b97f4a7c15;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
  }
  bool one_in(unsigned n) { return (*this)() % n == 0; }

 private:
  uint64_t state_;
};

/// Values that show edges more often than chance does.
inline uint64_t interesting(Random& random) {
  const uint64_t value = random();
  switch (random() % 8) {
    case 0:
      return value & 0xff;
    case 1:
      return ~(value & 0xff);
    case 2:
      return uint64_t{1} << (value & 63);
    case 3:
      return value & 0x8080808080808080;
    case 4:
      return static_cast<uint64_t>(static_cast<int32_t>(value));
    case 5:
      return 0;
    default:
      return value;
  }
}

}  // namespace vireo::host_cpu
