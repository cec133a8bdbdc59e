// Random registers and memory for an instruction.

#include "tests/conformance/host_cpu/operands.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>

#include "target/i386/cpu/state.h"
#include "target/i386/translate/translator.h"
#include "tcg/runtime/x87_state.h"

namespace vireo::host_cpu {
namespace {

using i386::Insn;
using i386::Operand;

constexpr uint16_t kExceptions = 0x3f, kSummary = 0x8080;  // ES and B.

void fill_x87(Random& random, bool all_masked, uint8_t* image) {
  constexpr uint16_t kExponents[] = {0, 1, 0x3ffe, 0x3fff, 0x4000, 0x401d, 0x403e, 0x7ffe, 0x7fff};
  tcg::X87State x87;
  x87.control = static_cast<uint16_t>(0x7f | (random() & 3) << 10);
  if (!all_masked) x87.control &= static_cast<uint16_t>(~(random() & kExceptions));
  x87.control |= static_cast<uint16_t>((random.one_in(2) ? 3 : random() & 2) << 8);
  x87.status = random() & 0x477f;
  if (!all_masked && random.one_in(2)) x87.status &= 0x4740;
  if (x87.status & ~x87.control & kExceptions) x87.status |= kSummary;
  x87.top = random() & 7;
  x87.empty = static_cast<uint8_t>(random() & random());
  for (tcg::X87Register& reg : x87.registers) {
    const bool plain = random.one_in(2);
    reg.significand = interesting(random) | uint64_t{plain} << 63;
    reg.sign_exponent = static_cast<uint16_t>(
        (plain ? 0x3fe0 + random() % 64 : kExponents[random() % std::size(kExponents)]) |
        (random() & 1) << 15);
  }
  tcg::to_x87_image(x87, image);
}

/// Integers, or numbers of either precision with their edges.
void fill_vector(Random& random, uint8_t* vector) {
  uint64_t lanes[4] = {interesting(random), interesting(random), interesting(random),
                       interesting(random)};
  constexpr uint64_t kDoubles[] = {
      0x7ff0000000000000, 0x7ff8000000000001, 0x7ff0000000000001, 0x000fffffffffffff, 1,
      0x0010000000000000, 0x7fefffffffffffff, 0x3ff0000000000000, 0x41dfffffffc00000};
  constexpr uint32_t kSingles[] = {0x7f800000, 0x7fc00001, 0x7f800001, 0x007fffff, 1,
                                   0x00800000, 0x7f7fffff, 0x3f800000, 0x4effffff};
  const uint64_t kind = random() % 4;
  for (uint64_t& lane : lanes) {
    const uint64_t value = random();
    const double number = static_cast<int32_t>(value) / 256.0;
    const float halves[] = {static_cast<float>(number),
                            static_cast<float>(static_cast<int32_t>(value >> 32)) / 65536.0f};
    if (kind == 1) std::memcpy(&lane, &number, 8);
    if (kind == 2) std::memcpy(&lane, halves, 8);
    if (kind == 3 && value % 2)
      lane = kDoubles[value / 2 % std::size(kDoubles)] | value >> 63 << 63;
    if (kind == 3 && value % 2 == 0) {
      lane = kSingles[value / 2 % std::size(kSingles)] |
             uint64_t{kSingles[value / 32 % std::size(kSingles)]} << 32 |
             (value & 0x8000000080000000);
    }
  }
  std::memcpy(vector, lanes, sizeof lanes);
}

uint32_t random_mxcsr(Random& random, bool all_masked) {
  if (random.one_in(2)) return 0x1f80;
  uint32_t value = 0x1f80 | (random() & 0xe07f);
  if (random.one_in(2)) value &= ~0x3fu;
  if (!all_masked) value &= ~(random() & 0x1f80);
  return value;
}

class Filler {
 public:
  Filler(const Encoding& encoding, Random& random, Case& into)
      : encoding_(encoding), insn_(encoding.insn), random_(random), case_(into) {}

  bool run() {
    fill_state(random_, case_.state);
    if (random_.one_in(16)) case_.state.mxcsr = random_mxcsr(random_, false);
    if (random_.one_in(8)) fill_x87(random_, false, case_.state.x87);
    place_implicit();
    uint64_t target = reg(i386::kRsp);
    const bool uses_memory =
        std::any_of(insn_.operands.begin(), insn_.operands.end(),
                    [](const Operand& operand) { return operand.is_memory(); });
    if (uses_memory && !place_memory(target)) return false;
    if (is_string(insn_)) target = string_target();
    if (is_indirect_branch(*insn_.row) && insn_.operands[0].is_register() &&
        insn_.operands[0].reg == i386::kRsp)
      return false;
    if (is_indirect_branch(*insn_.row) && insn_.operands[0].is_register())
      reg(insn_.operands[0].reg) = code_target();
    if (is_indirect_branch(*insn_.row) && insn_.row->operands[0].place == i386::Place::kNone)
      target = reg(i386::kRsp);
    fill_patch(target);
    return bound_bit_index();
  }

