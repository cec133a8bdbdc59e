// Random encodings of a row of the decoder's tables, and registers to go with them.

#include "tests/conformance/host_cpu/encoding.h"

#include <cstring>

#include "target/i386/decode/decoder.h"
#include "target/i386/translate/translator.h"

namespace vireo::host_cpu {
namespace {

using i386::Insn;
using i386::Map;
using i386::Operand;
using i386::Row;

bool one_in(Random& random, unsigned n) { return random() % n == 0; }

/// Values that show edges more often than chance does.
uint64_t interesting(Random& random) {
  const uint64_t value = random();
  switch (random() % 8) {
    case 0:
      return value & 0xff;
    case 1:
      return ~(value & 0xff);
    case 2:
      return uint64_t{1} << (value & 63);
    case 3:
      return value & 0x8080808080808080;
    case 4:
      return static_cast<uint64_t>(static_cast<int32_t>(value));
    case 5:
      return 0;
    default:
      return value;
  }
}

class Encoder {
 public:
  Encoder(unsigned bits, Map map, const Row& row, Random& random, Sample& sample)
      : bits_(bits), map_(map), row_(row), random_(random), sample_(sample) {}

  bool run() {
    fill_registers();
    emit();
    if (!decode()) return false;
    const Insn& insn = sample_.insn;
    return place_implicit() && (!uses_memory(insn) || place_memory()) && bound_bit_index();
  }

 private:
  void put(uint8_t byte) { arena().code[size_++] = byte; }
  uint64_t& reg(unsigned number) { return sample_.state.general[number]; }

  void fill_registers() {
    ProcessorState& state = sample_.state;
    for (uint64_t& value : state.general) value = interesting(random_);
    fill_x87();
    for (auto& vector : state.vector) {
      uint64_t lanes[4] = {interesting(random_), interesting(random_), interesting(random_),
                           interesting(random_)};
      const double number = static_cast<int32_t>(random_()) / 256.0;
      const float single = static_cast<float>(number);
      if (one_in(random_, 2)) std::memcpy(lanes, &number, 8);
      if (one_in(random_, 3)) std::memcpy(lanes, &single, 4);
      if (one_in(random_, 2)) std::memcpy(lanes + 2, &number, 8);
      if (one_in(random_, 3)) std::memcpy(lanes + 3, &single, 4);
      std::memcpy(vector, lanes, sizeof lanes);
    }
    state.flags = (random_() & 0x8d5) | 0x202;
    state.mxcsr = 0x1f80;
  }

  // Exceptions are masked, as instructions of the IR want it.
  void fill_x87() {
    constexpr uint16_t kExponents[] = {0,      1,      0x3ffe, 0x3fff, 0x4000,
                                       0x401d, 0x403e, 0x7ffe, 0x7fff};
    tcg::X87State x87;
    x87.control = static_cast<uint16_t>(0x7f | (random_() & 3) << 10);
    x87.control |= static_cast<uint16_t>((one_in(random_, 2) ? 3 : random_() & 2) << 8);
    x87.status = random_() & 0x477f;
    x87.top = random_() & 7;
    x87.empty = static_cast<uint8_t>(random_() & random_());
    for (tcg::X87Register& reg : x87.registers) {
      const bool plain = one_in(random_, 2);
      reg.significand = interesting(random_) | uint64_t{plain} << 63;
      reg.sign_exponent = static_cast<uint16_t>(
          (plain ? 0x3fe0 + random_() % 64 : kExponents[random_() % std::size(kExponents)]) |
          (random_() & 1) << 15);
    }
    tcg::to_x87_image(x87, sample_.state.x87);
  }

  void emit() {
    if (i386::is_vex(row_.attributes)) {
      emit_vex();
    } else {
      emit_prefixes_and_map();
    }
    put(row_.opcode);
    modrm_at_ = size_;
    put_modrm();
    for (unsigned i = 0; i < 12; ++i)
      put(static_cast<uint8_t>(random_()));  // SIB, displacement, immediate.
  }

