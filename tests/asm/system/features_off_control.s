# A bit of CR4 whose feature CPUID does not have is reserved: MOV is #GP (SDM volume 2, MOV to control registers; volume 3, 2.5).
# -cpu: -vme,-de,-mce,-pge,-umip,-fsgsbase,-smep,-smap,-pku,-la57,-pcid

.include "harness.s"

.macro absent_control mask, leaf, register, bit
  unless_has \leaf, \register, \bit
  try
  set_bits cr4, \mask
  caught GP, 0, "\mask"
94:
.endm
  absent_control CR4_VME, 1, edx, 1
  absent_control CR4_PVI, 1, edx, 1
  absent_control CR4_TSD, 1, edx, 4
  absent_control CR4_DE, 1, edx, 2
  absent_control CR4_PAE, 1, edx, 6
  absent_control CR4_MCE, 1, edx, 7
  absent_control CR4_PGE, 1, edx, 13
  absent_control CR4_OSFXSR, 1, edx, 24
  absent_control CR4_OSXMMEXCPT, 1, edx, 25
  absent_control CR4_OSXSAVE, 1, ecx, 26
  absent_control CR4_UMIP, 7, ecx, 2
  absent_control CR4_FSGSBASE, 7, ebx, 0
  absent_control CR4_SMEP, 7, ebx, 7
  absent_control CR4_SMAP, 7, ebx, 20
  absent_control CR4_PKE, 7, ecx, 3
  absent_control CR4_LA57, 7, ecx, 16

  long_mode
  absent_control CR4_PCIDE, 1, ecx, 17
  done
