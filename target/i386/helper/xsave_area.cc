// XSAVE, XSAVEOPT, XSAVEC, XSAVES, XRSTOR and XRSTORS (SDM volume 1, 13.7 to 13.12).

#include <algorithm>
#include <cstring>

#include "target/i386/cpu/config.h"
#include "target/i386/helper/control.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/x87_unit.h"
#include "target/i386/helper/xsave.h"

namespace vireo::i386 {
namespace {

constexpr uint64_t kCompacted = uint64_t{1} << 63;
constexpr uint32_t kInitialMxcsr = 0x1f80;

/// Argument c of helper_xsave.
enum class Form : uint8_t { kPlain, kOptimized, kCompacted, kSupervisor };

void check(CpuState& state, uint64_t linear, bool supervisor, bool on_stack) {
  if (!(state.cr4 & kCr4Osxsave)) raise_exception(state, kUd);
  if (state.cr0 & kCr0Ts) raise_exception(state, kNm);
  if (supervisor && state.cpl != 0) raise_gp(state, 0);
  if (linear & (kXsaveHeaderSize - 1)) raise_gp(state, 0);
  check_stack_address(state, linear, on_stack);
}

// IA32_XSS has no bits, so that XSAVES and XRSTORS know no more components.
uint64_t requested_components(const CpuState& state) {
  const uint64_t mask = (state.frame.general[kRax] & 0xffffffff) | state.frame.general[kRdx] << 32;
  return mask & state.xcr0;
}

bool is_initial_x87(const X87State& x87) {
  const X87State initial;
  return x87.control == 0x37f && x87.status == 0 && x87.top == 0 && x87.empty == 0xff &&
         x87.opcode == 0 && x87.instruction_pointer == 0 && x87.data_pointer == 0 &&
         std::memcmp(x87.registers, initial.registers, sizeof x87.registers) == 0;
}

void set_initial_x87(CpuState& state) {
  state.x87 = X87State{};
  state.x87.control = 0x37f;
  state.x87.empty = 0xff;
}

/// What an extension holds.
struct Image {
  uint8_t bytes[256] = {};
};

Image pack_extension(const CpuState& state, const XsaveExtension& extension) {
  Image image;
  if (extension.bit() == kXsavePkru) {
    std::memcpy(image.bytes, &state.pkru, sizeof state.pkru);
    return image;
  }
  for (unsigned i = 0; i < vector_count(state); ++i) {
    std::memcpy(image.bytes + i * 16, state.frame.vector[i] + 16, 16);
  }
  return image;
}

void unpack_extension(CpuState& state, const XsaveExtension& extension, const Image& image) {
  if (extension.bit() == kXsavePkru) {
    uint32_t pkru;
    std::memcpy(&pkru, image.bytes, sizeof pkru);
    return set_pkru(state, pkru);
  }
  for (unsigned i = 0; i < vector_count(state); ++i) {
    std::memcpy(state.frame.vector[i] + 16, image.bytes + i * 16, 16);
  }
}

// MXCSR belongs to SSE in the compacted form, and to SSE and AVX in the other.
void store_legacy(CpuState& state, uint64_t linear, bool wide, uint64_t stored, bool with_mxcsr) {
  const Privilege privilege = data_privilege(state);
  uint8_t area[kXsaveLegacySize] = {};
  pack_legacy_area(state, wide, area);
  if (stored & kXsaveX87) {
    write_bytes(state, linear, area, 24, privilege);
    write_bytes(state, linear + 32, area + 32, 128, privilege);
  }
  if (with_mxcsr) write_bytes(state, linear + 24, area + 24, 8, privilege);
  if (stored & kXsaveSse) {
    write_bytes(state, linear + kXsaveVectorOffset, area + kXsaveVectorOffset,
                vector_count(state) * 16, privilege);
  }
}

/// An area to be restored from: what it holds is read, and checked, before anything changes.
class Restorer {
 public:
  Restorer(CpuState& state, uint64_t linear, bool supervisor) : state_(state) {
    const Privilege privilege = data_privilege(state);
    const uint64_t requested = requested_components(state);
    read_bytes(state, linear, area_, sizeof area_, privilege);
    const uint64_t present = header(0), layout = header(8);
    compacted_ = layout & kCompacted;
    check_header(present, layout, supervisor);
    loaded_ = requested & present;
    initial_ = requested & ~present;
    loads_mxcsr_ = compacted_ ? loaded_ & kXsaveSse : requested & (kXsaveSse | kXsaveAvx);
    if (loads_mxcsr_ && (mxcsr() & ~kMxcsrMask)) raise_gp(state, 0);
    for (size_t i = 0; i < std::size(kXsaveExtensions); ++i) {
      const XsaveExtension& extension = kXsaveExtensions[i];
      if (!(loaded_ & extension.bit())) continue;
      const uint32_t offset = compacted_ ? compacted_offset(layout, extension) : extension.offset;
      read_bytes(state, linear + offset, images_[i].bytes, extension.size, privilege);
    }
  }

