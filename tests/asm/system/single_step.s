# Single steps (SDM volume 3, 17.3.1.4), those of branches (17.4.3), and what MOV SS and POP SS hold back (volume 3, 6.8.3).

.include "harness.s"

.macro step_begin
  try
  pushl $(FLAG_TF | 2)
  popfl
.endm

.macro branch_step_begin
  write_msr MSR_DEBUGCTL, $2
  write_register dr6, 0
  step_begin
.endm

  write_register dr6, 0
  step_begin
1:
  nop
2:
  nop
  caught_at 2b, DB, 0, "the first trap is behind the instruction that follows POPF"
  check_bits got_dr6, 0xe00f, 0x4000, "DR6.BS"
  check_bits got_flags, FLAG_TF, FLAG_TF, "TF in the frame"
  check_bits got_flags, FLAG_RF, 0, "RF is clear in the frame of a trap"
  write_register dr6, 0
  try
  ud2
  caught UD, 0, "the handler of a trap runs without TF"

  step_begin
  jmp 1f
  nop
1:
  caught_at 1b, DB, 0, "a jump"
  step_begin
  pushfl
1:
  popl %ebx
  caught_at 1b, DB, 0, "PUSHF"
  movl (%esp), %ebx             # above the stack pointer of `try` there is nothing of value
  step_begin
  movw %ss, %ax
1:
  movw %ax, %ss
  caught_at 1b, DB, 0, "a MOV from SS"
  movl $KDATA, %ebx
  step_begin
  movw %bx, %ss
  nop
1:
  nop
  caught_at 1b, DB, 0, "MOV to SS holds the trap back for an instruction"
  pushl $KDATA
  step_begin
  movw %bx, %ds
1:
  nop
  caught_at 1b, DB, 0, "MOV to DS does not"
  try
  pushl %ss
  pushl $(FLAG_TF | 2)
  popfl
  popl %ss
  nop
1:
  nop
  caught_at 1b, DB, 0, "POP SS holds the trap back"

  # REP: a trap behind each iteration.
  movl $3, %ecx
  movl $FRAMES, %edi
  movl $0x100, %esi
  cld
  step_begin
1:
  rep movsb
  caught_at 1b, DB, 0, "REP MOVSB traps behind an iteration"
  check %ecx, $2, "one iteration is done"
  check_bits got_flags, FLAG_RF, FLAG_RF, "the frame of such a trap has RF"
  movl $1, %ecx
  step_begin
  rep movsb
1:
  caught_at 1b, DB, 0, "the last iteration"
  check %ecx, $0, "the last iteration: ECX"
  check_bits got_flags, FLAG_RF, 0, "the last iteration: RF is clear"

  # An exception of the stepped instruction comes instead of the trap; INT n clears TF.
  step_begin
1:
  ud2
  caught_at 1b, UD, 0, "a fault of the stepped instruction"
  check_bits got_flags, (FLAG_TF | FLAG_RF), (FLAG_TF | FLAG_RF), "the frame of a fault has TF and RF"
  write_register dr6, 0
  step_begin
  int $0x30
1:
  nop
  caught 0x30, 0, "INT n of a stepped program"
  check_bits got_flags, FLAG_TF, FLAG_TF, "the frame of INT n has TF"
  # IRET that sets TF: the trap is behind the instruction it returns to.
  try
  pushl $(FLAG_TF | 2)
  pushl $KCODE32
  pushl $1f
  iretl
1:
  nop
2:
  nop
  caught_at 2b, DB, 0, "IRET that sets TF"
  # POPF that clears TF is stepped itself.
  try
  pushl $2
  pushl $(FLAG_TF | 2)
  popfl
  popfl
1:
  nop
  caught_at 1b, DB, 0, "POPF that clears TF traps once more"
  check_bits got_flags, FLAG_TF, 0, "TF is clear in its frame"

  step_begin
  into
1:
  nop
  caught_at 1b, DB, 0, "INTO that does nothing"
  step_begin
  hlt
1:
  nop
  caught_at 1b, DB, 0, "HLT does not wait"

  # INT1 is a trap without a word in DR6.
  write_register dr6, 0
  try
  .byte 0xf1
1:
  caught_at 1b, DB, 0, "INT1"
  check_bits got_dr6, 0xe00f, 0, "INT1 leaves DR6"

  # IA32_DEBUGCTL.BTF (17.4.3): the trap is behind the next branch.
  need 1, edx, 5, "MSRs"
  branch_step_begin
  nop
  movl $2, %ecx
  movw %ss, %ax
  movw %ax, %ss
  nop
  movl $FRAMES, %edi
  rep stosb
  jmp 1f
  nop
1:
  caught_at 1b, DB, 0, "a branch step"
  check_bits got_dr6, 0xe00f, 0x4000, "a branch step: DR6.BS"
  read_msr MSR_DEBUGCTL
  check %eax, $0, "the trap clears BTF"
  branch_step_begin
  testl %ecx, %ecx
  jnz 2f                        # of ECX 0x1d9, not 0: taken
  nop
2:
  nop
  caught_at 2b, DB, 0, "a conditional branch"
  branch_step_begin
  cmpl %ecx, %ecx
  jnz 1f
  jecxz 1f
  jz 1f                         # to where it would go anyway
1:
  nop
  caught_at 1b, DB, 0, "conditional branches that are not taken, and one that is"
  branch_step_begin
  movl $1, %ecx
  loop 1f
  nop
  call 2f
1:
  nop
2:
  caught_at 2b, DB, 0, "LOOP that ends, and CALL"
  branch_step_begin
  pushl $1f
  nop
  ret
  nop
1:
  caught_at 1b, DB, 0, "RET"
  branch_step_begin
  pushl $(FLAG_TF | 2)
  pushl $KCODE32
  pushl $1f
  iretl
1:
  nop
  caught_at 1b, DB, 0, "IRET"
  branch_step_begin
  ljmp $KCODE32, $1f
1:
  caught_at 1b, DB, 0, "a far jump"
  write_msr MSR_DEBUGCTL, $2
  try
  jmp 1f
1:
  passes "BTF without TF"
  read_msr MSR_DEBUGCTL
  check %eax, $2, "BTF stays without a trap"
  write_msr MSR_DEBUGCTL, $0
  try
  write_msr MSR_DEBUGCTL, $0x8000
  caught GP, 0, "a reserved bit of IA32_DEBUGCTL"

  # Behind SYSCALL with TF in FMASK there is no trap at the target.
  need 0x80000001, edx, 29, "long mode"
  long_mode
  write_msr MSR_STAR, $0, $(KCODE64 | ((UCODE32 - 3) << 16))
  write_msr MSR_LSTAR, $2f
  write_msr MSR_FMASK, $FLAG_TF
  try
  user (FLAG_TF | 2)
  syscall
2:
  nop
  nop
  passes "SYSCALL with TF that is masked"
  done
