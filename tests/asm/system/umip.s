# UMIP in virtual-8086 mode, 64-bit mode and compatibility mode (SDM volume 2, SGDT, SIDT, SLDT, STR, SMSW); privilege.s has
# protected mode.

.include "harness.s"

.macro refused mode, rule
  .irp instruction, "sgdt FRAMES", "sidt FRAMES", "smsw FRAMES", "sldt FRAMES", "str FRAMES"
  try
  \mode
1:
  \instruction
  caught_at 1b, GP, 0, "\instruction \rule"
  .endr
.endm

  need 7, ecx, 2, "UMIP"
  set_bits cr4, CR4_UMIP
  .irp instruction, sgdt, sidt, smsw
  try
  vm86
1:
  \instruction 0x7000
  caught_at 1b, GP, 0, "\instruction in virtual-8086 mode"
  .endr
  .irp instruction, sldt, str
  try
  vm86
1:
  \instruction 0x7000
  caught_at 1b, UD, 0, "\instruction in virtual-8086 mode"
  .endr
  try
  real
  sgdt 0x7000
  smsw %ax
  passes "real mode"
  long_mode
  refused user, "in 64-bit mode"
  refused user_compatibility, "in compatibility mode"
  try
  sgdt FRAMES
  str %eax
  passes "CPL 0 of 64-bit mode"
  done
