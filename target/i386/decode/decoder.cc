// x86 instruction formats: prefixes (VEX too), opcode maps, ModRM, SIB, displacement, immediates
// (SDM volume 2, chapter 2).

#include "target/i386/decode/decoder.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "target/i386/cpu/state.h"
#include "target/i386/decode/tables.h"
#include "util/bits.h"
#include "util/byte_order.h"

namespace vireo::i386 {
namespace {

constexpr uint8_t kRexB = 1, kRexX = 2, kRexR = 4, kRexW = 8;

enum class Prefix : uint8_t {
  kNone,
  kOperandSize,
  kAddressSize,
  kLock,
  kRepeat,
  kFs,
  kGs,
  kOldSegment,  ///< ES, CS, SS or DS.
};

/// What a byte is as a legacy prefix (SDM volume 2, 2.1.1).
constexpr std::array<Prefix, 256> kLegacyPrefixes = [] {
  std::array<Prefix, 256> prefixes{};
  prefixes[0x66] = Prefix::kOperandSize;
  prefixes[0x67] = Prefix::kAddressSize;
  prefixes[0xf0] = Prefix::kLock;
  prefixes[0xf2] = prefixes[0xf3] = Prefix::kRepeat;
  prefixes[0x64] = Prefix::kFs;
  prefixes[0x65] = Prefix::kGs;
  for (const unsigned byte : {0x26, 0x2e, 0x36, 0x3e}) prefixes[byte] = Prefix::kOldSegment;
  return prefixes;
}();

/// By Width, up to kQq.
constexpr uint8_t kFixedSizes[] = {0, 1, 2, 4, 8, 16, 32};
static_assert(std::size(kFixedSizes) == static_cast<size_t>(Width::kQq) + 1);

/// What a row may demand besides its prefix, vector length and feature.
constexpr Attributes kDemands =
    no64 | only64 | memory_only | register_only | has_reg | has_rm | prefix_mask;

class Decoder {
 public:
  Decoder(const DecodeMode& mode, std::span<const uint8_t> bytes, Insn& insn)
      : mode_(mode),
        bytes_(bytes.data()),
        end_(static_cast<unsigned>(std::min<size_t>(bytes.size(), kMaxInsnLength))),
        insn_(insn) {}

  DecodeStatus run() {
    read_prefixes_and_opcode();
    if (status_ != DecodeStatus::kOk) return status_;
    read_modrm();
    if (status_ != DecodeStatus::kOk) return status_;
    insn_.row = choose(rows(map_, insn_.opcode));
    if (!insn_.row) return DecodeStatus::kUndefined;
    set_sizes();
    if (modrm_read_ && !insn_.is_register_form()) read_memory();
    for (unsigned i = 0; i < kMaxOperands; ++i) {
      const OperandSpec& spec = insn_.row->operands[i];
      if (spec.place == Place::kNone) break;
      insn_.operands[i] = operand(spec);
    }
    if (status_ == DecodeStatus::kOk && !is_legal()) status_ = DecodeStatus::kUndefined;
    return status_;
  }

  unsigned position() const { return position_; }

 private:
  uint8_t next() {
    if (position_ < end_) [[likely]]
      return bytes_[position_++];
    stop(position_ == kMaxInsnLength ? DecodeStatus::kTooLong : DecodeStatus::kNeedsMore);
    return 0;
  }

  /// The first reason counts. Nothing is read any more.
  void stop(DecodeStatus status) {
    if (status_ == DecodeStatus::kOk) status_ = status;
    end_ = 0;
  }

  /// 1, 2, 4 or 8 bytes.
  uint64_t read(unsigned size) {
    if (size == 1) return next();
    if (position_ + size <= end_) [[likely]] {
      position_ += size;
      return util::load_little(bytes_ + position_ - size, size);
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) value |= static_cast<uint64_t>(next()) << (8 * i);
    return value;
  }
  int64_t read_signed(unsigned size) { return util::sign_extend(read(size), size * 8); }

