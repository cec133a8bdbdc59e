# Hardware task switches (SDM volume 3, 7.2 to 7.5): JMP, CALL, IRET and task gates; busy bits, links, NT, TS; #TS.

.include "harness.s"

.set TASK, FREE
.set GATE, FREE+8
.set LDT, FREE+16
.set BAD, FREE+24
.set TASK16, FREE+32
.set RESCUE, FREE+40
.set TYPE_OF_TASK, gdt + TASK + 5
.set TYPE_OF_FIRST, gdt + TSS32 + 5

.macro prepare_task
  call fill_task
  set_segment TASK, $task, 0x67, 0x0089
.endm

  set_segment LDT, $ldt, 0xf, 0x0082

  # CALL: nested.
  prepare_task
  movl $0x55667788, %ebp
  lcall $TASK, $0
after_call:
  check in_task_eax, $0xa1a1a1a1, "the new task's EAX"
  check in_task_sp, $task_stack_top, "the new task's ESP"
  check_bits in_task_flags, FLAG_NT, FLAG_NT, "NT is set in a called task"
  check_bits in_task_types, 0xff, 0x8b, "the new TSS is busy"
  check_bits in_task_types+4, 0xff, 0x8b, "the caller's TSS stays busy"
  check in_task_link, $TSS32, "the link"
  check in_task_tr, $TASK, "TR"
  check in_task_ldt, $LDT, "LDTR"
  check in_task_ts, $CR0_TS, "CR0.TS"
  check tss32+0x20, $after_call, "EIP of the caller's TSS"
  check %ebp, $0x55667788, "registers come back with IRET"
  check_bits TYPE_OF_TASK, 0xff, 0x89, "IRET: the TSS that is left is available"
  check_bits TYPE_OF_FIRST, 0xff, 0x8b, "IRET: the caller's is busy"
  str %ax
  check %eax, $TSS32, "IRET: TR"
  pushfl
  popl %eax
  andl $FLAG_NT, %eax
  check %eax, $0, "IRET: NT of the caller"
  check_bits task+0x24, FLAG_NT, 0, "IRET: NT is clear in the image of the task that is left"
  clts

  # JMP: not nested.
  prepare_task
  movl $jumped, task+0x20
  ljmp $TASK, $0
jumped:
  pushfl
  popl %eax
  andl $FLAG_NT, %eax
  check %eax, $0, "NT is clear in a task that was jumped to"
  check_bits TYPE_OF_FIRST, 0xff, 0x89, "JMP: the old TSS is available"
  check_bits TYPE_OF_TASK, 0xff, 0x8b, "JMP: the new TSS is busy"
  check task, $0x1111, "JMP: no link is written"
  movl $back, tss32+0x20
  movl $boot_stack_top, tss32+0x38
  ljmp $TSS32, $0
back:
  clts

  # Task gates, from the GDT and from the IDT.
  prepare_task
  write_gate gdt+GATE, TASK, $0, (TASK_GATE | DPL3)
  movl $0, in_task_eax
  lcall $GATE, $0x1234
  check in_task_eax, $0xa1a1a1a1, "a call through a task gate"
  clts
  prepare_task
  movl $event_task, task+0x20
  set_gate GP, TASK, $0, TASK_GATE
  try
