// Vectors whose elements are in memory one by one: VMASKMOV, VPMASKMOV and gathers (SDM volume 2,
// VMASKMOV and VPGATHERDD).

#include <cstring>

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
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

struct MaskedMove {
  MaskedMove(tcg::Frame* frame, uint64_t registers, uint64_t sizes)
      : vector(frame->vector[registers & 15]),
        mask(frame->vector[registers >> 8 & 15]),
        element(sizes & 0xff),
        count(static_cast<unsigned>(sizes >> 8 & 0xff) / element),
        on_stack(sizes >> 16 & 1) {}
  uint8_t* vector;
  const uint8_t* mask;
  unsigned element, count;
  bool on_stack;
};

}  // namespace

uint64_t helper_masked_load(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const MaskedMove move(frame, b, c);
  uint8_t loaded[32] = {};
  for (unsigned i = 0; i < move.count; ++i) {
    if (!is_selected(move.mask, i, move.element)) continue;
    check_stack_address(state, a + i * move.element, move.on_stack);
    const uint64_t value =
        read_sized(state, a + i * move.element, move.element, data_privilege(state));
    std::memcpy(loaded + i * move.element, &value, move.element);
  }
  std::memcpy(move.vector, loaded, sizeof loaded);
  return 0;
}

uint64_t helper_masked_store(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const MaskedMove move(frame, b, c);
  const auto for_each = [&](auto visit) {
    for (unsigned i = 0; i < move.count; ++i) {
      if (is_selected(move.mask, i, move.element)) visit(i, a + i * move.element);
    }
  };
  for_each([&](unsigned, uint64_t linear) {
    check_stack_address(state, linear, move.on_stack);
    probe_write(state, linear, move.element, data_privilege(state));
  });
  for_each([&](unsigned i, uint64_t linear) {
    write_sized(state, linear, move.element, element_of(move.vector, i, move.element),
                data_privilege(state));
  });
  return 0;
}

/// A fault leaves the elements done so far in the target, and their bits of the mask clear.
uint64_t helper_gather(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  uint8_t* target = frame->vector[c & 15];
  uint8_t* mask = frame->vector[c >> 4 & 15];
  const uint8_t* indexes = frame->vector[c >> 8 & 15];
  const unsigned element = c >> 12 & 15, index_size = c >> 16 & 15, count = c >> 20 & 15;
  const unsigned scale = c >> 24 & 15, address_size = c >> 28 & 15;
  for (unsigned i = 0; i < count; ++i) {
    if (is_selected(mask, i, element)) {
      const auto index = static_cast<uint64_t>(
          util::sign_extend(element_of(indexes, i, index_size), index_size * 8));
      const uint64_t offset = (a + (index << scale)) & util::low_mask(address_size * 8);
      uint64_t linear = b + offset;
      if (!in_64bit_mode(state)) linear &= 0xffffffff;
      check_stack_address(state, linear, c >> 32 & 1);
      const uint64_t value = read_sized(state, linear, element, data_privilege(state));
      std::memcpy(target + i * element, &value, element);
    }
    std::memset(mask + i * element, 0, element);
  }
  std::memset(mask, 0, 32);
  std::memset(target + count * element, 0, 32 - count * element);
  return 0;
}

}  // namespace vireo::i386
