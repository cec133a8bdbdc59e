# Descriptor tables in long mode (SDM volume 3, 3.5.2, 5.8.3.1 and 7.2.3; volume 2, LGDT, LLDT, LTR, LAR and LSL): entries of 16 bytes,
# bases of 64 bits.

.include "harness.s"

.set S, FREE

.macro system_segment type, high=0, last=0
  set_segment S, $tss64, 0x67, (0x80 | \type)
  movl $(\high), gdt+S+8
  movl $(\last), gdt+S+12
.endm
.macro refused rule, instruction, selector, vector, error
  try
  movw $(\selector), %ax
  \instruction %ax
  caught \vector, \error, "\rule"
.endm

  long_mode
  system_segment 1
  refused "LTR of a 16-bit TSS", ltr, S, GP, S
  system_segment 9, 0x8000
  refused "LTR of a base that is not canonical", ltr, S, GP, S
  check_bits gdt+S+4, 0x200, 0, "the TSS does not become busy"
  system_segment 9, 0, 0x0900
  refused "LTR with a type in the upper half", ltr, S, GP, S
  system_segment 9
  movq gdt+S, %rax
  movq %rax, gdt_end-8
  refused "LTR of an entry that the limit cuts", ltr, (gdt_end - gdt - 8), GP, (gdt_end - gdt - 8)
  try
  movw $S, %ax
  ltr %ax
  passes "LTR"
  check_bits gdt+S+4, 0xf00, 0xb00, "LTR makes the TSS busy"
  system_segment 2, 0x8000
  refused "LLDT of a base that is not canonical", lldt, S, GP, S
  set_segment S, $ldt, 0xf, 0x0082
  movl $0xffff8000, gdt+S+8
  try
  movw $S, %ax
  lldt %ax
  passes "LLDT of a base in the upper half"
  movl $0, gdt+S+8
  movw $S, %ax
  lldt %ax
  try
  movw $0xc, %ax
  movw %ax, %es
  passes "a segment of the LDT"
  xorl %eax, %eax
  lldt %ax

  # LGDT and LIDT have 10 bytes.
  try
  lgdt bad_pointer
  caught GP, 0, "LGDT of a base that is not canonical"
  try
  lidt bad_pointer
  caught GP, 0, "LIDT of a base that is not canonical"
  movq $-1, stored
  movq $-1, stored+8
  sgdt stored
  check stored+2, $gdt, "SGDT stores 64 bits of base"
  check_bits stored, 0xffff, (gdt_end - gdt - 1), "and the limit"
  check_bits stored+10, 0xffff, 0xffff, "and no more"
  try
  compatibility
  movl $-1, stored+6
  sgdt stored
  passes "SGDT in compatibility mode"
  check_bits stored+6, 0xffff, 0xffff, "stores 6 bytes"

  # LAR and LSL know fewer types.
  .irp type, 2, 9, 0xb, 0xc
  system_segment \type
  movw $S, %ax
  lar %ax, %edx
  setz %bl
  movzbl %bl, %ebx
  check %rbx, $1, "LAR of type \type"
  .endr
  .irp type, 0, 1, 3, 4, 5, 6, 7, 8, 0xa, 0xd, 0xe, 0xf
  system_segment \type
  movw $S, %ax
  lar %ax, %edx
  setz %bl
  movzbl %bl, %ebx
  check %rbx, $0, "LAR of type \type"
  .endr
  .irp type, 1, 3, 4, 5, 0xc
  system_segment \type
  movw $S, %ax
  lsl %ax, %edx
  setz %bl
  movzbl %bl, %ebx
  check %rbx, $0, "LSL of type \type"
  .endr
  done

.section .data
.balign 8
ldt: .quad 0, 0x00cf93000000ffff
bad_pointer:
  .word 0xffff
  .quad 0x0000800000000000
.balign 8
stored: .quad 0, 0
