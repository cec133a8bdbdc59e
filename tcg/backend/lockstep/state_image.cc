// Copies of a vCPU's state, and what differs between two.

#include "tcg/backend/lockstep/state_image.h"

#include <fmt/format.h>

#include <algorithm>
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

void StateImage::take(const Frame& frame, size_t state_bytes, size_t asynchronous) {
  kernel_tlb_ = static_cast<uint8_t>(kernel_tlb_in_use(frame));
  std::memcpy(general_, frame.general, sizeof general_);
  guest_ip_ = frame.guest_ip;
  mxcsr_ = frame.mxcsr;
  flag_overflow_ = frame.flag_overflow;
  flags_low_ = frame.flags_low;
  std::memcpy(vector_, frame.vector, sizeof vector_);
  target_.resize(state_bytes - sizeof(Frame));
  asynchronous_ = asynchronous != 0 ? asynchronous - sizeof(Frame) : target_.size();
  if (!target_.empty()) std::memcpy(target_.data(), target_of(frame), target_.size());
}

void StateImage::put(Frame& frame) const {
  std::memcpy(frame.general, general_, sizeof general_);
  frame.guest_ip = guest_ip_;
  frame.mxcsr = mxcsr_;
  put_flags(frame);
  std::memcpy(frame.vector, vector_, sizeof vector_);
  frame.tlb[kContextKernel] = frame.kernel_tlb[kernel_tlb_];
  uint8_t* target = reinterpret_cast<uint8_t*>(&frame) + sizeof(Frame);
  std::copy_n(target_.begin(), asynchronous_, target);
  if (asynchronous_ < target_.size()) {
    const size_t behind = asynchronous_ + 1;
    std::copy(target_.begin() + static_cast<ptrdiff_t>(behind), target_.end(), target + behind);
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
         mxcsr_ == frame.mxcsr && kernel_tlb_ == kernel_tlb_in_use(frame) &&
         std::memcmp(general_, frame.general, sizeof general_) == 0 &&
         std::memcmp(vector_, frame.vector, sizeof vector_) == 0 && same_target(frame);
}

bool StateImage::same_target(const Frame& frame) const {
  const uint8_t* target = target_of(frame);
  const auto middle = target_.begin() + static_cast<ptrdiff_t>(asynchronous_);
  if (!std::equal(target_.begin(), middle, target)) return false;
  return middle == target_.end() ||
         std::equal(middle + 1, target_.end(), target + asynchronous_ + 1);
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
  if (kernel_tlb_ != kernel_tlb_in_use(frame)) {
    text += line("rights to user pages", kernel_tlb_, kernel_tlb_in_use(frame));
  }
  if (mxcsr_ != frame.mxcsr) text += line("MXCSR", mxcsr_, frame.mxcsr);
  for (unsigned i = 0; i < 16 * 4; ++i) {
    uint64_t mine, other_lane;
    std::memcpy(&mine, vector_[i / 4] + i % 4 * 8, 8);
    std::memcpy(&other_lane, frame.vector[i / 4] + i % 4 * 8, 8);
    if (mine != other_lane)
      text += line(fmt::format("vector register {}, quadword {}", i / 4, i % 4), mine, other_lane);
  }
  for (size_t i = 0; i < target_.size(); ++i) {
    if (i == asynchronous_ || target_[i] == target_of(frame)[i]) continue;
    text +=
        line(fmt::format("state byte {:#x}", sizeof(Frame) + i), target_[i], target_of(frame)[i]);
  }
  return text;
}

}  // namespace vireo::tcg::lockstep
