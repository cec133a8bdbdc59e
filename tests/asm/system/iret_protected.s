# IRET in 32-bit protected mode (SDM volume 2), and stacks that a TSS is too short for.

.include "harness.s"

.macro frame flags, cs, ip
  pushl $(\flags)
  pushl $(\cs)
  pushl \ip
.endm

  try
  frame (FLAG_IOPL3 | FLAG_AC | FLAG_CF | 2), KCODE32, $1f
  movl %esp, %ebx
  iretl
1:
  subl %esp, %ebx
  passes "IRET to the same level"
  check %ebx, $-12, "three doublewords are taken"
  check_bits got_flags, (FLAG_IOPL3 | FLAG_AC | FLAG_CF), (FLAG_IOPL3 | FLAG_AC | FLAG_CF), "IOPL and AC at level 0"
  .macro refused rule, cs, vector, error
  try
  frame 2, \cs, $2f
  movl %esp, %ebx
1:
  iretl
2:
  caught_at 1b, \vector, \error, "\rule"
  check got_sp, %ebx, "\rule: ESP"
  .endm
  refused "a null CS", 0, GP, 0
  refused "CS is data", KDATA, GP, KDATA
  refused "CS beyond the GDT", (gdt_end - gdt), GP, (gdt_end - gdt)
  refused "DPL is not RPL", (KCODE32 + 3), GP, KCODE32
  set_segment FREE, $0, 0xfffff, (CODE32_RX & ~0x80)
  refused "CS is not present", FREE, NP, FREE
  set_segment FREE, $0, 0xfff, 0x409b
  refused "IP beyond the limit", FREE, GP, 0
  try
  user
  frame 2, KCODE32, $1f
  iretl
1:
  caught GP, KCODE32, "an inner level"
  try
  user
  frame (FLAG_IOPL3 | FLAG_IF | FLAG_VIP | FLAG_VIF | FLAG_ID | FLAG_NT | FLAG_CF | 2), UCODE32, $1f
  iretl
1:
  passes "IRET at level 3"
  check_bits got_flags, (FLAG_IOPL3 | FLAG_IF | FLAG_VIP | FLAG_VIF | FLAG_ID | FLAG_NT | FLAG_CF), (FLAG_ID | FLAG_NT | FLAG_CF), "neither IOPL nor IF changes"
  # Words: the upper half of EFLAGS stays.
  try
  pushl $(FLAG_AC | 2)
  popfl
  pushw $(FLAG_CF | 2)
  pushw $KCODE32
  pushw $1f
  iretw
1:
  passes "IRET of words"
  check_bits got_flags, (FLAG_AC | FLAG_CF), (FLAG_AC | FLAG_CF), "the upper half of EFLAGS stays"

  # To level 3.
  .macro outer ss, rule, vector, error
  try
  pushl $(\ss)
  pushl $user_stack_top
  frame 2, UCODE32, $2f
  movl %esp, %ebx
1:
  iretl
2:
  caught_at 1b, \vector, \error, "\rule"
  check got_sp, %ebx, "\rule: ESP"
  .endm
  outer 0, "a null SS", GP, 0
  outer KDATA, "SS of level 0", GP, KDATA
  outer (UDATA - 3), "RPL of SS", GP, (UDATA - 3)
  outer UCODE32, "SS is code", GP, (UCODE32 - 3)
  set_segment FREE, $0, 0xfffff, ((DATA_RW | DPL3) & ~0x80)
  outer (FREE + 3), "SS is not present", SS, FREE

  # A TSS too short for the new stack: #TS with its selector. The fault is delivered through a task gate, which needs no stack.
  set_segment FREE+8, $short_tss, 8, 0x0089
  set_segment FREE+16, $rescue, 0x67, 0x0089
  set_gate TS, FREE+16, $0, TASK_GATE
  movw $FREE+8, %ax
  ltr %ax
  try
  user
  int $END
  caught TS, (FREE + 8), "a TSS too short for SS0"
  done

# Goes on behind the attempt in a task of its own.
rescue_code:
  popl got_error
  movl $TS, got_vector
  movl $boot_stack_top-64, %esp
  pushl $2
  popfl
  jmp *resume_ip

.section .data
.balign 16
short_tss: .fill 0x68, 1, 0
rescue:
  .fill 8, 4, 0
  .long rescue_code, 2, 0, 0, 0, 0
  .long other_stack_top, 0, 0, 0
  .long KDATA, KCODE32, KDATA, KDATA, KDATA, KDATA, 0, 0x00680000