 private:
  uint64_t& reg(unsigned number) { return case_.state.general[number & 15]; }
  bool is(const char* mnemonic) const { return std::string_view(insn_.row->mnemonic) == mnemonic; }
  /// Seldom one that is not canonical.
  uint64_t code_target() {
    const uint64_t target = arena().code_address(0x100 + random_() % 0x600);
    const bool is_wild = encoding_.bits == 64 && random_.one_in(16);
    return is_wild ? target ^ uint64_t { 1 } << (47 + random_() % 17) : target;
  }

  /// What the register has to be for `value`: 16-bit addresses leave the rest to chance.
  uint64_t in_low_word(unsigned number, uint64_t value) {
    if (!has_16bit_address(encoding_)) return value;
    return (reg(number) & ~uint64_t{0xffff}) | (value & 0xffff);
  }

  /// What instructions address without saying so: stack, strings, tables.
  void place_implicit() {
    const Arena& memory = arena();
    reg(i386::kRsp) = memory.data_address(0x4800) + 8 * (random_() & 15);
    if (random_.one_in(8)) reg(i386::kRsp) += random_() & 7;
    reg(i386::kRsi) = memory.data_address(0x1400) + (random_() & 0xff);
    reg(i386::kRdi) = memory.data_address(0x2400) + (random_() & 0xff);
    if (is("xlatb")) reg(i386::kRbx) = memory.data_address(0x3400);
    if (is("leave") || is("enter"))
      reg(i386::kRbp) = memory.data_address(0x3c00) + (random_() & 0xf8);
    if (is("xsave") || is("xrstor") || is("xsaveopt") || is("xsavec")) {
      reg(i386::kRax) &= 7;
      reg(i386::kRdx) = 0;
    }
    if (is_string(insn_)) {
      reg(i386::kRcx) = random_() % 24 | (insn_.address_size == 4 ? random_() << 32 : 0);
      if (random_.one_in(16))
        reg(random_.one_in(2) ? i386::kRsi : i386::kRdi) = random_target(random_);
      for (const unsigned number : {i386::kRsi, i386::kRdi}) {
        reg(number) = in_low_word(number, reg(number) - data_base(encoding_));
      }
    }
    if (is("maskmovq") || is("maskmovdqu") || is("vmaskmovdqu")) {
      if (random_.one_in(16)) reg(i386::kRdi) = random_target(random_);
    }
  }

  /// Sets base and index registers so that the operand lies in the data.
  bool place_memory(uint64_t& target) {
    const i386::MemoryOperand& memory = insn_.memory;
    if (insn_.has(i386::vsib)) spread_indexes();
    if (memory.base >= 16) {
      target = encoding_.fixed_target;
      return true;
    }
    target = aligned_for_images(random_target(random_));
    // What is read near the ends would be no address.
    if (is_indirect_branch(*insn_.row)) target = usual_target(random_);
    if (memory.index != i386::kNoRegister) {
      reg(memory.index) = in_low_word(memory.index, random_() & 0xff);
      if (memory.index == memory.base) return false;
    }
    const uint64_t index =
        memory.index == i386::kNoRegister ? 0 : reg(memory.index) << memory.scale;
    reg(memory.base) = in_low_word(memory.base, target - data_base(encoding_) - index -
                                                    static_cast<uint64_t>(memory.displacement));
    // These say what is saved.
    if (image_size() > 108 && (is_mask(memory.base) || is_mask(memory.index))) return false;
    if (memory.base == i386::kRsp && is("pop")) reg(memory.base) -= insn_.operand_size;
    if (insn_.address_size == 4 && encoding_.bits == 64) {
      reg(memory.base) = (reg(memory.base) & 0xffffffff) | random_() << 32;
      // The stack pointer is used as a whole elsewhere.
      if (memory.base == i386::kRsp) reg(memory.base) &= 0xffffffff;
    } else if (encoding_.bits == 64 && memory.base != i386::kRsp && random_.one_in(128)) {
      reg(memory.base) ^= uint64_t{1} << 60;  // Not canonical.
    }
    return true;
  }

  uint64_t string_target() {
    const uint64_t target = reg(i386::kRdi);
    return has_16bit_address(encoding_) ? data_base(encoding_) + (target & 0xffff) : target;
  }

  static bool is_mask(uint8_t reg) { return reg == i386::kRax || reg == i386::kRdx; }

  unsigned image_size() const {
    using T = i386::Translator;
    if (insn_.row->translate == &T::save_state || insn_.row->translate == &T::extended_save)
      return 832;
    return is("fnsave") || is("frstor") || is("fnstenv") || is("fldenv") ? 108 : 0;
  }

  uint64_t aligned_for_images(uint64_t target) {
    return image_size() > 108 && !random_.one_in(16) ? target & ~uint64_t{63} : target;
  }

