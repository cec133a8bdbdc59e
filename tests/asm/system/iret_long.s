# IRET and interrupts in long mode (SDM volume 3, 6.14): null SS, IST, stack alignment, NT, compatibility mode.

.include "harness.s"

.macro iret_frame ss, rsp, flags, cs, rip
  pushq \ss
  pushq \rsp
  pushq \flags
  pushq \cs
  pushq \rip
.endm

  long_mode

  # IRETQ takes SS:RSP always; a null SS is fine above privilege 3.
  movq %rsp, %r12
  try
  iret_frame $0, $other_stack_top, $2, $KCODE64, $1f
  iretq
1:
  movq %rsp, %rbx
  movw %ss, %dx
  passes "IRET to the same level with a null SS"
  check %rbx, $other_stack_top, "IRET: RSP"
  check_bits %edx, 0xffff, 0, "IRET: SS"
  try
  iret_frame $3, $user_stack_top, $2, $UCODE64, $1f
2:
  iretq
1:
  caught_at 2b, GP, 0, "IRET to privilege 3 with a null SS"
  try
  iret_frame $0, $other_stack_top, $2, $KCODE32, $1f
  iretq
1:
  caught GP, 0, "IRET to compatibility mode with a null SS"
  try
  iret_frame $KDATA, $user_stack_top, $2, $UCODE64, $1f
  iretq
1:
  caught GP, KDATA, "IRET to privilege 3 with SS of privilege 0"
  try
  iret_frame $UDATA, $user_stack_top, $2, $(KDATA + 3), $1f
  iretq
1:
  caught GP, KDATA, "IRET to CS that is data"
  try
  iret_frame $UDATA, $user_stack_top, $2, $0, $1f
  iretq
1:
  caught GP, 0, "IRET to a null CS"
  movabsq $0x800000000000, %rbx
  try
  iret_frame $KDATA, $other_stack_top, $2, $KCODE64, %rbx
2:
  iretq
  caught_at 2b, GP, 0, "IRET to an address that is not canonical"
  try
  iret_frame $UDATA, $user_stack_top, $2, $UCODE64, %rbx
2:
  iretq
  caught_at 2b, GP, 0, "IRET to one at privilege 3"
  set_segment FREE, $0, 0xfffff, 0xe09b
  try
  iret_frame $KDATA, $other_stack_top, $2, $FREE, $1f
  iretq
1:
  caught GP, FREE, "IRET to code with both L and D"
  try
  pushq $(FLAG_NT | 2)
  popfq
  iretq
  caught GP, 0, "IRET with NT"
  try
  iret_frame $KDATA, $other_stack_top, $(FLAG_IOPL3 | FLAG_AC | FLAG_NT | FLAG_CF | 2), $KCODE64, $1f
  iretq
1:
  passes "IRET with flags"
  check_bits got_flags, (FLAG_IOPL3 | FLAG_AC | FLAG_NT | FLAG_CF), (FLAG_IOPL3 | FLAG_AC | FLAG_NT | FLAG_CF), "IRET loads IOPL and AC at privilege 0"
  try
  iret_frame $KDATA, $other_stack_top, $(FLAG_VM | 2), $KCODE64, $1f
  iretq
1:
  passes "IRET ignores VM in long mode"
  check_bits got_flags, FLAG_VM, 0, "VM stays clear"
  try
  iret_frame $UDATA, $user_stack_top, $2, $UCODE32, $1f
  iretq
  use 32
1:
  caught END, 0, "IRET to compatibility mode at privilege 3"

  # Frames of interrupts: SS and RSP are pushed always, RSP is aligned first.
  try
  subq $5, %rsp
  movq %rsp, %rbx
  int3
  caught BP, 0, "an interrupt on an odd stack"
  check got_sp, %rbx, "the frame holds RSP as it was"
  subq %rbx, got_frame_end
  negq got_frame_end
  check_bits got_frame_end, 0xf, 0xb, "the frame ends at a multiple of 16"
  try
  user
  int3
  caught BP, 0, "an interrupt at privilege 3"
  check got_frame_end, $event_stack_top, "RSP0"
  check got_ss, $UDATA, "SS of privilege 3"
  # IST, at the same level too.
  movl $other_stack_top, tss64+0x24+8*2
  movb $3, idt64+16*UD+4
  try
  ud2
  caught UD, 0, "an interrupt through IST3"
  check got_frame_end, $other_stack_top, "IST3"
  movl $0x8000, tss64+0x28+8*2
  try
1:
  ud2
  caught_at 1b, SS, 1, "an IST that is not canonical: #SS in the delivery of #UD"
  movb $0, idt64+16*UD+4

  # Gates.
  .macro gate_refused rule, selector, type, vector, error
  write_gate64 idt64+16*0x31, \selector, $stubs64, \type
  try
  int $0x31
  caught \vector, \error, "\rule"
  .endm
  gate_refused "a task gate", TSS64, TASK_GATE, GP, (0x31 * 8 + 2)
  gate_refused "a 16-bit gate", KCODE64, INTERRUPT_GATE16, GP, (0x31 * 8 + 2)
  gate_refused "a 32-bit target", KCODE32, INTERRUPT_GATE, GP, KCODE32
  gate_refused "a null target", 0, INTERRUPT_GATE, GP, 0
  gate_refused "a gate that is not present", KCODE64, (INTERRUPT_GATE & ~0x80), NP, (0x31 * 8 + 2)
  write_gate64 idt64+16*0x31, KCODE64, $stubs64, INTERRUPT_GATE
  movl $0x8000, idt64+16*0x31+8
  try
  int $0x31
  caught GP, 0, "a target that is not canonical"
  try
  compatibility
  ud2
  caught UD, 0, "an exception in compatibility mode"
  check got_cs, $KCODE32, "CS of compatibility mode"
  try
  .byte 0xce
  caught UD, 0, "INTO in 64-bit mode"
  done
