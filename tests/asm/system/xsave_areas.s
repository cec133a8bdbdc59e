# XSAVE, XSAVEOPT, XSAVEC and XRSTOR (SDM volume 1, chapter 13): which parts are written, XSTATE_BV, initial configuration.

.include "harness.s"

.set AREA, FRAMES

  need 1, ecx, 26, "XSAVE"
  long_mode
  set_bits cr4, (CR4_OSFXSR | CR4_OSXSAVE)
  movl $3, %eax
  xorl %edx, %edx
  xorl %ecx, %ecx
  xsetbv
  xgetbv
  check %rax, $3, "XCR0"

  .macro clear_area value
  movl $AREA, %edi
  movl $0x240/4, %ecx
  movl $\value, %eax
  cld
  rep stosl
  .endm
  .macro components mask
  movl $(\mask), %eax
  xorl %edx, %edx
  .endm

  # Both parts in use.
  fninit
  fld1
  pcmpeqd %xmm3, %xmm3
  clear_area 0
  components 3
  xsave AREA
  check AREA+512, $3, "XSTATE_BV"
  check AREA+520, $0, "XCOMP_BV"
  check AREA+160+48, $-1, "XMM3"
  # Only what is asked for; XSTATE_BV keeps the other bits.
  clear_area 0x5a5a5a5a
  movq $2, AREA+512
  components 1
  xsave AREA
  check AREA+512, $3, "XSAVE of a part keeps the other's bit"
  check_bits AREA+160+48, 0xffffffff, 0x5a5a5a5a, "and its image"
  clear_area 0
  components 0xfffffffc
  xsave AREA
  check AREA+512, $0, "parts that XCR0 lacks are left out"
  # XRSTOR of a part that the image has not: its initial state.
  components 3
  xsave AREA
  movq $1, AREA+512
  components 3
  xrstor AREA
  movq %xmm3, %rbx
  check %rbx, $0, "XRSTOR puts XMM into its initial state"
  fnstsw %ax
  andl $0x3800, %eax
  check %rax, $0x3800, "and loads x87"
  movq $2, AREA+512
  components 3
  xrstor AREA
  movq %xmm3, %rbx
  check %rbx, $-1, "XRSTOR loads XMM"
  fnstsw %ax
  andl $0x3800, %eax
  check %rax, $0, "and x87's initial state"
  fnstcw AREA+0x400
  check_bits AREA+0x400, 0xffff, 0x37f, "whose control word is 0x37f"
  # A part that is not asked for stays.
  pcmpeqd %xmm4, %xmm4
  movq $0, AREA+512
  components 1
  xrstor AREA
  movq %xmm4, %rbx
  check %rbx, $-1, "XRSTOR of a part leaves the other"
  # MXCSR is loaded with SSE, whatever XSTATE_BV says.
  movl $0x1fc0, AREA+24
  movl $0x1f80, AREA+0x400
  ldmxcsr AREA+0x400
  components 1
  xrstor AREA
  stmxcsr AREA+0x400
  check_bits AREA+0x400, 0xffff, 0x1f80, "MXCSR stays without SSE"
  components 2
  xrstor AREA
  stmxcsr AREA+0x400
  check_bits AREA+0x400, 0xffff, 0x1fc0, "MXCSR is loaded with SSE"
  movl $0x1f80, AREA+0x400
  ldmxcsr AREA+0x400

  # XSAVEC: the compacted form, only of what is in use.
  movl $0xd, %eax
  movl $1, %ecx
  cpuid
  btl $1, %eax
  jnc 9f
  fninit
  pcmpeqd %xmm3, %xmm3
  clear_area 0
  components 3
  xsavec AREA
  check_bits AREA+512, 2, 2, "XSAVEC: XSTATE_BV has what is in use"
  check_bits AREA+520, 0xffffffff, 3, "XCOMP_BV has what was asked for"
  check_bits AREA+527, 0xff, 0x80, "XCOMP_BV tells the form"
  pxor %xmm3, %xmm3
  components 3
  xrstor AREA
  movq %xmm3, %rbx
  check %rbx, $-1, "XRSTOR of the compacted form"
  .macro refused rule, place, value
  movl $(\value), \place
  components 3
  try
  xrstor AREA
  caught GP, 0, "\rule"
  .endm
  refused "XSTATE_BV beyond XCOMP_BV", AREA+520, 1
  movl $3, AREA+520
  refused "XCOMP_BV beyond XCR0", AREA+520, 0x13
  movl $3, AREA+520
  refused "a reserved byte of the header", AREA+532, 1
9:
  # FXSAVE64 and FXSAVE differ in the pointers.
  fninit
  fld1
  fxsave AREA
  fxsave64 AREA+0x400
  check_bits AREA+4, 0xff, 0x80, "FXSAVE: the abridged tag word"
  done
