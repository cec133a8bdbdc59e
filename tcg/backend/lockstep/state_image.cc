// Copies of a vCPU's state, and what differs between two.

#include "tcg/backend/lockstep/state_image.h"

#include <fmt/format.h>

#include <cstring>

#include "tcg/ir/evaluate.h"

namespace vireo::tcg::lockstep {
namespace {

const uint8_t* target_of(const Frame& frame) {
  return reinterpret_cast<const uint8_t*>(&frame) + sizeof(Frame);
}

std::string line(const std::string& name, uint64_t reference, uint64_t subject) {
  return fmt::format("  {}: {:#x} on the reference, {:#x} on the subject\n", name, reference,
                     subject);
}

}  // namespace

void StateImage::take(const Frame& frame, size_t state_bytes) {
  std::memcpy(general_, frame.general, sizeof general_);
  guest_ip_ = frame.guest_ip;
  mxcsr_ = frame.mxcsr;
  flag_overflow_ = frame.flag_overflow;
  flags_low_ = frame.flags_low;
  std::memcpy(vector_, frame.vector, sizeof vector_);
  target_.resize(state_bytes - sizeof(Frame));
  if (!target_.empty()) std::memcpy(target_.data(), target_of(frame), target_.size());
}

void StateImage::put(Frame& frame) const {
  std::memcpy(frame.general, general_, sizeof general_);
  frame.guest_ip = guest_ip_;
  frame.mxcsr = mxcsr_;
  put_flags(frame);
  std::memcpy(frame.vector, vector_, sizeof vector_);
  if (!target_.empty()) {
    std::memcpy(reinterpret_cast<uint8_t*>(&frame) + sizeof(Frame), target_.data(), target_.size());
  }
}

void StateImage::put_flags(Frame& frame) const {
  frame.flag_overflow = flag_overflow_;
  frame.flags_low = flags_low_;
}

uint32_t StateImage::flags() const { return pack_flags(flag_overflow_, flags_low_); }

bool StateImage::matches(const Frame& frame, FlagMask ignored) const {
  const uint32_t changed = flags() ^ pack_flags(frame.flag_overflow, frame.flags_low);
  return (changed & ~uint32_t{ignored}) == 0 && guest_ip_ == frame.guest_ip &&
         mxcsr_ == frame.mxcsr && std::memcmp(general_, frame.general, sizeof general_) == 0 &&
         std::memcmp(vector_, frame.vector, sizeof vector_) == 0 &&
         (target_.empty() || std::memcmp(target_.data(), target_of(frame), target_.size()) == 0);
}

std::string StateImage::differences(const Frame& frame, FlagMask ignored) const {
  std::string text;
  for (unsigned i = 0; i < 16; ++i) {
    if (general_[i] != frame.general[i])
      text += line(fmt::format("r{}", i), general_[i], frame.general[i]);
  }
  if (guest_ip_ != frame.guest_ip) text += line("guest IP", guest_ip_, frame.guest_ip);
  const uint32_t other = pack_flags(frame.flag_overflow, frame.flags_low);
  if (((flags() ^ other) & ~uint32_t{ignored}) != 0) text += line("flags", flags(), other);
  if (mxcsr_ != frame.mxcsr) text += line("MXCSR", mxcsr_, frame.mxcsr);
  for (unsigned i = 0; i < 16 * 4; ++i) {
    uint64_t mine, other_lane;
    std::memcpy(&mine, vector_[i / 4] + i % 4 * 8, 8);
    std::memcpy(&other_lane, frame.vector[i / 4] + i % 4 * 8, 8);
    if (mine != other_lane)
      text += line(fmt::format("vector register {}, quadword {}", i / 4, i % 4), mine, other_lane);
  }
  for (size_t i = 0; i < target_.size(); ++i) {
    if (target_[i] == target_of(frame)[i]) continue;
    text +=
        line(fmt::format("state byte {:#x}", sizeof(Frame) + i), target_[i], target_of(frame)[i]);
  }
  return text;
}

}  // namespace vireo::tcg::lockstep
