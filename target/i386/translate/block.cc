// Cuts guest code into blocks: fetches, decodes and translates until something ends one.

#include "target/i386/translate/block.h"

#include <algorithm>
#include <array>

#include "target/i386/cpu/mode.h"
#include "target/i386/decode/decoder.h"
#include "target/i386/translate/translator.h"

namespace vireo::i386 {
namespace {

std::span<const uint8_t> as_bytes(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

class BlockTranslator {
 public:
  BlockTranslator(const BlockStart& start, const FeatureSet& features, accel::CodeReader& code,
                  tcg::Block& block)
      : start_(start),
        relocatable_(is_relocatable(start.mode, start.ip)),
        first_ip_(relocatable_ ? start.ip % tcg::kPageSize : start.ip),
        mode_{static_cast<uint8_t>(start.mode & kMode64       ? 64
                                   : start.mode & kModeCode32 ? 32
                                                              : 16),
              features},
        code_(code),
        block_(block),
        translator_(start.mode, features, &block) {}

  bool run(uint64_t& fault_linear) {
    block_.clear();
    block_.guest_ip = first_ip_;
    block_.relocatable = relocatable_;
    page_ = as_bytes(code_.bytes_at(start_.linear));
    fault_linear = start_.linear;
    if (page_.empty()) return false;
    const bool one_insn = start_.mode & (kModeTrap | kModeInterruptShadow | kModeBreakpoints);
    const unsigned max_insns = one_insn ? 1 : start_.max_insns;
    do {
      if (!translate_one(fault_linear)) return false;
    } while (!ended_ && !translator_.ended() && block_.guest_insns < max_insns &&
             block_.guest_size < kMaxBlockBytes && block_.guest_size < page_.size());
    translator_.finish(ip());
    return true;
  }

 private:
  bool is_64() const { return start_.mode & kMode64; }
  uint64_t mask(uint64_t address) const {
    return is_64() ? address : static_cast<uint32_t>(address);
  }
  bool within_limit(unsigned length) const {
    return is_64() || ip() + length - 1 <= code_limit(start_.mode);
  }
  uint64_t ip() const { return mask(first_ip_ + block_.guest_size); }

  /// Translates the next instruction, or ends the block before one that crosses pages. False: the
  /// fetch failed.
  bool translate_one(uint64_t& fault_linear) {
    if (!within_limit(1)) {
      fail(kGp, 1);
      return true;
    }
    DecodeStatus status = decode(mode_, page_.subspan(block_.guest_size), insn_);
    if (status == DecodeStatus::kNeedsMore) {
      if (block_.guest_insns != 0) {
        ended_ = true;
        return true;
      }
      status = decode_across_pages(fault_linear);
      if (status == DecodeStatus::kNeedsMore) return false;
    }
    if (status != DecodeStatus::kOk) {
      fail(status == DecodeStatus::kUndefined ? kUd : kGp, insn_.length);
      return true;
    }
    if (!within_limit(insn_.length)) {
      fail(kGp, insn_.length);
      return true;
    }
    insn_.ip = ip();
    block_.guest_size += insn_.length;
    ++block_.guest_insns;
    translator_.translate(insn_);
    return true;
  }

  DecodeStatus decode_across_pages(uint64_t& fault_linear) {
    std::array<uint8_t, kMaxInsnLength> bytes;
    size_t count = page_.size();  // Below 15, or the decoder would not need more.
    std::copy(page_.begin(), page_.end(), bytes.begin());
    fault_linear = mask(start_.linear + count);
    const std::span<const uint8_t> second = as_bytes(code_.bytes_at(fault_linear));
    const size_t more = std::min(second.size(), bytes.size() - count);
    std::copy_n(second.begin(), more, bytes.begin() + static_cast<ptrdiff_t>(count));
    return decode(mode_, std::span(bytes).first(count + more), insn_);
  }

  void fail(Vector vector, unsigned length) {
    translator_.translate_fault(ip(), vector);
    block_.guest_size += length;
    ++block_.guest_insns;
  }

  const BlockStart& start_;
  const bool relocatable_;
  const uint64_t first_ip_;  ///< Relative to the page if the block is relocatable.
  const DecodeMode mode_;
  accel::CodeReader& code_;
  tcg::Block& block_;
  Translator translator_;
  Insn insn_;                      ///< The current one.
  std::span<const uint8_t> page_;  ///< From the block's start to the end of its page.
  bool ended_ = false;
};

}  // namespace

bool translate_block(const BlockStart& start, const FeatureSet& features, accel::CodeReader& code,
                     tcg::Block& block, uint64_t& fault_linear) {
  return BlockTranslator(start, features, code, block).run(fault_linear);
}

}  // namespace vireo::i386
