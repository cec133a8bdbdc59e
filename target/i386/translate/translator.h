#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"
#include "target/i386/decode/insn.h"
#include "target/i386/translate/helper_id.h"
#include "tcg/ir/builder.h"

namespace vireo::i386 {

/// Turns decoded instructions into IR, one after the other, until one ends the block. The decoder's
/// tables name the public member functions below: each translates the instructions whose rows name
/// it, by their operands and Row::variant, as SDM volume 2 describes them.
class Translator {
 public:
  using Value = tcg::Value;

  /// `mode` is a sum of ModeBits.
  /// Keeps `features`.
  Translator(uint64_t mode, const FeatureSet& features, tcg::Block* block)
      : mode_(mode), features_(features), block_(*block), ir_(block) {}

  /// Translates `insn`, whose `ip` is set.
  void translate(const Insn& insn);
  /// An instruction at `ip` that cannot be decoded raises `vector`.
  void translate_fault(uint64_t ip, Vector vector);
  /// Goes on at `ip` if no instruction has ended the block.
  void finish(uint64_t ip);
  bool ended() const { return ended_; }

  // Integer arithmetic and logic (arithmetic.cc).
  void arithmetic(const Insn& in);  ///< Variant: RmwKind.
  void compare(const Insn& in);
  void test(const Insn& in);
  void increment(const Insn& in);  ///< Variant: kAdd or kSub.
  void unary(const Insn& in);      ///< Variant: kNot or kNeg.
  void multiply(const Insn& in);
  void multiply_wide(const Insn& in);  ///< Variant: Opcode.
  void divide(const Insn& in);         ///< Variant: Opcode.
  void shift(const Insn& in);          ///< Variant: RmwKind.
  void double_shift(const Insn& in);   ///< Variant: Opcode.
  void exchange_add(const Insn& in);
  void compare_exchange(const Insn& in);
  void compare_exchange_wide(const Insn& in);
  void bit_test(const Insn& in);
  void bit_update(const Insn& in);  ///< Variant: RmwKind.
  void bit_scan(const Insn& in);    ///< Variant: Opcode.
  void count_bits(const Insn& in);  ///< Variant: Opcode.
  void byte_swap(const Insn& in);
  void checksum(const Insn& in);
  void set_carry(const Insn& in);  ///< Variant: the new C.
  void complement_carry(const Insn& in);
  void set_al_from_carry(const Insn& in);

  // BMI1, BMI2 and ADX (bits.cc).
  void and_not(const Insn& in);
  void lowest_set_bit(const Insn& in);  ///< Variant: kAnd (BLSR) or kXor (BLSMSK).
  void isolate_set_bit(const Insn& in);
  void zero_high_bits(const Insn& in);
  void extract_bits(const Insn& in);
  void gather_bits(const Insn& in);  ///< Variant: kPdep or kPext.
  void multiply_flagless(const Insn& in);
  void shift_flagless(const Insn& in);  ///< Variant: Opcode.
  void add_with_flag(const Insn& in);   ///< Variant: kFlagC or kFlagO.

  // Moves (moves.cc).
  void move(const Insn& in);
  void move_if(const Insn& in);  ///< Variant: Condition.
  void set_if(const Insn& in);   ///< Variant: Condition.
  void move_zero_extended(const Insn& in);
  void move_sign_extended(const Insn& in);
  void move_swapped(const Insn& in);
  void exchange(const Insn& in);
  void load_address(const Insn& in);
  void widen_accumulator(const Insn& in);
  void widen_into_rdx(const Insn& in);
  void translate_byte(const Insn& in);
  void load_ah(const Insn& in);
  void store_ah(const Insn& in);

  // The stack (stack.cc).
  void push(const Insn& in);
  void pop(const Insn& in);
  void push_all(const Insn& in);
  void pop_all(const Insn& in);
  void push_flags(const Insn& in);
  void pop_flags(const Insn& in);
  void enter(const Insn& in);
  void leave(const Insn& in);

  // Segment registers (segments.cc); variant: SegmentRegister where it is not an operand.
  void push_segment(const Insn& in);
  void pop_segment(const Insn& in);
  void move_from_segment(const Insn& in);
  void move_to_segment(const Insn& in);
  void load_far_pointer(const Insn& in);
  void far_jump(const Insn& in);
  void far_call(const Insn& in);
  void far_return(const Insn& in);
  void read_segment_base(const Insn& in);
  void write_segment_base(const Insn& in);

