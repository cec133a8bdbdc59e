# SYSCALL, SYSRET, SYSENTER and SYSEXIT as Intel has them (SDM volume 2).
# -cpu: vendor=GenuineIntel

.include "harness.s"

  # In 32-bit protected mode: SYSENTER.
  need 1, edx, 11, "SYSENTER"
  try
  sysenter
  caught GP, 0, "SYSENTER with a null CS"
  try
  movl $1f, %edx
  movl $user_stack_top, %ecx
1:
  sysexit
  caught GP, 0, "SYSEXIT with a null CS"
  write_msr MSR_SYSENTER_CS, $KCODE32
  write_msr MSR_SYSENTER_ESP, $other_stack_top
  write_msr MSR_SYSENTER_EIP, $1f
  try
  user (FLAG_IOPL3 | FLAG_DF | 2)
  sysenter
  movl $END+1, %eax
1:
  pushfl
  popl %ecx
  movl %esp, %ebx
  movw %ss, %dx
  passes "SYSENTER"
  check %ebx, $other_stack_top, "SYSENTER: ESP"
  check got_cs, $KCODE32, "SYSENTER: CS"
  check_bits %edx, 0xffff, KCODE32+8, "SYSENTER: SS"
  check_bits %ecx, (FLAG_DF | FLAG_IOPL3 | FLAG_IF), (FLAG_DF | FLAG_IOPL3), "SYSENTER clears IF only"
  write_msr MSR_SYSENTER_CS, $(UCODE32 - 3 - 16)
  try
  movl $1f, %edx
  movl $user_stack_top-32, %ecx
  sysexit
1:
  movl %esp, %ebx
  movl %ss, %ecx
  passes "SYSEXIT"
  check got_cs, $UCODE32, "SYSEXIT: CS"
  check %ecx, $UDATA, "SYSEXIT: SS"
  check %ebx, $user_stack_top-32, "SYSEXIT: ESP"

  need 0x80000001, edx, 29, "long mode"
  check_bits %edx, 1<<11, 0, "CPUID tells of SYSCALL in 64-bit mode only"
  read_msr MSR_EFER
  orl $EFER_SCE, %eax
  wrmsr
  undefined "SYSCALL in protected mode", 0x0f, 0x05
  undefined "SYSRET in protected mode", 0x0f, 0x07
  try
  user
1:
  sysret
  caught_at 1b, UD, 0, "SYSRET in protected mode at CPL 3"
  long_mode
  movl $0x80000001, %eax
  cpuid
  check_bits %edx, 1<<11, 1<<11, "CPUID tells of SYSCALL"
  try
  user_compatibility
1:
  syscall
  use 64
  caught_at 1b, UD, 0, "SYSCALL in compatibility mode"
  try
  compatibility
1:
  .byte 0x0f, 0x07              # sysret
  caught_at 1b, UD, 0, "SYSRET in compatibility mode"
  write_msr MSR_SYSENTER_EIP, $1f
  try
  user
  sysenter
1:
  movq %rsp, %rbx
  movabsq $0x123456789abc, %rcx
  passes "SYSENTER in 64-bit mode goes to 64-bit mode"
  check %rbx, $other_stack_top, "SYSENTER in 64-bit mode: RSP"
  write_msr MSR_SYSENTER_CS, $(UCODE64 - 3 - 32)
  try
  movl $1f, %edx
  movl $user_stack_top-32, %ecx
  sysexitq
1:
  passes "SYSEXIT to 64-bit mode"
  check got_cs, $UCODE64, "SYSEXIT to 64-bit mode: CS"
  check got_ss, $UDATA64, "SYSEXIT to 64-bit mode: SS"
  movabsq $0x800000000000, %rdx
  try
  movl $user_stack_top, %ecx
1:
  sysexitq
  caught_at 1b, GP, 0, "SYSEXIT to an address that is not canonical"

  # SYSCALL.
  write_msr MSR_STAR, $0, $(KCODE64 | ((UCODE32 - 3) << 16))
  write_msr MSR_LSTAR, $2f
  write_msr MSR_FMASK, $(FLAG_TF | FLAG_DF | FLAG_IF)
  read_msr MSR_EFER
  andl $~EFER_SCE, %eax
  wrmsr
  try
  syscall
  caught UD, 0, "SYSCALL without EFER.SCE"
  try
  sysretl
  caught UD, 0, "SYSRET without EFER.SCE"
  read_msr MSR_EFER
  orl $EFER_SCE, %eax
  wrmsr
  try
  user (FLAG_DF | FLAG_CF | FLAG_RF | 2)
  syscall
1:
  xorl %ecx, %ecx
2:
  movq %rsp, %rbx
  movw %ss, %dx
  passes "SYSCALL"
  check got_cs, $KCODE64, "SYSCALL: CS"
  check %rcx, $1b, "SYSCALL: RCX is the next RIP"
  check %rbx, $user_stack_top, "SYSCALL keeps RSP"
  check_bits %edx, 0xffff, KCODE64+8, "SYSCALL: SS"
  check_bits %r11d, (FLAG_DF | FLAG_CF | FLAG_RF | 2), (FLAG_DF | FLAG_CF | 2), "SYSCALL: R11 is RFLAGS"
  check_bits got_flags, (FLAG_DF | FLAG_CF), FLAG_CF, "SYSCALL: FMASK"
  try
  movl $1f, %ecx
  movl $(FLAG_DF | FLAG_RF | FLAG_VM | 2), %r11d
  sysretq
1:
  movl %ss, %edx
  passes "SYSRET to 64-bit mode"
  check got_cs, $UCODE64, "SYSRET to 64-bit mode: CS"
  check_bits %edx, 0xffff, UDATA, "SYSRET to 64-bit mode: SS"
  check_bits got_flags, (FLAG_DF | FLAG_VM), FLAG_DF, "SYSRET: RFLAGS without RF and VM"
  try
  movl $1f, %ecx
  movl $2, %r11d
  sysretl
  use 32
1:
  caught END, 0, "SYSRET to compatibility mode"
  check got_cs, $UCODE32, "SYSRET to compatibility mode: CS"
  try
  movabsq $0x800000000000, %rcx
  movl $2, %r11d
1:
  sysretq
  caught_at 1b, GP, 0, "SYSRET to an address that is not canonical"
  check got_cs, $KCODE64, "which faults at privilege 0"
  try
  user
  sysretq
  caught GP, 0, "SYSRET at CPL 3"
  done