  void emit_vex() {
    const i386::Attributes attributes = row_.attributes;
    bool uses_vvvv = false;
    for (const auto& spec : row_.operands) {
      uses_vvvv |= spec.place == i386::Place::kH || spec.place == i386::Place::kK;
    }
    if (one_in(random_, 8)) put(0x67);
    const bool l =
        attributes & i386::vex_l1 || (!(attributes & i386::vex_l0) && one_in(random_, 2));
    const bool w =
        attributes & i386::vex_w1 || (!(attributes & i386::vex_w0) && one_in(random_, 2));
    const uint64_t prefix = attributes & i386::prefix_mask;
    const unsigned pp = prefix == i386::prefix_66   ? 1
                        : prefix == i386::prefix_f3 ? 2
                        : prefix == i386::prefix_f2 ? 3
                                                    : 0;
    const unsigned vvvv = uses_vvvv ? random_() & (bits_ == 64 ? 15 : 7) : 0;
    const unsigned last = (~vvvv & 15) << 3 | unsigned{l} << 2 | pp;
    const uint8_t inverted = bits_ == 64 ? random_() & 0xe0 : 0xe0;
    if (map_ == Map::k0f && !w && one_in(random_, 2)) {
      put(0xc5);
      put(static_cast<uint8_t>((inverted & 0x80) | last));
    } else {
      put(0xc4);
      put(static_cast<uint8_t>(inverted | static_cast<unsigned>(map_)));
      put(static_cast<uint8_t>(unsigned{w} << 7 | last));
    }
  }

  void emit_prefixes_and_map() {
    emit_prefixes();
    if (map_ != Map::kOneByte) put(0x0f);
    if (map_ == Map::k0f38) put(0x38);
    if (map_ == Map::k0f3a) put(0x3a);
  }

  void emit_prefixes() {
    const i386::Attributes prefix = row_.attributes & i386::prefix_mask;
    if (prefix == i386::prefix_66 || (prefix == 0 && one_in(random_, 4))) put(0x66);
    if (prefix == i386::prefix_f3) put(0xf3);
    if (prefix == i386::prefix_f2) put(0xf2);
    if (one_in(random_, 8)) put(0x67);
    if ((row_.attributes & i386::lockable) && one_in(random_, 3)) put(0xf0);
    if (bits_ == 64 && one_in(random_, 2)) put(0x40 | (random_() & 15));
  }

  void put_modrm() {
    uint8_t modrm = static_cast<uint8_t>(random_());
    if (one_in(random_, 3)) modrm |= 0xc0;
    const i386::Attributes attributes = row_.attributes;
    if (attributes & i386::has_reg) modrm = (modrm & 0xc7) | i386::reg_of(attributes) << 3;
    if (attributes & i386::has_rm) modrm = (modrm & 0xf8) | i386::rm_of(attributes);
    if (attributes & i386::register_only) modrm |= 0xc0;
    put(modrm);
  }

  bool decode() {
    static const i386::FeatureSet kFeatures = all_features();
    const std::span<const uint8_t> bytes(arena().code, i386::kMaxInsnLength);
    const auto status = i386::decode({static_cast<uint8_t>(bits_), kFeatures}, bytes, sample_.insn);
    return status == i386::DecodeStatus::kOk && sample_.insn.opcode == row_.opcode &&
           sample_.insn.row->mnemonic == row_.mnemonic &&
           sample_.insn.row->translate == row_.translate;
  }

  static bool uses_memory(const Insn& insn) {
    for (const Operand& operand : insn.operands) {
      if (operand.is_memory()) return true;
    }
    return false;
  }

  uint64_t data(uint64_t offset) const { return reinterpret_cast<uint64_t>(arena().data) + offset; }

  /// What instructions address without saying so: stack, strings, tables.
  bool place_implicit() {
    reg(i386::kRsp) = data(0x8800) + 8 * (random_() & 15);
    reg(i386::kRsi) = data(0x4400) + (random_() & 0xff);
    reg(i386::kRdi) = data(0x5400) + (random_() & 0xff);
    const std::string_view name = row_.mnemonic;
    if (name == "xlatb") reg(i386::kRbx) = data(0x6400);
    if (name == "leave" || name == "enter") reg(i386::kRbp) = data(0x7400) + (random_() & 0xf8);
    return true;
  }