  // Control transfers within a segment, and interrupts (branches.cc).
  void jump(const Insn& in);
  void jump_if(const Insn& in);  ///< Variant: Condition.
  void jump_indirect(const Insn& in);
  void jump_if_counter_zero(const Insn& in);
  void loop(const Insn& in);
  void loop_if(const Insn& in);  ///< Variant: Condition.
  void call(const Insn& in);
  void call_indirect(const Insn& in);
  void near_return(const Insn& in);
  void interrupt(const Insn& in);  ///< Variant: the vector, or 0: an operand.
  void interrupt_on_overflow(const Insn& in);
  void interrupt_return(const Insn& in);
  void undefined(const Insn& in);
  void no_operation(const Insn& in);
  void prefetch(const Insn& in);

  // String instructions (strings.cc).
  void move_string(const Insn& in);
  void compare_string(const Insn& in);
  void store_string(const Insn& in);
  void load_string(const Insn& in);
  void scan_string(const Insn& in);
  void string_input(const Insn& in);
  void string_output(const Insn& in);
  void set_direction(const Insn& in);  ///< Variant: the new DF.

  // System instructions (system.cc); variant: HelperId unless said otherwise.
  void call_only(const Insn& in);
  void call_with_immediate(const Insn& in);
  void call_and_resume(const Insn& in);
  void call_and_leave_there(const Insn& in);  ///< The helper sets the IP as well.
  void transfer(const Insn& in);              ///< SYSCALL and its kind.
  void store_system(const Insn& in);
  void load_system(const Insn& in);
  void move_from_system(const Insn& in);
  void move_to_system(const Insn& in);
  void descriptor_table(const Insn& in);
  void load_descriptor_part(const Insn& in);
  void adjust_rpl(const Insn& in);
  void bound(const Insn& in);
  void clear_interrupts(const Insn& in);
  void set_interrupts(const Insn& in);
  void set_alignment_check(const Insn& in);  ///< Variant: the new AC.
  void halt(const Insn& in);
  void monitor(const Insn& in);
  void monitor_wait(const Insn& in);
  void invalidate_page(const Insn& in);
  void invalidate_context(const Insn& in);
  void input(const Insn& in);
  void output(const Insn& in);
  void random(const Insn& in);
  void read_processor_id(const Insn& in);
  void fence(const Insn& in);
  void flush_line(const Insn& in);
  void save_state(const Insn& in);
  void extended_save(const Insn& in);  ///< Variant: the helper's kind.

  // x87, MMX and SSE (vector_moves.cc, vector.cc); variant: VectorOpcode.
  void x87(const Insn& in);
  void x87_memory(const Insn& in);
  void wait(const Insn& in);
  void empty_mmx(const Insn& in);
  void load_mxcsr(const Insn& in);
  void store_mxcsr(const Insn& in);
  void vector_operation(const Insn& in);
  void move_vector(const Insn& in);
  void load_scalar(const Insn& in);
  void move_low_quadword(const Insn& in);
  void load_high(const Insn& in);
  void store_high(const Insn& in);
  void move_integer_to_vector(const Insn& in);
  void move_vector_to_integer(const Insn& in);
  void masked_move(const Insn& in);
  void widen_word(const Insn& in);
  void extract_lane(const Insn& in);
  void insert_lane(const Insn& in);
  void insert_single(const Insn& in);
  void narrow_to_halves(const Insn& in);
  void masked_vector_load(const Insn& in);   ///< Variant: bytes of an element.
  void masked_vector_store(const Insn& in);  ///< Likewise.
  void masked_vector_move(const Insn& in, unsigned data, bool stores);
  uint8_t unless_watched(unsigned instead, const Insn& in, unsigned segment) const;
  void gather(const Insn& in);
  void zero_upper(const Insn& in);
  void zero_all(const Insn& in);
  void broadcast_lane(const Insn& in);
  void extract_half(const Insn& in);

 private:
  using Type = tcg::Type;

  bool in_mode(uint64_t bits) const { return mode_ & bits; }
  bool is_64() const { return in_mode(kMode64); }
  bool is_relocatable() const { return block_.relocatable; }
  unsigned cpl() const { return mode_ >> kModeCplShift & 3; }
  uint8_t memory_flags() const {
    return (cpl() == 3 ? tcg::kMemoryUser : 0) | (on_stack_ ? tcg::kMemoryStack : 0);
  }
  uint8_t memory_flags(const Insn& in) const {
    return memory_flags() | (in.lock ? tcg::kMemoryLocked : 0);
  }

