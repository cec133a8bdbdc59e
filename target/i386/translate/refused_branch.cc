// Branches to addresses that are not canonical, taken back: translated code has no check for them,
// they are found where the code there is looked for.

#include "target/i386/translate/refused_branch.h"

#include <algorithm>
#include <array>

#include "target/i386/cpu/mode.h"
#include "target/i386/decode/decoder.h"
#include "target/i386/helper/page_walk.h"
#include "target/i386/helper/raise.h"
#include "target/i386/translate/translator.h"

namespace vireo::i386 {
namespace {

/// The instruction at `ip`; false if there is none.
bool decode_at(uint64_t ip, const FeatureSet& features, accel::CodeReader& code, Insn& insn) {
  std::array<uint8_t, kMaxInsnLength> bytes;
  size_t count = 0;
  for (uint64_t at = ip; count < bytes.size(); at = ip + count) {
    const std::span<const std::byte> part = code.bytes_at(at);
    if (part.empty()) break;
    const size_t more = std::min(part.size(), bytes.size() - count);
    std::copy_n(reinterpret_cast<const uint8_t*>(part.data()), more, bytes.data() + count);
    count += more;
  }
  const DecodeStatus status = decode({64, features}, std::span(bytes).first(count), insn);
  insn.ip = ip;
  return status == DecodeStatus::kOk;
}

/// Whether `insn` branched, as far as where the CPU is now tells; then undoes it.
bool take_back(CpuState& state, const Insn& insn) {
  using T = Translator;
  uint64_t* general = state.frame.general;
  const auto translate = insn.row->translate;
  if (translate == &T::jump || translate == &T::jump_indirect) return true;
  if (translate == &T::call || translate == &T::call_indirect) {
    general[kRsp] += insn.operand_size;
    return true;
  }
  if (translate == &T::near_return) {
    general[kRsp] -= insn.operand_size + insn.immediate;
    return true;
  }
  if (state.frame.guest_ip == insn.ip + insn.length) return false;  // not taken
  if (translate == &T::loop || translate == &T::loop_if) {
    ++general[kRcx];
    return true;
  }
  return translate == &T::jump_if || translate == &T::jump_if_counter_zero;
}

}  // namespace

bool refuse_branch(CpuState& state, const FeatureSet& features, uint64_t block_ip, unsigned insns,
                   accel::CodeReader& code) {
  if (!in_64bit_mode(state) || is_canonical(state, state.frame.guest_ip)) return false;
  Insn insn;
  for (uint64_t ip = block_ip; insns > 0; --insns, ip += insn.length) {
    if (!decode_at(ip, features, code, insn)) return false;
  }
  if (!take_back(state, insn)) return false;
  state.frame.guest_ip = insn.ip;
  record_exception(state, kGp, 0);
  return true;
}

}  // namespace vireo::i386