  bool is_64() const { return mode_.bits == 64; }
  bool rex(uint8_t bit) const { return insn_.rex & bit; }
  uint8_t extended(uint8_t number, uint8_t bit) const { return number | (rex(bit) ? 8 : 0); }

  /// Takes one prefix other than REX; false if `byte` is none.
  bool take_prefix(uint8_t byte) {
    switch (kLegacyPrefixes[byte]) {
      case Prefix::kNone:
        return false;
      case Prefix::kOperandSize:
        insn_.operand_prefix = true;
        return true;
      case Prefix::kAddressSize:
        address_prefix_ = true;
        return true;
      case Prefix::kLock:
        insn_.lock = true;
        return true;
      case Prefix::kRepeat:
        insn_.repeat = byte;
        return true;
      case Prefix::kFs:
        insn_.segment_override = kFs;
        return true;
      case Prefix::kGs:
        insn_.segment_override = kGs;
        return true;
      case Prefix::kOldSegment:
        // 64-bit mode ignores these, also as what would undo an earlier FS or GS.
        if (!is_64()) insn_.segment_override = byte >> 3 & 3;
        return true;
    }
    return false;
  }

  void read_prefixes_and_opcode() {
    uint8_t byte = next();
    for (; status_ == DecodeStatus::kOk; byte = next()) {
      if (is_64() && (byte & 0xf0) == 0x40) {
        insn_.rex = byte;  // Counts only if the opcode follows at once.
      } else if (take_prefix(byte)) {
        insn_.rex = 0;
      } else {
        break;
      }
    }
    if ((byte == 0xc4 || byte == 0xc5) && is_vex_prefix()) return read_vex(byte == 0xc4);
    if (byte == 0x0f) {
      map_ = Map::k0f;
      byte = next();
      if (byte == 0x38 || byte == 0x3a) {
        map_ = byte == 0x38 ? Map::k0f38 : Map::k0f3a;
        byte = next();
      }
    }
    insn_.opcode = byte;
  }

  /// Outside 64-bit mode C4 and C5 with a memory operand are LES and LDS.
  bool is_vex_prefix() {
    if (is_64()) return true;
    const uint8_t modrm = next();
    if (status_ == DecodeStatus::kOk) --position_;
    return modrm >= 0xc0;
  }

  /// SDM volume 2, 2.3.5 and 2.3.6.
  void read_vex(bool long_form) {
    if (insn_.lock || insn_.operand_prefix || insn_.repeat || insn_.rex) {
      status_ = DecodeStatus::kUndefined;
      return;
    }
    uint8_t first = next(), map = 1;
    uint8_t last = first;
    if (long_form) {
      map = first & 0x1f;
      last = next();
      insn_.vex_w = last & 0x80;
    }
    insn_.vex = true;
    insn_.vex_l = last & 4;
    insn_.vex_vvvv = ~last >> 3 & 15;
    constexpr uint8_t kPrefixes[] = {0, 0x66, 0xf3, 0xf2};
    insn_.vex_prefix = kPrefixes[last & 3];
    if (is_64()) {
      insn_.rex = 0x40 | (first & 0x80 ? 0 : kRexR) | (insn_.vex_w ? kRexW : 0);
      if (long_form) insn_.rex |= (first & 0x40 ? 0 : kRexX) | (first & 0x20 ? 0 : kRexB);
    } else {
      insn_.vex_vvvv &= 7;
    }
    insn_.opcode = next();
    if (status_ == DecodeStatus::kOk && (map < 1 || map > 3)) status_ = DecodeStatus::kUndefined;
    map_ = static_cast<Map>(map & 3);
  }

  void read_modrm() {
    if (!has_modrm_byte(map_, insn_.opcode, insn_.vex)) return;
    insn_.modrm = next();
    modrm_read_ = true;
  }

  const Row* choose(std::span<const Row> candidates) const {
    for (const Row& row : candidates) {
      if (is_vex(row.attributes) == insn_.vex && fits(row.attributes)) return &row;
    }
    return nullptr;
  }

  bool fits(Attributes attributes) const {
    if ((attributes & kDemands) && !meets(attributes)) return false;
    if (insn_.vex && !fits_vex(attributes)) return false;
    return is_available(attributes, mode_.features);
  }

