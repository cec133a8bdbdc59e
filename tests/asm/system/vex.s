# When VEX-encoded instructions are #UD, #NM or #GP (SDM volume 2, 2.3 and 2.4), and what they leave above their result.

.include "harness.s"

.set AREA, FRAMES

.macro runs rule, instruction:vararg
  try
  \instruction
  passes "\rule"
.endm
.macro write_xcr0 value
  movl $\value, %eax
  xorl %edx, %edx
  xorl %ecx, %ecx
  xsetbv
.endm

  need 1, ecx, 28, "AVX"
  need 7, ebx, 3, "BMI1"
  try
  vxorps %xmm0, %xmm0, %xmm0
  caught UD, 0, "AVX without OSXSAVE"
  runs "ANDN needs no OSXSAVE", andn %eax, %ebx, %ecx
  set_bits cr4, (CR4_OSFXSR | CR4_OSXSAVE)
  write_xcr0 3
  try
  vxorps %xmm0, %xmm0, %xmm0
  caught UD, 0, "AVX without AVX state in XCR0"
  set_bits cr0, CR0_TS
  try
  vxorps %xmm0, %xmm0, %xmm0
  caught UD, 0, "#UD comes before #NM"
  clear_bits cr0, CR0_TS
  write_xcr0 7
  runs "AVX", vxorps %ymm0, %ymm0, %ymm0
  set_bits cr0, CR0_TS
  try
  vxorps %xmm0, %xmm0, %xmm0
  caught NM, 0, "AVX with TS"
  runs "ANDN with TS", andn %eax, %ebx, %ecx
  clear_bits cr0, CR0_TS
  set_bits cr0, CR0_EM
  runs "AVX does not ask EM", vxorps %ymm0, %ymm0, %ymm0
  clear_bits cr0, CR0_EM

  # Encodings.
  undefined "66 before VEX", 0x66, 0xc5, 0xf8, 0x57, 0xc0
  undefined "F2 before VEX", 0xf2, 0xc5, 0xf8, 0x57, 0xc0
  undefined "F3 before VEX", 0xf3, 0xc5, 0xf8, 0x57, 0xc0
  undefined "LOCK before VEX", 0xf0, 0xc5, 0xf8, 0x57, 0xc0
  undefined "VMOVUPS with VEX.vvvv", 0xc5, 0xf0, 0x10, 0xc0
  undefined "VMOVD with VEX.L", 0xc5, 0xfd, 0x6e, 0xc0
  undefined "VEX.mmmmm 0", 0xc4, 0xe0, 0x78, 0x57, 0xc0
  undefined "ANDN with VEX.L", 0xc4, 0xe2, 0x7c, 0xf2, 0xc0
  undefined "a gather with one register twice", 0xc4, 0xe2, 0x75, 0x90, 0x0c, 0x10
  movl $AREA, %edi
  movw $0xfff0, AREA + 4
  try
1:
  .byte 0xc5, 0x07              # lds (%edi), %eax
  caught_at 1b, GP, 0xfff0, "C5 with a memory operand is LDS"

  # Memory operands.
  movl $AREA + 0x110, %edi
  runs "VADDPS of a misaligned operand", vaddps (%edi), %ymm0, %ymm1
  runs "VMOVAPS of 16 aligned bytes", vmovaps (%edi), %xmm1
  try
1:
  vmovaps (%edi), %ymm1
  caught_at 1b, GP, 0, "VMOVAPS of 32 misaligned bytes"
  try
