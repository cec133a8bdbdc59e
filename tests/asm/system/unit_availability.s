# When x87, MMX, SSE and AVX instructions are #NM, #UD, #MF or #XM (SDM volume 3, tables 2-2, 12-1 and 13-1; 6.15, 16 and 19).

.include "harness.s"

.macro with bits, rule, vector, instruction:vararg
  clear_bits cr0, (CR0_EM | CR0_TS | CR0_MP)
  set_bits cr0, \bits
  try
1:
  \instruction
  .if \vector == END
  passes "\rule"
  .else
  caught_at 1b, \vector, 0, "\rule"
  .endif
.endm

  fninit
  set_bits cr0, CR0_NE
  with 0, "x87", END, fld1
  with CR0_TS, "x87 with TS", NM, fld1
  with CR0_EM, "x87 with EM", NM, fld1
  with CR0_TS, "FNSTCW with TS", NM, fnstcw FRAMES
  with CR0_MP, "WAIT with MP", END, fwait
  with CR0_TS, "WAIT with TS", END, fwait
  with (CR0_TS | CR0_MP), "WAIT with TS and MP", NM, fwait
  with CR0_EM, "WAIT with EM", END, fwait
  unless 1, edx, 23, 2f
  with 0, "MMX", END, pxor %mm0, %mm0
  with CR0_TS, "MMX with TS", NM, pxor %mm0, %mm0
  with CR0_EM, "MMX with EM", UD, pxor %mm0, %mm0
  with (CR0_EM | CR0_TS), "MMX with EM and TS", UD, pxor %mm0, %mm0
2:
  unless 1, edx, 26, no_sse
  with CR0_TS, "FXSAVE with TS", NM, fxsave FRAMES
  with CR0_EM, "FXSAVE with EM", NM, fxsave FRAMES
  with 0, "SSE without OSFXSR", UD, xorps %xmm0, %xmm0
  with CR0_TS, "SSE without OSFXSR, with TS", UD, xorps %xmm0, %xmm0
  set_bits cr4, CR4_OSFXSR
  with 0, "SSE", END, xorps %xmm0, %xmm0
  with CR0_TS, "SSE with TS", NM, xorps %xmm0, %xmm0
  with CR0_EM, "SSE with EM", UD, xorps %xmm0, %xmm0
  with (CR0_EM | CR0_TS), "SSE with EM and TS", UD, xorps %xmm0, %xmm0
  with CR0_EM, "PREFETCH with EM", END, prefetcht0 FRAMES
  with CR0_EM, "SFENCE with EM", END, sfence
  with CR0_EM, "PAUSE with EM", END, pause
  with CR0_EM, "LDMXCSR with EM", UD, ldmxcsr mxcsr
  with CR0_EM, "MOVNTI with EM", END, movnti %eax, FRAMES
  clear_bits cr0, (CR0_EM | CR0_TS | CR0_MP)

  # SIMD exceptions.
  ldmxcsr mxcsr                 # division by zero unmasked
  pcmpeqd %xmm1, %xmm1
  pslld $25, %xmm1
  psrld $2, %xmm1               # 1.0
  xorps %xmm2, %xmm2
  try
1:
  divss %xmm2, %xmm1
  caught_at 1b, UD, 0, "a SIMD exception without OSXMMEXCPT"
  set_bits cr4, CR4_OSXMMEXCPT
  try
1:
  divss %xmm2, %xmm1
  caught_at 1b, XM, 0, "a SIMD exception"
  stmxcsr FRAMES
  check_bits FRAMES, 0x3f, 4, "MXCSR.ZE"

no_sse:
  # x87 exceptions wait for the next waiting instruction.
  clear_bits cr0, (CR0_EM | CR0_TS | CR0_MP)
  fninit
  fldcw control
  fld1
  fldz
  try
  fdivrp
  nop
  fnstsw %ax
1:
  fld1
  caught_at 1b, MF, 0, "an x87 exception is raised by the next instruction"
  try
1:
  fwait
  caught_at 1b, MF, 0, "WAIT raises it"
  unless 1, edx, 23, 2f
  try
1:
  pxor %mm0, %mm0
  caught_at 1b, MF, 0, "MMX raises it"
2:
  set_bits cr0, CR0_TS
  try
  fld1
  caught NM, 0, "#NM comes before #MF"
  clear_bits cr0, CR0_TS
  try
  fnclex
  fld1
  passes "FNCLEX clears it"

  # AVX and XSAVE.
  try
  .byte 0x0f, 0xae, 0x25        # xsave
  .long FRAMES
  caught UD, 0, "XSAVE without OSXSAVE"
  try
  .byte 0xc5, 0xf8, 0x57, 0xc0  # vxorps %xmm0, %xmm0, %xmm0
  caught UD, 0, "AVX without OSXSAVE"
  movl $1, %eax
  cpuid
  btl $26, %ecx
  jnc 9f
  set_bits cr4, CR4_OSXSAVE
  set_bits cr0, CR0_TS
  movl $3, %eax
  xorl %edx, %edx
  try
  xsave FRAMES
  caught NM, 0, "XSAVE with TS"
  clear_bits cr0, CR0_TS
  set_bits cr0, CR0_EM
  movl $3, %eax
  try
  xsave FRAMES
  passes "XSAVE does not ask EM"
  clear_bits cr0, CR0_EM
  try
  .byte 0xc5, 0xf8, 0x57, 0xc0
  caught UD, 0, "AVX without XCR0"
9:
  done

.section .data
mxcsr: .long 0x1d80
control: .word 0x37b            # division by zero unmasked
