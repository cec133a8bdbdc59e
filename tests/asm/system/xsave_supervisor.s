# XSAVES and XRSTORS (SDM volume 1, 13.11 and 13.12), the compacted form (13.4.3, 13.10) and what CPUID tells of the area.

.include "harness.s"

.set AREA, FRAMES
.set HEADER, AREA + 512

  need 0xd, eax, 2, "AVX state"
  movl $0xd, %eax
  movl $1, %ecx
  cpuid
  btl $3, %eax
  jc 1f
  movl $no_xsaves, report_rule
  jmp lacking
1:
  long_mode
  set_bits cr4, CR4_OSFXSR
  .macro components mask
  movl $(\mask), %eax
  xorl %edx, %edx
  .endm
  .macro clear_area value=0
  movl $AREA, %edi
  movl $0x400/4, %ecx
  movl $\value, %eax
  cld
  rep stosl
  .endm
  .macro set_mxcsr value
  movl $\value, AREA+0x800
  ldmxcsr AREA+0x800
  .endm
  .macro check_mxcsr value, rule
  stmxcsr AREA+0x800
  check_bits AREA+0x800, 0xffff, \value, "\rule"
  .endm

  try
  xsaves AREA
  caught UD, 0, "XSAVES without OSXSAVE"
  try
  xrstors AREA
  caught UD, 0, "XRSTORS without OSXSAVE"
  set_bits cr4, CR4_OSXSAVE
  components 7
  xorl %ecx, %ecx
  xsetbv

  # IA32_XSS: no supervisor components.
  movl $0xd, %eax
  movl $1, %ecx
  cpuid
  movl %ecx, %ebx
  try
  write_msr MSR_XSS, $0
  passes "IA32_XSS takes what is there"
  notl %ebx
  try
  write_msr MSR_XSS, %ebx
  caught GP, 0, "IA32_XSS: other bits"
  read_msr MSR_XSS
  check %rax, $0, "IA32_XSS"

  # CPUID: sizes of the area.
  movl $0xd, %eax
  xorl %ecx, %ecx
  cpuid
  check %rbx, $832, "the size with AVX"
  movl $0xd, %eax
  movl $1, %ecx
  cpuid
  check %rbx, $832, "the compacted size"
  movl $0xd, %eax
  movl $2, %ecx
  cpuid
  check %rax, $256, "the size of AVX"
  check %rbx, $576, "and its offset"
  check %rcx, $0, "for users, not aligned"

  # Who may, and where.
  try
  user
  components 7
  xsaves AREA
  caught GP, 0, "XSAVES at CPL 3"
  try
  user
  xrstors AREA
  caught GP, 0, "XRSTORS at CPL 3"
  components 7
  try
  xsaves AREA+16
  caught GP, 0, "XSAVES needs an alignment of 64 bytes"
  try
  .byte 0xf3
  xsaves AREA
  caught UD, 0, "XSAVES with F3"
  set_bits cr0, CR0_TS
  try
  xsaves AREA
  caught NM, 0, "XSAVES with TS"
  clear_bits cr0, CR0_TS

  # What is in its initial state is not stored.
  fninit
  .byte 0xc5, 0xfc, 0x77        # vzeroall
  set_mxcsr 0x1f80
  clear_area 0x5a5a5a5a
  components 7
  xsaves AREA
  check HEADER, $0, "XSTATE_BV of nothing"
  check_bits HEADER+8, 0xffffffff, 7, "XCOMP_BV has what was asked for"
  check_bits HEADER+15, 0xff, 0x80, "and tells the form"
  check_bits AREA+160, 0xffffffff, 0x5a5a5a5a, "XMM0 is not stored"
  check_bits AREA+24, 0xffffffff, 0x5a5a5a5a, "nor is MXCSR"
  set_mxcsr 0x1fc0
  components 7
  xsaves AREA
  check HEADER, $2, "MXCSR is SSE state"
  check_bits AREA+24, 0xffff, 0x1fc0, "and stored with it"
  check_bits AREA+160, 0xffffffff, 0, "as is XMM0"
  clear_area 0x5a5a5a5a
  components 4
  xsaves AREA
  check_bits AREA+24, 0xffffffff, 0x5a5a5a5a, "without SSE, MXCSR is not stored"

  # XRSTORS takes the compacted form only, with a clean header.
  clear_area
  components 7
  try
  xrstors AREA
  caught GP, 0, "XRSTORS of the standard form"
  .macro refused rule, place, value
  components 7
  xsaves AREA
  movl $(\value), \place
  components 7
  try
  xrstors AREA
  caught GP, 0, "\rule"
  .endm
  .irp offset, 16, 24, 32, 60
  refused "a reserved byte of the header", HEADER+\offset, 1
  movl $0, HEADER+\offset
  .endr
  refused "XSTATE_BV beyond XCOMP_BV", HEADER, 0x10
  refused "XCOMP_BV beyond XCR0", HEADER+8, 0x407
  # The standard form ignores bytes 63:24 of its header.
  clear_area
  movl $1, HEADER+24
  movl $0x1f80, AREA+24
  components 7
  try
  xrstor AREA
  passes "XRSTOR ignores the header behind byte 23"
  movl $1, HEADER+20
  components 7
  try
  xrstor AREA
  caught GP, 0, "XRSTOR: byte 20 of the header"

  # There and back.
  .byte 0xc5, 0xf5, 0x76, 0xc9  # vpcmpeqd %ymm1, %ymm1, %ymm1
  set_mxcsr 0x1fc0
  fninit
  fld1
  clear_area
  components 7
  xsaves64 AREA
  check HEADER, $7, "XSTATE_BV of everything"
  .byte 0xc5, 0xfc, 0x77        # vzeroall
  set_mxcsr 0x1f80
  fninit
  components 7
  xrstors64 AREA
  check_mxcsr 0x1fc0, "MXCSR is back"
  fnstsw %ax
  check_bits %eax, 0x3800, 0x3800, "x87 is back"
  .byte 0xc5, 0xfe, 0x7f, 0x0c, 0x25  # vmovdqu %ymm1, AREA+0x800
  .long AREA+0x800
  check AREA+0x808, $-1, "XMM1 is back"
  check AREA+0x818, $-1, "and its upper half"
  # Initial state for what the image lacks, MXCSR with SSE.
  andl $~2, HEADER
  components 4
  xrstors64 AREA
  check_mxcsr 0x1fc0, "MXCSR stays if SSE is not asked for"
  components 2
  xrstors64 AREA
  check_mxcsr 0x1f80, "MXCSR becomes initial with SSE"
  movq %xmm1, %rbx
  check %rbx, $0, "as do the registers"
  # The components that follow each other lie where XCOMP_BV says.
  movq $5, HEADER
  movl $5, HEADER+8
  movl $0x11223344, AREA+576
  components 4
  xrstors64 AREA
  .byte 0xc4, 0xe3, 0x7d, 0x39, 0xc3, 0x01  # vextracti128 $1, %ymm0, %xmm3
  movd %xmm3, %ebx
  check %rbx, $0x11223344, "AVX lies behind the header"

  # What is in use, by XGETBV.
  .byte 0xc5, 0xfc, 0x77        # vzeroall
  movl $1, %ecx
  xgetbv
  check_bits %eax, 4, 0, "XGETBV: AVX is not in use"
  .byte 0xc5, 0xf5, 0x76, 0xc9  # vpcmpeqd %ymm1, %ymm1, %ymm1
  movl $1, %ecx
  xgetbv
  check_bits %eax, 6, 6, "XGETBV: AVX and SSE are in use"
  done

.section .rodata
no_xsaves: .asciz "XSAVES"
