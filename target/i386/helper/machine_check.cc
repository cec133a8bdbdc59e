// Machine checks (SDM volume 3, 15.3 and 15.10).

#include "target/i386/helper/machine_check.h"

#include "target/i386/helper/exception.h"

namespace vireo::i386 {
namespace {

constexpr uint64_t kOverflow = uint64_t{1} << 62;
constexpr uint64_t kUncorrected = uint64_t{1} << 61;
constexpr uint64_t kInProgress = 1u << 2;  // IA32_MCG_STATUS.MCIP

}  // namespace

// SDM volume 3, 15.3.2.2.1: the first uncorrected error stays; others give way to what follows.
void log_machine_check(CpuState& state, const MachineCheck& error) {
  uint64_t* bank = &state.machine_check[error.bank * 4];
  uint64_t& status = bank[1];
  const bool is_full = status & kMachineCheckValid;
  if (is_full && (status & kUncorrected)) {
    status |= kOverflow;
    return;
  }
  status = error.status | (is_full ? kOverflow : 0);
  bank[2] = error.address;
  bank[3] = error.misc;
}

void report_machine_check(CpuState& state, const MachineCheck& error) {
  log_machine_check(state, error);
  const bool is_reported =
      state.machine_check[error.bank * 4] == ~uint64_t{0} && state.mcg_ctl == ~uint64_t{0};
  if (!(error.status & kUncorrected) || !is_reported) return;
  if (!(state.cr4 & kCr4Mce) || (state.mcg_status & kInProgress)) return shut_down(state);
  state.mcg_status = error.mcg_status | kInProgress;
  deliver_machine_check(state);
}

}  // namespace vireo::i386