1:
  movw $BAD, %ax
  movw %ax, %ds
  movl $END+2, got_vector       # not reached: the task goes on at resume_ip
  caught END, 0, "an exception through a task gate"
  check in_task_error, $BAD, "the error code is on the new task's stack"
  check in_task_sp, $task_stack_top-4, "it takes 4 bytes"
  clts
  set_gate GP, KCODE32, $stubs32+16*GP, INTERRUPT_GATE

  # Faults before the switch are the old task's.
  prepare_task
  try
  lcall $TSS32, $0
  caught GP, TSS32, "a call of a busy TSS"
  set_segment TASK, $task, 0x66, 0x0089
  try
  lcall $TASK, $0
  caught TS, TASK, "a TSS that is too short"
  set_segment TASK, $task, 0x67, 0x0009
  try
  lcall $TASK, $0
  caught NP, TASK, "a TSS that is not present"
  prepare_task
  try
  user
  lcall $TASK, $0
  caught GP, TASK, "a TSS of DPL 0 at CPL 3"
  write_gate gdt+GATE, (TASK + 4), $0, TASK_GATE
  try
  ljmp $GATE, $0
  caught GP, (TASK + 4), "a task gate to the LDT"
  movw $KDATA, tss32
  try
  pushl $(FLAG_NT | 2)
  popfl
  iretl
  caught TS, KDATA, "IRET with NT to what is no TSS"
  movw $TASK, tss32
  try
  pushl $(FLAG_NT | 2)
  popfl
  iretl
  caught TS, TASK, "IRET with NT to a TSS that is not busy"

  # Faults in the new task. As long as CS and SS are not loaded, only another task can handle them.
  .macro task_with offset, value, error, rule
  prepare_task
  movl $(\value), task+\offset
  movl $rescue_code, rescue+0x20
  set_segment RESCUE, $rescue, 0x67, 0x0089
  set_gate TS, RESCUE, $0, TASK_GATE
  try
  ljmp $TASK, $0
  caught TS, \error, "\rule"
  set_gate TS, KCODE32, $stubs32+16*TS, INTERRUPT_GATE
  check_bits rescue, 0xffff, TASK, "\rule: the new task has begun"
  clts
  .endm
  task_with 0x4c, 0, 0, "a null CS"
  task_with 0x4c, KDATA, KDATA, "CS is data"
  task_with 0x4c, (KCODE32 + 1), KCODE32, "CS of another level"
  task_with 0x50, KCODE32, KCODE32, "SS is code"
  task_with 0x50, 0, 0, "a null SS"
  task_with 0x54, TSS32, TSS32, "DS is a TSS"
  task_with 0x60, KDATA, KDATA, "the LDT is data"
  task_with 0x60, (LDT + 4), (LDT + 4), "the LDT is in the LDT"
  # Behind them, gates do.
  prepare_task
  set_segment BAD, $0, 0xfffff, (DATA_RW & ~0x80)
  movl $BAD, task+0x58
  try
  ljmp $TASK, $0
  caught_at task_code, NP, BAD, "FS is not present"
  call first_task
  clts

  # The debug trap bit.
  prepare_task
  movl $0x00680001, task+0x64
  try
  ljmp $TASK, $0
  caught_at task_code, DB, 0, "the T bit of the TSS"
  check_bits got_dr6, 0x8000, 0x8000, "DR6.BT"
  call first_task
  clts

  # A 16-bit TSS.
  set_segment TASK16, $task, 0x2b, 0x0081
  call fill_task16
  lcall $TASK16, $0
  check in_task_eax, $0xa1a1, "a 16-bit TSS: AX"
  check_bits in_task_flags, FLAG_NT, FLAG_NT, "a 16-bit TSS: NT"
  check_bits in_task_link, 0xffff, TSS32, "a 16-bit TSS: the link"
  clts
  done

# Back to the first task, out of whatever TR says.
first_task:
  resume_first_task

# The task: its code looks around and goes back.
fill_task:
  movl $task, %edi
  xorl %eax, %eax
  movl $26, %ecx
  cld
  rep stosl
  movl $0x1111, task
  movl $task_code, task+0x20
  movl $2, task+0x24
  movl $0xa1a1a1a1, task+0x28
  movl $task_stack_top, task+0x38
  .irp offset, 0x48, 0x50, 0x54, 0x58, 0x5c
  movl $KDATA, task+\offset
  .endr
  movl $KCODE32, task+0x4c
  movl $LDT, task+0x60
  movl $0x00680000, task+0x64
  ret
fill_task16:
  movw $task_code, task+0x0e
  movw $2, task+0x10
  movw $0xa1a1, task+0x12
  movw $task16_stack_top, task+0x1a
  movw $KDATA, task+0x22
  movw $KCODE32, task+0x24
  movw $KDATA, task+0x26
  movw $KDATA, task+0x28
  movw $LDT, task+0x2a
  ret
task_code:
  movl %eax, in_task_eax
  movl %esp, in_task_sp
  pushfl
  popl in_task_flags
  movl TYPE_OF_TASK, %eax
  movl %eax, in_task_types
  movl TYPE_OF_FIRST, %eax
  movl %eax, in_task_types+4
  movl task, %eax
  movl %eax, in_task_link
  str %eax
  movl %eax, in_task_tr
  sldt %eax
  movl %eax, in_task_ldt
  movl %cr0, %eax
  andl $CR0_TS, %eax
  movl %eax, in_task_ts
  iretl
# Stands in for the handlers of events.s.
event_task:
  movl %esp, in_task_sp
  popl in_task_error
  movl resume_ip, %eax
  movl %eax, tss32+0x20
  movl $END, got_vector
  movl $0, got_error
  iretl
# The task behind #TS: says so and starts the first task again, behind the attempt.
rescue_code:
  popl got_error
  movl $TS, got_vector
  movl resume_ip, %eax
  movl %eax, tss32+0x20
  ljmp $TSS32, $0

.section .data
.balign 8
ldt: .quad 0, 0x00cf93000000ffff
in_task_eax: .long 0
in_task_sp: .long 0
in_task_flags: .long 0
in_task_types: .long 0, 0
in_task_link: .long 0
in_task_tr: .long 0
in_task_ldt: .long 0
in_task_ts: .long 0
in_task_error: .long 0
.balign 16
task: .skip 0x68
.balign 16
rescue:
  .fill 14, 4, 0
  .long task_stack_top, 0, 0, 0
  .long KDATA, KCODE32, KDATA, KDATA, KDATA, KDATA, 0, 0x00680000
  .skip 256
task16_stack_top:

.section .bss
  .skip 1024
task_stack_top:
