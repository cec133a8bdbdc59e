#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tcg/backend/x86_64/checked_entry.h"
#include "tcg/backend/x86_64/code_map.h"
#include "tcg/backend/x86_64/encoder.h"
#include "tcg/backend/x86_64/host_cpu.h"
#include "tcg/backend/x86_64/layout.h"
#include "tcg/backend/x86_64/liveness.h"
#include "tcg/backend/x86_64/self_loop.h"
#include "tcg/backend/x86_64/thunks.h"
#include "tcg/ir/block.h"
#include "tcg/ir/vector_info.h"

namespace vireo::tcg::x86_64 {

/// Where an IR value is. It may be at several places at once; nothing at all: not made yet or dead.
struct ValuePlace {
  Reg host = kNoReg;           ///< Its low bits are this register's; a vector register by type.
  Reg also = kNoReg;           ///< Another of which all that is said of `host` holds.
  bool zero_extended = false;  ///< The host register's bits above the type (to 64, 128) are 0.
  bool clean = false;          ///< The host vector register's bits above 127 are 0.
  bool is_constant = false;
  bool is_address = false;   ///< Equals `address`, made of pinned registers that still hold it.
  uint8_t address_size = 0;  ///< 4: the address is computed modulo 2^32.
  int32_t frame = -1;        ///< Offset in the vCPU state of a copy.
  Mem address;
  uint64_t imm = 0;
};

/// Whether the memory access is one host instruction, if the check before it holds.
bool may_share_check(const Block& block, const Inst& access);

/// Generates the host code of one block: one pass over the IR, with what liveness found before.
/// See docs/design/translator.md, "x86-64 JIT ABI".
class CodeGenerator {
 public:
  struct Options {
    HostCpu cpu;
    const Thunks* thunks;
    bool link_blocks;
    size_t x87_offset;  ///< Of the X87State in the vCPU state.
    bool wide;          ///< Guest vector registers are in the host's with 256 bits.
  };
  /// What is known of the block ahead.
  struct Analysis {
    const AccessGroups& groups;
    const SelfLoop& loop;
    Liveness& liveness;
  };
  /// Lists that a block needs, kept so that it allocates nothing.
  struct Scratch;
  /// `second`: see Backend::compile().
  CodeGenerator(const Options& options, Encoder& encoder, const Block& block, BlockData& data,
                const CodePage* second, BlockTables& tables, const Analysis& analysis,
                Scratch& scratch)
      : cpu_(options.cpu),
        thunks_(*options.thunks),
        link_blocks_(options.link_blocks),
        x87_offset_(options.x87_offset),
        wide_(options.wide),
        e_(encoder),
        block_(block),
        data_(data),
        second_(second),
        tables_(tables),
        groups_(analysis.groups),
        loop_(analysis.loop),
        live_(analysis.liveness),
        places_(live_.places()),
        group_frames_(scratch.group_frames),
        group_registers_(scratch.group_registers),
        values_(scratch.values),
        slow_stubs_(scratch.slow_stubs),
        exit_stubs_(scratch.exit_stubs),
        borrowed_(scratch.borrowed),
        loop_registers_(scratch.loop_registers) {
    scratch.clear(groups_.size());
  }

  /// Writes code, fills BlockData (but its spans) and BlockTables. Returns null, or what is not
  /// supported.
  const char* generate();

 private:
  /// A bound operand: register, memory or immediate.
  struct Source {
    enum class Kind : uint8_t { kReg, kMem, kImm, kAddress } kind = Kind::kImm;
    Reg reg = kNoReg;
    Mem mem;
    uint64_t imm = 0;
    uint8_t address_size = 8;
  };
  /// How to compute flags again that the host no longer has, from registers that have not changed.
  /// Used where nothing but a fault could show them, in the slow path.
  struct FlagRecipe {
    enum class Kind : uint8_t { kNone, kCompare, kTest, kAdd, kSub } kind = Kind::kNone;
    uint8_t size = 0;
    Reg result = kNoReg;  ///< Of kAdd and kSub; the first operand of the others.
    Reg operand = kNoReg;
    int32_t imm = 0;  ///< The operand, if it is no register.
    explicit operator bool() const { return kind != Kind::kNone; }
    bool uses(Reg reg) const { return kind != Kind::kNone && (result == reg || operand == reg); }
  };
  /// Out-of-line continuation of a memory check.
  struct SlowStub {
    Encoder::Label entry = 0, retry = 0, done = 0;
    MemoryOperation operation{};
    Source value, replacement;
    uint64_t ip = 0;         ///< Guest instruction.
    FlagRecipe recipe;       ///< Flags that a fault would show and that are nowhere.
    Reg result = kNoReg;     ///< Takes Frame::helper_result (updates).
    Mem operand = kChecked;  ///< Where the access finds its bytes.
    uint16_t x87_store = 0;  ///< The x87 instruction that writes the value.
    uint16_t group = AccessGroups::kNone;
    bool checked = false;  ///< By an earlier access of its group.
    bool writes = false;
    bool restore_flags = false;
    bool on_stack = false;  ///< The check looks at the StackPage first.
    Encoder::Label stack_misses = 0, stack_hits = 0;
  };
  struct ExitStub {
    Encoder::Label entry;
    uint32_t exit;
  };
  /// A vector register that an operation uses while its value is in a slot.
  struct Borrowed {
    Reg host;
    unsigned slot;
    bool whole;  ///< Its upper half changes, too.
  };
  /// A register that a loop uses while the guest's value is in the Frame.
  struct LoopRegister {
    Reg host;
    int32_t kept;
  };

 public:
  struct Scratch {
    std::vector<int32_t> group_frames;
    std::vector<Reg> group_registers;
    std::vector<ValueId> values;
    std::vector<SlowStub> slow_stubs;
    std::vector<ExitStub> exit_stubs;
    std::vector<Borrowed> borrowed;
    std::vector<LoopRegister> loop_registers;

    void clear(size_t groups) {
      group_frames.assign(groups, -1);
      group_registers.assign(groups, kNoReg);
      values.clear();
      slow_stubs.clear();
      exit_stubs.clear();
      borrowed.clear();
      loop_registers.clear();
    }
  };

 private:
  // codegen.cc: the pass.
  void emit_entries();
  void emit_body();
  void emit_second_page_check();
  void emit_inst();
  void emit_arithmetic();
  void emit_insn_start();
  void emit_stubs();
  void add_row();
  /// Blocks hold far less than 64 KiB of guest code. IPs wrap in 16- and 32-bit modes.
  uint16_t guest_offset(uint64_t ip) const { return static_cast<uint16_t>(ip - block_.guest_ip); }
  void unsupported(const char* what) { error_ = error_ ? error_ : what; }
  const Inst& inst() const { return block_.insts[at_]; }
  const Inst& inst(ValueId id) const { return block_.insts[id]; }
  unsigned size() const { return size_of(inst().type); }

  // codegen_values.cc: where values are.
  ValuePlace& place(ValueId id) { return places_[id]; }
  bool live_after(ValueId id) const { return live_.last_use(id) > at_; }
  bool fits_imm32(ValueId id) const;
  bool in_temporary(ValueId id) const;
  Mem frame_mem(const ValuePlace& place) const { return frame_at(place.frame); }
  Reg allocate_temporary(Reg preferred = kTlbReg);
  bool temporary_free(Reg reg) const;
  Reg free_temporary(Reg preferred = kTlbReg);
  void vacate(Reg temporary);
  void free_spill_slot(int32_t frame);
  void lock(Reg reg) { locked_ |= reg == kAddressReg || reg == kTlbReg ? 1u << reg : 0; }
  /// Makes sure that no value needed after this instruction depends on `host` (a general register).
  void clobber(Reg host, ValueId except = kNoValue);
  void clobber_vector(Reg host, ValueId except = kNoValue);
  void clobber_frame(size_t offset, size_t bytes, ValueId except = kNoValue);
  void move_away(ValueId id);
  static bool leave_register(ValuePlace& p, Reg host);
  void prefer_target();
  void keep_address(ValueId id);
  void to_memory(ValueId id);
  /// Frees r12 and r14; values needed later (or operands other than `except`) go to spill slots.
  void free_temporaries(ValueId except);
  void free_all_aliases();
  int32_t new_spill_slot();
  void load_into(Reg host, unsigned size, ValueId id);
  Reg in_register(ValueId id);
  Rm operand(ValueId id);
  Source source(ValueId id);
  Reg destination(ValueId reusable = kNoValue, Reg forbidden = kNoReg);
  void empty_temporary(Reg reg);
  unsigned address_bytes(ValueId id) const;
  void define(Reg host, bool zero_extended);
  void define_in_frame(size_t offset);
  void copy_place(ValueId from);
  void add_live(ValueId id) {
    const uint32_t last_use = live_.last_use(id);
    if (last_use == Liveness::kNever) return;
    values_.push_back(id);
    next_death_ = std::min(next_death_, last_use);
  }
  void forget_dead();
  Reg target_register() const;

  // codegen_flags.cc.
  void need_host_flags();
  void need_memory_flags();
  void test_memory_flag(FlagMask flag);
  void need_carry();
  Condition ready_condition(Condition condition);
  void before_clobbering_flags();
  bool flags_needed() const { return live_.flags_after(at_) != 0; }
  void begin_flags(FlagMask host_writes);
  void end_flags();
  void set_recipe(FlagRecipe::Kind kind, Reg result, Reg operand, int32_t imm = 0);
  void lose_recipe();
  void emit_recipe(const FlagRecipe& recipe, Reg temporary);
  void emit_get_flags();
  void emit_set_flags();

  // codegen_state.cc: registers, state, helpers.
  void emit_constant();
  void emit_get_reg();
  void emit_set_reg();
  void emit_set_pinned(Reg host);
  void emit_set_unpinned();
  void emit_get_high8();
  void emit_set_high8();
  void emit_load_state();
  void emit_store_state();
  void emit_call_helper();
  void emit_instead_of_call(Encoder::Label done);
  void emit_call_check(bool is_write, int32_t bytes, Encoder::Label fails);
  void emit_string(Encoder::Label done);
  void emit_pair_exchange(Encoder::Label done);
  void store_to_frame(size_t offset, unsigned size, ValueId id);
  void store_argument(size_t offset, ValueId id);

  // codegen_integer.cc.
  void emit_alu(Alu op);
  void note_recipe(Alu op, Reg to, Reg from, ValueId b);
  bool emit_compare(Alu op);
  bool emit_inc_dec(Alu op);
  bool emit_as_address(Alu op);
  bool emit_alu_on_frame(Alu op);
  Reg prepare(ValueId a, ValueId b = kNoValue, ValueId c = kNoValue, Reg forbidden = kNoReg);
  void emit_add_with_flag(uint8_t prefix, FlagMask flag);
  void emit_adox();
  void emit_unary(Group3 op);
  void emit_shift(Shift op);
  void emit_double_shift();
  void emit_count_in_rcx(ValueId count);
  void emit_zero_extend();
  void emit_sign_extend();
  void emit_truncate();
  void emit_byte_swap();
  void emit_address();
  void emit_bit_test(unsigned digit);
  void emit_bit_scan(uint8_t opcode);
  void emit_bit_count(uint8_t opcode, bool supported);
  void emit_gather_bits(uint8_t prefix);
  void emit_crc32c();
  void emit_setcc();
  void emit_select();
  void emit_select_nonzero();
  void emit_conditional_move(Condition condition, ValueId if_true, ValueId if_false);

  // codegen_evaluate.cc: what the host has no instruction for.
  void emit_evaluate();
  void store_vector(int32_t offset, ValueId id);

  // codegen_multiply.cc.
  void emit_mul();
  void emit_mul_8();
  void emit_wide(Group3 op, ValueId low, ValueId high, ValueId by);
  void emit_mulx(ValueId a, ValueId b);
  /// Whether the next instruction takes the other result of this one.
  bool has_second() const;
  bool wide_in_place(ValueId low, ValueId high, ValueId by) const;

  // codegen_memory.cc.
  /// A load as the memory operand of the arithmetic that uses it.
  struct FoldedOperation {
    ValueId load;
    ValueId other = kNoValue;   ///< The operand that is not loaded.
    bool memory_first = false;  ///< The load is the first operand.
    bool compares = false;      ///< Only flags are wanted.
  };
  void emit_load();
  bool emit_folded_load();
  size_t folding_user() const;
  bool will_be_pinned(ValueId id) const;
  bool integer_folds(const Inst& op, size_t user, FoldedOperation& folded) const;
  void emit_folded_alu(const Inst& load, const FoldedOperation& folded);
  void emit_folded_extension(const Inst& load);
  void emit_load_to(Reg host, unsigned size, const Mem& from);
  void emit_store();
  void emit_probe();
  void emit_prefetch();
  void compute_address(const Inst& access, int32_t distance);
  void take_address(const Inst& access, int32_t distance);
  void keep_stub(const SlowStub& stub);
  SlowStub begin_check(const Inst& access);
  void emit_check(SlowStub& stub, bool write);
  static bool is_user(const SlowStub& stub) { return stub.operation.flags & kMemoryUser; }
  unsigned checked_bytes(const SlowStub& stub) const;
  unsigned checked_alignment(const SlowStub& stub) const;
  void emit_tlb_check(const SlowStub& stub);
  MemoryOperation memory_operation(const Inst& access) const;
  Reg load_temporary(const SlowStub& stub);
  Reg operand_temporary(const SlowStub& stub, Mem& operand);
  void begin_slow_stub(const SlowStub& stub);
  void emit_slow_stub(const SlowStub& stub);
  void finish_update(const SlowStub& stub);
  void store_stub_value(size_t offset, const Source& value, Type type);
  void store_source(unsigned size, const SlowStub& stub);
  void load_source(Reg to, unsigned size, const Source& value);

  // codegen_stack.cc: checks of stack accesses.
  bool is_on_stack(const Inst& access, const SlowStub& stub) const;
  void emit_stack_check(SlowStub& stub);
  void emit_stack_stub(const SlowStub& stub);

  // codegen_groups.cc: accesses that share a check.
  Mem group_operand(size_t access);
  void hold_group(uint16_t number);
  void finish_group_check(SlowStub& stub);
  void drop_group();
  void forget_groups();
  void emit_group_stub(const SlowStub& stub);

  // codegen_loop.cc: loops whose iterations within a page check nothing.
  bool is_hoisted(uint16_t group) const;
  bool loop_fits() const;
  void begin_loop();
  void emit_loop();
  void emit_preheader(Encoder::Label fails);
  void choose_loop_registers();
  void give_back_loop_registers();
  void emit_loop_bases();
  void emit_bytes_left(Encoder::Label fails);
  void emit_iterations_left(Encoder::Label fails);
  void emit_iterations_left(const LoopGroup& group, Encoder::Label fails);
  void emit_place_in_page(Reg to, const LoopGroup& group);
  void emit_base_change(const LoopGroup& group);
  void emit_jump_to_entry(const FlagRecipe& recipe);
  void restart_body();
  Mem loop_operand(size_t access);
  void note_move();
  void emit_back_branch(uint8_t condition);
  void emit_jump_to_preheader();
  void emit_next_iteration();
  uint32_t emit_loop_poll();
  void emit_poll(uint32_t exit);

  // codegen_update.cc.
  void emit_rmw();
  void emit_rmw_operation(const SlowStub& stub);
  bool rmw_is_native() const;
  void emit_update_in_hook();
  void emit_compare_exchange();

  // codegen_vector.cc.
  void emit_vector();
  void emit_vector_constant();
  void emit_vector_get();
  void emit_vector_set();
  void emit_vector_convert();
  void emit_vector_load();
  void emit_vector_store_source(const Mem& to, unsigned size, const Source& value, Reg temporary);
  void load_vector(Reg host, Type type, ValueId id);
  Reg borrow(uint32_t& avoid);
  void give_back();
  Reg vector_in_register(ValueId id, uint32_t& avoid);
  Rm vector_operand(ValueId id, unsigned bytes, bool register_only, uint32_t& avoid);
  uint32_t vector_operands_mask() const;
  void finish_vector(Reg host, bool zero_extended);

  // codegen_wide.cc: 256 bits, in the host's registers (wide_) or in spill slots.
  void move_whole(Reg to, const Rm& from);
  void move_whole_to(const Mem& to, Reg from);
  void emit_wide_get();
  void emit_wide_set();
  void emit_wide_extension();
  void load_clean(Type type, Reg to, const Rm& from);
  void load_legacy(Type type, Reg to, const Mem& from);
  void emit_zero_upper();
  void move_upper_half(int32_t to, int32_t from);
  bool may_use_vex(ValueId id) const;
  bool uses_vex(ValueId id) const;
  bool is_wide(const Inst& vector) const;
  void emit_vex(const VectorOpcodeInfo& row, const Mem* memory);
  void emit_vex_fused(const VectorOpcodeInfo& row, const Mem* memory);
  Reg vex_register(ValueId id, uint32_t& avoid);
  Rm vex_second_operand(const VectorOpcodeInfo& row, uint32_t& avoid);

  // codegen_vector_op.cc.
  bool vector_supported(const Inst& vector) const;
  bool implicit_operand_fits() const;
  bool vector_folds(const Inst& op, const Inst& load) const;
  void emit_folded_vector(const Inst& load);
  void emit_vector_op(const Mem* memory);
  bool emit_vector_to_slot(const VectorOpcodeInfo& row);
  void emit_vector_result(const VectorOpcodeInfo& row, const Mem* memory);
  void emit_vector_to_integer(const VectorOpcodeInfo& row, const Mem* memory);
  void emit_vector_compare(const VectorOpcodeInfo& row, const Mem* memory);
  void emit_vector_instruction(const VectorOpcodeInfo& row, unsigned size, Reg reg, const Rm& rm,
                               Reg vvvv = kRax);
  void emit_mmx(const VectorOpcodeInfo& row);

  // codegen_text.cc.
  static Reg text_result(const VectorOpcodeInfo& row);
  void emit_text(const VectorOpcodeInfo& row, const Mem* memory);
  void begin_lengths(const Rm& lengths);
  void end_lengths();
  bool text_folds(const VectorOpcodeInfo& row) const;

  // codegen_mxcsr.cc.
  void emit_get_mxcsr();
  void emit_load_mxcsr(Encoder::Label done);

  // codegen_gather.cc.
  void emit_gather(Encoder::Label done);
  void emit_gather_element(const Gather& gather, const Mem& index, Encoder::Label fails);
  void finish_gather(const Gather& gather, size_t result);
  void emit_masked_move(Encoder::Label done);

  // codegen_x87.cc.
  enum class X87Place : uint8_t { kUnknown, kMemory, kHost };
  void need_x87(X87Place place, uint8_t value, const uint8_t* thunk);
  void need_host_x87();
  void need_memory_x87();
  void need_memory_x87(size_t offset, size_t bytes);
  void emit_x87();
  void emit_x87_load();
  void emit_x87_store();
  void emit_x87_instruction(const Mem& operand);
  void emit_x87_store_instruction(uint16_t code, const Mem& operand);
  void emit_x87_store_stub(const SlowStub& stub);

  // codegen_exit.cc.
  void emit_branch_flags();
  void emit_branch_nonzero();
  void emit_branch_runtime();
  void emit_test_nonzero(ValueId id);
  void emit_exit_direct();
  void emit_exit_indirect();
  void emit_exit_return();
  void mark_left();
  void emit_push_return();
  bool calls() const { return call_ != kNoValue; }
  void emit_landing();
  int64_t emit_landing_check(uint64_t ip);
  void emit_push_landing();
  void emit_exit_runtime();
  void store_guest_ip(uint64_t ip);
  bool is_near(uint64_t target) const;
  void emit_far_jump(uint64_t target);
  void emit_guest_ip(Reg to, uint64_t ip);
  void emit_branch(uint8_t condition);
  void emit_jump_out(uint64_t target, uint8_t slot);
  void emit_linked_jump(uint64_t target, uint8_t slot, bool polls, bool calls = false);
  uint32_t new_exit(uint64_t target, uint8_t slot);
  bool is_backward(uint64_t target) const;
  bool leaves_page(uint64_t target) const;
  void emit_exit_stub(const ExitStub& stub);

  const HostCpu cpu_;
  const Thunks& thunks_;
  const bool link_blocks_;
  const size_t x87_offset_;
  const bool wide_;
  Encoder& e_;
  const Block& block_;
  BlockData& data_;
  const CodePage* second_;
  BlockTables& tables_;
  const AccessGroups& groups_;
  const SelfLoop& loop_;
  Liveness& live_;
  std::vector<ValuePlace>& places_;
  std::vector<int32_t>& group_frames_;         // where the host address of each is kept; -1: not
  std::vector<Reg>& group_registers_;          // the same in the fast loop; kNoReg: not
  uint16_t held_group_ = AccessGroups::kNone;  // whose host address is in kTlbReg
  ValueId next_group_end_ = kNoValue;          // the least last access of those that have a frame
  std::vector<ValueId>& values_;               // made and used later
  static constexpr uint32_t kNoDeath = ~uint32_t{0};
  uint32_t next_death_ = kNoDeath;  // the least last use of those
  std::vector<SlowStub>& slow_stubs_;
  std::vector<ExitStub>& exit_stubs_;
  size_t at_ = 0;            // index of the current instruction
  ValueId call_ = kNoValue;  // the PushReturn of the call that ends the block
  Encoder::Label landing_ = 0, landing_misses_ = 0;  // where that returns to
  size_t begun_at_ = 0;  // the same, or that of the load that is folded into it
  uint64_t ip_ = 0;
  uint32_t locked_ = 0;  // temporaries that the current instruction uses
  FlagMask merged_flags_ = 0;
  uint8_t flags_ = kFlagsNowhere;  // FlagsPlace bits
  FlagRecipe recipe_;              // of the flags of the last producer
  bool recipe_ends_ = false;       // with the current instruction
  X87Place x87_place_ = X87Place::kUnknown;
  uint64_t spill_used_ = 0;
  std::vector<Borrowed>& borrowed_;
  Encoder::Label body_ = 0, memory_entry_ = 0, host_entry_ = 0;
  bool has_loop_ = false;
  bool in_loop_ = false;  // in the second copy of the body, which checks nothing
  Encoder::Label preheader_ = 0, loop_body_ = 0;
  std::vector<LoopRegister>& loop_registers_;
  Reg limit_register_ = kNoReg;
  int32_t loop_limit_ = -1;  // where the value of the counting register is that ends it
  FlagRecipe loop_recipe_;   // of the flags of the last producer, though they are read
  FlagRecipe entry_recipe_;  // the same where the preheader is gone to, with flags_ there
  uint8_t entry_flags_ = kFlagsNowhere;
  int64_t moved_[16] = {};  // of general registers, since the iteration began
  const char* error_ = nullptr;
};

}  // namespace vireo::tcg::x86_64
