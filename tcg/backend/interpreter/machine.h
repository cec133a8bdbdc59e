#pragma once

#include <csetjmp>

#include "tcg/backend/interpreter/program.h"
#include "tcg/ir/evaluate.h"
#include "tcg/runtime/leave.h"

namespace vireo::tcg::interpreter {

/// One activation of run(); leave() lands in `environment`.
struct Machine : LeaveTarget {
  Frame* frame = nullptr;
  const BackendConfig* config = nullptr;
  const Program* program = nullptr;
  uint64_t code_base = 0;  ///< What the program's guest IPs are relative to.
  uint64_t ip_mask = ~uint64_t{0};
  uint32_t flags = 0;   ///< The arithmetic flags; in the Frame while hooks and helpers run.
  uint64_t second = 0;  ///< For the Second that follows.
  const Program* last = nullptr;  ///< With `slot`: the exit that a lookup may link.
  unsigned slot = 0;
  std::jmp_buf environment;

  void save_flags() { unpack_flags(flags, frame->flag_overflow, frame->flags_low); }
  void restore_flags() { flags = pack_flags(frame->flag_overflow, frame->flags_low); }
  /// Makes the Frame show the guest's state in the middle of the block.
  void save(const Operation* o) {
    save_flags();
    show_ip(program->ips[static_cast<size_t>(o - program->operations.data())]);
  }
  /// `ip`: of the program.
  void show_ip(uint64_t ip) { frame->guest_ip = (code_base + ip) & ip_mask; }
  /// Leaves run().
  [[gnu::always_inline]] const Operation* exit(ExitReason reason) {
    frame->exit_reason = static_cast<uint16_t>(reason);
    return nullptr;
  }
};

[[gnu::always_inline]] inline Frame& frame_of(uint64_t* values) {
  return *reinterpret_cast<Frame*>(values);
}

inline VectorValue vector_at(const uint64_t* values, unsigned place) {
  VectorValue value;
  std::memcpy(value.bytes, values + place, sizeof value.bytes);
  return value;
}
inline void set_vector(uint64_t* values, unsigned place, const VectorValue& value) {
  std::memcpy(values + place, value.bytes, sizeof value.bytes);
}

}  // namespace vireo::tcg::interpreter
