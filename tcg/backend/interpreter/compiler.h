#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tcg/backend/interpreter/program.h"

namespace vireo::tcg::interpreter {

/// Makes a Program of a block: gives each value a place, and turns instructions into operations,
/// fewer than there are instructions:
///  - a read of a guest register is the register itself, as long as nobody writes to it;
///  - a value that a register is set to next is computed there;
///  - constants become immediates, and indices of addresses a part of loads and stores;
///  - the guest IP stands beside the operations.
/// Kept from block to block, so that its tables need not be allocated again.
class Compiler {
 public:
  /// Returns whether the block's values fit.
  bool compile(const Block& block, Program* program);

 private:
  struct ValueInfo {
    uint32_t last_use = 0;  ///< Index of the last instruction that uses it or a part of it.
    uint32_t setter = 0;    ///< Index of the first SetReg of the value; 0: none.
    uint32_t rewritten =
        0;               ///< Of GetReg and SetReg: the next instruction that writes the register.
    uint16_t place = 0;  ///< 0: none.
    ValueId root = kNoValue;  ///< The value whose place it has.
    bool wanted = false;      ///< Has to be in a place (constants, addresses).
    bool whole = false;       ///< Some user reads all 64 bits of its place.
    bool exact = false;       ///< The place's bits above its type are 0.
    bool owns = false;        ///< The place is in the spill area, to be freed.
  };

  void analyse();
  void note_writes(const Inst& inst, uint32_t at);
  void note_setter(const Inst& inst, uint32_t at);
  void note_uses(const Inst& inst, uint32_t at);
  /// The address that is a part of `inst`, a load or store; or nullptr.
  const Inst* index_of(const Inst& inst) const;
  /// The operands that reading `inst` takes, with those of an address that is a part of it.
  template <class F>
  void for_each_operand(const Inst& inst, F&& visit) const;

  void visit(const Inst& inst, uint32_t at);
  bool alias_register(const Inst& inst, uint32_t at);
  bool alias_value(const Inst& inst, uint32_t at);
  bool is_set_already(const Inst& inst) const;
  void release_operands(const Inst& inst, uint32_t at);
  void give_place(const Inst& inst, uint32_t at);
  uint16_t target_of(uint32_t at) const;
  uint16_t take_words(bool vector);

  void emit(const Inst& inst, uint32_t at);
  void join_test(const Inst& branch);
  void choose_registers(const Inst& inst, Operation& o) const;
  void choose_code(const Inst& inst, Operation& o) const;
  void choose_access(const Inst& inst, Operation& o) const;
  void choose_integer(const Inst& inst, Operation& o) const;
  uint16_t place_of(ValueId id) const {
    return id == kNoValue ? uint16_t{kZeroPlace} : values_[id].place;
  }
  bool is_constant(ValueId id) const {
    return id != kNoValue && block_->insts[id].op == Opcode::kConstant;
  }

  const Block* block_ = nullptr;
  Program* program_ = nullptr;
  std::vector<ValueInfo> values_;
  std::array<uint32_t, 16> next_write_ = {};
  std::vector<uint16_t> free_words_, free_vectors_;
  unsigned next_place_ = 0;
  uint64_t ip_ = 0;
  bool fits_ = true;
};

}  // namespace vireo::tcg::interpreter
