#pragma once

// State components of XSAVE and where they lie in its area (SDM volume 1, 13.4 and 13.5).

#include <cstdint>

namespace vireo::i386 {

/// Bits of XCR0, of instruction masks, XSTATE_BV and XCOMP_BV.
constexpr uint64_t kXsaveX87 = 1u << 0;
constexpr uint64_t kXsaveSse = 1u << 1;
constexpr uint64_t kXsaveAvx = 1u << 2;
constexpr uint64_t kXsaveYmm = kXsaveSse | kXsaveAvx;  ///< Both halves of the registers.
constexpr uint64_t kXsavePkru = 1u << 9;

constexpr uint32_t kXsaveLegacySize = 512;  ///< x87 and SSE, as FXSAVE stores them.
constexpr uint32_t kXsaveHeaderSize = 64;

/// A component behind the header; none is aligned in the compacted form.
struct XsaveExtension {
  unsigned number;  ///< Of the bit, and of the subleaf of CPUID leaf 0xD.
  uint32_t offset;  ///< In the standard form.
  uint32_t size;

  constexpr uint64_t bit() const { return uint64_t{1} << number; }
};
/// In ascending order.
constexpr XsaveExtension kXsaveExtensions[] = {{2, 576, 256}, {9, 832, 8}};

/// Bytes of an area in the standard form that holds `components`.
constexpr uint32_t xsave_size(uint64_t components) {
  uint32_t size = kXsaveLegacySize + kXsaveHeaderSize;
  for (const XsaveExtension& extension : kXsaveExtensions) {
    if (components & extension.bit()) size = extension.offset + extension.size;
  }
  return size;
}

/// The same in the compacted form.
constexpr uint32_t compacted_size(uint64_t components) {
  uint32_t size = kXsaveLegacySize + kXsaveHeaderSize;
  for (const XsaveExtension& extension : kXsaveExtensions) {
    if (components & extension.bit()) size += extension.size;
  }
  return size;
}

/// Where `extension` begins there.
constexpr uint32_t compacted_offset(uint64_t components, const XsaveExtension& extension) {
  return compacted_size(components & (extension.bit() - 1));
}

}  // namespace vireo::i386
