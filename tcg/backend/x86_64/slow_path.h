#pragma once

#include <cstdint>

#include "tcg/ir/instruction.h"
#include "tcg/runtime/frame.h"

namespace vireo::tcg::x86_64 {

class JitBackend;

// What thunks call.

enum class RefillResult : uint32_t {
  kFailed,   ///< The full hook has to decide.
  kFilled,   ///< Retry the check.
  kChanged,  ///< Another thread changed the entry between check and here: `va` is wrong.
  kDone,     ///< Stored, or loaded to Frame::bounce.
};

/// `place` is that in Tlb::tags for the index that the check looked at. Uses
/// general registers only.
RefillResult slow_refill(Frame* frame, uint64_t va, const uint8_t* behind_call,
                         const uint64_t* place, JitBackend* backend);
/// The same for the check of a group: nothing is done on behalf of accesses but the first, and
/// kFailed means that each has to be checked by itself.
RefillResult slow_group_refill(Frame* frame, uint64_t va, const uint8_t* behind_call,
                               const uint64_t* place, JitBackend* backend);
/// Returns where a load finds its bytes.
const void* slow_access(Frame* frame, uint64_t va, uint32_t descriptor, JitBackend* backend);
/// Frame::x87_image to the X87State at this offset of the vCPU state, and back.
void store_x87(Frame* frame, size_t x87_offset);
void load_x87(Frame* frame, size_t x87_offset);
void slow_call_helper(Frame* frame, uint32_t index, JitBackend* backend);
/// evaluate() of what pack_evaluation() has packed, on the last spill slots and the state; the
/// result goes to the slot that it names.
void slow_evaluate(Frame* frame, uint64_t packed, JitBackend* backend);
/// A pure operation without its operands; `source` as evaluate() wants it.
uint64_t pack_evaluation(const Inst& inst, Type source, unsigned result_slot);
/// Exits so that the current instruction is run again.
void slow_restart(Frame* frame, JitBackend* backend);
void slow_divide_error(Frame* frame, JitBackend* backend);
void slow_simd_exception(Frame* frame, JitBackend* backend);

}  // namespace vireo::tcg::x86_64