  bool meets(Attributes demands) const {
    if ((demands & no64) && is_64()) return false;
    if ((demands & only64) && !is_64()) return false;
    if ((demands & memory_only) && insn_.is_register_form()) return false;
    if ((demands & register_only) && !insn_.is_register_form()) return false;
    if ((demands & has_reg) && reg_of(demands) != insn_.reg()) return false;
    if ((demands & has_rm) && rm_of(demands) != (insn_.modrm & 7)) return false;
    const Attributes wanted = demands & prefix_mask;
    return wanted == 0 || wanted == mandatory_prefix();
  }

  bool fits_vex(Attributes attributes) const {
    const Attributes wrong = (insn_.vex_l ? vex_l0 : vex_l1) | (insn_.vex_w ? vex_w0 : vex_w1);
    return (attributes & wrong) == 0;
  }

  /// F2 and F3 win over 66 (SDM volume 2, table 2-1 and appendix A).
  Attributes mandatory_prefix() const {
    const uint8_t repeat = insn_.vex ? insn_.vex_prefix : insn_.repeat;
    if (repeat == 0xf2 || repeat == 0xf3) return repeat == 0xf2 ? prefix_f2 : prefix_f3;
    return insn_.operand_prefix || insn_.vex_prefix ? prefix_66 : prefix_none;
  }

  void set_sizes() {
    if (is_64()) {
      insn_.address_size = address_prefix_ ? 4 : 8;
    } else {
      insn_.address_size = (mode_.bits == 32) != address_prefix_ ? 4 : 2;
    }
    if (!is_64()) {
      insn_.operand_size = (mode_.bits == 32) != insn_.operand_prefix ? 4 : 2;
    } else if (insn_.has(force64) || rex(kRexW)) {
      insn_.operand_size = 8;
    } else if (insn_.operand_prefix) {
      insn_.operand_size = 2;
    } else {
      insn_.operand_size = insn_.has(default64) ? 8 : 4;
    }
  }

  void set_segment(bool stack_default) {
    const uint8_t by_default = stack_default ? kSs : kDs;
    const uint8_t chosen = insn_.segment_override;
    insn_.memory.segment = chosen != kNoRegister ? chosen : by_default;
  }

  void read_memory() {
    // Control and debug register moves take ModRM.rm as a register whatever mod says.
    if (insn_.row->operands[0].place == Place::kR || insn_.row->operands[1].place == Place::kR) {
      return;
    }
    if (insn_.address_size == 2) {
      read_memory_16();
    } else {
      read_memory_32();
    }
  }

  void read_memory_16() {
    constexpr uint8_t kBases[] = {kRbx, kRbx, kRbp, kRbp, kRsi, kRdi, kRbp, kRbx};
    constexpr uint8_t kIndexes[] = {kRsi,        kRdi,        kRsi,        kRdi,
                                    kNoRegister, kNoRegister, kNoRegister, kNoRegister};
    const unsigned mod = insn_.modrm >> 6, rm = insn_.modrm & 7;
    MemoryOperand& memory = insn_.memory;
    if (mod == 0 && rm == 6) {
      memory.displacement = read_signed(2);
    } else {
      memory.base = kBases[rm];
      memory.index = kIndexes[rm];
      if (mod) memory.displacement = read_signed(mod);
    }
    set_segment(memory.base == kRbp);
  }

  void read_memory_32() {
    const unsigned mod = insn_.modrm >> 6, rm = insn_.modrm & 7;
    MemoryOperand& memory = insn_.memory;
    if (rm == 4) {
      read_sib(mod);
    } else if (mod == 0 && rm == 5) {
      memory.base = is_64() ? kRipBase : kNoRegister;
      memory.displacement = read_signed(4);
    } else {
      memory.base = extended(rm, kRexB);
    }
    if (mod == 1) memory.displacement = read_signed(1);
    if (mod == 2) memory.displacement = read_signed(4);
    set_segment(memory.base == kRsp || memory.base == kRbp);
  }

