# Real-address mode (SDM volume 3, 20.1): its interrupt table, limits of 64 KiB, wrap of IP and SP; unreal segments; and what is
# undefined there.

.include "harness.s"

  # The exception frame: three words, no error code.
  try
  real
1:
  ud2
  caught_at 1b, UD, 0, "an exception"
  check got_cs, $0, "CS"
  check got_sp, $real_stack_top, "three words are pushed"
  try
  real
  int $0x30
1:
  caught_at 1b, 0x30, 0, "INT n pushes the next IP"
  try
  real
  movw $0x2222, %ax
  pushw $(FLAG_CF | FLAG_DF | FLAG_IF | 2)
  popfw
  int $0x30
  caught 0x30, 0, "INT n with flags"
  check_bits got_flags, (FLAG_CF | FLAG_DF | FLAG_IF), (FLAG_CF | FLAG_DF | FLAG_IF), "FLAGS in the frame"

  # Limits.
  movl $0x11223344, 0x10000
  try
  real
1:
  movw 0xffff, %ax
  caught_at 1b, GP, 0, "a word at 0xffff"
  try
  real
  movb 0xffff, %al
  passes "a byte at 0xffff"
  try
  real
  movl $0x10000, %ebx
1:
  movb (%ebx), %al
  caught_at 1b, GP, 0, "a 32-bit address above 64 KiB"
  try
  real
  movw $0xffff, %bp
  movw (%bp), %ax
  caught SS, 0, "a word at SS:0xffff"
  try
  real
1:
  boundw %ax, 0xfffe
  caught_at 1b, GP, 0, "two bounds across 0xffff"
  try
  real
  movw $0xfffe, %bp
  boundw %ax, (%bp)
  caught SS, 0, "two bounds across SS:0xffff"
  movl $0, 0xfffc
  movw $0, 0xfffa
  try
  real
  fnstenv 0xfff2
  fldenv 0xfff2
  passes "14 bytes of x87 environment up to 0xffff"
  try
  real
  fnstenvl 0xfff0
  caught GP, 0, "28 bytes across it"
  try
  real
  movw $0xfffe, %bx
  movb 4(%bx), %al
  passes "16-bit addresses wrap"
  try
  real
  movw $2, %ax
  movw $0xffff, %bx
  movw %bx, %es
  movb %es:0x10, %al
  passes "segment 0xffff reaches beyond 1 MiB"
  # The stack wraps: SP = 0 pushes at 0xfffe.
  movl $0, 0xfffc
  try
  real
  movw $0x3000, %ax
  movw %ax, %ss
  xorl %esp, %esp
  pushw $0x4321
  popw %bx
  pushw $0x4321
  movw %sp, %cx
  xorw %ax, %ax
  movw %ax, %ss
  movl $real_stack_top, %esp
  passes "a push at SP = 0"
  check_bits %ecx, 0xffff, 0xfffe, "SP wraps"
  check_bits 0x3fffe, 0xffff, 0x4321, "it is written at the top"

  # Code: IP wraps at no place; the last instruction may end at 0xffff.
  movl $0x90909090, 0x4fffc
  try
  real
  ljmp $0x4000, $0xfffc
  caught GP, 0, "IP runs over 0xffff"
  check got_cs, $0x4000, "IP runs over 0xffff: CS"
  movb $0xeb, 0x4fffd           # jmp .+2+0x10: IP is cut to 16 bits
  movb $0x11, 0x4fffe
  movb $0x0f, 0x40010           # ud2
  movb $0x0b, 0x40011
  try
  real
  ljmp $0x4000, $0xfffd
  caught UD, 0, "a short jump wraps"
  check got_ip, $0x10, "a short jump wraps: IP"
  try
  real
1:
  .byte 0x66
  jmp 1b+0x10000
  caught_at 1b, GP, 0, "a 32-bit jump beyond the limit"
  try
  real
  ljmpl $0, $0x10000
  caught GP, 0, "a far jump beyond the limit"

  # What there is not.
  .macro not_real name, instruction:vararg
  try
  real
1:
  \instruction
  caught_at 1b, UD, 0, "\name in real mode"
  .endm
  not_real "LLDT", lldt %ax
  not_real "LTR", ltr %ax
  not_real "SLDT", sldt %ax
  not_real "STR", str %ax
  not_real "LAR", lar %ax, %ax
  not_real "LSL", lsl %ax, %ax
  not_real "VERR", verr %ax
  not_real "ARPL", arpl %ax, %ax
  unless 1, edx, 11, 1f
  try
  real
  sysenter
  caught GP, 0, "SYSENTER in real mode"
1:
  try
  real
  smsw %ax
  sgdt scratch
  clts
  passes "what real mode has"
  # A short interrupt table.
  try
  real
  lidt short_idt
  int $0x30
  lidt real_idt_pointer
  caught GP, 0, "a vector beyond the table"

  # Unreal: limits and bases stay when protected mode is left.
  try
  unreal
  movl $0x10000, %ebx
  movl (%ebx), %ecx
  movw %ax, %ds
  movl (%ebx), %edx
  passes "a 4 GiB segment in real mode, also behind a load of DS"
  check %ecx, $0x11223344, "data above 64 KiB"
  done

.section .data
scratch: .skip 8
short_idt:
  .word 0xbf
  .long ivt
