# AES, PCLMULQDQ and SHA: encodings that do not exist, alignment, and when they are not available (SDM volume 2, 2.4 and the
# instructions' pages; volume 3, tables 12-1 and 13-1). What they compute is proved against the host's processor.

.include "harness.s"

.macro with bits, rule, vector, instruction:vararg
  clear_bits cr0, (CR0_EM | CR0_TS)
  set_bits cr0, \bits
  try
1:
  \instruction
  caught_at 1b, \vector, 0, "\rule"
  clear_bits cr0, (CR0_EM | CR0_TS)
.endm
.macro misaligned instruction:vararg
  try
1:
  \instruction
  caught_at 1b, GP, 0, "\instruction"
.endm

  need 1, ecx, 25, "AES"
  need 1, ecx, 1, "PCLMULQDQ"
  need 7, ebx, 29, "SHA"
  with 0, "AESENC without OSFXSR", UD, aesenc %xmm1, %xmm0
  with 0, "SHA256MSG1 without OSFXSR", UD, sha256msg1 %xmm1, %xmm0
  set_bits cr4, CR4_OSFXSR
  .irp instruction, aesenc, aesdeclast, aesimc, sha1nexte, sha256msg2
  with CR0_TS, "\instruction with TS", NM, \instruction %xmm1, %xmm0
  with CR0_EM, "\instruction with EM", UD, \instruction %xmm1, %xmm0
  .endr

  # Memory operands of 16 bytes are aligned.
  misaligned aesenc FRAMES+8, %xmm0
  misaligned aesenclast FRAMES+1, %xmm0
  misaligned aesdec FRAMES+4, %xmm0
  misaligned aesimc FRAMES+8, %xmm0
  misaligned aeskeygenassist $1, FRAMES+8, %xmm0
  misaligned pclmulqdq $1, FRAMES+8, %xmm0
  misaligned sha1rnds4 $1, FRAMES+8, %xmm0
  misaligned sha256rnds2 FRAMES+8, %xmm1

  # Prefixes.
  undefined "AESENC without 66", 0x0f, 0x38, 0xdc, 0xc1
  undefined "AESENC with F2", 0xf2, 0x66, 0x0f, 0x38, 0xdc, 0xc1
  undefined "PCLMULQDQ without 66", 0x0f, 0x3a, 0x44, 0xc1, 0x00
  undefined "AESKEYGENASSIST without 66", 0x0f, 0x3a, 0xdf, 0xc1, 0x00
  undefined "LOCK AESENC", 0xf0, 0x66, 0x0f, 0x38, 0xdc, 0x07
  undefined "SHA1NEXTE with 66", 0x66, 0x0f, 0x38, 0xc8, 0xc1
  undefined "SHA256RNDS2 with F3", 0xf3, 0x0f, 0x38, 0xcb, 0xc1
  undefined "SHA1RNDS4 with 66", 0x66, 0x0f, 0x3a, 0xcc, 0xc1, 0x00

  # VEX encodings.
  need 1, ecx, 28, "AVX"
  undefined "VAESENC without OSXSAVE", 0xc4, 0xe2, 0x71, 0xdc, 0xc0
  set_bits cr4, CR4_OSXSAVE
  movl $7, %eax
  xorl %edx, %edx
  xorl %ecx, %ecx
  xsetbv
  try
  vaesenc FRAMES+1, %xmm1, %xmm0
  vaesimc FRAMES+1, %xmm0
  vaeskeygenassist $1, FRAMES+1, %xmm0
  vpclmulqdq $0, FRAMES+1, %xmm1, %xmm0
  passes "VEX encodings need no alignment"
  undefined "VAESIMC with vvvv", 0xc4, 0xe2, 0x71, 0xdb, 0xc0
  undefined "VAESIMC with L", 0xc4, 0xe2, 0x7d, 0xdb, 0xc0
  undefined "VAESKEYGENASSIST with L", 0xc4, 0xe3, 0x7d, 0xdf, 0xc0, 0x00
  undefined "VAESENC without pp", 0xc4, 0xe2, 0x70, 0xdc, 0xc0
  undefined "SHA1NEXTE in VEX", 0xc4, 0xe2, 0x78, 0xc8, 0xc0
  undefined "SHA256RNDS2 in VEX", 0xc4, 0xe2, 0x70, 0xcb, 0xc0
  set_bits cr0, CR0_TS
  try
  vaesenc %xmm0, %xmm1, %xmm0
  caught NM, 0, "VAESENC with TS"
  clear_bits cr0, CR0_TS
  set_bits cr0, CR0_EM
  try
  vaesenc %xmm0, %xmm1, %xmm0
  passes "VEX encodings do not ask EM"
  clear_bits cr0, CR0_EM
  movl $7, %eax
  xorl %ecx, %ecx
  cpuid
  btl $9, %ecx
  jc 2f
  undefined "VAESENC with L, without VAES", 0xc4, 0xe2, 0x75, 0xdc, 0xc0
2:
  done
