// Random encodings of a row of the decoder's tables.

#include "tests/conformance/host_cpu/encoding.h"

#include <cpuid.h>

#include <algorithm>
#include <cstring>

#include "target/i386/cpu/state.h"
#include "target/i386/decode/decoder.h"
#include "target/i386/translate/translator.h"
#include "tests/conformance/host_cpu/host_run.h"

namespace vireo::host_cpu {
namespace {

using i386::Insn;
using i386::Map;
using i386::Operand;
using i386::Row;
using T = i386::Translator;

using Translate = void (T::*)(const Insn&);

template <size_t size>
bool is_one_of(const Row& row, const Translate (&functions)[size]) {
  return std::find(std::begin(functions), std::end(functions), row.translate) !=
         std::end(functions);
}

class Encoder {
 public:
  Encoder(unsigned bits, Map map, const Row& row, Random& random, Encoding& encoding)
      : bits_(bits), map_(map), row_(row), random_(random), encoding_(encoding) {}

  bool run() {
    encoding_.bits = bits_;
    encoding_.fixed_target = 0;
    emit();
    if (!decode() || differs_by_vendor()) return false;
    return (!uses_memory() || place_memory()) && place_target();
  }

 private:
  bool one_in(unsigned n) { return random_.one_in(n); }
  void put(uint8_t byte) {
    if (size_ < sizeof encoding_.bytes) encoding_.bytes[size_++] = byte;
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
    for (unsigned i = 0; i < 13; ++i)
      put(static_cast<uint8_t>(random_()));  // SIB, displacement, immediate.
    // Frames of ENTER that the stack has room for.
    if (row_.translate == &T::enter && !one_in(4)) encoding_.bytes[modrm_at_ + 1] &= 0x0f;
  }

