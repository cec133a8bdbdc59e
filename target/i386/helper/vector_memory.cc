// Vectors whose elements are in memory one by one: VMASKMOV, VPMASKMOV and gathers (SDM volume 2,
// VMASKMOV and VPGATHERDD).

#include <bit>
#include <cstring>

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/debug.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/segmentation.h"
#include "tcg/ir/instruction.h"
#include "util/bits.h"

namespace vireo::i386 {
namespace {

uint64_t element_of(const uint8_t* vector, unsigned index, unsigned size) {
  uint64_t value = 0;
  std::memcpy(&value, vector + index * size, size);
  return value;
}

/// The sign bit of an element.
bool is_selected(const uint8_t* mask, unsigned index, unsigned size) {
  return mask[index * size + size - 1] & 0x80;
}

/// The linear address of an element, after what is checked before paging.
uint64_t element_address(CpuState& state, SegmentRegister segment, uint64_t offset, unsigned size,
                         bool is_write) {
  const uint64_t linear = linear_address(state, segment, offset);
  if (in_64bit_mode(state)) {
    check_stack_address(state, linear, segment == kSs);
  } else {
    check_data_access(state, segment, offset, size, is_write);
  }
  if (state.mode & kModeBreakpoints) watch_access(state, linear, size, is_write);
  return linear;
}

/// The elements that the mask selects, from an offset in a segment on.
class SelectedElements {
 public:
  SelectedElements(tcg::Frame* frame, uint64_t offset, uint64_t move, uint64_t segment)
      : SelectedElements(frame, offset, std::bit_cast<tcg::MaskedMove>(static_cast<uint32_t>(move)),
                         static_cast<SegmentRegister>(segment)) {}
  SelectedElements(tcg::Frame* frame, uint64_t offset, tcg::MaskedMove move,
                   SegmentRegister segment)
      : vector(frame->vector[move.data]),
        element(move.element),
        state_(cpu_state(frame)),
        mask_(frame->vector[move.mask]),
        count_(unsigned{move.bytes} / element),
        segment_(segment),
        offset_(offset) {}

  /// visit(byte in the vector, linear address), after all have been checked.
  template <class F>
  void for_each(bool is_write, F&& visit) const {
    uint64_t addresses[8];
    for (unsigned i = 0; i < count_; ++i) {
      if (!is_selected(mask_, i, element)) continue;
      addresses[i] = element_address(state_, segment_, offset_ + i * element, element, is_write);
      if (is_write) probe_write(state_, addresses[i], element, data_privilege(state_));
    }
    for (unsigned i = 0; i < count_; ++i) {
      if (is_selected(mask_, i, element)) visit(i * element, addresses[i]);
    }
  }

  uint8_t* const vector;
  const unsigned element;

 private:
  CpuState& state_;
  const uint8_t* mask_;
  unsigned count_;
  SegmentRegister segment_;
  uint64_t offset_;
};

}  // namespace

uint64_t helper_masked_load(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const SelectedElements elements(frame, a, b, c);
  uint8_t loaded[32] = {};
  elements.for_each(false, [&](unsigned at, uint64_t linear) {
    const uint64_t value = read_sized(state, linear, elements.element, data_privilege(state));
    std::memcpy(loaded + at, &value, elements.element);
  });
  std::memcpy(elements.vector, loaded, sizeof loaded);
  return 0;
}

uint64_t helper_masked_store(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const SelectedElements elements(frame, a, b, c);
  elements.for_each(true, [&](unsigned at, uint64_t linear) {
    uint64_t value = 0;
    std::memcpy(&value, elements.vector + at, elements.element);
    write_sized(state, linear, elements.element, value, data_privilege(state));
  });
  return 0;
}

/// A fault leaves the elements done so far in the target, and their bits of the mask clear.
uint64_t helper_gather(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const auto gather = std::bit_cast<tcg::Gather>(b);
  uint8_t* target = frame->vector[gather.target];
  uint8_t* mask = frame->vector[gather.mask];
  const uint8_t* indexes = frame->vector[gather.indexes];
  const unsigned element = gather.element, address_size = c & 0xff;
  const auto segment = static_cast<SegmentRegister>(c >> 8);
  for (unsigned i = 0; i < gather.count; ++i) {
    if (is_selected(mask, i, element)) {
      const auto index = static_cast<uint64_t>(
          util::sign_extend(element_of(indexes, i, gather.index), gather.index * 8));
      const uint64_t offset = (a + (index << gather.scale)) & util::low_mask(address_size * 8);
      const uint64_t linear = element_address(state, segment, offset, element, false);
      const uint64_t value = read_sized(state, linear, element, data_privilege(state));
      std::memcpy(target + i * element, &value, element);
    }
    std::memset(mask + i * element, 0, element);
  }
  const unsigned bytes = gather.count * element;
  std::memset(mask, 0, 32);
  std::memset(target + bytes, 0, 32 - bytes);
  return 0;
}

}  // namespace vireo::i386
