# Virtual-8086 mode (SDM volume 3, 20.2 and 20.3): IOPL, interrupts and their frames, ports, and with VME the virtual interrupt
# flag and the redirection bitmap.

.include "harness.s"

.macro in_vm86 rule, vector, error, iopl, instruction:vararg
  try
  vm86 \iopl
1:
  \instruction
  caught_at 1b, \vector, \error, "\rule"
.endm

  # Frames: nine doublewords, data segments null in the handler.
  try
  vm86
  movw $0x1234, %ax
  movw %ax, %ds
1:
  ud2
  caught_at 1b, UD, 0, "an exception"
  check_bits got_flags, FLAG_VM, FLAG_VM, "VM in the frame"
  check got_cs, $0, "CS in the frame"
  check got_sp, $real_stack_top, "ESP in the frame"
  check got_ds, $0, "DS of the handler is null"
  check_bits event_stack_top-8, 0xffff, 0, "FS in the frame"
  check_bits event_stack_top-12, 0xffff, 0x1234, "DS in the frame"
  check got_frame_end, $event_stack_top-24, "SS:ESP lie below the data segments"

  # IOPL 0: what is #GP.
  in_vm86 "CLI at IOPL 0", GP, 0, 2, cli
  in_vm86 "STI at IOPL 0", GP, 0, 2, sti
  in_vm86 "PUSHF at IOPL 0", GP, 0, 2, pushfw
  in_vm86 "POPF at IOPL 0", GP, 0, 2, popfw
  in_vm86 "IRET at IOPL 0", GP, 0, 2, iretw
  in_vm86 "INT n at IOPL 0", GP, 0, 2, int $0x30
  in_vm86 "HLT", GP, 0, FLAG_IOPL3, hlt
  in_vm86 "MOV CR0", GP, 0, FLAG_IOPL3, movl %cr0, %eax
  in_vm86 "LGDT", GP, 0, FLAG_IOPL3, lgdt gdt_pointer
  in_vm86 "LMSW", GP, 0, FLAG_IOPL3, lmsw %ax
  in_vm86 "LLDT", UD, 0, FLAG_IOPL3, lldt %ax
  in_vm86 "LAR", UD, 0, FLAG_IOPL3, lar %ax, %ax
  in_vm86 "ARPL", UD, 0, FLAG_IOPL3, arpl %ax, %ax
  in_vm86 "IN without a permission bitmap", GP, 0, FLAG_IOPL3, inb $0x80, %al
  try
  vm86
  int3
1:
  caught_at 1b, BP, 0, "INT3 does not ask IOPL"
  try
  vm86
  movw 0xffff, %ax
  caught GP, 0, "a word at 0xffff"
  try
  vm86
  movw $1, %sp
1:
  pushw %ax
  caught_at 1b, SS, 0, "a push at SP = 1"
  try
  vm86
  movw $0xffff, %sp
1:
  popw %ax
  caught_at 1b, SS, 0, "a pop at SP = 0xffff"

  # IOPL 3: INT n goes through the IDT, whose gate has to be of DPL 3 and lead to level 0.
  try
  vm86 FLAG_IOPL3
  int $0x30
  caught GP, (0x30 * 8 + 2), "INT n through a gate of DPL 0"
  set_gate 0x30, KCODE32, $stubs32+16*0x30, (INTERRUPT_GATE | DPL3)
  try
  vm86 FLAG_IOPL3
  int $0x30
1:
  caught_at 1b, 0x30, 0, "INT n through a gate of DPL 3"
  set_segment FREE, $0, 0xfffff, 0xc09f
  set_gate 0x30, FREE, $stubs32, (INTERRUPT_GATE | DPL3)
  try
  vm86 FLAG_IOPL3
  int $0x30
  caught GP, FREE, "a conforming handler"
  set_segment FREE, $0, 0xfffff, (CODE32_RX | DPL3)
  try
  vm86 FLAG_IOPL3
  int $0x30
  caught GP, FREE, "a handler of level 3"
  try
  vm86 FLAG_IOPL3
  cli
  pushfw
  popw %bx
  pushw $(FLAG_IF | 2)
  popfw
  pushfw
  popw %cx
  passes "flags at IOPL 3"
  check_bits %ebx, (FLAG_IF | FLAG_IOPL3), FLAG_IOPL3, "CLI at IOPL 3"
  check_bits %ecx, (FLAG_IF | FLAG_IOPL3), (FLAG_IF | FLAG_IOPL3), "POPF changes IF, not IOPL"
  try
  vm86 FLAG_IOPL3
  pushw $(FLAG_CF | 2)
  pushw $0
  pushw $1f
  iretw