  void emit_vex() {
    const i386::Attributes attributes = row_.attributes;
    bool uses_vvvv = false;
    for (const auto& spec : row_.operands) {
      uses_vvvv |= spec.place == i386::Place::kH || spec.place == i386::Place::kK;
    }
    emit_address_size();
    const bool l = attributes & i386::vex_l1 || (!(attributes & i386::vex_l0) && one_in(2));
    const bool w = attributes & i386::vex_w1 || (!(attributes & i386::vex_w0) && one_in(2));
    const uint64_t prefix = attributes & i386::prefix_mask;
    const unsigned pp = prefix == i386::prefix_66   ? 1
                        : prefix == i386::prefix_f3 ? 2
                        : prefix == i386::prefix_f2 ? 3
                                                    : 0;
    const unsigned vvvv = uses_vvvv ? random_() & (bits_ == 64 ? 15 : 7) : 0;
    const unsigned last = (~vvvv & 15) << 3 | unsigned{l} << 2 | pp;
    const uint8_t inverted = bits_ == 64 ? random_() & 0xe0 : 0xe0;
    if (map_ == Map::k0f && !w && one_in(2)) {
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
    if (prefix == i386::prefix_66 || (prefix == 0 && one_in(4))) put(0x66);
    if (prefix == i386::prefix_f3) put(0xf3);
    if (prefix == i386::prefix_f2) put(0xf2);
    const bool repeats =
        prefix == 0 && is_string_operand(row_.operands[0].place, row_.operands[1].place);
    if (repeats && one_in(2)) put(one_in(2) ? 0xf3 : 0xf2);
    constexpr uint8_t kSegments[] = {0x26, 0x2e, 0x36, 0x3e};
    if (one_in(16)) put(kSegments[random_() % 4]);
    emit_address_size();
    if ((row_.attributes & i386::lockable) && one_in(3)) put(0xf0);
    if (bits_ == 64 && one_in(2)) put(0x40 | (random_() & 15));
  }

  /// With BP as base, 16-bit addresses need DS to be in the data.
  void emit_address_size() {
    constexpr uint8_t kAddressSize = 0x67, kDs = 0x3e;
    if (!one_in(8)) return;
    put(kAddressSize);
    if (bits_ == 32 && one_in(2)) put(kDs);
  }

  static bool is_string_operand(i386::Place first, i386::Place second) {
    const auto is_one = [](i386::Place place) {
      return place == i386::Place::kX || place == i386::Place::kY;
    };
    return is_one(first) || is_one(second);
  }

  void put_modrm() {
    uint8_t modrm = static_cast<uint8_t>(random_());
    if (one_in(3)) modrm |= 0xc0;
    const i386::Attributes attributes = row_.attributes;
    if (attributes & i386::has_reg) modrm = (modrm & 0xc7) | i386::reg_of(attributes) << 3;
    if (attributes & i386::has_rm) modrm = (modrm & 0xf8) | i386::rm_of(attributes);
    if (attributes & i386::register_only) modrm |= 0xc0;
    if (attributes & i386::vsib) modrm = (random_() % 3) << 6 | (modrm & 0x38) | 4;
    put(modrm);
  }

  bool decode() {
    static constexpr i386::FeatureSet kFeatures = i386::FeatureSet::all();
    const std::span<const uint8_t> bytes(encoding_.bytes, i386::kMaxInsnLength);
    const auto status =
        i386::decode({static_cast<uint8_t>(bits_), kFeatures}, bytes, encoding_.insn);
    return status == i386::DecodeStatus::kOk && encoding_.insn.row == &row_;
  }

  /// Branches of another size go elsewhere on AMD's processors.
  bool differs_by_vendor() const {
    const Insn& insn = encoding_.insn;
    return insn.has(i386::force64) && insn.operand_prefix && bits_ == 64;
  }

  bool uses_memory() const {
    const auto& operands = encoding_.insn.operands;
    return std::any_of(operands.begin(), operands.end(),
                       [](const Operand& operand) { return operand.is_memory(); });
  }

  /// Chooses the displacement where it alone tells where the operand is.
  bool place_memory() {
    const i386::MemoryOperand& memory = encoding_.insn.memory;
    const bool is_small = has_16bit_address(encoding_);
    if (is_small && (memory.segment != i386::kDs || !host_has_small_data())) return false;
    if (memory.base < 16) return true;
    if (memory.index != i386::kNoRegister) return false;
    const uint64_t target =
        is_indirect_branch(row_) ? usual_target(random_) : random_target(random_);
    const uint64_t ip = arena().code_address(Arena::kStart) + encoding_.insn.length;
    patch_displacement(target - (memory.base == i386::kRipBase ? ip : data_base(encoding_)));
    encoding_.fixed_target = target;
    return decode();
  }

  void patch_displacement(uint64_t displacement) {
    const Insn& insn = encoding_.insn;
    const bool is_absolute =
        row_.operands[0].place == i386::Place::kO || row_.operands[1].place == i386::Place::kO;
    unsigned at = modrm_at_ + ((insn.modrm & 7) == 4 ? 2 : 1), size = 4;
    if (has_16bit_address(encoding_)) at = modrm_at_ + 1, size = 2;
    if (is_absolute) at = modrm_at_, size = insn.address_size;  // No ModRM.
    std::memcpy(encoding_.bytes + at, &displacement, size);
  }

  /// Makes a relative branch stay in the code's page.
  bool place_target() {
    Insn& insn = encoding_.insn;
    const Operand& operand = insn.operands[0];
    if (operand.kind != Operand::Kind::kRelative) return true;
    const auto distance = static_cast<int64_t>(insn.immediate);
    if (operand.size == 1) return distance >= 0 || distance < -16;  // Not into itself.
    auto displacement = static_cast<uint32_t>(random_() % 0x700);
    if (one_in(2)) displacement = 0 - 16 - displacement % 0x6f0;
    std::memcpy(encoding_.bytes + insn.length - operand.size, &displacement, operand.size);
    return decode();
  }

  const unsigned bits_;
  const Map map_;
  const Row& row_;
  Random& random_;
  Encoding& encoding_;
  unsigned size_ = 0;
  unsigned modrm_at_ = 0;
};

}  // namespace

bool host_has(const Row& row) {
  const auto number = row.attributes >> 32 & 0xff;
  if (number == 0) return true;
  const i386::FeatureInfo& info = i386::feature_table()[number - 1];
  uint32_t words[4] = {};
  if (!__get_cpuid_count(info.leaf, info.subleaf, &words[0], &words[1], &words[2], &words[3]))
    return false;
  return words[info.reg] >> info.bit & 1;
}

bool is_indirect_branch(const Row& row) {
  constexpr Translate kIndirect[] = {&T::jump_indirect, &T::call_indirect, &T::near_return};
  return is_one_of(row, kIndirect);
}

bool is_branch(const Row& row) {
  constexpr Translate kRelative[] = {&T::jump, &T::jump_if, &T::jump_if_counter_zero,
                                     &T::loop, &T::loop_if, &T::call};
  return is_one_of(row, kRelative) || is_indirect_branch(row);
}

bool has_16bit_address(const Encoding& encoding) { return encoding.insn.address_size == 2; }

uint64_t data_base(const Encoding& encoding) {
  return has_16bit_address(encoding) ? arena().small_data_base() : 0;
}

bool is_string(const Insn& insn) {
  return std::any_of(insn.operands.begin(), insn.operands.end(), [](const Operand& operand) {
    return operand.kind == Operand::Kind::kSource || operand.kind == Operand::Kind::kTarget;
  });
}

bool is_short_movsxd(const Insn& insn) {
  return std::string_view(insn.row->mnemonic) == "movsxd" && insn.operand_size == 2;
}

bool is_undefined_on_amd(const Row& row) {
  return row.opcode == 0x0d && row.attributes & i386::register_only &&
         row.translate == &T::no_operation;
}

uint64_t usual_target(Random& random) { return arena().data_address(0x800) + (random() & 0x3f8); }

uint64_t random_target(Random& random) {
  const Arena& memory = arena();
  const uint64_t chance = random() % 32;
  if (chance == 0) return memory.data_address(Arena::kDataSize) - 40 + random() % 48;
  if (chance == 1)
    return memory.data_address(Arena::kDataSize + Arena::kReadOnlySize) - 40 + random() % 48;
  if (chance < 6) return memory.data_address(Arena::kPage) - 1 - random() % 40;
  const uint64_t place = random() & 0x3ff;
  return memory.data_address(0x800) + (chance < 16 ? place : place & ~uint64_t{63});
}

bool make_encoding(unsigned bits, Map map, const Row& row, Random& random, Encoding& encoding) {
  return Encoder(bits, map, row, random, encoding).run();
}

}  // namespace vireo::host_cpu
