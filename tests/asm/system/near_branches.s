# Near branches in 64-bit mode to addresses that are not canonical: #GP(0) of the branch, which has done nothing (SDM volume 2,
# CALL, JMP and RET).

.include "harness.s"

.set EDGE, 0x800000000000
.set STACK, other_stack_top

  long_mode

  # The instruction with its target in RBX and on the stack; RSP and RCX must be as before.
  .macro refused rule, instruction:vararg
  .irp level, 0, 3
  try
  .if \level == 3
  user
  .endif
  movabsq $EDGE, %rbx
  movq $STACK, %rsp
  movq %rbx, (%rsp)
  movl $5, %ecx
1:
  \instruction
  caught_at 1b, GP, 0, "\rule at CPL \level"
  check got_sp, $STACK, "\rule at CPL \level: RSP"
  check %rcx, $5, "\rule at CPL \level: RCX"
  .endr
  .endm
  refused "JMP to a register", jmp *%rbx
  refused "JMP to memory", jmp *(%rsp)
  refused "CALL of a register", call *%rbx
  refused "CALL of memory", call *(%rsp)
  refused "RET", ret
  refused "RET with bytes", ret $0x18
  # Where a jump cache might know better.
  .rept 2
  refused "RET again", ret
  .endr

  # After STI and in single step they leave translated code in other ways.
  .macro refused_once rule, instruction:vararg
  try
  movabsq $EDGE, %rbx
  movq $STACK, %rsp
  movq %rbx, (%rsp)
  sti
1:
  \instruction
  caught_at 1b, GP, 0, "\rule after STI"
  check got_sp, $STACK, "\rule after STI: RSP"
  try
  movabsq $EDGE, %rbx
  movq $STACK - 8, %rsp
  movq %rbx, 8(%rsp)
  movq $(FLAG_TF + 2), (%rsp)
  popfq
1:
  \instruction
  caught_at 1b, GP, 0, "\rule in single step"
  check got_sp, $STACK, "\rule in single step: RSP"
  .endm
  refused_once "JMP", jmp *%rbx
  refused_once "CALL", call *%rbx
  refused_once "RET", ret

  done