  void read_sib(unsigned mod) {
    const uint8_t sib = next();
    MemoryOperand& memory = insn_.memory;
    const uint8_t index = extended(sib >> 3 & 7, kRexX);
    if (insn_.has(vsib)) {
      insn_.vector_index = index;
      memory.scale = sib >> 6;
    } else if (index != kRsp) {
      memory.index = index;
      memory.scale = sib >> 6;
    }
    if ((sib & 7) == 5 && mod == 0) {
      memory.displacement = read_signed(4);
    } else {
      memory.base = extended(sib & 7, kRexB);
    }
  }

  uint8_t size_of(Width width) const {
    if (width <= Width::kQq) return kFixedSizes[static_cast<unsigned>(width)];
    if (width == Width::kV) return insn_.operand_size;
    switch (width) {
      case Width::kX:
        return vector_size();
      case Width::kXh:
        return vector_size() / 2;
      case Width::kXq:
        return vector_size() / 4;
      case Width::kXe:
        return vector_size() / 8;
      case Width::kXl:
        return insn_.vex_l ? 32 : 8;
      case Width::kT:
        return 10;
      case Width::kZ:
        return insn_.operand_size == 2 ? 2 : 4;
      case Width::kY:
        return rex(kRexW) ? 8 : 4;
      case Width::kN:
        return is_64() ? 8 : 4;
      default:  // kP
        return insn_.operand_size;
    }
  }

  uint8_t vector_size() const { return insn_.vex_l ? 32 : 16; }

  Operand general(uint8_t number, uint8_t size) const {
    if (size == 1 && !insn_.rex && number >= 4 && number < 8) {
      return {Operand::Kind::kHigh8, static_cast<uint8_t>(number - 4), 1};
    }
    return {Operand::Kind::kGeneral, number, size};
  }

  Operand operand(const OperandSpec& spec) {
    const uint8_t size = size_of(spec.width);
    if (spec.place <= Place::kN) return modrm_operand(spec, size);
    switch (spec.place) {
      case Place::kI:
      case Place::kB:
      case Place::kJ:
      case Place::kA:
        return immediate(spec, size);
      case Place::kO:
        insn_.memory.displacement = static_cast<int64_t>(read(insn_.address_size));
        set_segment(false);
        return {Operand::Kind::kMemory, 0, size};
      case Place::kX:
        set_segment(false);
        return {Operand::Kind::kSource, 0, size};
      case Place::kY:
        return {Operand::Kind::kTarget, 0, size};
      case Place::kZ:
        return general(extended(insn_.opcode & 7, kRexB), size);
      case Place::kH:
        return {Operand::Kind::kXmm, insn_.vex_vvvv, size};
      case Place::kK:
        return {Operand::Kind::kGeneral, insn_.vex_vvvv, size};
      case Place::kL:
        insn_.immediate = read(1);
        return {Operand::Kind::kXmm,
                static_cast<uint8_t>(insn_.immediate >> 4 & (is_64() ? 15 : 7)), size};
      case Place::kAccumulator:
        return {Operand::Kind::kGeneral, kRax, size};
      case Place::kCl:
        return {Operand::Kind::kGeneral, kRcx, 1};
      case Place::kDx:
        return {Operand::Kind::kGeneral, kRdx, 2};
      default:  // kOne
        insn_.immediate = 1;
        return {Operand::Kind::kImmediate, 0, 1};
    }
  }