  void restore(bool wide) {
    if (loaded_ & kXsaveX87) unpack_x87(state_, wide, area_);
    if (initial_ & kXsaveX87) set_initial_x87(state_);
    if (initial_ & kXsaveSse) std::memset(area_ + kXsaveVectorOffset, 0, 256);
    if ((loaded_ | initial_) & kXsaveSse) unpack_vectors(state_, area_);
    if (loads_mxcsr_) state_.frame.mxcsr = mxcsr();
    if (compacted_ && (initial_ & kXsaveSse)) state_.frame.mxcsr = kInitialMxcsr;
    for (size_t i = 0; i < std::size(kXsaveExtensions); ++i) {
      const XsaveExtension& extension = kXsaveExtensions[i];
      const bool changes = (loaded_ | initial_) & extension.bit();
      if (changes) unpack_extension(state_, extension, images_[i]);
    }
  }

 private:
  uint64_t header(unsigned offset) const {
    uint64_t value;
    std::memcpy(&value, area_ + kXsaveLegacySize + offset, sizeof value);
    return value;
  }
  uint32_t mxcsr() const {
    uint32_t value;
    std::memcpy(&value, area_ + 24, sizeof value);
    return value;
  }

  // SDM volume 1, 13.8.1 and 13.8.2: bytes 23:8 of the header are zero in the standard form, bytes
  // 63:16 in the compacted one.
  void check_header(uint64_t present, uint64_t layout, bool supervisor) {
    const uint8_t* const bytes = area_ + kXsaveLegacySize;
    const auto nonzero = [](uint8_t byte) { return byte != 0; };
    bool wrong = false;
    if (compacted_) {
      const bool known = supervisor || state_.config->has(Feature::kXsavec);
      wrong = !known || (layout & ~kCompacted & ~state_.xcr0) || (present & ~layout) ||
              std::any_of(bytes + 16, bytes + kXsaveHeaderSize, nonzero);
    } else {
      wrong = supervisor || (present & ~state_.xcr0) || std::any_of(bytes + 8, bytes + 24, nonzero);
    }
    if (wrong) raise_gp(state_, 0);
  }

  CpuState& state_;
  uint8_t area_[kXsaveLegacySize + kXsaveHeaderSize];
  Image images_[std::size(kXsaveExtensions)];
  bool compacted_ = false, loads_mxcsr_ = false;
  uint64_t loaded_ = 0, initial_ = 0;  // components
};

uint64_t restore(tcg::Frame* frame, uint64_t linear, uint64_t flags, bool supervisor) {
  CpuState& state = cpu_state(frame);
  check(state, linear, supervisor, flags & 2);
  const uint16_t control_word = state.x87.control;
  Restorer(state, linear, supervisor).restore(flags & 1);
  return x87_mode_changed(state, control_word);
}

}  // namespace

uint64_t components_in_use(const CpuState& state) {
  uint64_t used = is_initial_x87(state.x87) ? 0 : kXsaveX87;
  for (unsigned i = 0; i < vector_count(state); ++i) {
    const uint8_t* bytes = state.frame.vector[i];
    const auto nonzero = [](uint8_t byte) { return byte != 0; };
    if (std::any_of(bytes, bytes + 16, nonzero)) used |= kXsaveSse;
    if (std::any_of(bytes + 16, bytes + 32, nonzero)) used |= kXsaveAvx;
  }
  if (state.pkru != 0) used |= kXsavePkru;
  return used;
}

uint64_t helper_xsave(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const auto form = static_cast<Form>(c);
  const bool compacted = form >= Form::kCompacted;
  check(state, a, form == Form::kSupervisor, b & 2);
  const Privilege privilege = data_privilege(state);
  const uint64_t requested = requested_components(state);
  uint64_t in_use = components_in_use(state);
  if (compacted && frame->mxcsr != kInitialMxcsr) in_use |= kXsaveSse;
  const uint64_t stored = form == Form::kPlain ? requested : requested & in_use;
  probe_write(state, a, compacted ? compacted_size(requested) : xsave_size(requested), privilege);

  const uint64_t with_mxcsr = compacted ? stored & kXsaveSse : requested & (kXsaveSse | kXsaveAvx);
  store_legacy(state, a, b & 1, stored, with_mxcsr != 0);
  for (const XsaveExtension& extension : kXsaveExtensions) {
    if (!(stored & extension.bit())) continue;
    const uint32_t offset = compacted ? compacted_offset(requested, extension) : extension.offset;
    // Outside 64-bit mode YMM8 to YMM15 are left alone (SDM volume 1, 13.5.3).
    const uint32_t size = extension.bit() == kXsaveAvx ? vector_count(state) * 16 : extension.size;
    write_bytes(state, a + offset, pack_extension(state, extension).bytes, size, privilege);
  }
  // XSTATE_BV: the requested bits are replaced, others kept, but cleared in the compacted form.
  const uint64_t header = a + kXsaveLegacySize;
  uint64_t bits = compacted ? 0 : read<uint64_t>(state, header, privilege) & ~requested;
  bits |= requested & in_use;
  write<uint64_t>(state, header, bits, privilege);
  if (compacted) write<uint64_t>(state, header + 8, kCompacted | requested, privilege);
  return 0;
}

uint64_t helper_xrstor(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  return restore(frame, a, b, false);
}

uint64_t helper_xrstors(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  return restore(frame, a, b, true);
}

}  // namespace vireo::i386