  /// Sets base or index register, or the displacement, so that the operand lies in the data.
  bool place_memory() {
    Insn& insn = sample_.insn;
    i386::MemoryOperand& memory = insn.memory;
    if (insn.address_size == 2) return false;  // The data lies higher.
    if (insn.has(i386::vsib)) spread_indexes(insn);
    const uint64_t target = data(0x2400) + 32 * (random_() & 0x1f);
    if (memory.index != i386::kNoRegister) {
      reg(memory.index) = random_() & 0xff;
      if (memory.index == memory.base) return false;
    }
    const uint64_t index =
        memory.index == i386::kNoRegister ? 0 : reg(memory.index) << memory.scale;
    if (memory.base < 16) {
      reg(memory.base) = target - index - memory.displacement;
      if (insn.address_size == 4 && bits_ == 64) {
        reg(memory.base) = (reg(memory.base) & 0xffffffff) | random_() << 32;
      }
      return true;
    }
    const uint64_t ip = reinterpret_cast<uint64_t>(arena().code) + insn.length;
    const uint64_t displacement = target - index - (memory.base == i386::kRipBase ? ip : 0);
    return patch_displacement(displacement) && decode();
  }

  /// Elements of a gather lie in the data, behind the operand.
  void spread_indexes(const Insn& insn) {
    uint8_t* indexes = sample_.state.vector[insn.vector_index];
    const unsigned size = insn.opcode & 1 ? 8 : 4;
    std::memset(indexes, 0, 32);
    for (unsigned i = 0; i < 32; i += size) {
      indexes[i] = static_cast<uint8_t>(random_() & 0x7f);
    }
  }

  bool patch_displacement(uint64_t displacement) {
    const Insn& insn = sample_.insn;
    unsigned at = modrm_at_, bytes = 4;
    if (insn.modrm == 0 && insn.operands[0].kind == Operand::Kind::kGeneral &&
        insn.opcode >= 0xa0) {
      bytes = insn.address_size;  // MOV of an absolute offset: no ModRM.
    } else if (insn.opcode == 0xa2 || insn.opcode == 0xa3) {
      bytes = insn.address_size;
    } else {
      at += (insn.modrm & 7) == 4 ? 2 : 1;
    }
    std::memcpy(arena().code + at, &displacement, bytes);
    return true;
  }

  /// BT and its kind reach far beyond their operand.
  bool bound_bit_index() {
    const Insn& insn = sample_.insn;
    const Operand& index = insn.operands[1];
    if (row_.translate != &i386::Translator::bit_test &&
        row_.translate != &i386::Translator::bit_update) {
      return true;
    }
    if (!insn.operands[0].is_memory() || !index.is_register()) return true;
    if (index.reg == insn.memory.base || index.reg == insn.memory.index) return false;
    reg(index.reg) = static_cast<uint64_t>(static_cast<int64_t>(random_() % 4096) - 2048);
    return true;
  }

  const unsigned bits_;
  const Map map_;
  const Row& row_;
  Random& random_;
  Sample& sample_;
  unsigned size_ = 0;
  unsigned modrm_at_ = 0;
};

}  // namespace

i386::FeatureSet all_features() {
  i386::FeatureSet features;
  for (unsigned i = 0; i < static_cast<unsigned>(i386::Feature::kCount); ++i) {
    features.set(static_cast<i386::Feature>(i), true);
  }
  return features;
}

void fill_memory(Random& random) {
  for (uint64_t i = 0; i < Arena::kDataSize; i += 8) {
    const uint64_t value = interesting(random);
    std::memcpy(arena().data + i, &value, 8);
  }
}

bool make_sample(unsigned bits, Map map, const Row& row, Random& random, Sample& sample) {
  return Encoder(bits, map, row, random, sample).run();
}

}  // namespace vireo::host_cpu
