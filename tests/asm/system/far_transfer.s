# Far JMP, CALL and RET (SDM volume 2; volume 3, 5.8), with and without a change of privilege.

.include "harness.s"

.set S, FREE

.macro refused rule, selector, vector, error
  try
1:
  ljmp $(\selector), $2f
2:
  caught_at 1b, \vector, \error, "JMP: \rule"
  try
  movl %esp, %ebx
1:
  lcall $(\selector), $2f
2:
  caught_at 1b, \vector, \error, "CALL: \rule"
  check got_sp, %ebx, "CALL: \rule: ESP"
.endm

  refused "a null selector", 0, GP, 0
  refused "beyond the GDT", (gdt_end - gdt), GP, (gdt_end - gdt)
  refused "data", KDATA, GP, KDATA
  refused "RPL above CPL", (KCODE32 + 3), GP, KCODE32
  refused "DPL above CPL", (UCODE32 - 3), GP, (UCODE32 - 3)
  set_segment S, $0, 0xfffff, (CODE32_RX & ~0x80)
  refused "not present", S, NP, S
  set_segment S, $0, 0xfffff, (0xc09f | DPL3)
  refused "conforming code of an outer level", S, GP, S
  set_segment S, $0, 0xfffff, 0xc09f
  try
  user
  lcall $S, $1f
1:
  movl (%esp), %ebx
  movl 4(%esp), %ecx
  passes "a call of conforming code at CPL 3"
  check got_cs, $S+3, "conforming code: CPL stays"
  check %ecx, $UCODE32, "the return CS"
  set_segment S, $0, 0xfffff, (CODE32_RX & ~1)
  try
  ljmp $S, $1f
1:
  passes "code that was not accessed"
  check_bits gdt+S+4, 0x100, 0x100, "a jump sets the accessed bit"
  # Operand sizes.
  try
  movl $0x12345678, %esi
  lcallw $KCODE32, $1f
1:
  movl (%esp), %ebx
  passes "a call with 16-bit operands"
  check_bits %ebx, 0xffff, 1b, "words: IP"
  shrl $16, %ebx
  check %ebx, $KCODE32, "words: CS"

  # RET.
  .macro return_refused rule, cs, vector, error
  try
  pushl $(\cs)
  pushl $2f
  movl %esp, %ebx
1:
  lret
2:
  caught_at 1b, \vector, \error, "RET: \rule"
  check got_sp, %ebx, "RET: \rule: ESP"
  .endm
  return_refused "a null selector", 0, GP, 0
  return_refused "data", KDATA, GP, KDATA
  return_refused "DPL is not RPL", (KCODE32 + 3), GP, KCODE32
  set_segment S, $0, 0xfffff, (CODE32_RX & ~0x80)
  return_refused "not present", S, NP, S
  try
  user
  pushl $KCODE32
  pushl $1f
  lret
1:
  caught GP, KCODE32, "RET to an inner level"
  try
  pushl $0x11
  pushl $0x22
  movl %esp, %ebx
  pushl $KCODE32
  pushl $1f
  lret $8
1:
  subl %esp, %ebx
  passes "RET n"
  check %ebx, $-8, "RET n releases"

  # To an outer level: SS:ESP, and data segments of the inner level become null.
  .macro return_outer ss
  pushl $(\ss)
  pushl $user_stack_top
  pushl $UCODE32
  pushl $1f
  .endm
  try
  movw $UDATA, %ax
  movw %ax, %es
  movw $S+8, %ax
  set_segment S+8, $0, 0xfffff, 0xc09f
  movw $S+8, %ax
  movw %ax, %fs
  return_outer UDATA
  lret
1:
  movl %ds, %ebx
  movl %es, %ecx
  movl %fs, %edx
  movl %esp, %esi
  passes "RET to level 3"
  check got_cs, $UCODE32, "RET to level 3: CS"
  check %ebx, $0, "RET to level 3: DS of level 0 becomes null"
  check %ecx, $UDATA, "RET to level 3: ES of level 3 stays"
  check %edx, $S+8, "RET to level 3: FS of conforming code stays"
  check %esi, $user_stack_top, "RET to level 3: ESP"
  try
  return_outer 0
  lret
1:
  caught GP, 0, "RET to level 3: a null SS"
  try
  return_outer KDATA
  lret
1:
  caught GP, KDATA, "RET to level 3: SS of level 0"
  set_segment S, $0, 0xfffff, ((DATA_RW | DPL3) & ~0x80)
  try
  return_outer (S + 3)
  lret
1:
  caught SS, S, "RET to level 3: SS is not present"
  # In 64-bit mode.
  long_mode
  movl $1f, far_pointer
  movw $KCODE64, far_pointer+4
  try
  ljmpl *far_pointer
1:
  passes "a jump through memory"
  movw $KCODE32, far_pointer+4
  movl $1f, far_pointer
  try
  lcalll *far_pointer
  use 32
1:
  popl %ebx
  popl %ecx
  caught END, 0, "a call to compatibility mode"
  check got_cs, $KCODE32, "a call to compatibility mode: CS"
  check %rcx, $KCODE64, "a call to compatibility mode: the return CS"
  set_segment S, $0, 0xfffff, 0xe09b
  movw $S, far_pointer+4
  try
  ljmpl *far_pointer
  caught GP, S, "code with L and D"
  movw $TSS64, far_pointer+4
  try
  ljmpl *far_pointer
  caught GP, TSS64, "a TSS in long mode"
  set_segment S, $0, 0, 0x0085
  movw $S, far_pointer+4
  try
  ljmpl *far_pointer
  caught GP, S, "a task gate in long mode"
  # A call gate of 16 bytes.
  write_gate64 gdt+S, KCODE64, $1f, (CALL_GATE | DPL3)
  try
  user
  movl %esp, %ebx
  lcalll *far_pointer
1:
  movq (%rsp), %rcx
  movq 8(%rsp), %rdx
  movq 16(%rsp), %rsi
  movq 24(%rsp), %rdi
  movw %ss, %ax
  movq %rsp, %rbp
  passes "a call gate of 16 bytes"
  check got_cs, $KCODE64, "a call gate: CS"
  check_bits %eax, 0xffff, 0, "a call gate: SS is null"
  check %rdx, $UCODE64, "a call gate: the return CS"
  check %rsi, $user_stack_top, "a call gate: the caller's RSP"
  check %rdi, $UDATA, "a call gate: the caller's SS"
  check %rbp, $event_stack_top-32, "a call gate: RSP0"
  write_gate64 gdt+S, KCODE32, $1f, (CALL_GATE | DPL3)
  try
  lcalll *far_pointer
1:
  caught GP, KCODE32, "a call gate to compatibility mode"
  write_gate64 gdt+S, KCODE64, $1f, (CALL_GATE | DPL3)
  movl $0x0f00, gdt+S+12
  try
  lcalll *far_pointer
1:
  caught GP, S, "a call gate whose upper half has a type"
  done

.section .data
far_pointer: .skip 8
