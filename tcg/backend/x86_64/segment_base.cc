#include "tcg/backend/x86_64/segment_base.h"

#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace vireo::tcg::x86_64 {
namespace {

thread_local const void* current = nullptr;

/// Linux permits WRGSBASE since 5.9, and says so.
bool has_instruction() {
  constexpr unsigned long kFsGsBase = 2;  // HWCAP2_FSGSBASE
  static const bool has = (getauxval(AT_HWCAP2) & kFsGsBase) != 0;
  return has;
}

}  // namespace

void set_segment_base(const void* base) {
  if (base == current) return;
  current = base;
  if (has_instruction()) {
    asm volatile("wrgsbase %0" : : "r"(base));
  } else {
    constexpr int kSetGs = 0x1001;  // ARCH_SET_GS
    syscall(SYS_arch_prctl, kSetGs, base);
  }
}

}  // namespace vireo::tcg::x86_64
