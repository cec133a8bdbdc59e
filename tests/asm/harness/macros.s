# The words in which tests are written. Those that need a scratch register take EAX (RAX). Their local labels are 91 to 99.

# Assembles for a mode from here on; `bits` tells the macros which.
.macro use width
  .set bits, \width
  .code\width
.endm

# Begins an attempt: what follows may raise an event, in whatever mode and at whatever privilege it then runs.
.macro try
  .set try_bits, bits
  movl $99f, resume_ip
  movl $END + 1, got_vector
  .if bits == 64
  movq %rsp, resume_sp
  .else
  movl %esp, resume_sp
  .endif
.endm

# Ends it: back in the mode of `try` at privilege 0, with general registers (but ESP) as the event found them, EFLAGS 2.
# The event has to be of the vector and with the error code; got_ip, got_cs, got_flags, got_sp, got_ss, got_cr2, got_dr6,
# got_ds tell more of it.
.macro caught vector, error, rule
  int $END
  .if try_bits == 64
  use 64
  .else
  use 32
  .endif
99:
  check got_vector, $\vector, "\rule: vector"
  check got_error, $\error, "\rule: error code"
.endm

# The same where the interrupted instruction is known.
.macro caught_at place, vector, error, rule
  caught \vector, \error, "\rule"
  check got_ip, $\place, "\rule: IP"
.endm

# Ends an attempt that must not fault.
.macro passes rule
  caught END, 0, "\rule"
.endm

# Bytes that are no instruction.
.macro undefined rule, bytes:vararg
  try
91:
  .byte \bytes
  caught_at 91b, UD, 0, "\rule"
.endm

# Compares registers, memory or constants of the mode's width.
.macro check got, expected, rule
  .if bits == 32
  movl $0, report_got + 4
  movl $0, report_expected + 4
  .endif
  push \got
  pop report_got
  push \expected
  pop report_expected
  movl $98f, report_rule
  call check_values
  .pushsection .rodata
98:
  .asciz "\rule"
  .popsection
.endm

# Compares bits of a register or memory: 32 of them.
.macro check_bits got, mask, expected, rule
  movl \got, %eax
  andl $\mask, %eax
  .if bits == 64
  check %rax, $\expected, "\rule"
  .else
  check %eax, $\expected, "\rule"
  .endif
.endm

.macro done
  jmp finish
.endm

# What comes next shuts the CPU down: the test passes if the machine then resets.
.macro expect_shutdown
  movl $SHUTDOWN_EXPECTED, SHUTDOWN_MARK
.endm

# Ends the test unless a bit of CPUID is set: as lacking if nothing was checked yet. Register is eax, ebx, ecx or edx.
.macro need leaf, register, bit, name
  unless \leaf, \register, \bit, 92f
  jmp 91f
92:
  movl $98f, report_rule
  jmp lacking
  .pushsection .rodata
98:
  .asciz "\name"
  .popsection
91:
.endm

# Goes to the place if the bit is clear, or the CPU does not have the leaf.
.macro unless leaf, register, bit, place
  movl $((\leaf) & 0x80000000), %eax
  cpuid
  cmpl $\leaf, %eax
  jb \place
  movl $\leaf, %eax
  xorl %ecx, %ecx
  cpuid
  btl $\bit, %\register
  jnc \place
.endm

# Begins what is said of CPUs that lack the bit, which ends at label 94.
.macro unless_has leaf, register, bit
  unless \leaf, \register, \bit, 93f
  jmp 94f
93:
.endm

# Bytes that are no instruction of a CPU that lacks the bit.
.macro absent name, leaf, register, bit, bytes:vararg
  unless_has \leaf, \register, \bit
  undefined "\name", \bytes
94:
.endm

.macro load_data_segments selector
  movw $\selector, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw %ax, %fs
  movw %ax, %gs
.endm

# Writes a descriptor of the GDT; base is an operand that MOVL takes, limit counts in the descriptor's units.
.macro set_segment selector, base, limit, attributes
  write_segment "gdt + (\selector & ~7)", \base, \limit, \attributes
.endm

.macro write_segment place, base, limit, attributes
  movl \base, %eax
  movw $((\limit) & 0xffff), \place
  movw %ax, \place + 2
  shrl $16, %eax
  movb %al, \place + 4
  movb $((\attributes) & 0xff), \place + 5
  movb $((((\limit) >> 16) & 0xf) | (((\attributes) >> 8) & 0xf0)), \place + 6
  movb %ah, \place + 7
.endm

# Writes a gate to memory; offset is an operand. 64-bit gates have 8 more bytes.
.macro write_gate place, selector, offset, type, count=0
  movl \offset, %eax
  movw %ax, \place
  movw $(\selector), \place + 2
  movb $(\count), \place + 4
  movb $(\type), \place + 5
  shrl $16, %eax
  movw %ax, \place + 6
.endm

.macro write_gate64 place, selector, offset, type, ist=0
  write_gate "\place", \selector, \offset, \type, \ist
  movl $0, \place + 8
  movl $0, \place + 12
.endm

.macro set_gate vector, selector, offset, type
  .if bits == 64
  write_gate64 "idt64 + 16 * (\vector)", \selector, \offset, \type
  .else
  write_gate "idt32 + 8 * (\vector)", \selector, \offset, \type
  .endif
.endm

# Leaves the MSR's value in EDX:EAX.
.macro read_msr number
  movl $\number, %ecx
  rdmsr
.endm

.macro write_msr number, low, high=$0
  movl $\number, %ecx
  movl \low, %eax
  movl \high, %edx
  wrmsr
.endm

# Drops what the TLB has of pages that are not global.
.macro reload_cr3
  .if bits == 64
  movq %cr3, %rax
  movq %rax, %cr3
  .else
  movl %cr3, %eax
  movl %eax, %cr3
  .endif
