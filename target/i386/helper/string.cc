// REP string instructions in chunks of at most a page, on host memory where both sides are RAM.
// Registers are current after every chunk, so that a fault finds them exact.

#include <algorithm>
#include <cstring>

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/debug.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/port.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/segmentation.h"
#include "tcg/ir/block.h"
#include "tcg/runtime/hooks.h"
#include "util/bits.h"
#include "util/byte_order.h"

namespace vireo::i386 {
namespace {

/// Bytes after which a helper returns, so that interrupts are seen in time.
constexpr uint64_t kBytesPerCall = 256 * 1024;
/// The same for what goes element by element (devices, page crossings).
constexpr uint64_t kSlowElementsPerCall = 256;

uint64_t address_mask(unsigned size) {
  return size == 2 ? 0xffff : size == 4 ? 0xffffffff : ~uint64_t{0};
}

/// A REP instruction being executed.
class StringLoop {
 public:
  StringLoop(CpuState& state, unsigned width, unsigned address_size)
      : state_(state),
        width_(width),
        mask_(address_mask(address_size)),
        backward_(state.eflags & kDf),
        privilege_(data_privilege(state)),
        budget_(is_traced() ? 1 : kBytesPerCall) {}

  uint64_t count() const { return state_.frame.general[kRcx] & mask_; }
  bool has_budget() const { return budget_ > 0; }

  /// Elements from the register's address that lie in one page, within the segment and without
  /// wrapping; 0: the next one crosses a page.
  uint64_t run(Gpr reg, SegmentRegister segment) const {
    const uint64_t offset = state_.frame.general[reg] & mask_;
    const uint64_t linear = linear_of(reg, segment);
    const uint64_t in_page = tcg::offset_in_page(linear);
    if (in_page + width_ > tcg::kPageSize) return 0;
    uint64_t elements = backward_ ? in_page / width_ + 1 : (tcg::kPageSize - in_page) / width_;
    const uint64_t before_wrap = backward_               ? offset / width_ + 1
                                 : mask_ == ~uint64_t{0} ? elements
                                                         : (mask_ - offset + 1) / width_;
    elements = std::min(elements, before_wrap);
    if (is_traced()) elements = std::min<uint64_t>(elements, 1);
    if (!in_64bit_mode(state_) && elements > 1) {
      const uint64_t first = backward_ ? offset - (elements - 1) * width_ : offset;
      if (!within_limit(state_.segments[segment], first, elements * width_)) elements = 1;
    }
    return elements;
  }

  /// Checks the segment for `elements` at the register, and their alignment; notes breakpoints.
  void check(Gpr reg, SegmentRegister segment, uint64_t elements, bool is_write) const {
    if (state_.mode & kModeBreakpoints)
      watch_access(state_, linear_of(reg, segment), width_, is_write);
    if (!in_64bit_mode(state_)) check_segment(reg, segment, elements, is_write);
    if (state_.mode & kModeAlignmentCheck) check_alignment(state_, linear_of(reg, segment), width_);
  }

  void check_segment(Gpr reg, SegmentRegister segment, uint64_t elements, bool is_write) const {
    const uint64_t offset = state_.frame.general[reg] & mask_;
    const uint64_t first = backward_ ? offset - (elements - 1) * width_ : offset;
    check_data_access(state_, segment, first, elements * width_, is_write);
  }

  uint64_t linear_of(Gpr reg, SegmentRegister segment) const {
    return linear_address(state_, segment, state_.frame.general[reg] & mask_);
  }

  /// Host memory of `elements` at the register; null for a device.
  HostRange host(Gpr reg, SegmentRegister segment, uint64_t elements, bool is_write) const {
    const uint64_t linear = linear_of(reg, segment);
    const uint64_t first = backward_ ? linear - (elements - 1) * width_ : linear;
    if (first != linear) probe(linear, is_write);  // A fault tells of the first one in order.
    return host_range(state_, first, elements * width_, is_write, privilege_);
  }

  /// All that the access may raise; then host memory like host(). With no elements the next one
  /// crosses a page: null.
  HostRange reach(Gpr reg, SegmentRegister segment, uint64_t elements, bool is_write) const {
    check(reg, segment, std::max<uint64_t>(elements, 1), is_write);
    if (elements != 0) return host(reg, segment, elements, is_write);
    probe(linear_of(reg, segment), is_write);
    return {};
  }

