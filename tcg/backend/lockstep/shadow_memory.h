#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tcg/ir/types.h"
#include "tcg/runtime/frame.h"

namespace vireo::tcg::lockstep {

/// A vCPU's TLBs; the first two are Frame::kernel_tlb.
enum TlbName : uint8_t { kTlbKernel, kTlbKernelOnUser, kTlbUser, kTlbNames };

/// The memory that a block touches, twice: as the subject finds and changes it, and as it should
/// leave it. Other threads may write to the guest's own pages meanwhile; what the reference read is
/// what the subject finds. Pages are aligned in host memory; of a page, only lines of 64 bytes that
/// the reference touches are copied and compared.
class ShadowMemory {
 public:
  ShadowMemory();

  void clear();
  /// The reference is about to access `size` bytes at `va`, in the page that `real` leads to.
  void touch(TlbName tlb, uint64_t va, unsigned size, const TlbEntry& real, Access access);
  /// The reference read these bytes at the real address `host`, which was touched.
  void note_read(const uint8_t* host, const uint8_t* bytes, unsigned size);
  /// It wrote them.
  void note_write(const uint8_t* host, const uint8_t* bytes, unsigned size);
  /// The subject writes them.
  void write(const uint8_t* host, const uint8_t* bytes, unsigned size);

  /// A TLB that leads to the copies once install() was called; until then, nowhere.
  Tlb* tlb(TlbName name) { return tlb_[name].get(); }
  /// If two pages want one entry, returns false with everything cleared.
  bool install();
  /// The subject begins again: it finds what the reference did.
  void restart();
  /// What the subject left otherwise; empty if nothing.
  std::string differences() const;

 private:
  static constexpr unsigned kLineBytes = kPageSize / 64;

  struct Page {
    const uint8_t* real = nullptr;
    uint64_t address = 0;  ///< Guest-virtual, by which it was touched first.
    uint64_t lines = 0;    ///< Bit i: line i is in use.
    alignas(64) uint8_t before[kPageSize] = {};
    alignas(64) uint8_t found[kPageSize] = {};  ///< The subject's.
    alignas(64) uint8_t expected[kPageSize] = {};

    void use_lines(uint64_t offset, unsigned size);
  };
  struct Mapping {
    TlbName tlb;
    uint64_t address;
    Page* page;
    bool readable, writable;
  };
  Page& page_of(const uint8_t* real, uint64_t address);
  Page& page_around(const uint8_t* host);
  template <class F>
  void for_each_line(F&& visit) const;

  std::unique_ptr<Tlb> tlb_[kTlbNames];
  std::vector<std::unique_ptr<Page>> pages_;  ///< The first `used_` are in use.
  size_t used_ = 0;
  std::vector<Mapping> mappings_;
};

}  // namespace vireo::tcg::lockstep
