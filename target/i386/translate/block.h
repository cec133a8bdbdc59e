#pragma once

#include <cstdint>

#include "accel/guest_cpu.h"
#include "target/i386/cpu/features.h"
#include "tcg/ir/block.h"

namespace vireo::i386 {

/// Where and how a block begins.
struct BlockStart {
  uint64_t mode = 0;    ///< ModeBits.
  uint64_t ip = 0;      ///< RIP or EIP.
  uint64_t linear = 0;  ///< CS base + ip.
  unsigned max_insns = 64;
};

/// Translates instructions from `start` into `block`, at least one. The block ends where control
/// goes elsewhere or the mode may change, after `max_insns` instructions (one if the mode says so)
/// or kMaxBlockBytes, and before an instruction that crosses into another page; only a first
/// instruction crosses. Instructions whose feature is not in `features` are undefined. Returns
/// false if the first instruction cannot be fetched; `fault_linear` is then the address that
/// failed.
bool translate_block(const BlockStart& start, const FeatureSet& features, accel::CodeReader& code,
                     tcg::Block& block, uint64_t& fault_linear);

constexpr unsigned kMaxBlockBytes = 512;

}  // namespace vireo::i386
