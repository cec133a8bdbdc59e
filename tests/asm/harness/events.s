# Handlers that record an event and go on behind the attempt that it ends.

.macro has_error_code number
  .set wants_error, 0
  .irp with_error, DF, TS, NP, SS, GP, PF, AC, 21
  .if \number == \with_error
  .set wants_error, 1
  .endif
  .endr
.endm

.macro stubs width
  .set stub, 0
  .rept STUBS
  .balign 16
  has_error_code stub
  .if \width != 16 && !wants_error
  push $0
  .endif
  push $stub
  jmp event\width
  .set stub, stub + 1
  .endr
.endm

.section .text
use 32
.balign 16
stubs32:
  stubs 32
event32:
  pushl %eax
  pushl %ds
  movw $KDATA, %ax
  movw %ax, %ds
  popl got_ds
  popl %eax
  popl got_vector
  popl got_error
  popl got_ip
  popl got_cs
  popl got_flags
  movl %esp, got_frame_end
  testl $FLAG_VM, got_flags
  jnz 1f
  testb $3, got_cs
  jnz 1f
  movl %esp, got_sp
  movw %ss, got_ss
  jmp 2f
1:
  popl got_sp
  popl got_ss
2:
  call record_registers
  movw $KDATA, %ax
  movw %ax, %ss
resume32:
  load_data_segments KDATA
  movl resume_sp, %esp
  cmpl $0, resume_ip
  je unexpected
  pushl $2
  pushl $KCODE32
  pushl resume_ip
  movl $0, resume_ip
  movl got_eax, %eax
  iretl

# CR2, and DR6 where reading it cannot raise another #DB. Encoded the same way in both modes, but for moves to memory.
record_registers:
  movl %eax, got_eax
  movl %cr2, %eax
  movl %eax, got_cr2
  cmpl $DB, got_vector
  jne 1f
  movl %dr6, %eax
  movl %eax, got_dr6
1:
  ret

use 64
.balign 16
stubs64:
  stubs 64
event64:
  popq got_vector
  popq got_error
  popq got_ip
  popq got_cs
  popq got_flags
  popq got_sp
  popq got_ss
  movq %rsp, got_frame_end
  movq %rax, got_eax
  movw %ds, got_ds
  movq %cr2, %rax
  movq %rax, got_cr2
  cmpl $DB, got_vector
  jne 1f
  movq %dr6, %rax
  movq %rax, got_dr6
1:
  movw $KDATA, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movq resume_sp, %rsp
  cmpl $0, resume_ip
  je unexpected
  movq %rsp, %rax
  pushq $KDATA
  pushq %rax
  pushq $2
  pushq $KCODE64
  pushq resume_ip
  movl $0, resume_ip
  movq got_eax, %rax
  iretq

use 16
.balign 16
stubs16:
  stubs 16
event16:
  pushw %ds
  pushw $0
  popw %ds
  popw got_ds
  popw got_vector
  popw got_ip
  popw got_cs
  popw got_flags
  movl $0, got_error
  movl %eax, got_eax
  movw %sp, got_sp
  movw %ss, got_ss
  movl %cr0, %eax
  orb $CR0_PE, %al
  movl %eax, %cr0
  ljmpl $KCODE32, $1f
use 32
1:
  movw $KDATA, %ax
  movw %ax, %ds
  lidt idt32_pointer
  movl got_eax, %eax
  call record_registers_of_real_mode
  jmp resume32

record_registers_of_real_mode:
  movw $KDATA, %ax
  movw %ax, %ss
  movl $boot_stack_top, %esp
  movl %dr6, %eax
  movl %eax, got_dr6
  jmp resume32

# Fills the tables of the three modes. INT 0x20, INT3 and INTO are open to privilege 3.
build_interrupt_tables:
  xorl %ecx, %ecx
1:
  movl %ecx, %edx
  shll $4, %edx
  leal stubs32(%edx), %eax
  movw %ax, idt32(, %ecx, 8)
  movw $KCODE32, idt32 + 2(, %ecx, 8)
  movl $(INTERRUPT_GATE << 8), idt32 + 4(, %ecx, 8)
  leal stubs64(%edx), %eax
  movw %ax, idt64(%edx)
  movw $KCODE64, idt64 + 2(%edx)
  movl $(INTERRUPT_GATE << 8), idt64 + 4(%edx)
  leal stubs16(%edx), %eax
  movl %eax, ivt(, %ecx, 4)
  incl %ecx
  cmpl $STUBS, %ecx
  jb 1b
  .irp open, END, BP, OF
  orb $DPL3, idt32 + 8 * \open + 5
  orb $DPL3, idt64 + 16 * \open + 5
  .endr
  ret

.section .data
.balign 8
resume_ip: .quad 0
resume_sp: .quad 0
got_vector: .quad 0
got_error: .quad 0
got_ip: .quad 0
got_cs: .quad 0
got_flags: .quad 0
got_sp: .quad 0
got_ss: .quad 0
got_ds: .quad 0
got_eax: .quad 0
got_cr2: .quad 0
got_dr6: .quad 0
got_frame_end: .quad 0          # the stack pointer behind what the event pushed
idt32_pointer:
  .word 8 * 256 - 1
  .long idt32, 0
idt64_pointer:
  .word 16 * 256 - 1
  .long idt64, 0
real_idt_pointer:
  .word 4 * 256 - 1
  .long ivt, 0

.section .bss
.balign 16
idt64: .skip 16 * 256
idt32: .skip 8 * 256
ivt: .skip 4 * 256
