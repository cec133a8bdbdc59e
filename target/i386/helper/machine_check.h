#pragma once

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// A hardware error, as its bank and IA32_MCG_STATUS tell it (SDM volume 3, 15.3).
struct MachineCheck {
  unsigned bank = 0;        ///< Below kMachineCheckBanks.
  uint64_t status = 0;      ///< IA32_MCi_STATUS, valid; what is uncorrected raises #MC.
  uint64_t mcg_status = 0;  ///< With #MC: RIPV and EIPV.
  uint64_t address = 0;
  uint64_t misc = 0;
};

constexpr uint64_t kMachineCheckValid = uint64_t{1} << 63;

/// Logs the error in its bank.
void log_machine_check(CpuState& state, const MachineCheck& error);
/// And reports it. One that is uncorrected raises #MC if both the bank's control and
/// IA32_MCG_CTL are all ones; it shuts the CPU down without CR4.MCE, and while another one is
/// being handled (MCIP). Not for use inside translated code.
void report_machine_check(CpuState& state, const MachineCheck& error);

}  // namespace vireo::i386
