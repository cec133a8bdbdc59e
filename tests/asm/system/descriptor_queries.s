# LAR, LSL, VERR, VERW, ARPL, LLDT and LTR (SDM volume 2).

.include "harness.s"

.set S, FREE

# ZF of an instruction on the selector in AX, at privilege 0 or 3, as 1 or 0.
.macro zf_of selector, want, rule, instruction:vararg
  movl $0x5a5a5a5a, %edx
  movw $(\selector), %ax
  \instruction
  sete %bl
  movzbl %bl, %ebx
  check %ebx, $\want, "\rule"
.endm
.macro zf_of_user selector, want, rule, instruction:vararg
  try
  user
  movw $(\selector), %ax
  \instruction
  sete %bl
  passes "\rule"
  movzbl %bl, %ebx
  check %ebx, $\want, "\rule"
.endm

  zf_of 0, 0, "LAR of a null selector", lar %ax, %edx
  check %edx, $0x5a5a5a5a, "LAR that fails changes nothing"
  zf_of (gdt_end - gdt), 0, "LAR beyond the GDT", lar %ax, %edx
  zf_of KDATA, 1, "LAR of data", lar %ax, %edx
  check_bits %edx, 0xfff0ffff, 0x00c09300, "LAR: bits 23:8 of the descriptor, those of the limit aside"
  zf_of_user KDATA, 0, "LAR of DPL 0 at CPL 3", lar %ax, %edx
  zf_of (KDATA + 3), 0, "LAR of DPL 0 with RPL 3", lar %ax, %edx
  zf_of_user UDATA, 1, "LAR of DPL 3 at CPL 3", lar %ax, %edx
  set_segment S, $0, 0xfffff, 0xc09f
  zf_of_user S, 1, "LAR of conforming code of DPL 0 at CPL 3", lar %ax, %edx
  .irp type, 1, 2, 3, 4, 5, 9, 0xb, 0xc
  set_segment S, $0, 0x67, (0x80 | \type)
  zf_of S, 1, "LAR of system type \type", lar %ax, %edx
  .endr
  .irp type, 0, 6, 7, 8, 0xa, 0xd, 0xe, 0xf
  set_segment S, $0, 0x67, (0x80 | \type)
  zf_of S, 0, "LAR of system type \type", lar %ax, %edx
  .endr
  .irp type, 1, 2, 3, 9, 0xb
  set_segment S, $0, 0x67, (0x80 | \type)
  zf_of S, 1, "LSL of system type \type", lsl %ax, %edx
  check %edx, $0x67, "LSL of system type \type: limit"
  .endr
  .irp type, 0, 4, 5, 6, 7, 8, 0xa, 0xc, 0xd, 0xe, 0xf
  set_segment S, $0, 0x67, (0x80 | \type)
  zf_of S, 0, "LSL of system type \type", lsl %ax, %edx
  .endr
  zf_of KDATA, 1, "LSL of data", lsl %ax, %edx
  check %edx, $0xffffffff, "LSL applies the granularity"
  set_segment S, $0, 0x1234, (DATA_RW & ~0x80)
  zf_of S, 1, "LSL of what is not present", lsl %ax, %edx
  check %edx, $0x1234fff, "LSL of what is not present: limit"
  check_bits gdt+S+4, 0x100, 0x100, "LSL leaves the accessed bit"

  zf_of KDATA, 1, "VERR of data", verr %ax
  zf_of KDATA, 1, "VERW of data", verw %ax
  zf_of KCODE32, 1, "VERR of readable code", verr %ax
  zf_of KCODE32, 0, "VERW of code", verw %ax
  set_segment S, $0, 0, 0xc098
  zf_of S, 0, "VERR of execute-only code", verr %ax
  set_segment S, $0, 0, 0xc090
  zf_of S, 1, "VERR of read-only data", verr %ax
  zf_of S, 0, "VERW of read-only data", verw %ax
  check_bits gdt+S+4, 0x100, 0, "VERR does not set the accessed bit"
  zf_of TSS32, 0, "VERR of a TSS", verr %ax
  zf_of_user KDATA, 0, "VERR of DPL 0 at CPL 3", verr %ax

  movw $0x28, %ax
  movw $0x13, %cx
  arpl %cx, %ax
  sete %bl
  movzbl %bl, %ebx
  check %ebx, $1, "ARPL raises: ZF"
  check_bits %eax, 0xffff, 0x2b, "ARPL raises: RPL"
  movw $0x2b, %ax
  movw $0x11, %cx
  arpl %cx, %ax
  sete %bl
  movzbl %bl, %ebx
  check %ebx, $0, "ARPL does not lower: ZF"
  check_bits %eax, 0xffff, 0x2b, "ARPL does not lower: RPL"

  .macro load_refused rule, instruction, selector, vector, error
  try
  movw $(\selector), %ax
  \instruction %ax
  caught \vector, \error, "\rule"
  .endm
  load_refused "LTR of a null selector", ltr, 0, GP, 0
  load_refused "LTR of a busy TSS", ltr, TSS32, GP, TSS32
  load_refused "LTR of data", ltr, KDATA, GP, KDATA
  load_refused "LTR from the LDT", ltr, (KDATA + 4), GP, (KDATA + 4)
  load_refused "LTR beyond the GDT", ltr, (gdt_end - gdt), GP, (gdt_end - gdt)
  set_segment S, $tss32, 0x67, 0x0009
  load_refused "LTR of what is not present", ltr, S, NP, S
  load_refused "LLDT of a TSS", lldt, TSS32, GP, TSS32
  load_refused "LLDT from the LDT", lldt, (KDATA + 4), GP, (KDATA + 4)
  set_segment S, $ldt, 0xf, 0x0002
  load_refused "LLDT of what is not present", lldt, S, NP, S
  set_segment S, $ldt, 0xf, 0x0082
  try
  movw $S, %ax
  lldt %ax
  passes "LLDT"
  try
  movw $0xc, %ax
  movw %ax, %fs
  passes "a selector of the LDT"
  try
  movw $0x14, %ax
  movw %ax, %fs
  caught GP, 0x14, "a selector beyond the LDT"
  try
  movw $4, %ax
  movw %ax, %ds
  caught GP, 4, "entry 0 of the LDT is not null"
  try
  xorl %eax, %eax
  lldt %ax
  passes "LLDT of a null selector"
  try
  movw $0xc, %ax
  movw %ax, %fs
  caught GP, 0xc, "the LDT is gone"
  done

.section .data
.balign 8
ldt: .quad 0, 0x00cf93000000ffff
