# Task switches between modes (SDM volume 3, 7.3 and 20.2.2): to virtual-8086 mode and back, with an address space, an LDT and
# local breakpoints of the task's own; interrupts of level 3 through a task gate.

.include "harness.s"

.set TASK, FREE
.set LDT, FREE+8
.set PAGE, WINDOW

  set_segment TASK, $task, 0x67, 0x0089
  set_segment LDT, $ldt, 0xf, 0x0082

  # A virtual-8086 task: selectors are paragraphs. INT3 leaves it for level 0, as from any such code.
  call clear_task
  movl $(FLAG_VM | FLAG_CF | 2), task+0x24
  movl $vm86_code, task+0x20
  movl $real_stack_top, task+0x38
  movl $0, task+0x4c
  movl $0, task+0x50
  movl $0x1000, task+0x54
  movl $event_stack_top, task+4
  movl $KDATA, task+8
  try
  ljmp $TASK, $0
use 16
vm86_code:
  movw %ds, %bx
  int3
1:
  caught BP, 0, "a virtual-8086 task"
  check got_ip, $1b, "its IP"
  check_bits got_flags, (FLAG_VM | FLAG_CF | FLAG_NT), (FLAG_VM | FLAG_CF), "its flags"
  check_bits %ebx, 0xffff, 0x1000, "its DS"
  check got_sp, $real_stack_top, "its ESP"
  call first_task

  # A call out of virtual-8086 mode is that of an interrupt through a task gate.
  call clear_task
  movl $2, task+0x24
  movl $interrupt_code, task+0x20
  set_gate 0x31, TASK, $0, (TASK_GATE | DPL3)
  try
  vm86 FLAG_IOPL3
  movw $0x4321, %cx
  int $0x31
1:
  movw %cx, %dx
  int3
  caught BP, 0, "an interrupt through a task gate from virtual-8086 mode"
  check_bits %edx, 0xffff, 0x4321, "registers come back"
  check_bits saved_flags, FLAG_VM, FLAG_VM, "the old TSS holds VM"
  check saved_ip, $1b, "and the IP behind INT"
  clts
  set_segment TASK, $task, 0x67, 0x0089
  movl $interrupt_code, task+0x20
  try
  user
  int $0x31
1:
  movl %cs, %ebx
  passes "an interrupt through a task gate from level 3"
  check got_cs, $UCODE32, "back at level 3"
  check saved_ip, $1b, "IP behind INT"
  clts

  # An address space and an LDT of the task's own.
  paging_32
  movl $0x101, FRAMES
  movl $0x202, FRAMES+0x1000
  map_page32 0, (FRAMES + P + RW)
  movl $pd, %esi
  movl $other_pd, %edi
  movl $1024, %ecx
  cld
  rep movsl
  movl $(other_pt + P + RW), other_pd+4*(WINDOW >> 22)
  movl $(FRAMES + 0x1000 + P + RW), other_pt
  call clear_task
  movl $2, task+0x24
  movl $space_code, task+0x20
  movl $other_pd, task+0x1c
  movl $LDT, task+0x60
  movl $0xc, task+0x58          # FS out of the LDT
  movl $pd, tss32+0x1c
  set_segment TASK, $task, 0x67, 0x0089
  write_register dr7, 0x433     # breakpoints 0 and 2, local and global
  movl $FRAMES+0x800, %eax
  movl %eax, %db0
  movl %eax, %db2
  movl PAGE, %ebx
  lcall $TASK, $0
  check %ebx, $0x101, "the first task's page"
  check seen, $0x202, "the second task's page"
  check seen+4, $0xc, "FS out of the new LDT"
  check PAGE, $0x101, "back in the first address space"
  sldt %ax
  check_bits %eax, 0xffff, 0, "and LDT"
  check seen+8, $0x422, "a task switch clears the local enable bits of DR7"
  write_register dr7, 0x400
  movl %cr3, %eax
  check %eax, $pd, "CR3"
  done

first_task:
  resume_first_task

clear_task:
  movl $task, %edi
  xorl %eax, %eax
  movl $26, %ecx
  cld
  rep stosl
  movl $task_stack_top, task+0x38
  .irp offset, 0x48, 0x50, 0x54, 0x58, 0x5c
  movl $KDATA, task+\offset
  .endr
  movl $KCODE32, task+0x4c
  movw $0x68, task+0x66
  ret
interrupt_code:
  movl tss32+0x24, %eax
  movl %eax, saved_flags
  movl tss32+0x20, %eax
  movl %eax, saved_ip
  iretl
space_code:
  movl PAGE, %eax
  movl %eax, seen
  movl %fs, %eax
  movl %eax, seen+4
  movl %dr7, %eax
  movl %eax, seen+8
  iretl

.section .data
.balign 8
ldt: .quad 0, 0x00cf93000000ffff
saved_flags: .long 0
saved_ip: .long 0
seen: .long 0, 0, 0
.balign 16
task: .skip 0x68

.section .bss
  .skip 1024
task_stack_top:
.balign 4096
other_pd: .skip 4096
other_pt: .skip 4096
