# What an SMI saves, and the state in which its handler begins (SDM volume 3, 31.3 and 31.5; AMD64 APM volume 2, 10.3).

.include "harness.s"
.include "smm.s"

# The handler keeps a copy of the save area.
.macro saved field, high, expected, rule
  check saved_area+(\field)-0xfe00+\high, \expected, "\rule"
.endm
.macro saved_is field, expected, rule
  saved \field, 0, \expected, "\rule"
.endm

  smm_start
  handler keep_area
  write_register dr7, 0x403
  set_segment FREE, $0x12345678, 0x54321, 0x4093
  movw $FREE, %ax
  movw %ax, %fs
  stc
  movl $0x11223344, %eax
  movl $0x55667788, %ebx
  smi
1:
  movl %eax, %ecx
  check smi_count, $1, "an SMI"
  check %ecx, $0x11223344, "EAX comes back"
  check %ebx, $0x55667788, "EBX comes back"
  clc
  movl %dr7, %eax
  check %eax, $0x403, "DR7 comes back"
  write_register dr7, 0x400

  # The handler's state.
  check_bits entry_cr0, (CR0_PE | CR0_EM | CR0_TS | CR0_PG), 0, "CR0 of the handler"
  check entry_cr4, $0, "CR4"
  check entry_dr7, $0x400, "DR7"
  check entry_efer, $0, "EFER"
  check_bits entry_flags, ~FLAG_RF, 2, "EFLAGS"
  check entry_ds, $0, "DS"
  check entry_ss, $0, "SS"
  movzwl entry_cs, %eax
  shll $4, %eax
  check %eax, base, "CS is SMBASE / 16"

  # The save area.
  saved_is SAVED_RIP, $1b, "RIP behind OUT"
  saved SAVED_RIP, 4, $0, "RIP, upper half"
  saved_is SAVED_RAX, $0x11223344, "RAX"
  saved_is SAVED_RBX, $0x55667788, "RBX"
  check_bits saved_area+SAVED_RFLAGS-0xfe00, (FLAG_CF | FLAG_IF | 2), (FLAG_CF | 2), "RFLAGS"
  check_bits saved_area+SAVED_CR0-0xfe00, (CR0_PE | CR0_PG), CR0_PE, "CR0 as it was"
  saved_is SAVED_DR7, $0x403, "DR7 as it was"
  saved_is SAVED_CR4, $0, "CR4 as it was"
  check_bits saved_area+SAVED_CS-0xfe00, 0xffff, KCODE32, "CS"
  check_bits saved_area+SAVED_SS-0xfe00, 0xffff, KDATA, "SS"
  check_bits saved_area+SAVED_TR-0xfe00, 0xffff, TSS32, "TR"
  check_bits saved_area+SAVED_FS-0xfe00, 0xffff, FREE, "FS"
  saved SAVED_FS, 4, $0x54321, "FS, limit"
  saved SAVED_FS, 8, $0x12345678, "FS, base"
  check_bits saved_area+SAVED_GDTR+4-0xfe00, 0xffff, (gdt_end - gdt - 1), "GDTR, limit"
  saved SAVED_GDTR, 8, $gdt, "GDTR, base"
  saved SAVED_IDTR, 8, $idt32, "IDTR, base"
  saved_is SAVED_SMBASE, base, "SMBASE"
  check_bits saved_area+SAVED_AUTO_HALT-0xfe00, 0xff, 0, "the CPU was not halted"
  check_bits saved_area+SAVED_REVISION-0xfe00, (1 << SMBASE_MOVES | 0xffff), (1 << SMBASE_MOVES | 0x64), "revision"

  # The same from 64-bit mode, with paging.
  load_data_segments KDATA
  long_mode
  movabsq $0x123456789abcdef0, %r15
  smi
1:
  movabsq $0x123456789abcdef0, %rax
  check %r15, %rax, "R15 comes back"
  saved SAVED_R15, 0, %rax, "R15"
  saved_is SAVED_RIP, $1b, "RIP of 64-bit mode"
  check_bits saved_area+SAVED_EFER-0xfe00, (EFER_LME | EFER_LMA), (EFER_LME | EFER_LMA), "EFER as it was"
  saved_is SAVED_CR3, $pml4, "CR3"
  check_bits saved_area+SAVED_CR4-0xfe00, CR4_PAE, CR4_PAE, "CR4 with PAE"
  movl saved_area+SAVED_CR0-0xfe00, %ecx
  roll $1, %ecx
  check_bits %ecx, 3, 3, "CR0 with PE and PG"
  check entry_efer, $0, "EFER of the handler"
  check entry_cr4, $0, "CR4 of the handler"
  check_bits entry_cr0, (CR0_PE | CR0_PG), 0, "no paging in the handler"
  done

use 16
keep_area:
  movl %ebx, base
  movl $0x200, %ecx
1:
  movb 0xfe00-1(%ebx, %ecx), %al
  movb %al, saved_area-1(%ecx)
  loopl 1b
  # Data segments reach 4 GiB.
  movl $0x100000, %ecx
  movl (%ecx), %eax
  rsm

.section .data
.balign 8
base: .quad 0
.section .bss
.balign 8
saved_area: .skip 0x200
