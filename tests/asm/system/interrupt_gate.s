# Interrupt, trap and task gates of the 32-bit IDT (SDM volume 3, 6.10 to 6.13).

.include "harness.s"

.set V, 0x31
.set TARGET, FREE
.set STACK1, FREE+8

.macro gate selector, offset, type
  set_gate V, \selector, \offset, \type
.endm

  # What an entry does to EFLAGS. IF is set only while the vector runs, with nothing to interrupt: PIC and APIC are masked.
  movb $0xff, %al
  outb %al, $0x21
  outb %al, $0xa1
  gate KCODE32, $show_flags, INTERRUPT_GATE
  pushl $(FLAG_IF | FLAG_NT | FLAG_CF | 2)
  popfl
  int $V
  pushl $2
  popfl
  check_bits seen_flags, (FLAG_IF | FLAG_NT | FLAG_CF), FLAG_CF, "an interrupt gate clears IF and NT"
  check_bits pushed_flags, (FLAG_IF | FLAG_NT), (FLAG_IF | FLAG_NT), "an interrupt gate pushes EFLAGS as they were"
  gate KCODE32, $show_flags, TRAP_GATE
  pushl $(FLAG_IF | FLAG_NT | 2)
  popfl
  int $V
  pushl $2
  popfl
  check_bits seen_flags, (FLAG_IF | FLAG_NT), FLAG_IF, "a trap gate keeps IF and clears NT"
  gate KCODE32, $show_frame16, INTERRUPT_GATE16
  int $V
1:
  check %ebx, $1b, "a 16-bit gate pushes words: IP"
  check %ecx, $KCODE32, "a 16-bit gate pushes words: CS"

  # What is refused. Bit 1 of the error code stands for the IDT.
  gate KCODE32, $show_flags, CALL_GATE
  try
  int $V
  caught GP, (V * 8 + 2), "a call gate in the IDT"
  gate KCODE32, $show_flags, (INTERRUPT_GATE & ~0x80)
  try
  int $V
  caught NP, (V * 8 + 2), "a gate that is not present"
  gate KCODE32, $show_flags, INTERRUPT_GATE
  try
  user
1:
  int $V
  caught_at 1b, GP, (V * 8 + 2), "DPL of the gate below CPL"
  gate 0, $show_flags, INTERRUPT_GATE
  try
  int $V
  caught GP, 0, "a null target"
  gate KDATA, $show_flags, INTERRUPT_GATE
  try
  int $V
  caught GP, KDATA, "a target that is data"
  gate (UCODE32 & ~3), $show_flags, INTERRUPT_GATE
  try
  int $V
  caught GP, (UCODE32 & ~3), "a target of an outer level"
  set_segment TARGET, $0, 0xfffff, (CODE32_RX & ~0x80)
  gate TARGET, $show_flags, INTERRUPT_GATE
  try
  int $V
  caught NP, TARGET, "a target that is not present"
  set_segment TARGET, $0, 0xfff, 0x409b
  gate TARGET, $0x1000, INTERRUPT_GATE
  try
  int $V
  caught GP, 0, "a target beyond its limit"
  lidt short_idt
  try
  int $0x40
  lidt idt32_pointer
  caught GP, (0x40 * 8 + 2), "a vector beyond the IDT's limit"
  lidt idt32_pointer

  # EXT tells that an exception, not INT, met the fault: the gate of #UD is not present.
  set_gate UD, KCODE32, $stubs32+16*UD, (INTERRUPT_GATE & ~0x80)
  try
  ud2
  caught NP, (UD * 8 + 3), "a fault in the delivery of an exception has EXT set"
  try
  int $UD
  caught NP, (UD * 8 + 2), "a fault of INT n has not"
  set_gate UD, KCODE32, $stubs32+16*UD, INTERRUPT_GATE
  try
  user
1:
  int $UD
  caught_at 1b, GP, (UD * 8 + 2), "INT n of an exception's vector checks the gate"
  try
  user
1:
  ud2
  caught_at 1b, UD, 0, "an exception does not"

  # INT3 and INTO check it, too; INT1 does not.
  set_gate BP, KCODE32, $stubs32+16*BP, INTERRUPT_GATE
  try
  user
  int3
  caught GP, (BP * 8 + 2), "INT3 through a gate of DPL 0"
  set_gate BP, KCODE32, $stubs32+16*BP, (INTERRUPT_GATE | DPL3)
  try
  user
  int3
1:
  caught_at 1b, BP, 0, "INT3 pushes the next IP"
  try
  user
  movb $0x7f, %al
  addb $1, %al
  into
1:
  caught_at 1b, OF, 0, "INTO pushes the next IP"
  try
  xorl %eax, %eax
  into
  passes "INTO without OF"
  try
  user
  .byte 0xf1
1:
  caught_at 1b, DB, 0, "INT1 does not check the gate's DPL"

  # To an inner level: the stack of the TSS and its faults.
  set_segment TARGET, $0, 0xfffff, (CODE32_RX | 0x20)
  gate TARGET+1, $stubs32, (INTERRUPT_GATE | DPL3)
  .macro with_stack selector, pointer, vector, error, rule
  movl \pointer, tss32+12
  movl $(\selector), tss32+16
  try
  user
  int $V
  caught \vector, \error, "\rule"
  .endm
  with_stack 0, $other_stack_top, TS, 0, "SS1 is null"
  with_stack KDATA, $other_stack_top, TS, KDATA, "SS1 of another level"
  set_segment STACK1, $0, 0xfffff, 0xc033
  with_stack STACK1+1, $other_stack_top, SS, STACK1, "SS1 is not present"
  set_segment STACK1, $0, 0xff, 0x40b3
  with_stack STACK1+1, $0x110, SS, STACK1, "SS1 is too short"
  # Conforming code runs on at the interrupted level.
  set_segment TARGET, $0, 0xfffff, 0xc09f
  gate TARGET, $1f, (INTERRUPT_GATE | DPL3)
  try
  user
  int $V
1:
  movl %cs, %ebx
  movl %esp, %ecx
  passes "a conforming handler"
  check %ebx, $TARGET+3, "a conforming handler keeps CPL"
  check %ecx, $user_stack_top-12, "a conforming handler keeps the stack"
  done

show_flags:
  pushfl
  popl seen_flags
  pushl 8(%esp)
  popl pushed_flags
  iretl
show_frame16:
  movzwl (%esp), %ebx
  movzwl 2(%esp), %ecx
  iretw

.section .data
seen_flags: .long 0
pushed_flags: .long 0
short_idt:
  .word 0x40 * 8 - 1
  .long idt32