1:
  passes "IRET at IOPL 3"
  check_bits got_flags, (FLAG_VM | FLAG_IOPL3 | FLAG_CF), (FLAG_VM | FLAG_IOPL3 | FLAG_CF), "IRET keeps VM and IOPL"

  # Ports by the bitmap whatever IOPL is.
  movw $(TSS32_FULL_SIZE - 1), gdt+TSS32
  movb $0x89, gdt+TSS32+5
  movw $TSS32_IO_MAP, tss32+0x66
  movb $0xff, tss32+TSS32_IO_MAP+0x100
  movb $2, tss32+TSS32_IO_MAP+0x10
  movw $TSS32, %ax
  ltr %ax
  in_vm86 "IN from a closed port", GP, 0, FLAG_IOPL3, inb $0x81, %al
  try
  vm86
  inb $0x80, %al
  int3
  caught BP, 0, "IN from an open port at IOPL 0"

  # IRETD of level 0 with VM takes nine doublewords; of level 3 VM is ignored.
  try
  user
  pushl $(FLAG_VM | 2)
  pushl $UCODE32
  pushl $1f
  iretl
1:
  passes "IRET at level 3 with VM"
  check_bits got_flags, FLAG_VM, 0, "IRET at level 3 ignores VM"

  # VME.
  movl $1, %eax
  cpuid
  btl $1, %edx
  jnc 9f
  set_bits cr4, CR4_VME
  movb $0xff, tss32+TSS32_REDIRECTION+6         # vectors 0x30 to 0x37: by the IDT
  try
  vm86
  sti
  pushfw
  popw %bx
  cli
  pushfw
  popw %cx
  sti
  int3
  caught BP, 0, "STI and CLI with VME at IOPL 0"
  check_bits %ebx, (FLAG_IF | FLAG_IOPL3), (FLAG_IF | FLAG_IOPL3), "PUSHF shows VIF as IF, and IOPL 3"
  check_bits %ecx, (FLAG_IF | FLAG_IOPL3), FLAG_IOPL3, "CLI clears VIF"
  check_bits got_flags, (FLAG_VIF | FLAG_IF), FLAG_VIF, "VIF in the frame, IF as it was"
  in_vm86 "STI with VIP", GP, 0, FLAG_VIP, sti
  in_vm86 "PUSHFD with VME at IOPL 0", GP, 0, 2, pushfl
  try
  vm86
  pushw $(FLAG_TF | 2)
1:
  popfw
  caught_at 1b, GP, 0, "POPF that sets TF"
  try
  vm86 FLAG_VIP
  pushw $(FLAG_IF | 2)
1:
  popfw
  caught_at 1b, GP, 0, "POPF that sets IF with VIP"
  try
  vm86
  pushw $(FLAG_IF | FLAG_CF | 2)
  popfw
  int3
  caught BP, 0, "POPF with VME"
  check_bits got_flags, (FLAG_VIF | FLAG_IF | FLAG_CF | FLAG_IOPL3), (FLAG_VIF | FLAG_CF), "POPF sets VIF"
  in_vm86 "INT n by the IDT at IOPL 0", GP, 0, 2, int $0x30
  # The program's own table, at linear 0.
  movl (4 * 0x41), %esi
  movl $1f, 4*0x41
  try
  vm86 FLAG_VIF
2:
  int $0x41
1:
  movw %sp, %bx
  movw (real_stack_top - 6), %cx
  movw (real_stack_top - 2), %dx
  int3
  caught BP, 0, "INT n through the program's table"
  check_bits %ebx, 0xffff, real_stack_top-6, "three words on the program's stack"
  check_bits %ecx, 0xffff, 2b+2, "the next IP"
  check_bits %edx, (FLAG_IF | FLAG_IOPL3), (FLAG_IF | FLAG_IOPL3), "FLAGS: VIF as IF, IOPL 3"
  check_bits got_flags, (FLAG_VIF | FLAG_VM), FLAG_VM, "VIF is cleared"
  try
  vm86
  pushw $(FLAG_IF | 2)
  pushw $0
  pushw $1f
  iretw
1:
  int3
  caught BP, 0, "IRET with VME at IOPL 0"
  check_bits got_flags, (FLAG_VIF | FLAG_IF), FLAG_VIF, "IRET sets VIF"
  movl %esi, 4*0x41
  clear_bits cr4, CR4_VME

  # Protected-mode virtual interrupts.
  set_bits cr4, CR4_PVI
  try
  user
  sti
  passes "STI with PVI at CPL 3"
  check_bits got_flags, (FLAG_VIF | FLAG_IF), FLAG_VIF, "PVI: STI sets VIF"
  try
  user FLAG_VIF
  cli
  passes "CLI with PVI"
  check_bits got_flags, FLAG_VIF, 0, "PVI: CLI clears VIF"
  try
  user FLAG_VIP
  sti
  caught GP, 0, "PVI: STI with VIP"
9:
  done
