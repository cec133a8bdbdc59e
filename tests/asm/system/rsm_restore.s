# RSM goes back to the interrupted program, in every mode, whatever the handler has changed (SDM volume 3, 31.2.2; AMD64 APM
# volume 2, 10.3.5).

.include "harness.s"
.include "smm.s"

.macro known_registers
  movl $0x11111111, %ebx
  movl $0x22222222, %ecx
  movl $0x33333333, %edx
  movl $0x44444444, %esi
  movl $0x55555555, %edi
  movl $0x66666666, %ebp
.endm
.macro same_registers rule
  check %ebx, $0x11111111, "\rule: EBX"
  check %ecx, $0x22222222, "\rule: ECX"
  check %edx, $0x33333333, "\rule: EDX"
  check %esi, $0x44444444, "\rule: ESI"
  check %edi, $0x55555555, "\rule: EDI"
  check %ebp, $0x66666666, "\rule: EBP"
.endm

  try
1:
  rsm
  caught_at 1b, UD, 0, "RSM outside of a handler"
  smm_start
  handler spoil
  movl $0x12345678, 0x100000+FREE

  # Protected mode at privilege 0 and 3; with and without paging.
  known_registers
  try
  stc
  smi
  setc %al
  passes "SMI in protected mode"
  same_registers "protected mode"
  check_bits got_eax, 0xff, 1, "CF"
  set_segment FREE, $0x100000, 0xfff, 0x4093
  movw $FREE, %ax
  movw %ax, %fs
  write_segment "gdt + FREE", $0, 0, 0
  smi
  check %fs:FREE, $0x12345678, "FS keeps its hidden part"
  try
  user FLAG_IOPL3|2
  known_registers
  smi
  int $END
  caught END, 0, "SMI at privilege 3"
  same_registers "privilege 3"
  check_bits got_cs, 0xffff, UCODE32, "CS at privilege 3"
  check got_sp, $user_stack_top, "ESP at privilege 3"
  paging_pae
  try
  known_registers
  map_page 0, FRAMES+P+RW
  movl $0x87654321, FRAMES
  smi
  movl WINDOW, %eax
  passes "SMI with PAE paging"
  check got_eax, $0x87654321, "PAE paging goes on"
  clear_bits cr0, CR0_PG
  clear_bits cr4, CR4_PAE

  # Virtual-8086 and real mode, with a large limit.
  movw $TSS32_IO_MAP, tss32+0x66
  set_segment TSS32, $tss32, TSS32_FULL_SIZE-1, 0x0089
  movw $TSS32, %ax
  ltr %ax
  try
  vm86 FLAG_IOPL3|2
  smi
1:
  int $END
  caught END, 0, "SMI in virtual-8086 mode"
  check_bits got_flags, FLAG_VM, FLAG_VM, "VM is set again"
  try
  real
  smi
  int $0x30
  caught 0x30, 0, "SMI in real mode"
  check got_cs, $0, "CS of real mode"
  try
  unreal
  smi
  movl $0x100000+FREE, %ebx
  movl (%ebx), %eax
  int $0x30
  caught 0x30, 0, "a 4 GiB segment in real mode stays one"
  check got_eax, $0x12345678, "data above 64 KiB"

  # 64-bit and compatibility mode.
  long_mode
  movabsq $0xfedcba9876543210, %r8
  movabsq $0x0123456789abcdef, %r14
  movq %rsp, %r9
  smi
  check %rsp, %r9, "RSP"
  movabsq $0xfedcba9876543210, %rax
  check %r8, %rax, "R8"
  movabsq $0x0123456789abcdef, %rax
  check %r14, %rax, "R14"
  try
  user FLAG_IOPL3|2
  smi
  int $END
  caught END, 0, "SMI at privilege 3 of 64-bit mode"
  check got_cs, $UCODE64, "CS of privilege 3"
  try
  user_compatibility FLAG_IOPL3|2
  known_registers
  smi
  inc %eax
  int $END
  caught END, 0, "SMI in compatibility mode"
  check got_cs, $UCODE32, "CS of compatibility mode"
  check %rdi, $0x55555555, "EDI of compatibility mode"
  done

# Changes all that an RSM has to bring back.
use 16
spoil:
  lgdtl spoiled_gdt_pointer
  lidt spoiled_idt_pointer
  movl %cr0, %eax
  orl $CR0_PE, %eax
  movl %eax, %cr0
  movw $8, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %fs
  movw %ax, %gs
  xorl %eax, %eax
  movl %eax, %cr3
  movl $CR4_PSE, %eax
  movl %eax, %cr4
  movl $0x403, %eax
  movl %eax, %dr7
  movl $-1, %eax
  movl %eax, %ebx
  movl %eax, %ecx
  movl %eax, %edx
  movl %eax, %esi
  movl %eax, %edi
  movl %eax, %ebp
  movl %eax, %esp
  std
  rsm

.section .data
.balign 8
spoiled_gdt: .quad 0, 0x0000930000000010
spoiled_gdt_pointer:
  .word 15
  .long spoiled_gdt
spoiled_idt_pointer:
  .word 7
  .long 0x5000
