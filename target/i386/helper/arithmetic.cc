// Integer instructions that are rare: BCD adjustments, BOUND, ENTER with nesting, CMPXCHG8B/16B
// (SDM volume 2).

#include <bit>
#include <cstring>

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/helper/debug.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/segmentation.h"
#include "util/bits.h"

namespace vireo::i386 {
namespace {

uint8_t get_al(const CpuState& state) { return static_cast<uint8_t>(state.frame.general[kRax]); }

void set_ax(CpuState& state, unsigned ax) {
  uint64_t& rax = state.frame.general[kRax];
  rax = (rax & ~uint64_t{0xffff}) | (ax & 0xffff);
}

void set_al(CpuState& state, unsigned al) {
  uint64_t& rax = state.frame.general[kRax];
  rax = (rax & ~uint64_t{0xff}) | (al & 0xff);
}

// S, Z and P of a byte, with the given others.
void set_result_flags(CpuState& state, uint8_t result, uint32_t others) {
  uint32_t flags = others;
  if (result & 0x80) flags |= tcg::kFlagS;
  if (result == 0) flags |= tcg::kFlagZ;
  if (!(std::popcount(result) & 1)) flags |= tcg::kFlagP;
  set_arithmetic_flags(state, flags);
}

void decimal_adjust(CpuState& state, int sign) {
  const uint32_t flags = arithmetic_flags(state);
  const uint8_t before = get_al(state);
  unsigned al = before;
  uint32_t after = 0;
  if ((before & 0xf) > 9 || (flags & tcg::kFlagA)) {
    al += sign * 6;
    after |= tcg::kFlagA;
    // DAS also reports the borrow of the low digit's correction.
    if (sign < 0 && before < 6) after |= tcg::kFlagC;
  }
  if (before > 0x99 || (flags & tcg::kFlagC)) {
    al += sign * 0x60;
    after |= tcg::kFlagC;
  }
  set_al(state, al);
  set_result_flags(state, static_cast<uint8_t>(al), after);
}

void ascii_adjust(CpuState& state, int sign) {
  const uint32_t flags = arithmetic_flags(state);
  unsigned ax = state.frame.general[kRax] & 0xffff;
  uint32_t after = 0;
  if ((ax & 0xf) > 9 || (flags & tcg::kFlagA)) {
    ax += sign * 0x106;
    after = tcg::kFlagA | tcg::kFlagC;
  }
  set_ax(state, ax & 0xff0f);
  set_result_flags(state, ax & 0xf, after);
}

// A pair of guest words as they lie in memory.
template <class Word>
struct Pair {
  Word low, high;
  bool operator==(const Pair&) const = default;
};

using Wide = unsigned __int128;

#ifdef __x86_64__
__attribute__((target("cx16")))
#endif
Wide exchange_16_bytes(Wide* target, Wide expected, Wide replacement) {
  return __sync_val_compare_and_swap(target, expected, replacement);
}

template <class Word>
Pair<Word> exchange_on_host(std::byte* data, Pair<Word> expected, Pair<Word> replacement) {
  if constexpr (sizeof(Word) == 4) {
    auto before = std::bit_cast<uint64_t>(expected);
    __atomic_compare_exchange_n(reinterpret_cast<uint64_t*>(data), &before,
                                std::bit_cast<uint64_t>(replacement), false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    return std::bit_cast<Pair<Word>>(before);
  } else {
    return std::bit_cast<Pair<Word>>(exchange_16_bytes(reinterpret_cast<Wide*>(data),
                                                       std::bit_cast<Wide>(expected),
                                                       std::bit_cast<Wide>(replacement)));
  }
}

// Returns what was there; stores `replacement` if that equals `expected`, else what was there.
template <class Word>
Pair<Word> compare_exchange(CpuState& state, uint64_t linear, Pair<Word> expected,
                            Pair<Word> replacement) {
  const Privilege privilege = data_privilege(state);
  if (linear % sizeof expected == 0) {
    const HostRange range = host_range(state, linear, sizeof expected, true, privilege);
    if (range.data) {
      const auto before = exchange_on_host(range.data, expected, replacement);
      written(state, range, sizeof expected);
      return before;
    }
  }
  Pair<Word> before;
  probe_write(state, linear, sizeof before, privilege);
  read_bytes(state, linear, &before, sizeof before, privilege);
  const Pair<Word> after = before == expected ? replacement : before;
  write_bytes(state, linear, &after, sizeof after, privilege);
  return before;
}

template <class Word>
void compare_exchange_pair(CpuState& state, uint64_t linear) {
  uint64_t* general = state.frame.general;
  const Pair<Word> expected{static_cast<Word>(general[kRax]), static_cast<Word>(general[kRdx])};
  const Pair<Word> replacement{static_cast<Word>(general[kRbx]), static_cast<Word>(general[kRcx])};
  const Pair<Word> before = compare_exchange(state, linear, expected, replacement);
  const bool equal = before == expected;
  set_zero_flag(state, equal);
  if (equal) return;
  general[kRax] = before.low;
  general[kRdx] = before.high;
}

}  // namespace

uint64_t helper_daa(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  decimal_adjust(cpu_state(frame), 1);
  return 0;
}

uint64_t helper_das(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  decimal_adjust(cpu_state(frame), -1);
  return 0;
}

uint64_t helper_aaa(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  ascii_adjust(cpu_state(frame), 1);
  return 0;
}

uint64_t helper_aas(tcg::Frame* frame, uint64_t, uint64_t, uint64_t) {
  ascii_adjust(cpu_state(frame), -1);
  return 0;
}

uint64_t helper_aam(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  const auto base = static_cast<uint8_t>(a);
  if (base == 0) raise_exception(state, kDe);
  const uint8_t al = get_al(state);
  set_ax(state, static_cast<unsigned>(al / base) << 8 | al % base);
  set_result_flags(state, al % base, 0);
  return 0;
}

uint64_t helper_aad(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  const unsigned ax = state.frame.general[kRax] & 0xffff;
  const auto al = static_cast<uint8_t>((ax & 0xff) + (ax >> 8) * (a & 0xff));
  set_ax(state, al);
  set_result_flags(state, al, 0);
  return 0;
}

uint64_t helper_bound(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const auto size = static_cast<uint8_t>(b);
  const Privilege privilege = data_privilege(state);
  check_stack_address(state, a, (b & 0x100) != 0);
  const auto at = [&](uint64_t linear) {
    linear &= 0xffffffff | kBeyondSegment;
    return util::sign_extend(read_sized(state, linear, size, privilege), size * 8);
  };
  const int64_t lower = at(a);
  const int64_t upper = at(a + size);
  const int64_t index = util::sign_extend(c, size * 8);
  if (index < lower || index > upper) raise_exception(state, kBr);
  return 0;
}

uint64_t helper_enter_level(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const auto size = static_cast<unsigned>(c);
  const unsigned level = b & 31;
  uint64_t& rbp = frame->general[kRbp];
  const bool is_16bit_stack = !(state.mode & kModeStack32);
  Stack stack(state);
  stack.push(rbp, size);
  const uint64_t frame_pointer = stack.sp();
  // Copies the enclosing frames' pointers; then links to the own one.
  Stack outer(state, state.segments[kSs], rbp, data_privilege(state), in_64bit_mode(state));
  for (unsigned i = 1; i < level; ++i) stack.push(outer.peek(0 - uint64_t{i} * size, size), size);
  stack.push(frame_pointer, size);
  stack.release(0 - a);
  // The final stack pointer has to be writable.
  const uint64_t mask = is_16bit_stack ? 0xffff : in_64bit_mode(state) ? ~uint64_t{0} : 0xffffffff;
  const uint64_t top = linear_address(state, kSs, stack.sp() & mask);
  if (state.mode & kModeAlignmentCheck) check_alignment(state, top, size);
  probe_write(state, top, size, data_privilege(state));
  stack.store_sp();
  const uint64_t width_mask = size == 2 ? 0xffff : ~uint64_t{0};
  rbp = (rbp & ~width_mask) | (frame_pointer & width_mask);
  if (size == 4) rbp &= 0xffffffff;
  return 0;
}

uint64_t helper_cmpxchg8b(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  check_stack_address(cpu_state(frame), a, b & 2);
  compare_exchange_pair<uint32_t>(cpu_state(frame), a);
  return 0;
}

uint64_t helper_cmpxchg16b(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  if (!state.config->has(Feature::kCx16)) raise_exception(state, kUd);
  if (a % 16 != 0) raise_gp(state, 0);
  check_stack_address(state, a, b & 2);
  compare_exchange_pair<uint64_t>(state, a);
  return 0;
}

}  // namespace vireo::i386
