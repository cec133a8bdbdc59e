// x87 instructions (SDM volume 1, chapter 8). While all exceptions are masked, those of which every
// processor makes the same bits are operations of the IR; everything else is the helpers'.

#include "target/i386/helper/x87_unit.h"
#include "target/i386/translate/translator.h"

namespace vireo::i386 {
namespace {

constexpr unsigned code_of(const Insn& in) { return unsigned{in.opcode} << 8 | in.modrm; }
/// With a memory operand the IR has the digit only.
constexpr unsigned memory_code(unsigned opcode, unsigned digit) { return opcode << 8 | digit << 3; }

constexpr unsigned kFnstswAx = 0xdfe0;

bool memory_form_is_plain(unsigned opcode, unsigned digit) {
  switch (opcode) {
    case 0xd9:
      return digit == 0 || digit == 2 || digit == 3 || digit == 5 || digit == 7;
    case 0xdb:
    case 0xdf:
      return digit <= 3 || digit == 5 || digit == 7;
    case 0xdd:
      return digit <= 3 || digit == 7;
    default:
      return true;  // the arithmetic of D8, DA, DC and DE
  }
}

/// Not transcendental: processors round these differently.
bool d9_is_plain(unsigned modrm) {
  switch (modrm) {
    case 0xd0:  // FNOP
    case 0xe0:  // FCHS, FABS, FTST, FXAM
    case 0xe1:
    case 0xe4:
    case 0xe5:
    case 0xf4:  // FXTRACT, FPREM1, FDECSTP, FINCSTP, FPREM
    case 0xf5:
    case 0xf6:
    case 0xf7:
    case 0xf8:
    case 0xfa:  // FSQRT
    case 0xfc:  // FRNDINT, FSCALE
    case 0xfd:
      return true;
    default:
      return modrm < 0xd0 || (modrm >= 0xe8 && modrm <= 0xee);  // FLD, FXCH; constants
  }
}

bool register_form_is_plain(unsigned opcode, unsigned modrm) {
  const unsigned digit = modrm >> 3 & 7;
  switch (opcode) {
    case 0xd8:
      return true;
    case 0xd9:
      return d9_is_plain(modrm);
    case 0xda:
      return digit <= 3 || modrm == 0xe9;  // FCMOVcc, FUCOMPP
    case 0xdb:
      return digit <= 3 || modrm == 0xe2 || digit == 5 || digit == 6;  // FNCLEX, FUCOMI, FCOMI
    case 0xdc:
      return digit != 2 && digit != 3;
    case 0xdd:
      return digit == 0 || (digit >= 2 && digit <= 5);  // FFREE, FST, FSTP, FUCOM, FUCOMP
    case 0xde:
      return digit != 2 && (digit != 3 || modrm == 0xd9);
    default:
      return modrm == kFnstswAx % 256 || digit == 5 || digit == 6;  // FUCOMIP, FCOMIP
  }
}

bool is_store(const Insn& in) {
  // In D9, DB, DD and DF stores are /2, /3, /6, /7, and FISTTP is /1.
  const bool is_fisttp = in.reg() == 1 && in.opcode != 0xd9;
  return (in.opcode & 1) && (is_fisttp || (in.reg() & 2));
}

/// Whether it may unmask exceptions: FNINIT, FLDENV, FLDCW, FNSTENV, FRSTOR, FNSAVE.
bool changes_masks(const Insn& in) {
  if (in.modrm >= 0xc0) return code_of(in) == 0xdbe3;
  return (in.opcode == 0xd9 && in.reg() >= 4 && in.reg() <= 6) ||
         (in.opcode == 0xdd && (in.reg() == 4 || in.reg() == 6));
}

tcg::Type operand_type(unsigned bytes) {
  return bytes == 2   ? tcg::Type::kI16
         : bytes == 4 ? tcg::Type::kI32
         : bytes == 8 ? tcg::Type::kI64
                      : tcg::Type::kF80;
}

}  // namespace

bool Translator::is_plain_x87(const Insn& in) const {
  if (in_mode(kModeX87MayRaise | kModeFpuUnavailable) || is_one_shot()) return false;
  if (in.row->translate == &Translator::x87) return register_form_is_plain(in.opcode, in.modrm);
  return in.row->translate == &Translator::x87_memory && memory_form_is_plain(in.opcode, in.reg());
}

// The last of consecutive instructions is what FNSTENV would show.
void Translator::store_x87_pointer() {
  if (!x87_pointer_waits_) return;
  x87_pointer_waits_ = false;
  ir_.store_state(VIREO_CPU_OFFSET(x87.instruction_pointer), ip_value(x87_pointer_));
}

void Translator::leave_if_x87_mode_changed(const Insn& in, Value changed) {
  if (is_one_shot()) return;
  ir_.branch_runtime(changed, tcg::ExitReason::kModeChange, next_ip(in));
}

void Translator::note_x87(const Insn& in) {
  if (is_x87_control(in.opcode, in.modrm)) return;
  x87_pointer_waits_ = true;
  x87_pointer_ = in.ip;
}

void Translator::x87(const Insn& in) {
  mmx_entered_ = false;
  const bool compares = (in.opcode == 0xdb || in.opcode == 0xdf) && in.modrm >= 0xe8;
  if (!is_plain_x87(in)) {
    const Value changed =
        call_helper(HelperId::x87, Type::kI64, number(code_of(in)), ip_value(next_ip(in)));
    if (changes_masks(in)) leave_if_x87_mode_changed(in, changed);
  } else if (code_of(in) == kFnstswAx) {
    ir_.set_reg(kRax, ir_.x87(memory_code(0xdd, 7), Type::kI16));
  } else {
    ir_.x87(code_of(in), Type::kVoid, {}, compares ? tcg::kAllFlags : tcg::kNoFlags);
    note_x87(in);
  }
}

/// Of FLDENV and FNSTENV (D9), or FRSTOR and FNSAVE (DD), which have the registers as well.
static unsigned x87_image_size(const Insn& in) {
  constexpr unsigned kEnvironment16 = 14, kEnvironment32 = 28, kRegisters = 80;
  return (in.operand_size == 2 ? kEnvironment16 : kEnvironment32) +
         (in.opcode == 0xdd ? kRegisters : 0);
}

void Translator::x87_memory(const Insn& in) {
  mmx_entered_ = false;
  if (is_plain_x87(in)) return plain_x87_memory(in);
  const unsigned size = in.operands[0].size ? in.operands[0].size : x87_image_size(in);
  if (in_mode(kModeX87MayRaise) && x87_load_or_store_waits(in.opcode, in.reg())) {
    call_helper(HelperId::x87, number(kWaitCode));  // #MF is first.
  }
  const Value changed = call_helper(HelperId::x87_memory, Type::kI64, number(code_of(in)),
                                    memory_address(in, size, is_store(in)),
                                    number(in.memory.segment | unsigned{in.operand_size} << 8));
  if (changes_masks(in)) leave_if_x87_mode_changed(in, changed);
}

void Translator::plain_x87_memory(const Insn& in) {
  const unsigned code = memory_code(in.opcode, in.reg());
  const bool word = code == memory_code(0xd9, 7) || code == memory_code(0xdd, 7);
  if (code == memory_code(0xd9, 5)) return load_x87_control(in);
  if (word) return write(in, 0, ir_.x87(code, Type::kI16));
  const unsigned size = in.operands[0].size;
  const Value address = memory_address(in, size, is_store(in));
  if (is_store(in)) {
    ir_.x87_store(code, operand_type(size), address, memory_flags());
  } else {
    ir_.x87_load(code, operand_type(size), address, memory_flags());
  }
  note_x87(in);
}

// The masks stay set here. A word that clears one leaves the block, and is loaded outside.
void Translator::load_x87_control(const Insn& in) {
  const auto word = [this](unsigned value) { return constant(Type::kI16, value); };
  const Value loaded =
      ir_.or_(ir_.and_(read(in, 0), word(tcg::kX87ControlBits)), word(tcg::kX87ControlFixed));
  ir_.x87(memory_code(0xd9, 5), Type::kVoid, ir_.or_(loaded, word(tcg::kX87Masks)));
  ir_.store_state(VIREO_CPU_OFFSET(x87_loaded_control), loaded);
  leave_if_x87_mode_changed(in, ir_.and_(ir_.not_(loaded), word(tcg::kX87Masks)));
}

/// The helper looks at CR0.MP and CR0.TS, and for pending exceptions.
void Translator::wait(const Insn& in) {
  if (!in_mode(kModeX87MayRaise | kModeFpuUnavailable)) return;
  call_helper(HelperId::x87, number(kWaitCode));
}

}  // namespace vireo::i386