  uint64_t read_one(Gpr reg, SegmentRegister segment) const {
    return read_sized(state_, linear_of(reg, segment), width_, privilege_);
  }
  void write_one(Gpr reg, SegmentRegister segment, uint64_t value) const {
    write_sized(state_, linear_of(reg, segment), width_, value, privilege_);
  }

  void advance(Gpr reg, uint64_t elements) {
    const uint64_t bytes = elements * width_;
    set(reg, state_.frame.general[reg] + (backward_ ? -bytes : bytes));
  }
  void consume(uint64_t elements, bool slow) {
    set(kRcx, state_.frame.general[kRcx] - elements);
    const uint64_t cost =
        slow ? elements * (kBytesPerCall / kSlowElementsPerCall) : elements * width_ + 64;
    budget_ -= std::min(budget_, cost);
    if (state_.frame.is_kicked()) budget_ = 0;
  }

  CpuState& state() const { return state_; }
  unsigned width() const { return width_; }
  bool backward() const { return backward_; }

 private:
  void probe(uint64_t linear, bool is_write) const {
    (is_write ? probe_write : probe_read)(state_, linear, width_, privilege_);
  }
  bool is_traced() const { return state_.mode & kTracedModes; }
  void set(Gpr reg, uint64_t value) {
    uint64_t& target = state_.frame.general[reg];
    target = mask_ == 0xffff ? (target & ~mask_) | (value & mask_) : value & mask_;
  }

