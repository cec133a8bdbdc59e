// The x87 unit's state in the format of FNSAVE and FRSTOR (SDM volume 1, 8.1.10).

#include "tcg/runtime/x87_state.h"

#include <cstring>

namespace vireo::tcg {
namespace {

constexpr size_t kStatus = 4, kTags = 8, kRegisters = 28, kRegisterBytes = 10;
constexpr unsigned kTopShift = 11, kTop = 7u << kTopShift;
constexpr unsigned kEmptyTag = 3;

}  // namespace

void from_x87_image(const uint8_t* image, X87State& x87) {
  uint16_t status, tags;
  std::memcpy(&x87.control, image, 2);
  std::memcpy(&status, image + kStatus, 2);
  std::memcpy(&tags, image + kTags, 2);
  x87.control = x87_control_word(x87.control);
  x87.status = static_cast<uint16_t>(status & ~kTop);
  x87.top = status >> kTopShift & 7;
  x87.empty = 0;
  for (unsigned i = 0; i < 8; ++i) {
    if ((tags >> (i * 2) & 3) == kEmptyTag) x87.empty |= static_cast<uint8_t>(1u << i);
    X87Register& reg = x87.registers[(x87.top + i) & 7];
    const uint8_t* from = image + kRegisters + i * kRegisterBytes;
    std::memcpy(&reg.significand, from, 8);
    std::memcpy(&reg.sign_exponent, from + 8, 2);
  }
}

void to_x87_image(const X87State& x87, uint8_t* image) {
  std::memset(image, 0, kRegisters);
  const auto status = static_cast<uint16_t>(x87.status | x87.top << kTopShift);
  uint16_t tags = 0;
  for (unsigned i = 0; i < 8; ++i) {
    if (x87.empty >> i & 1) tags |= static_cast<uint16_t>(kEmptyTag << (i * 2));
    const X87Register& reg = x87.registers[(x87.top + i) & 7];
    uint8_t* to = image + kRegisters + i * kRegisterBytes;
    std::memcpy(to, &reg.significand, 8);
    std::memcpy(to + 8, &reg.sign_exponent, 2);
  }
  std::memcpy(image, &x87.control, 2);
  std::memcpy(image + kStatus, &status, 2);
  std::memcpy(image + kTags, &tags, 2);
}

}  // namespace vireo::tcg
