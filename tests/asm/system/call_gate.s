# Call gates in 32-bit protected mode (SDM volume 3, 5.8.3 to 5.8.5).

.include "harness.s"

.set GATE, FREE
.set TARGET, FREE+8
.set STACK1, FREE+16

.macro gate selector, offset, type, count=0
  write_gate "gdt+GATE", \selector, \offset, \type, \count
.endm

  # Without a change of privilege.
  gate KCODE32, $same, CALL_GATE
  try
  lcall $GATE, $0x12345678
  passes "a call to the same level"
  check %ebx, $KCODE32, "the return CS"
  gate KCODE32, $same_far, CALL_GATE16
  try
  lcall $GATE, $0
  passes "a 16-bit gate"
  check %ebx, $KCODE32, "a 16-bit gate pushes words"

  # To an inner level, with parameters.
  gate KCODE32, $inner, (CALL_GATE | DPL3), 2
  try
  user
  pushl $0x11111111
  pushl $0x22222222
  lcall $(GATE + 3), $0
returned:
  passes "a call from level 3 to level 0"
  check inner_cs, $KCODE32, "CS of the target"
  check inner_ss, $KDATA, "SS of the TSS"
  check inner_frame, $returned, "the frame: IP"
  check inner_frame+4, $UCODE32, "the frame: CS"
  check inner_frame+8, $0x22222222, "the frame: the last parameter"
  check inner_frame+12, $0x11111111, "the frame: the first parameter"
  check inner_frame+16, $user_stack_top-8, "the frame: ESP"
  check inner_frame+20, $UDATA, "the frame: SS"
  check inner_sp, $event_stack_top-24, "ESP is that of the TSS"
  check got_sp, $user_stack_top, "RET n releases the parameters on both stacks"

  # What the gate refuses.
  gate KCODE32, $same, CALL_GATE
  try
  user
  lcall $(GATE + 3), $0
  caught GP, GATE, "DPL of the gate below CPL"
  try
  lcall $(GATE + 3), $0
  caught GP, GATE, "DPL of the gate below RPL"
  gate KCODE32, $same, (CALL_GATE & ~0x80)
  try
  lcall $GATE, $0
  caught NP, GATE, "a gate that is not present"
  gate 0, $same, CALL_GATE
  try
  lcall $GATE, $0
  caught GP, 0, "a null target"
  gate KDATA, $same, CALL_GATE
  try
  lcall $GATE, $0
  caught GP, KDATA, "a target that is data"
  gate (gdt_end - gdt), $same, CALL_GATE
  try
  lcall $GATE, $0
  caught GP, (gdt_end - gdt), "a target beyond the GDT"
  gate (UCODE32 & ~3), $same, CALL_GATE
  try
  lcall $GATE, $0
  caught GP, (UCODE32 & ~3), "a target of an outer level"
  set_segment TARGET, $0, 0xfffff, (CODE32_RX & ~0x80)
  gate TARGET, $same, CALL_GATE
  try
  lcall $GATE, $0
  caught NP, TARGET, "a target that is not present"
  set_segment TARGET, $0, 0xfff, 0x409b
  gate TARGET, $0x1000, CALL_GATE
  try
  lcall $GATE, $0
  caught GP, 0, "a target beyond its limit"

  # A jump does not change privilege but for conforming code.
  gate KCODE32, $same, (CALL_GATE | DPL3)
  try
  user
  ljmp $(GATE + 3), $0
  caught GP, KCODE32, "a jump to an inner level"
  set_segment TARGET, $0, 0xfffff, 0xc09f
  gate TARGET, $1f, (CALL_GATE | DPL3)
  try
  user
  ljmp $(GATE + 3), $0
1:
  movl %cs, %ebx
  passes "a jump to conforming code"
  check %ebx, $TARGET+3, "conforming code keeps CPL"

  # The new stack comes from the TSS. The handlers of faults have a TSS field of their own: they are of level 0, and the
  # call goes to level 1.
  set_segment TARGET, $0, 0xfffff, (CODE32_RX | 0x20)
  gate TARGET, $same, (CALL_GATE | DPL3)
  .macro with_stack selector, pointer, vector, error, rule
  movl \pointer, tss32+12
  movl $(\selector), tss32+16
  try
  user
  lcall $(GATE + 3), $0
  caught \vector, \error, "\rule"
  .endm
  with_stack 0, $other_stack_top, TS, 0, "SS1 is null"
  with_stack KDATA, $other_stack_top, TS, KDATA, "SS1 of another level"
  with_stack (gdt_end - gdt + 1), $other_stack_top, TS, (gdt_end - gdt), "SS1 beyond the GDT"
  set_segment STACK1, $0, 0xfffff, (CODE32_RX | 0x20)
  with_stack STACK1+1, $other_stack_top, TS, STACK1, "SS1 is code"
  set_segment STACK1, $0, 0xfffff, 0xc0b1
  with_stack STACK1+1, $other_stack_top, TS, STACK1, "SS1 is read-only"
  set_segment STACK1, $0, 0xfffff, 0xc033
  with_stack STACK1+1, $other_stack_top, SS, STACK1, "SS1 is not present"
  set_segment STACK1, $0, 0xff, 0x40b3
  with_stack STACK1+1, $0x110, SS, STACK1, "SS1 is too short"
  check got_cs, $UCODE32, "faults are those of the caller"
  done

same:
  movl 4(%esp), %ebx
  lret
same_far:
  movzwl 2(%esp), %ebx
  lretw
inner:
  movl %cs, %eax
  movl %eax, %ss:inner_cs
  movl %ss, %eax
  movl %eax, %ss:inner_ss
  movl %esp, %ss:inner_sp
  .irp offset, 0, 4, 8, 12, 16, 20
  movl \offset(%esp), %eax
  movl %eax, %ss:inner_frame+\offset
  .endr
  lret $8

.section .data
inner_cs: .long 0
inner_ss: .long 0
inner_sp: .long 0
inner_frame: .fill 6, 4, 0