  CpuState& state_;
  const unsigned width_;
  const uint64_t mask_;
  const bool backward_;
  const Privilege privilege_;
  uint64_t budget_;
};

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <class Function>
auto with_width(unsigned width, Function function) {
  switch (width) {
    case 1:
      return function(uint8_t{});
    case 2:
      return function(uint16_t{});
    case 4:
      return function(uint32_t{});
    default:
      return function(uint64_t{});
  }
}

// Element by element in the instruction's order: what overlapping operands show.
void copy_in_order(std::byte* to, const std::byte* from, size_t bytes, unsigned width,
                   bool backward) {
  for (size_t done = 0; done < bytes; done += width) {
    const size_t at = backward ? bytes - done - width : done;
    std::byte element[8];
    std::memcpy(element, from + at, width);
    std::memcpy(to + at, element, width);
  }
}

void copy(std::byte* to, const std::byte* from, size_t bytes, unsigned width, bool backward) {
  const bool overlap = to < from + bytes && from < to + bytes;
  const bool memmove_differs = backward ? to < from : to > from;
  if (overlap && memmove_differs) {
    copy_in_order(to, from, bytes, width, backward);
  } else {
    std::memmove(to, from, bytes);
  }
}

void fill(std::byte* to, size_t elements, unsigned width, uint64_t value) {
  const size_t bytes = elements * width;
  const uint64_t repeated = (value & 0xff) * (~uint64_t{0} / 0xff);
  if (((value ^ repeated) & util::low_mask(width * 8)) == 0) {
    std::memset(to, static_cast<int>(value & 0xff), bytes);
    return;
  }
  std::byte pattern[64];
  for (size_t at = 0; at < sizeof pattern; at += width)
    util::store_little(pattern + at, value, width);
  size_t done = 0;
  for (; done + sizeof pattern <= bytes; done += sizeof pattern) {
    std::memcpy(to + done, pattern, sizeof pattern);
  }
  std::memcpy(to + done, pattern, bytes - done);
}

void set_compare_flags(CpuState& state, uint64_t a, uint64_t b, unsigned width) {
  const unsigned bits = width * 8;
  const uint64_t mask = util::low_mask(bits);
  a &= mask;
  b &= mask;
  const uint64_t result = (a - b) & mask;
  uint32_t flags = 0;
  if (a < b) flags |= tcg::kFlagC;
  if (!(__builtin_popcount(result & 0xff) & 1)) flags |= tcg::kFlagP;
  if ((a ^ b ^ result) & 0x10) flags |= tcg::kFlagA;
  if (result == 0) flags |= tcg::kFlagZ;
  if (result >> (bits - 1)) flags |= tcg::kFlagS;
  if (((a ^ b) & (a ^ result)) >> (bits - 1)) flags |= tcg::kFlagO;
  set_arithmetic_flags(state, flags);
}

SegmentRegister segment_of(uint64_t value) {
  return static_cast<SegmentRegister>(value % kSegmentCount);
}

void move_chunk(StringLoop& loop, SegmentRegister source) {
  uint64_t elements = std::min({loop.count(), loop.run(kRsi, source), loop.run(kRdi, kEs)});
  const HostRange from = loop.reach(kRsi, source, elements, false);
  const HostRange to = loop.reach(kRdi, kEs, elements, true);
  const bool slow = !from.data || !to.data;
  if (slow) {
    elements = 1;
    loop.write_one(kRdi, kEs, loop.read_one(kRsi, source));
  } else {
    const size_t bytes = elements * loop.width();
    copy(to.data, from.data, bytes, loop.width(), loop.backward());
    written(loop.state(), to, bytes);
  }
  loop.advance(kRsi, elements);
  loop.advance(kRdi, elements);
  loop.consume(elements, slow);
}

void store_chunk(StringLoop& loop) {
  uint64_t elements = std::min(loop.count(), loop.run(kRdi, kEs));
  const uint64_t value = loop.state().frame.general[kRax];
  const HostRange to = loop.reach(kRdi, kEs, elements, true);
  if (!to.data) {
    elements = 1;
    loop.write_one(kRdi, kEs, value);
  } else {
    fill(to.data, elements, loop.width(), value);
    written(loop.state(), to, elements * loop.width());
  }
  loop.advance(kRdi, elements);
  loop.consume(elements, !to.data);
}

void load_one(StringLoop& loop, SegmentRegister source) {
  loop.check(kRsi, source, 1, false);
  const uint64_t value = loop.read_one(kRsi, source);
  uint64_t& rax = loop.state().frame.general[kRax];
  const unsigned width = loop.width();
  const uint64_t mask = width >= 4 ? ~uint64_t{0} : (uint64_t{1} << width * 8) - 1;
  rax = (rax & ~mask) | value;
  loop.advance(kRsi, 1);
  loop.consume(1, false);
}

/// Compares what a chunk holds until the condition of REPE or REPNE ends it.
struct CompareResult {
  uint64_t elements;
  bool ended;
};

// `next_a` and `next_b` give element i of each side.
template <class A, class B>
CompareResult compare_run(StringLoop& loop, uint64_t elements, bool while_equal, A next_a,
                          B next_b) {
  for (uint64_t i = 0;; ++i) {
    const uint64_t a = next_a(i);
    const uint64_t b = next_b(i);
    const bool ended = (a == b) != while_equal;
    if (ended || i + 1 == elements) {
      set_compare_flags(loop.state(), a, b, loop.width());
      return {i + 1, ended};
    }
  }
}

// Reads element i of a chunk in the instruction's order.
auto element_reader(const StringLoop& loop, const std::byte* data, uint64_t elements) {
  return [&loop, data, elements](uint64_t i) {
    const uint64_t at = (loop.backward() ? elements - 1 - i : i) * loop.width();
    return with_width(loop.width(), [&](auto zero) {
      return static_cast<uint64_t>(load<decltype(zero)>(data + at));
    });
  };
}

bool compare_chunk(StringLoop& loop, SegmentRegister source, bool while_equal) {
  const uint64_t elements = std::min({loop.count(), loop.run(kRsi, source), loop.run(kRdi, kEs)});
  const HostRange a = loop.reach(kRsi, source, elements, false);
  const HostRange b = loop.reach(kRdi, kEs, elements, false);
  CompareResult result;
  const bool slow = !a.data || !b.data;
  if (slow) {
    result = compare_run(
        loop, 1, while_equal, [&](uint64_t) { return loop.read_one(kRsi, source); },
        [&](uint64_t) { return loop.read_one(kRdi, kEs); });
  } else {
    result = compare_run(loop, elements, while_equal, element_reader(loop, a.data, elements),
                         element_reader(loop, b.data, elements));
  }
  loop.advance(kRsi, result.elements);
  loop.advance(kRdi, result.elements);
  loop.consume(result.elements, slow);
  return result.ended;
}

bool scan_chunk(StringLoop& loop, bool while_equal) {
  const uint64_t elements = std::min(loop.count(), loop.run(kRdi, kEs));
  const HostRange range = loop.reach(kRdi, kEs, elements, false);
  const unsigned width = loop.width();
  const uint64_t mask = width == 8 ? ~uint64_t{0} : (uint64_t{1} << width * 8) - 1;
  const uint64_t wanted = loop.state().frame.general[kRax] & mask;
  const auto accumulator = [&](uint64_t) { return wanted; };
  const CompareResult result =
      range.data ? compare_run(loop, elements, while_equal, accumulator,
                               element_reader(loop, range.data, elements))
                 : compare_run(loop, 1, while_equal, accumulator,
                               [&](uint64_t) { return loop.read_one(kRdi, kEs); });
  loop.advance(kRdi, result.elements);
  loop.consume(result.elements, !range.data);
  return result.ended;
}

StringLoop make_loop(tcg::Frame* frame, uint64_t a) {
  return {cpu_state(frame), static_cast<unsigned>(a & 0xff), static_cast<unsigned>(a >> 16 & 0xff)};
}

}  // namespace

uint64_t helper_rep_movs(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  StringLoop loop = make_loop(frame, a);
  while (loop.count() != 0 && loop.has_budget()) move_chunk(loop, segment_of(b));
  return loop.count() == 0;
}

uint64_t helper_rep_stos(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  StringLoop loop = make_loop(frame, a);
  while (loop.count() != 0 && loop.has_budget()) store_chunk(loop);
  return loop.count() == 0;
}

uint64_t helper_rep_lods(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  StringLoop loop = make_loop(frame, a);
  while (loop.count() != 0 && loop.has_budget()) load_one(loop, segment_of(b));
  return loop.count() == 0;
}

uint64_t helper_rep_cmps(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  StringLoop loop = make_loop(frame, a);
  while (loop.count() != 0 && loop.has_budget())
    if (compare_chunk(loop, segment_of(b), c == 0xf3)) return 1;
  return loop.count() == 0;
}

uint64_t helper_rep_scas(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t c) {
  StringLoop loop = make_loop(frame, a);
  while (loop.count() != 0 && loop.has_budget())
    if (scan_chunk(loop, c == 0xf3)) return 1;
  return loop.count() == 0;
}

uint64_t helper_string_in(tcg::Frame* frame, uint64_t a, uint64_t, uint64_t) {
  CpuState& state = cpu_state(frame);
  StringLoop loop = make_loop(frame, a);
  const bool repeats = a >> 8 & 1;
  const auto port = static_cast<uint16_t>(frame->general[kRdx]);
  check_port(state, port, loop.width());
  while ((!repeats || loop.count() != 0) && loop.has_budget()) {
    // The write must not fault once the port was read.
    loop.check(kRdi, kEs, 1, true);
    probe_write(state, loop.linear_of(kRdi, kEs), loop.width(), data_privilege(state));
    loop.write_one(kRdi, kEs, state.machine->read_port(port, loop.width()));
    loop.advance(kRdi, 1);
    if (!repeats) return 1;
    loop.consume(1, true);
  }
  return loop.count() == 0;
}

namespace {

// An SMI comes behind the iteration that raised it. Blocks of one instruction end there anyway.
void leave_for_smi(CpuState& state, bool is_last, uint64_t next_ip) {
  if (state.mode & (kTracedModes | kModeInterruptShadow)) return;
  if (is_last) state.frame.guest_ip = next_ip;
  tcg::leave(&state.frame, static_cast<uint16_t>(tcg::ExitReason::kInterruptWindow));
}

}  // namespace

uint64_t helper_string_out(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  StringLoop loop = make_loop(frame, a);
  const bool repeats = a >> 8 & 1;
  const auto port = static_cast<uint16_t>(frame->general[kRdx]);
  check_port(state, port, loop.width());
  while ((!repeats || loop.count() != 0) && loop.has_budget()) {
    loop.check(kRsi, segment_of(c), 1, false);
    const uint64_t value = loop.read_one(kRsi, segment_of(c));
    const uint32_t how = kIoTrapString | (repeats ? kIoTrapRepeat : 0);
    write_port(state, port, loop.width(), static_cast<uint32_t>(value), how);
    loop.advance(kRsi, 1);
    if (repeats) loop.consume(1, true);
    if (has_request(state, kSmiRequest)) leave_for_smi(state, !repeats || loop.count() == 0, b);
    if (!repeats) return 1;
  }
  return loop.count() == 0;
}

}  // namespace vireo::i386
