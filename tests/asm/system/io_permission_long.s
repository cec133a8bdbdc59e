# The I/O permission bitmap of a 64-bit TSS (SDM volume 3, 7.7; volume 1, 18.5.2).

.include "harness.s"

.set IO_MAP, TSS64_SIZE
.set TSS_LIMIT, IO_MAP + 0x100

.macro open rule, mode, instruction:vararg
  try
  \mode
  \instruction
  passes "\rule"
.endm
.macro closed rule, mode, instruction:vararg
  try
  \mode
1:
  \instruction
  caught_at 1b, GP, 0, "\rule"
.endm

  long_mode
  closed "a TSS without a bitmap", user, inb $0x80, %al
  set_segment FREE, $tss, TSS_LIMIT, 0x0089
  movl $0, gdt+FREE+8
  movl $0, gdt+FREE+12
  movl $event_stack_top, tss+4
  movw $IO_MAP, tss+0x66
  movb $0x02, tss+IO_MAP+0x10
  movb $0xff, tss+IO_MAP+0x100
  movw $FREE, %ax
  ltr %ax
  open "an open port", user, inb $0x80, %al
  closed "a closed port", user, inb $0x81, %al
  closed "a word with a closed port", user, inw $0x80, %ax
  open "a doubleword behind it", user, inl $0x82, %eax
  movw $0x81, %dx
  closed "OUTS to a closed port", user, outsb
  movw $0x800, %dx
  closed "a port beyond the map", user, inb %dx, %al
  open "compatibility mode: an open port", user_compatibility, inb $0x80, %al
  closed "compatibility mode: a closed port", user_compatibility, inb $0x81, %al
  open "IOPL 3", "user (FLAG_IOPL3 | 2)", inb $0x81, %al
  done

.section .bss
.balign 16
tss: .skip TSS_LIMIT + 1
