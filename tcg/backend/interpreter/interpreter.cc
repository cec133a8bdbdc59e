// The interpreter backend: blocks become arrays of operations, run one after another.

#include <deque>
#include <memory>

#include "tcg/backend/interpreter/compiler.h"
#include "tcg/backend/interpreter/control.h"

namespace vireo::tcg {
namespace {

using interpreter::Compiler;
using interpreter::Machine;
using interpreter::Operation;
using interpreter::Program;
using interpreter::program_of;

[[noreturn]] void resume(LeaveTarget* target, Frame*) {
  std::longjmp(static_cast<Machine*>(target)->environment, 1);
}

class InterpreterBackend final : public Backend {
 public:
  explicit InterpreterBackend(const BackendConfig& config) : config_(config) {}

  util::Result<TranslatedBlock*> compile(const Block& block, const CodePage& page,
                                         const CodePage* second) override {
    auto program = std::make_unique<Program>();
    if (!compiler_.compile(block, program.get())) {
      return util::Error(util::ErrorCode::kInvalidArgument,
                         "the block has more values than the interpreter takes");
    }
    const size_t bytes =
        sizeof(Program) + program->operations.size() * (sizeof(Operation) + sizeof(uint64_t));
    if (used_ + bytes > config_.code_cache_bytes) {
      return util::Error(util::ErrorCode::kNoMemory, "the interpreter's code cache is full");
    }
    used_ += bytes;
    describe(block, page, bytes, program.get());
    program->second = second;
    programs_.push_back(std::move(program));
    return programs_.back().get();
  }

  const void* checked_entry(TranslatedBlock* block) override { return block; }

  void run(Frame* frame, TranslatedBlock* block, TranslatedBlock** last, unsigned* slot) override {
    std::memset(frame->spill, 0, (interpreter::kFirstPlace - interpreter::kZeroPlace) * 8);
    Machine machine;
    LeaveTarget& target = machine;
    target.resume = resume;
    machine.frame = frame;
    machine.config = &config_;
    select(machine, block);
    machine.restore_flags();
    void* outer = frame->host_stack;
    frame->host_stack = &target;
    if (setjmp(machine.environment) == 0) {
      enter(machine);
      machine.save_flags();
    }
    frame->host_stack = outer;
    frame->left_from = reinterpret_cast<uint64_t>(machine.program);
    *last = const_cast<Program*>(machine.last);
    *slot = machine.slot;
  }

  const TranslatedBlock* left_block(const Frame& frame) const override {
    return reinterpret_cast<const Program*>(frame.left_from);
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

  size_t code_bytes_used() const override { return used_; }
  size_t code_bytes_total() const override { return config_.code_cache_bytes; }
  std::span<const std::byte> host_code(const TranslatedBlock&) const override { return {}; }
  std::vector<CodeMark> code_marks(const TranslatedBlock&) const override { return {}; }

 private:
  static void enter(Machine& machine) {
    if (__atomic_load_n(&machine.program->valid, __ATOMIC_RELAXED)) {
      interpreter::interpret(machine, machine.program->operations.data());
    } else {
      machine.exit(ExitReason::kLookup);
    }
  }

  void describe(const Block& block, const CodePage& page, size_t bytes, Program* program) {
    TranslatedBlock& translated = *program;
    translated.page = &page;
    translated.offset = static_cast<uint16_t>(block.guest_ip - page.key.ip);
    translated.guest_size = static_cast<uint16_t>(block.guest_size);
    translated.guest_insns = static_cast<uint16_t>(block.guest_insns);
    translated.host_size = static_cast<uint32_t>(bytes);
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