  /// Elements of a gather lie in the data, behind the operand.
  void spread_indexes() {
    uint8_t* indexes = case_.state.vector[insn_.vector_index];
    const unsigned size = insn_.opcode & 1 ? 8 : 4;
    std::memset(indexes, 0, 32);
    for (unsigned i = 0; i < 32; i += size) {
      indexes[i] = static_cast<uint8_t>(random_() & 0x7f);
    }
  }

  void fill_patch(uint64_t target) {
    constexpr uint64_t kBefore = 16, kUsual = 64;
    const uint64_t data = arena().data_address();
    const uint64_t size = std::max<uint64_t>(kUsual, image_size() ? image_size() + 32 : 0);
    const uint64_t from = std::clamp(target & 0x0fffffffffffffff, data + kBefore,
                                     data + Arena::kDataSize - size + kBefore) -
                          kBefore;
    case_.patch_at = static_cast<uint32_t>(from - data);
    case_.patch_size = static_cast<uint32_t>(size);
    case_.operand_at = static_cast<uint32_t>(target - from);
    const bool numbers = random_.one_in(2);
    for (uint64_t i = 0; i < size; i += 32) {
      if (numbers) {
        fill_vector(random_, case_.patch + i);
        continue;
      }
      for (uint64_t k = 0; k < 32; k += 8) put(i + k, interesting(random_));
    }
    if (is_indirect_branch(*insn_.row)) fill_with_targets(target - from, size);
    if (image_size() != 0 && target - from + image_size() <= size) fill_image(target - from);
    if (is("ldmxcsr") || is("vldmxcsr"))
      put<uint32_t>(target - from,
                    random_mxcsr(random_, true) | (random_.one_in(16) ? 1u << 16 : 0));
    // All but single steps: what user mode may not change stays as it is.
    if (is("popf")) put(target - from, random_() & ~uint64_t{i386::kTf});
  }

  template <class T>
  void put(uint64_t at, T value) {
    if (at + sizeof value <= Case::kMaxPatch) std::memcpy(case_.patch + at, &value, sizeof value);
  }

  void fill_with_targets(uint64_t first, uint64_t size) {
    const uint64_t step = encoding_.bits / 8;
    for (uint64_t at = first % step; at + step <= size; at += step) {
      const uint64_t to = code_target();
      std::memcpy(case_.patch + at, &to, step);
    }
  }

  /// What FRSTOR and its like accept, mostly (SDM volume 1, tables 8-1, 10-2 and 13.4.2).
  void fill_image(uint64_t at) {
    uint8_t environment[112] = {};
    fill_x87(random_, !random_.one_in(4), environment);
    if (image_size() == 108) {
      if (insn_.operand_size != 2) std::memcpy(case_.patch + at, environment, 108);
      return;
    }
    std::memcpy(case_.patch + at, environment, 2);
    std::memcpy(case_.patch + at + 2, environment + 4, 2);
    put<uint32_t>(at + 24, random_mxcsr(random_, true));
    if (insn_.row->translate == &i386::Translator::save_state && !is("xrstor")) return;
    std::memset(case_.patch + at + 512, 0, 64);
    put<uint64_t>(at + 512, random_() & 7);
    if (random_.one_in(4)) {
      const uint64_t present = random_() & 7;
      put<uint64_t>(at + 512, present);
      put<uint64_t>(at + 520, uint64_t{1} << 63 | present | (random_() & 7));
    }
    if (random_.one_in(16)) put<uint64_t>(at + 512 + random_() % 8 * 8, random_());
  }

  /// BT and its kind reach far beyond their operand.
  bool bound_bit_index() {
    const Operand& index = insn_.operands[1];
    if (insn_.row->translate != &i386::Translator::bit_test &&
        insn_.row->translate != &i386::Translator::bit_update) {
      return true;
    }
    if (!insn_.operands[0].is_memory() || !index.is_register()) return true;
    if (index.reg == insn_.memory.base || index.reg == insn_.memory.index) return false;
    reg(index.reg) = static_cast<uint64_t>(static_cast<int64_t>(random_() % 4096) - 2048);
    return true;
  }

  const Encoding& encoding_;
  const Insn& insn_;
  Random& random_;
  Case& case_;
};

}  // namespace

void fill_state(Random& random, ProcessorState& state) {
  for (uint64_t& value : state.general) value = interesting(random);
  fill_x87(random, true, state.x87);
  for (auto& vector : state.vector) fill_vector(random, vector);
  state.flags = (random() & 0x8d5) | 0x202;
  if (random.one_in(8)) state.flags |= i386::kDf;
  if (random.one_in(8)) state.flags |= random() & (i386::kNt | i386::kId);
  state.mxcsr = random_mxcsr(random, true);
}

void fill_memory(Random& random, uint8_t (&memory)[Arena::kDataSize]) {
  for (uint64_t i = 0; i < Arena::kDataSize; i += 8) {
    const uint64_t value = interesting(random);
    std::memcpy(memory + i, &value, 8);
  }
}

bool fill_case(const Encoding& encoding, Random& random, Case& into) {
  return Filler(encoding, random, into).run();
}

}  // namespace vireo::host_cpu
