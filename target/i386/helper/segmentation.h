#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"
#include "target/i386/helper/descriptor.h"
#include "target/i386/helper/page_walk.h"

namespace vireo::i386 {

/// Loads a segment register other than CS with all checks of MOV Sreg (SDM volume 2), in any mode.
void load_segment(CpuState& state, SegmentRegister index, uint16_t selector);
/// The real-mode (and VM86) form: base from the selector; real mode keeps limit and rights.
void load_real_segment(CpuState& state, SegmentRegister index, uint16_t selector);
/// All six for VM86 mode: 64 KiB, DPL 3.
Segment vm86_segment(uint16_t selector);

/// Sets CS (marking the descriptor accessed) and CPL. update_mode is the caller's.
void commit_code_segment(CpuState& state, uint16_t selector, Descriptor& descriptor, uint8_t cpl);
/// Checks L and D, the IP against the limit or canonicality: #GP.
void check_code_target(CpuState& state, const Descriptor& descriptor, uint16_t selector,
                       uint64_t ip);

/// A stack that is being pushed to or popped from; SP is stored by the owner when all is done.
class Stack {
 public:
  /// The current stack.
  explicit Stack(CpuState& state);
  /// Another one, with the rights of `privilege`; `flat` for a 64-bit one. `is_new`: that of an
  /// inner level, whose selector #SS tells.
  Stack(CpuState& state, const Segment& segment, uint64_t sp, Privilege privilege, bool flat,
        bool is_new = false);

  void push(uint64_t value, unsigned size);
  uint64_t pop(unsigned size);
  /// The value `offset` bytes above SP.
  uint64_t peek(uint64_t offset, unsigned size) const;
  uint64_t sp() const { return sp_; }
  void release(uint64_t bytes);
  /// Writes RSP, ESP or SP, by the stack's width.
  void store_sp() const;

 private:
  uint64_t linear(uint64_t offset, unsigned size) const;
  /// The same, noting breakpoints and checking alignment.
  uint64_t watched(uint64_t offset, unsigned size, bool is_write) const;

  CpuState& state_;
  Segment segment_;
  uint64_t sp_;
  uint64_t mask_;
  bool flat_;
  bool is_new_;
  Privilege privilege_;
};

/// Raises #GP(0), or #SS(0) for `is_stack`, unless [offset, offset + size) lies within `segment`.
void check_limit(CpuState& state, const Segment& segment, uint64_t offset, uint64_t size,
                 bool is_stack);

/// The same as a question.
bool within_limit(const Segment& segment, uint64_t offset, uint64_t size);
/// All checks of a data access outside 64-bit mode: rights of the segment, and its limit.
void check_data_access(CpuState& state, SegmentRegister index, uint64_t offset, uint64_t size,
                       bool is_write);
/// The linear address of `offset` in the segment, unchecked.
uint64_t linear_address(const CpuState& state, SegmentRegister index, uint64_t offset);

/// A stack pointer as a TSS holds it.
struct TssStack {
  uint16_t selector = 0;
  uint64_t sp = 0;
};
/// SSn:ESPn, or in long mode RSPn (SDM volume 3, 7.2 and 7.7). #TS if beyond the TSS's limit.
TssStack read_tss_stack(CpuState& state, uint8_t privilege);
/// ISTn, 1 to 7.
uint64_t read_interrupt_stack(CpuState& state, uint8_t index);
/// Checks a stack segment for privilege `cpl` of a transfer through a gate or task: #TS, #SS.
Segment check_stack_segment(CpuState& state, uint16_t selector, uint8_t cpl, uint8_t vector = kTs);

/// After a return to an outer privilege level: data segments that it may not use become null.
void drop_inner_segments(CpuState& state);

}  // namespace vireo::i386
