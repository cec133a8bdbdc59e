# What FNSTENV and FNSAVE store of the last instruction and its operand, in their four formats (SDM volume 1, 8.1.10, figures 8-9
# to 8-12).

.include "harness.s"

.set OPERAND, FRAMES + 0x100
.set LINEAR_OPERAND, 0x14000    # of virtual-8086 and real mode: above 64 KiB, so that it comes in pieces
.set STORED, 0x7000

.macro protected_32 store
  fninit
1:
  fldl (%ebx)
  \store FRAMES
  check_bits FRAMES, 0xffff, 0x37f, "32-bit \store: FCW"
  check_bits FRAMES+4, 0x3800, 0x3800, "32-bit \store: TOP"
  check FRAMES+12, $1b, "32-bit \store: FIP"
  check_bits FRAMES+16, 0xffff, KCODE32, "32-bit \store: FCS"
  check_bits FRAMES+16, 0x07ff0000, 0x05030000, "32-bit \store: FOP"
  check FRAMES+20, $OPERAND, "32-bit \store: FDP"
  check_bits FRAMES+24, 0xffff, KDATA, "32-bit \store: FDS"
.endm
.macro protected_16 store
  fninit
1:
  fldl (%ebx)
  .byte 0x66
  \store FRAMES
  check_bits FRAMES, 0xffff, 0x37f, "16-bit \store: FCW"
  check_bits FRAMES+2, 0x3800, 0x3800, "16-bit \store: TOP"
  check_bits FRAMES+6, 0xffff, 1b, "16-bit \store: FIP"
  check_bits FRAMES+8, 0xffff, KCODE32, "16-bit \store: FCS"
  check_bits FRAMES+10, 0xffff, (OPERAND & 0xffff), "16-bit \store: FDP"
  check_bits FRAMES+12, 0xffff, KDATA, "16-bit \store: FDS"
.endm
.macro store_linear place, prefix, store, mode
  try
  \mode
  movw $(LINEAR_OPERAND >> 4), %ax
  movw %ax, %ds
  xorw %bx, %bx
  fninit
\place:
  fldl (%bx)
  \prefix
  \store %es:STORED
  int3
  caught BP, 0, "\store, \mode"
.endm
.macro linear_16 store, mode
  store_linear 1, nop, \store, \mode
  check_bits STORED+2, 0x3800, 0x3800, "16-bit \store, \mode: TOP"
  check_bits STORED+6, 0xffff, 1b, "16-bit \store, \mode: FIP"
  check_bits STORED+8, 0xffff, 0x0507, "16-bit \store, \mode: FIP above 16 bits, and FOP"
  check_bits STORED+10, 0xffff, (LINEAR_OPERAND & 0xffff), "16-bit \store, \mode: FDP"
  check_bits STORED+12, 0xffff, (LINEAR_OPERAND >> 16 << 12), "16-bit \store, \mode: FDP above 16 bits"
.endm
.macro linear_32 store, mode
  store_linear 1, data32, \store, \mode
  check_bits STORED+4, 0x3800, 0x3800, "32-bit \store, \mode: TOP"
  check_bits STORED+12, 0xffff, 1b, "32-bit \store, \mode: FIP"
  check STORED+16, $0x0507, "32-bit \store, \mode: FIP above 16 bits, and FOP"
  check_bits STORED+20, 0xffff, (LINEAR_OPERAND & 0xffff), "32-bit \store, \mode: FDP"
  check STORED+24, $(LINEAR_OPERAND >> 16 << 12), "32-bit \store, \mode: FDP above 16 bits"
.endm

  movl $OPERAND, %ebx
  .irp store, fnstenv, fnsave
  protected_32 \store
  protected_16 \store
  linear_16 \store, vm86
  linear_32 \store, vm86
  linear_16 \store, real
  linear_32 \store, real
  movl $OPERAND, %ebx
  .endr
  # Behind the environment FNSAVE stores the registers, and then it is FNINIT.
  fninit
  fld1
  fldpi
  fnsave FRAMES
  check_bits FRAMES+28+8, 0xffff, 0x4000, "ST0's exponent"
  check FRAMES+28+10+4, $0x80000000, "ST1's mantissa"
  fnstcw FRAMES
  fnstsw %ax
  check_bits %eax, 0xffff, 0, "FNSAVE leaves FSW 0"
  check_bits FRAMES, 0xffff, 0x37f, "FNSAVE leaves FCW as FNINIT does"
  fnstenv FRAMES
  check FRAMES+12, $0, "and FIP 0"
  check FRAMES+20, $0, "and FDP 0"
  done