  // Addresses and operands (operands.cc).
  Value constant(Type type, uint64_t value) { return ir_.constant(type, value); }
  Value code_base();
  /// Of an instruction's `ip`, which is relative to its page in relocatable blocks.
  Value ip_value(uint64_t ip);
  Value number(uint64_t value) { return constant(Type::kI64, value); }
  /// The offset within the segment, of the address size. `stack_adjustment` is added to a base of
  /// RSP.
  Value effective_address(const Insn& in, int64_t stack_adjustment = 0);
  /// The linear address (i64) of `offset`, limits checked for `size` bytes.
  Value linear(unsigned segment, Value offset, unsigned size, bool is_write);
  /// The linear address of the memory operand.
  Value memory_address(const Insn& in, unsigned size, bool is_write) {
    return linear(in.memory.segment, effective_address(in), size, is_write);
  }
  static unsigned segment_or(const Insn& in, unsigned otherwise) {
    return in.segment_override == kNoRegister ? otherwise : in.segment_override;
  }
  /// The same without looking at breakpoints and alignment.
  Value linear_unwatched(unsigned segment, Value offset, unsigned size, bool is_write);
  Value beyond_64k(Value offset, unsigned size);
  bool needs_limit_check(unsigned segment, Type offset_type) const;
  /// #GP if control would go where it must not; nothing is emitted where it cannot, or where
  /// refuse_branch() sees it.
  void check_target(Value target);
  void check_target(uint64_t target);
  void check_target_if_nonzero(Value value, uint64_t target);
  bool needs_check(uint64_t target) const;
  /// Operand `index` as an integer of its size.
  Value read(const Insn& in, unsigned index);
  /// Sets operand `index`, a register or memory.
  void write(const Insn& in, unsigned index, Value value);
  Value load_eflags();
  void store_eflags(Value value);
  /// The whole of EFLAGS as PUSHF shows it.
  Value flags_image();
  void set_system_flag(uint32_t bit, bool value);

  Type stack_type() const;
  /// The linear address of SS:(rSP + displacement).
  Value stack_address(int64_t displacement, unsigned size, bool is_write);
  void adjust_stack(int64_t by);
  void push_value(Value value);
  Value load_stack(Type type, int64_t displacement = 0);

  /// `kind` of a and b in registers.
  Value combine(tcg::RmwKind kind, Value a, Value b, tcg::FlagMask flags);
  /// Operand 0 = `kind` of it and `b`.
  void update(const Insn& in, tcg::RmwKind kind, Value b, tcg::FlagMask flags);
  void set_reg_if(tcg::Condition condition, unsigned reg, Value value);
  Value bit_operand_address(const Insn& in, bool is_write);
  Value bit_index(const Insn& in);
  Value low_bits(Value value, Value count);
  Value beyond_width(Type type, Value count);

  Value call_helper(HelperId id, Type type, Value a = {}, Value b = {}, Value c = {}) {
    return ir_.call(static_cast<unsigned>(id), type, a, b, c);
  }
  void call_helper(HelperId id, Value a = {}, Value b = {}, Value c = {}) {
    call_helper(id, Type::kVoid, a, b, c);
  }
  /// Raises `vector`, with error code 0 where it has one, and ends the block.
  void raise(Vector vector);
  void raise(Value vector);
  /// Whether `in` may run in this mode; else raises what the SDM says.
  bool is_permitted(const Insn& in);
  bool fpu_permitted(const Insn& in);
  void access_before_effects(const Insn& in, bool is_write);
  /// For helpers: REX.W, and whether the operand is in the stack segment, where impossible
  /// addresses raise #SS.
  Value save_flags(const Insn& in) { return number((in.rex & 8 ? 1 : 0) | (on_stack_ ? 2 : 0)); }

  // x87 (x87.cc).
  bool is_plain_x87(const Insn& in) const;
  void set_mmx_tags(uint8_t empty);
  void plain_x87_memory(const Insn& in);
  void load_x87_control(const Insn& in);
  void note_x87(const Insn& in);
  void store_x87_pointer();
  /// After an instruction that may unmask x87 exceptions.
  void leave_if_x87_mode_changed(const Insn& in, Value changed);