.endm

# Change a control register.
.macro set_bits register, mask
  .if bits == 64
  movq %\register, %rax
  orl $(\mask), %eax
  movq %rax, %\register
  .else
  movl %\register, %eax
  orl $(\mask), %eax
  movl %eax, %\register
  .endif
.endm

.macro clear_bits register, mask
  .if bits == 64
  movq %\register, %rax
  andl $~(\mask), %eax
  movq %rax, %\register
  .else
  movl %\register, %eax
  andl $~(\mask), %eax
  movl %eax, %\register
  .endif
.endm

# Writes a constant to a control or debug register.
.macro write_register register, value
  movl $(\value), %eax
  .if bits == 64
  movq %rax, %\register
  .else
  movl %eax, %\register
  .endif
.endm

# From privilege 0 to 3, in the same mode.
.macro user flags=0x2
  .if bits == 64
  pushq $UDATA
  pushq $user_stack_top
  pushq $(\flags)
  pushq $UCODE64
  pushq $91f
  iretq
91:
  .else
  pushl $UDATA
  pushl $user_stack_top
  pushl $(\flags)
  pushl $UCODE32
  pushl $91f
  iretl
91:
  movw $UDATA, %ax
  movw %ax, %ds
  movw %ax, %es
  .endif
.endm

# From 64-bit mode to compatibility mode, at privilege 0 or 3.
.macro compatibility
  pushq $KCODE32
  pushq $91f
  lretq
  use 32
91:
.endm

.macro user_compatibility flags=0x2
  pushq $UDATA
  pushq $user_stack_top
  pushq $(\flags)
  pushq $UCODE32
  pushq $91f
  iretq
  use 32
91:
  movw $UDATA, %ax
  movw %ax, %ds
  movw %ax, %es
.endm

# Steps of the two that follow: to a 16-bit code segment of protected mode, and from there to real mode.
.macro begin_16_bits
  lidt real_idt_pointer
  ljmp $CODE16, $91f
  use 16
91:
.endm

.macro leave_protected_mode
  movl %cr0, %eax
  andb $~CR0_PE, %al
  movl %eax, %cr0
  ljmp $0, $91f
91:
.endm

# From 32-bit protected mode without paging to real mode, all segments 0.
.macro real
  begin_16_bits
  load_data_segments DATA16
  leave_protected_mode
  load_data_segments 0
  movl $real_stack_top, %esp
.endm

# The same, but DS keeps the base and the limit that it had in protected mode; SS has base 0.
.macro unreal
  begin_16_bits
  movw $KDATA, %ax
  movw %ax, %ds
  leave_protected_mode
  xorw %ax, %ax
  movw %ax, %ss
  movl $real_stack_top, %esp
.endm

# From 32-bit protected mode to virtual-8086 mode, all segments 0.
.macro vm86 flags=0x2
  pushl $0
  pushl $0
  pushl $0
  pushl $0
  pushl $0
  pushl $real_stack_top
  pushl $(FLAG_VM | (\flags))
  pushl $0
  pushl $91f
  iretl
  use 16
91:
.endm

# Paging of the 32-bit kinds.
.macro paging_32
  call build_pages_32
  set_bits cr4, CR4_PSE
  movl $pd, %eax
  movl %eax, %cr3
  set_bits cr0, CR0_PG
.endm

.macro paging_pae
  need 1, edx, 6, "PAE"
  call build_pages_pae
  set_bits cr4, CR4_PAE
  movl $pdpt, %eax
  movl %eax, %cr3
  set_bits cr0, CR0_PG
.endm

# From 32-bit protected mode without paging to 64-bit mode with 4-level paging.
.macro long_mode
  need 0x80000001, edx, 29, "long mode"
  call build_pages_4_level
  set_bits cr4, CR4_PAE
  movl $pml4, %eax
  movl %eax, %cr3
  enter_long_mode
.endm

# The second half: CR3 and CR4 are set.
.macro enter_long_mode
  read_msr MSR_EFER
  orl $(EFER_LME | EFER_SCE), %eax
  wrmsr
  set_bits cr0, CR0_PG
  lidt idt64_pointer
  ljmp $KCODE64, $91f
  use 64
91:
  lidt idt64_pointer
  movw $TSS64, %ax
  ltr %ax
.endm

# Maps the page `index` of the window to a frame with entry bits: low and high doubleword.
.macro map_page index, low, high=0
  movl $(\low), window_pt + 8 * (\index)
  movl $(\high), window_pt + 8 * (\index) + 4
  invlpg WINDOW + 0x1000 * (\index)
.endm

# The same with the entries of 32-bit paging.
.macro map_page32 index, entry
  movl $(\entry), window_pt + 4 * (\index)
  invlpg WINDOW + 0x1000 * (\index)
.endm

# Makes EFER.NXE 1.
.macro enable_nx
  read_msr MSR_EFER
  orl $EFER_NXE, %eax
  wrmsr
.endm

# A function that only returns, at the start of a frame, for fetches.
.macro put_return frame
  movb $0xc3, \frame
.endm

# Goes on in the task of tss32 with the caller's stack, whatever task runs.
.macro resume_first_task
  popl %ecx
  movl %ecx, tss32+0x20
  movl %esp, tss32+0x38
  ljmp $TSS32, $0
.endm

# Opens or closes the A20 gate, by port 92h and the keyboard controller's output port: either opens it.
.macro a20_gate change, mask, output
  inb $0x92, %al
  \change \mask, %al
  outb %al, $0x92
  movb $0xd1, %al
  outb %al, $0x64
  movb \output, %al
  outb %al, $0x60
.endm
