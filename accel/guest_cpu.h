#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tcg/ir/types.h"
#include "tcg/runtime/frame.h"
#include "util/disassemble.h"

namespace vireo::tcg {
struct Block;
}  // namespace vireo::tcg

namespace vireo::accel {

/// What a page walk found: a 4 KiB page's worth of translation, or a fault.
struct PageWalk {
  uint64_t physical = 0;  ///< Guest-physical address of the 4 KiB page, A20 mask applied.
  bool writable = false;  ///< Writes by the same privilege would need no further walk (D is set).
  bool readable = true;   ///< Data reads by the same privilege are allowed.
  bool global = false;    ///< Survives address-space switches.
  uint8_t key = 0;        ///< Protection key, below 16; see TcgVcpu::flush_keys.
  uint8_t page_bits = tcg::kPageBits;  ///< log2 of the size of the page that it is part of.
  uint8_t vector = 0;                  ///< On a fault: the exception, and
  bool has_error = false;
  uint32_t error = 0;  ///< its error code.
};

/// Where a vCPU's next instruction is, as far as translations depend on it; see tcg::CodePage.
struct CodePosition {
  uint64_t ip = 0;
  uint64_t linear = 0;
  uint64_t mode = 0;
  bool user = false;  ///< Fetched with user privilege.
  uint64_t ip_mask = ~uint64_t{0};
  /// Translations are relocatable (see tcg::Block); `ip` and `linear` are equal then.
  bool relocatable = false;
};

/// Gives the bytes of guest code to a translator, page by page.
class CodeReader {
 public:
  virtual ~CodeReader() = default;
  /// Bytes from `linear` to the end of its page; empty if they cannot be fetched (the fault is kept
  /// for record_fetch_fault when execution gets there).
  virtual std::span<const std::byte> bytes_at(uint64_t linear) = 0;
};

/// A vCPU of some architecture, as an accelerator sees it. All methods are for the vCPU's thread
/// unless they say otherwise; none needs the machine lock.
class GuestCpu {
 public:
  virtual ~GuestCpu() = default;

  virtual tcg::Frame& frame() = 0;

  /// Translates a linear address; sets accessed and dirty bits as hardware does. Returns false with
  /// the fault in `result`. Uses general registers only, since guest vector registers may be live.
  virtual bool walk(uint64_t linear, tcg::Access access, uint8_t memory_flags,
                    PageWalk& result) = 0;

  /// Records the exception of a failed walk (CR2 too), for prepare() to deliver.
  virtual void record_fault(uint64_t linear, const PageWalk& fault) = 0;
  /// The same for the fetch of the instruction at the current position, or what comes before that.
  virtual void record_fetch_fault(uint64_t linear, const PageWalk& fault) = 0;
  /// After a block that begins at `block_ip`, of `insns` instructions: if its last one is a branch
  /// that must not go to the current position, takes it back, records its exception and returns
  /// true.
  virtual bool refuse_branch(uint64_t block_ip, unsigned insns, CodeReader& code) = 0;
  /// Records the exception for an operand that breaks kMemoryAligned.
  virtual void record_misaligned() = 0;
  virtual void record_divide_error() = 0;
  /// An unmasked SIMD floating-point exception.
  virtual void record_simd_exception() = 0;

  virtual CodePosition position() const = 0;
  /// What code of CodePosition::mode is, for listings. Any thread.
  virtual util::InstructionSet instruction_set(uint64_t mode) const = 0;

  /// Translates at most `max_insns` instructions from the current position. Returns false if not
  /// even the first could be fetched; `fault_linear` is then the address that failed.
  virtual bool translate(tcg::Block& block, CodeReader& code, unsigned max_insns,
                         uint64_t& fault_linear) = 0;

  /// Delivers recorded exceptions and pending interrupts. Returns false if the vCPU has nothing to
  /// run until an interrupt (HLT). May leave nothing half done: it is not inside translated code.
  virtual bool prepare() = 0;
  /// Power-up state.
  virtual void reset() = 0;

  /// Logs the registers, a line a group; with `vectors` x87 and vector registers too.
  virtual void dump(bool vectors) const = 0;
};

}  // namespace vireo::accel
