# RDFSBASE, RDGSBASE, WRFSBASE and WRGSBASE (SDM volume 2): CR4.FSGSBASE, 64-bit mode, canonical addresses, operand sizes.

.include "harness.s"

  need 7, ebx, 0, "FSGSBASE"
  long_mode
  .irp instruction, rdfsbase, rdgsbase, wrfsbase, wrgsbase
  try
1:
  \instruction %rax
  caught_at 1b, UD, 0, "\instruction without CR4.FSGSBASE"
  .endr
  set_bits cr4, CR4_FSGSBASE
  .irp instruction, rdfsbase, rdgsbase, wrfsbase, wrgsbase
  try
  .byte 0xf0
  \instruction %rax
  caught UD, 0, "LOCK \instruction"
  .endr

  movabsq $0x0000123456789abc, %rbx
  try
  user
  wrfsbase %rbx
  rdfsbase %rcx
  movq $-1, %rsi
  rdfsbase %esi
  passes "CPL 3"
  check %rcx, %rbx, "what was written is read"
  check %rsi, $0x56789abc, "the read of 32 bits clears the upper half"
  movq $-1, %rbx
  wrgsbase %ebx
  read_msr MSR_GS_BASE
  check %rdx, $0, "the write of 32 bits clears the upper half"
  movl $0x7654321, FRAMES
  movl $FRAMES-0x10, %ebx
  wrfsbase %rbx
  movl %fs:0x10, %eax
  check %rax, $0x7654321, "the base counts at once"
  movabsq $0x7fffffffffffffff, %rbx
  .irp instruction, wrfsbase, wrgsbase
  try
1:
  \instruction %rbx
  caught_at 1b, GP, 0, "\instruction of an address that is not canonical"
  .endr
  # F3 0F AE /0 to /3 with registers.
  .irp modrm, 0xc0, 0xc8, 0xd0, 0xd8
  try
  compatibility
  .byte 0xf3, 0x0f, 0xae, \modrm
  caught UD, 0, "\modrm in compatibility mode"
  .endr
  done
