#pragma once

#include <cstdint>

#include "target/i386/cpu/state.h"

namespace vireo::i386 {

/// What an SMI saves and RSM restores.
struct SmmSaveArea {
  uint64_t general[16] = {};
  uint64_t rip = 0, rflags = 0;
  uint64_t cr0 = 0, cr3 = 0, cr4 = 0, efer = 0, dr6 = 0, dr7 = 0;
  Segment segments[kSegmentCount];
  Segment ldtr, tr;
  DescriptorTable gdtr, idtr;
  uint32_t revision = 0;
  uint32_t base = 0;       ///< SMBASE; what RSM finds here is the next one.
  uint8_t auto_halt = 0;   ///< The CPU was halted; RSM goes back into HLT if it still is not 0.
  uint8_t io_restart = 0;  ///< The handler wants the I/O instruction of `io` to be repeated.
  IoTrap io;
};

/// Writes or reads the area of CpuState::smm.base through the CPU's physical memory: AMD64's form
/// (APM volume 2, table 10-1) if the model has long mode, else the form of 32-bit processors (SDM
/// volume 3, table 31-1). Reading leaves 0 where the form has no place.
void write_save_area(CpuState& state, SmmSaveArea area);
SmmSaveArea read_save_area(CpuState& state);

}  // namespace vireo::i386