  Operand modrm_operand(const OperandSpec& spec, uint8_t size) {
    const uint8_t reg = extended(insn_.reg(), kRexR), rm = extended(insn_.modrm & 7, kRexB);
    if (spec.place == Place::kG) return general(reg, size);
    switch (spec.place) {
      case Place::kR:
        return general(rm, size);
      case Place::kS:
        names_nothing_ |= insn_.reg() > kGs;
        return {Operand::Kind::kSegment, insn_.reg(), 2};
      case Place::kC:
        names_nothing_ |= !is_control_register(reg);
        return {Operand::Kind::kControl, reg, size};
      case Place::kD:
        names_nothing_ |= reg > 7;
        return {Operand::Kind::kDebug, reg, size};
      case Place::kV:
        return {Operand::Kind::kXmm, reg, size};
      case Place::kP:
        return {Operand::Kind::kMmx, insn_.reg(), size};
      default:
        break;
    }
    if (!insn_.is_register_form()) {
      const Width width = spec.memory_width == Width::kNone ? spec.width : spec.memory_width;
      return {Operand::Kind::kMemory, 0, size_of(width)};
    }
    if (spec.place == Place::kW || spec.place == Place::kU) {
      return {Operand::Kind::kXmm, rm, size};
    }
    if (spec.place == Place::kQ || spec.place == Place::kN) {
      return {Operand::Kind::kMmx, static_cast<uint8_t>(rm & 7), size};
    }
    return general(rm, size);
  }

  Operand immediate(const OperandSpec& spec, uint8_t size) {
    switch (spec.place) {
      case Place::kA:
        insn_.immediate = read(size);
        insn_.immediate2 = static_cast<uint16_t>(read(2));
        return {Operand::Kind::kFar, 0, size};
      case Place::kJ:
        insn_.immediate = static_cast<uint64_t>(read_signed(size));
        return {Operand::Kind::kRelative, 0, size};
      case Place::kB:
        insn_.immediate = static_cast<uint64_t>(read_signed(1));
        return {Operand::Kind::kImmediate, 0, size};
      default:
        break;
    }
    if (immediate_read_) {  // ENTER has two.
      insn_.immediate2 = static_cast<uint16_t>(read(size));
      return {Operand::Kind::kImmediate, 1, size};
    }
    immediate_read_ = true;
    insn_.immediate =
        spec.width == Width::kZ ? static_cast<uint64_t>(read_signed(size)) : read(size);
    // A 32-bit immediate of a 64-bit instruction is sign-extended.
    const bool widened = spec.width == Width::kZ && insn_.operand_size == 8;
    return {Operand::Kind::kImmediate, 0, widened ? uint8_t{8} : size};
  }

  bool is_legal() const {
    const Operand& target = insn_.operands[0];
    if (insn_.vex && insn_.vex_vvvv != 0 && !has_vvvv_operand()) return false;
    if (insn_.has(vsib) && !is_legal_vsib()) return false;
    if (insn_.lock && !(insn_.has(lockable) && target.is_memory())) return false;
    return !names_nothing_ && !(target.kind == Operand::Kind::kSegment && target.reg == kCs);
  }

  /// SDM volume 2, 2.3.12: there is a SIB byte, and the three registers differ.
  bool is_legal_vsib() const {
    const uint8_t target = insn_.operands[0].reg, index = insn_.vector_index;
    const bool differ = target != index && target != insn_.vex_vvvv && index != insn_.vex_vvvv;
    return insn_.address_size != 2 && (insn_.modrm & 7) == 4 && differ;
  }

  bool has_vvvv_operand() const {
    for (const OperandSpec& spec : insn_.row->operands) {
      if (spec.place == Place::kH || spec.place == Place::kK) return true;
    }
    return false;
  }

  static bool is_control_register(uint8_t number) {
    return number == 0 || (number >= 2 && number <= 4) || number == 8;
  }

  const DecodeMode& mode_;
  const uint8_t* bytes_;
  unsigned end_;  // of what may be read
  Insn& insn_;
  DecodeStatus status_ = DecodeStatus::kOk;
  unsigned position_ = 0;
  Map map_ = Map::kOneByte;
  bool address_prefix_ = false;
  bool modrm_read_ = false;
  bool immediate_read_ = false;
  bool names_nothing_ = false;  // a segment, control or debug register that there is not
};

}  // namespace

DecodeStatus decode(const DecodeMode& mode, std::span<const uint8_t> bytes, Insn& insn) {
  insn = {};
  Decoder decoder(mode, bytes, insn);
  const DecodeStatus status = decoder.run();
  insn.length = static_cast<uint8_t>(decoder.position());
  return status;
}

}  // namespace vireo::i386
