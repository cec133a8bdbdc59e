# Alignment checks in 64-bit mode and compatibility mode (SDM volume 3, 6.15, interrupt 17, table 6-7).

.include "harness.s"

.macro misaligned rule, mode, instruction:vararg
  try
  \mode (FLAG_AC | 2)
1:
  \instruction
  caught_at 1b, AC, 0, "\rule"
.endm
.macro aligned rule, mode, instruction:vararg
  try
  \mode (FLAG_AC | 2)
  \instruction
  passes "\rule"
.endm

  long_mode
  set_bits cr0, CR0_AM
  set_bits cr4, CR4_OSFXSR
  misaligned "a quadword", user, movq FRAMES+4, %rax
  misaligned "a write of a quadword", user, movq %rax, FRAMES+1
  misaligned "a doubleword", user, movl FRAMES+2, %eax
  misaligned "a push of a quadword", user, pushq FRAMES+4
  aligned "a quadword that is aligned", user, movq FRAMES+8, %rax
  aligned "a doubleword that is", user, movl FRAMES+4, %eax
  misaligned "a vector that need not be aligned", user, movups FRAMES+8, %xmm0
  misaligned "FXSAVE, off by less than 4", user, fxsave FRAMES+2
  try
  user (FLAG_AC | 2)
  fxsave FRAMES+4
  caught GP, 0, "FXSAVE, off by 4"
  try
  user (FLAG_AC | 2)
  movaps FRAMES+8, %xmm0
  caught GP, 0, "a vector that has to be aligned"
  misaligned "compatibility mode", user_compatibility, movl FRAMES+2, %eax
  aligned "compatibility mode, aligned", user_compatibility, movl FRAMES+4, %eax
  try
  pushq $(FLAG_AC | 2)
  popfq
  movq FRAMES+1, %rax
  passes "CPL 0"
  # An address that is not canonical is refused before the check, a page fault comes after it.
  movq $0x1000000000000001, %rbx
  try
  user (FLAG_AC | 2)
  movq (%rbx), %rax
  caught GP, 0, "before the check: an address that is not canonical"
  try
  user (FLAG_AC | 2)
  movq %rbx, %rbp
  movq (%rbp), %rax
  caught SS, 0, "the same by RBP"
  map_page 0, 0
  misaligned "before a page fault", user, movq WINDOW+1, %rax
  done