  // Ends of a block. In one-instruction modes (trap, interrupt shadow) they call the helper that
  // follows it.
  uint64_t next_ip(const Insn& in) const { return mask_ip(in.ip + in.length); }
  uint64_t mask_ip(uint64_t ip) const;
  uint64_t branch_target(const Insn& in) const;
  /// Whether 16 bits are all that a branch leaves of IP, which is not known in relocatable blocks;
  /// what it then comes to; and such branches, on `condition` or always.
  bool truncates_ip(const Insn& in) const { return is_relocatable() && in.operand_size == 2; }
  Value truncated_target(const Insn& in);
  void go_truncated_if(Value condition, const Insn& in);
  /// Whether the block has set IF by an STI: the instruction behind it comes first.
  enum class Shadow : uint8_t { kNone, kBegins, kCovers };
  void end_shadow(uint64_t next);
  /// Whether the instruction's end looks for interrupts or raises #DB, wherever it goes.
  bool leaves_through_loop() const { return is_one_shot() || shadow_ == Shadow::kCovers; }
  bool is_one_shot() const { return in_mode(kModeTrap | kModeInterruptShadow | kModeBreakpoints); }
  void finish_one_shot(Value next);
  Value traced_end();
  void go(uint64_t target, unsigned slot = 0);
  void go_if(tcg::Condition condition, uint64_t taken, uint64_t next);
  void go_if_nonzero(Value value, uint64_t taken, uint64_t next);
  void go_indirect(Value target, bool is_return = false);
  void resume_at(uint64_t next);
  void leave_block(tcg::ExitReason reason, uint64_t next);
  void leave_block_there(tcg::ExitReason reason);
  void after_segment_load(const Insn& in);
  void after_stack_switch(const Insn& in);

  // Strings.
  Value string_address(const Insn& in, const Operand& operand, bool is_write);
  void step_strings(const Insn& in);
  Value backwards();
  uint8_t string_flags(const Insn& in, HelperId id, unsigned width) const;
  uint8_t pair_flags(const Insn& in) const;
  /// Something but memory's own checks looks at accesses, or at what follows them.
  bool accesses_are_watched() const {
    return in_mode(kModeTrap | kModeInterruptShadow | kModeBreakpoints | kModeAlignmentCheck);
  }
  void repeat_copy(const Insn& in, HelperId id);
  void repeat(const Insn& in, HelperId id, bool compares);
  void string_io(const Insn& in, HelperId id);

  // Vectors.
  static unsigned mmx_offset(unsigned reg);
  Value read_vector(const Insn& in, unsigned index);
  void write_vector(const Insn& in, unsigned index, Value value);
  uint8_t vector_memory_flags(const Insn& in, unsigned size) const;
  Value select_by_mask(Value mask, Value if_set, Value if_clear);
  Value text_length(unsigned reg, bool wide);
  void compare_text(const Insn& in, tcg::VectorOpcode op);
  void vector_operation_of_three(const Insn& in, tcg::VectorOpcode op);
  void vector_compare(const Insn& in, tcg::VectorOpcode op);
  void vector_to_integer(const Insn& in, tcg::VectorOpcode op);

  const uint64_t mode_;
  const FeatureSet& features_;
  const tcg::Block& block_;
  tcg::Builder ir_;
  uint64_t current_ip_ = 0;
  unsigned checked_alignment_ = 1;  ///< By their size operands are checked up to this alignment.
  bool on_stack_ = false;           ///< The memory operand is in the stack segment.
  bool ended_ = false;
  bool is_branch_ = false;  ///< Whether the current instruction is one, if only under a condition,
  Value condition_;         ///< then or in a repeated one: not 0 if it is taken.
  Shadow shadow_ = Shadow::kNone;
  bool mmx_entered_ = false;  ///< An earlier instruction of the block has switched to MMX state.
  bool x87_pointer_waits_ = false;  // to be stored behind the last x87 instruction
  uint64_t x87_pointer_ = 0;
};

/// What helper x87 is told for WAIT.
constexpr unsigned kWaitCode = 0x9b00;

/// The integer type of `size` bytes (1, 2, 4, 8).
constexpr tcg::Type integer_type(unsigned size) {
  return size == 1   ? tcg::Type::kI8
         : size == 2 ? tcg::Type::kI16
         : size == 4 ? tcg::Type::kI32
                     : tcg::Type::kI64;
}

}  // namespace vireo::i386
