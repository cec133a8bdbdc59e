// The interpreter backend: blocks become arrays of handlers with operands, run one after another.

#include <deque>
#include <memory>

#include "tcg/backend/interpreter/machine.h"

namespace vireo::tcg {
namespace {

using interpreter::Machine;
using interpreter::Operation;
using interpreter::Program;
using interpreter::program_of;

[[noreturn]] void resume(LeaveTarget* target, Frame*) {
  std::longjmp(static_cast<Machine*>(target)->environment, 1);
}

/// Gives each value a place and turns instructions into operations.
class Compiler {
 public:
  /// Returns whether the block's values fit.
  bool compile(const Block& block, Program* program) {
    places_.clear();
    next_ = interpreter::kFirstPlace;
    program->operations.reserve(block.insts.size());
    for (const Inst& inst : block.insts) {
      places_.push_back(place_for(inst));
      if (next_ > interpreter::kMaximumPlaces) return false;
      program->operations.push_back(operation(block, inst));
    }
    return true;
  }

 private:
  uint16_t place_for(const Inst& inst) {
    const bool gives = info(inst.op).result != OpcodeInfo::ResultKind::kNone;
    if (!gives || inst.type == Type::kVoid) return interpreter::kSinkPlace;
    const unsigned place = next_;
    next_ += is_vector(inst.type) ? 4 : 1;
    return static_cast<uint16_t>(place);
  }
  uint16_t place_of(ValueId id) const {
    return id == kNoValue ? uint16_t{interpreter::kZeroPlace} : places_[id];
  }
  Operation operation(const Block& block, const Inst& inst) const {
    const bool by_second = inst.op == Opcode::kVector || inst.op == Opcode::kStore;
    const ValueId typed = by_second ? inst.b : inst.a;
    return {.handler = interpreter::handler_of(inst),
            .imm = inst.imm,
            .result = places_.back(),
            .a = place_of(inst.a),
            .b = place_of(inst.b),
            .c = place_of(inst.c),
            .aux = inst.aux,
            .flags = inst.flags,
            .extra = inst.extra,
            .type = inst.type,
            .source = typed == kNoValue ? Type::kVoid : block.insts[typed].type,
            .op = inst.op};
  }

  std::vector<uint16_t> places_;
  unsigned next_ = 0;
};

class InterpreterBackend final : public Backend {
 public:
  explicit InterpreterBackend(const BackendConfig& config) : config_(config) {}

  util::Result<TranslatedBlock*> compile(const Block& block, const BlockKey& key,
                                         uint32_t code_page) override {
    auto program = std::make_unique<Program>();
    if (!compiler_.compile(block, program.get())) {
      return util::Error(util::ErrorCode::kInvalidArgument,
                         "the block has more values than the interpreter takes");
    }
    const size_t bytes = sizeof(Program) + program->operations.size() * sizeof(Operation);
    if (used_ + bytes > config_.code_cache_bytes) {
      return util::Error(util::ErrorCode::kNoMemory, "the interpreter's code cache is full");
    }
    used_ += bytes;
    describe(block, key, code_page, bytes, program.get());
    programs_.push_back(std::move(program));
    return &programs_.back()->block;
  }

  void run(Frame* frame, TranslatedBlock* block, TranslatedBlock** last, unsigned* slot) override {
    alignas(32) uint64_t values[interpreter::kMaximumPlaces + 4];
    for (unsigned i = 0; i < interpreter::kFirstPlace; ++i) values[i] = 0;
    Machine machine;
    LeaveTarget& target = machine;
    target.resume = resume;
    machine.frame = frame;
    machine.config = &config_;
    machine.program = program_of(block);
    machine.values = values;
    machine.restore_flags();
    void* outer = frame->host_stack;
    frame->host_stack = &target;
    if (setjmp(machine.environment) == 0) {
      interpret(machine);
      machine.save_flags();
    }
    frame->host_stack = outer;
    *last = machine.last;
    *slot = machine.slot;
  }

  void link(TranslatedBlock* from, unsigned slot, TranslatedBlock* to) override {
    __atomic_store_n(&program_of(from)->links[slot], to, __ATOMIC_RELEASE);
  }

  // Whoever is about to enter a block looks at `valid`, so links to it may stay.
  void invalidate(TranslatedBlock* block) override {
    __atomic_store_n(&block->valid, false, __ATOMIC_RELEASE);
  }

  void flush() override {
    programs_.clear();
    used_ = 0;
  }

  void kick(Frame* frame) override { __atomic_store_n(&frame->kick, 1, __ATOMIC_SEQ_CST); }

  size_t code_bytes_used() const override { return used_; }
  size_t code_bytes_total() const override { return config_.code_cache_bytes; }
  std::span<const std::byte> host_code(const TranslatedBlock&) const override { return {}; }
  std::vector<CodeMark> code_marks(const TranslatedBlock&) const override { return {}; }

 private:
  /// Runs until a handler leaves.
  static void interpret(Machine& machine) {
    if (!__atomic_load_n(&machine.program->block.valid, __ATOMIC_RELAXED)) {
      machine.exit(ExitReason::kLookup);
      return;
    }
    const Operation* operation = machine.program->operations.data();
    while (operation) operation = operation->handler(machine, operation);
  }

  void describe(const Block& block, const BlockKey& key, uint32_t code_page, size_t bytes,
                Program* program) {
    TranslatedBlock& translated = program->block;
    translated.key = key;
    translated.guest_size = block.guest_size;
    translated.guest_insns = block.guest_insns;
    translated.code_page = code_page;
    translated.checked_entry = &translated;
    translated.host_size = static_cast<uint32_t>(bytes);
    translated.backend_data = program;
    ++statistics_.blocks;
    statistics_.guest_bytes += block.guest_size;
    statistics_.guest_insns += block.guest_insns;
    statistics_.host_bytes += bytes;
    statistics_.ir_insts += block.insts.size();
  }

  BackendConfig config_;
  Compiler compiler_;
  std::deque<std::unique_ptr<Program>> programs_;
  size_t used_ = 0;
};

}  // namespace

util::Result<std::unique_ptr<Backend>> make_interpreter_backend(const BackendConfig& config) {
  return std::unique_ptr<Backend>(std::make_unique<InterpreterBackend>(config));
}

}  // namespace vireo::tcg
