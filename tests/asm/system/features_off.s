# What a feature adds to MSRs, page tables and 64-bit mode is not there without it (SDM volume 3, 2.2.1, 4.1.4 and 4.3; volume 4). Each is looked at
# only if CPUID does not have it; features_off_control.s has the bits of CR4, instructions_off.s the instructions.
# -cpu: -mca,-mtrr,-pat,-pse36,-nx,-pdpe1gb,-lahf-lm,-cx16,-tsc-adjust,-tsc-deadline

.include "harness.s"

.macro absent_msr number, leaf, register, bit
  unless_has \leaf, \register, \bit
  try
  read_msr \number
  caught GP, 0, "MSR \number"
94:
.endm

  unless 1, edx, 5, no_msrs
  absent_msr 0x1b, 1, edx, 9
  absent_msr MSR_TSC_ADJUST, 7, ebx, 1
  absent_msr 0x179, 1, edx, 14
  absent_msr 0x400, 1, edx, 14
  absent_msr 0x2ff, 1, edx, 12
  absent_msr MSR_PAT, 1, edx, 16
  absent_msr MSR_SYSENTER_CS, 1, edx, 11
  absent_msr 0x6e0, 1, ecx, 24
  absent_msr MSR_LSTAR, 0x80000001, edx, 29
  unless_has 0x80000001, edx, 20
  try
  write_msr MSR_EFER, $EFER_NXE
  caught GP, 0, "EFER.NXE"
94:
  unless_has 0x80000001, edx, 29
  try
  write_msr MSR_EFER, $EFER_LME
  caught GP, 0, "EFER.LME"
94:
no_msrs:

  unless 1, edx, 3, no_large_pages
  paging_32
  unless_has 1, edx, 17
  movl $(LARGE_FRAME + P + RW + US + LARGE + 0x2000), pd + 4 * (WINDOW >> 22)
  invlpg WINDOW
  try
  movl WINDOW, %eax
  caught PF, (PF_P | PF_RSVD), "bit 13 of a page of 4 MiB"
94:
  clear_bits cr0, CR0_PG
no_large_pages:

  long_mode
  absent "CMPXCHG16B", 1, ecx, 13, 0x48, 0x0f, 0xc7, 0x0f
  absent "LAHF in 64-bit mode", 0x80000001, ecx, 0, 0x9f
  absent "SAHF in 64-bit mode", 0x80000001, ecx, 0, 0x9e
  unless_has 0x80000001, edx, 26
  movl $(P + RW + US + LARGE), pdpt+16
  movl $0x80000000, %ebx
  try
  movl (%rbx), %eax
  caught PF, (PF_P | PF_RSVD), "a page of 1 GiB"
94:
  unless_has 0x80000001, edx, 20
  map_page 0, (FRAMES + P + RW + US), NX_HIGH
  try
  movl WINDOW, %eax
  caught PF, (PF_P | PF_RSVD), "XD in an entry"
94:
  done
