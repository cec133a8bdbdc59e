# Near branches in 64-bit mode from the last canonical addresses to those behind: #GP(0) of the branch, which has done nothing
# (SDM volume 2, CALL, JMP, Jcc and LOOP). What runs on beyond the last canonical address faults there.

.include "harness.s"

.set EDGE, 0x800000000000
.set NEAR_EDGE, FRAMES + 0x1000 - 0x20  # the same place below it, by its physical address
.set STACK, other_stack_top

  long_mode
  # The last page below the edge is FRAMES.
  movl $(pdpt + P + RW + US), pml4+8*255
  movl $(window_pd + P + RW + US), pdpt+8*511
  movl $(window_pt + P + RW + US), window_pd+8*511
  movl $(FRAMES + P + RW + US), window_pt+8*511

  # Relative ones in the last bytes below the edge; there the code runs at its highest address.
  .macro refused_at_edge rule, count, bytes:vararg
  .irp level, 0, 3
  movl $NEAR_EDGE, %edi
  .irp byte, \bytes
  movb $\byte, (%rdi)
  incl %edi
  .endr
  try
  .if \level == 3
  user
  .endif
  movabsq $(EDGE - 0x20), %rbx
  movq $STACK, %rsp
  movabsq $\count, %rcx
  movq %rcx, %rsi
  cmpl %eax, %eax
  jmp *%rbx
  caught GP, 0, "\rule at CPL \level"
  movabsq $(EDGE - 0x20), %rdx
  check got_ip, %rdx, "\rule at CPL \level: RIP"
  check got_sp, $STACK, "\rule at CPL \level: RSP"
  check %rcx, %rsi, "\rule at CPL \level: RCX"
  .endr
  .endm
  refused_at_edge "JMP rel8", 5, 0xeb, 0x1e
  refused_at_edge "JMP rel32", 5, 0xe9, 0, 0, 0, 1
  refused_at_edge "CALL rel32", 5, 0xe8, 0x1b, 0, 0, 0
  refused_at_edge "JE rel8", 5, 0x74, 0x40
  refused_at_edge "JE rel32", 5, 0x0f, 0x84, 0x40, 0, 0, 0
  refused_at_edge "LOOP", 5, 0xe2, 0x30
  refused_at_edge "LOOPE", 5, 0xe1, 0x30
  refused_at_edge "LOOP with ECX", 0x700000005, 0x67, 0xe2, 0x30
  refused_at_edge "JRCXZ", 0, 0xe3, 0x30

  # A branch that is not taken, and what is none, end at the edge.
  .irp level, 0, 3
  movw $0x1075, FRAMES+0xffe    # jne +0x10
  try
  .if \level == 3
  user
  .endif
  movabsq $(EDGE - 2), %rbx
  cmpl %eax, %eax
  jmp *%rbx
  caught GP, 0, "a branch that is not taken, at CPL \level"
  movabsq $EDGE, %rdx
  check got_ip, %rdx, "a branch that is not taken: RIP at CPL \level"
  movw $0x9090, FRAMES+0xffe
  try
  .if \level == 3
  user
  .endif
  movabsq $(EDGE - 2), %rbx
  jmp *%rbx
  caught GP, 0, "the end of the canonical addresses at CPL \level"
  movabsq $EDGE, %rdx
  check got_ip, %rdx, "the end of the canonical addresses: RIP at CPL \level"
  .endr

  done
