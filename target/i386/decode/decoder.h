#pragma once

#include <cstdint>
#include <span>

#include "target/i386/decode/insn.h"

namespace vireo::i386 {

/// What decoding depends on beside the bytes.
struct DecodeMode {
  uint8_t bits = 64;  ///< 16 or 32: CS.D; 64: 64-bit mode.
  const FeatureSet& features;
};

enum class DecodeStatus : uint8_t {
  kOk,
  kUndefined,  ///< #UD.
  kTooLong,    ///< More than 15 bytes: #GP(0).
  kNeedsMore,  ///< The bytes end before the instruction does.
};

constexpr unsigned kMaxInsnLength = 15;

/// Decodes the instruction at the start of `bytes` (SDM volume 2, chapter 2 and appendix A). Unless
/// the status is kOk, only Insn::length (the bytes looked at) means something.
DecodeStatus decode(const DecodeMode& mode, std::span<const uint8_t> bytes, Insn& insn);

}  // namespace vireo::i386