1:
  vmovdqa %xmm1, 8(%edi)
  caught_at 1b, GP, 0, "VMOVDQA to 16 misaligned bytes"

  # What is above a result.
  vpcmpeqd %xmm1, %xmm1, %xmm1
  vinsertf128 $1, %xmm1, %ymm1, %ymm1
  vmovaps %ymm1, %ymm2
  vmovaps %ymm1, %ymm3
  paddd %xmm1, %xmm2
  vpaddd %xmm1, %xmm3, %xmm3
  vmovups %ymm2, AREA + 0x200
  vmovups %ymm3, AREA + 0x240
  check AREA + 0x210, $-1, "PADDD keeps the upper half"
  check AREA + 0x250, $0, "VPADDD clears it"
  vzeroupper
  vmovups %ymm1, AREA + 0x200
  check AREA + 0x200, $-1, "VZEROUPPER keeps the lower half"
  check AREA + 0x210, $0, "and clears the upper one"

  # The upper halves in the XSAVE area.
  .macro components mask
  movl $(\mask), %eax
  xorl %edx, %edx
  .endm
  vpcmpeqd %xmm1, %xmm1, %xmm1
  vinsertf128 $1, %xmm1, %ymm1, %ymm1
  movl $AREA, %edi
  movl $0x340/4, %ecx
  xorl %eax, %eax
  rep stosl
  components 4
  xsave AREA
  check AREA + 512, $4, "XSTATE_BV of the upper halves alone"
  check AREA + 160 + 16, $0, "the lower ones are not stored"
  check AREA + 576 + 16, $-1, "the upper half of YMM1"
  vzeroupper
  components 4
  xrstor AREA
  vmovups %ymm1, AREA + 0x400
  check AREA + 0x410, $-1, "XRSTOR loads it"
  movl $0, AREA + 512
  components 4
  xrstor AREA
  vmovups %ymm1, AREA + 0x400
  check AREA + 0x400, $-1, "its initial state leaves the lower half"
  check AREA + 0x410, $0, "and clears the upper one"

  # Real-address and virtual-8086 mode.
  try
  real
1:
  .byte 0xc5, 0xf8, 0x57, 0xc0  # vxorps %xmm0, %xmm0, %xmm0
  caught_at 1b, UD, 0, "AVX in real mode"
  try
  real
1:
  .byte 0xc4, 0xe2, 0x60, 0xf2, 0xc8  # andn %eax, %ebx, %ecx
  caught_at 1b, UD, 0, "ANDN in real mode"
  try
  vm86
1:
  .byte 0xc5, 0xf8, 0x57, 0xc0
  caught_at 1b, UD, 0, "AVX in virtual-8086 mode"

  # Elements beyond a limit fault if the mask, or the index, selects them.
  set_segment FREE, $FRAMES, 0x13, 0x4093
  .macro elements selected, instruction:vararg
  movw $FREE, %ax
  movw %ax, %fs
  movl $\selected, FRAMES+0x40
  vpmovsxbd FRAMES+0x40, %xmm2
  vpxor %xmm1, %xmm1, %xmm1
  movl $8, FRAMES+0x44
  vpinsrd $2, FRAMES+0x44, %xmm1, %xmm3  # the index of the third element
  try
1:
  \instruction
  .endm
  elements 0x00008080, vmaskmovps %fs:0xc, %xmm2, %xmm1
  passes "VMASKMOVPS up to a limit"
  elements 0x00808080, vmaskmovps %fs:0xc, %xmm2, %xmm1
  caught_at 1b, GP, 0, "VMASKMOVPS across a limit"
  elements 0x00008080, vpmaskmovd %xmm1, %xmm2, %fs:0xc
  passes "VPMASKMOVD up to a limit"
  elements 0x00800000, vpmaskmovd %xmm1, %xmm2, %fs:0xc
  caught_at 1b, GP, 0, "VPMASKMOVD beyond a limit"
  elements 0x80008080, vpgatherdd %xmm2, %fs:0x10(,%xmm3,2), %xmm1
  passes "VPGATHERDD up to a limit"
  elements 0x80808080, vpgatherdd %xmm2, %fs:0x10(,%xmm3,2), %xmm1
  caught_at 1b, GP, 0, "VPGATHERDD beyond a limit"

  # 64-bit mode: a REX prefix, and C5 is never LDS.
  long_mode
  undefined "REX before VEX", 0x48, 0xc5, 0xf8, 0x57, 0xc0
  runs "C5 with a memory operand", vxorps FRAMES, %xmm0, %xmm0
  done
