# SYSCALL, SYSRET, SYSENTER and SYSEXIT as AMD has them (APM volume 3; volume 2, 6.1).
# -cpu: vendor=AuthenticAMD

.include "harness.s"

  # In legacy mode: all of them.
  need 0x80000001, edx, 29, "long mode"
  check_bits %edx, 1<<11, 1<<11, "CPUID tells of SYSCALL"
  undefined "SYSCALL without EFER.SCE", 0x0f, 0x05
  undefined "SYSRET without EFER.SCE", 0x0f, 0x07
  read_msr MSR_EFER
  orl $EFER_SCE, %eax
  wrmsr
  write_msr MSR_STAR, $2f, $(KCODE32 | ((UCODE32 - 3) << 16))
  try
  user (FLAG_IOPL3 | FLAG_DF | FLAG_IF | 2)
  syscall
1:
  movl $END+1, %eax
2:
  movl %esp, %ebx
  movw %ss, %dx
  passes "SYSCALL"
  check %ecx, $1b, "SYSCALL: ECX is the next EIP"
  check %ebx, $user_stack_top, "SYSCALL keeps ESP"
  check got_cs, $KCODE32, "SYSCALL: CS"
  check_bits %edx, 0xffff, KCODE32+8, "SYSCALL: SS"
  check_bits got_flags, (FLAG_DF | FLAG_IF), FLAG_DF, "SYSCALL clears IF"
  try
  movl $1f, %ecx
  sysret
1:
  movl %ss, %edx
  passes "SYSRET"
  check got_cs, $UCODE32, "SYSRET: CS"
  check_bits %edx, 0xffff, UDATA, "SYSRET: SS"
  check_bits got_flags, FLAG_IF, FLAG_IF, "SYSRET sets IF"
  try
  user
  sysret
  caught GP, 0, "SYSRET at CPL 3"
  write_msr MSR_SYSENTER_CS, $KCODE32
  write_msr MSR_SYSENTER_ESP, $other_stack_top
  write_msr MSR_SYSENTER_EIP, $1f
  try
  user
  sysenter
  movl $END+1, %eax
1:
  passes "SYSENTER"

  # In long mode: SYSCALL and SYSRET, from compatibility mode too.
  long_mode
  undefined "SYSENTER in 64-bit mode", 0x0f, 0x34
  undefined "SYSEXIT in 64-bit mode", 0x0f, 0x35
  try
  user
1:
  sysexit
  caught_at 1b, UD, 0, "SYSEXIT in 64-bit mode at CPL 3"
  try
  compatibility
1:
  sysenter
  use 64
  caught_at 1b, UD, 0, "SYSENTER in compatibility mode"
  write_msr MSR_STAR, $0, $(KCODE64 | ((UCODE32 - 3) << 16))
  write_msr MSR_LSTAR, $2f
  write_msr MSR_CSTAR, $3f
  write_msr MSR_FMASK, $FLAG_DF
  try
  user
  syscall
1:
  use 64
2:
  passes "SYSCALL in 64-bit mode"
  check %rcx, $1b, "SYSCALL in 64-bit mode: RCX"
  try
  user_compatibility (FLAG_DF | FLAG_CF | 2)
  syscall
1:
  use 64
2:
  movl $END+1, %eax
3:
  movw %ss, %dx
  passes "SYSCALL in compatibility mode goes to CSTAR"
  check got_cs, $KCODE64, "SYSCALL in compatibility mode: CS"
  check %rcx, $1b, "SYSCALL in compatibility mode: RCX"
  check_bits %edx, 0xffff, KCODE64+8, "SYSCALL in compatibility mode: SS"
  check_bits %r11d, (FLAG_DF | FLAG_CF), (FLAG_DF | FLAG_CF), "SYSCALL in compatibility mode: R11"
  check_bits got_flags, (FLAG_DF | FLAG_CF), FLAG_CF, "SYSCALL in compatibility mode: FMASK"
  done
