# RDMSR and WRMSR (SDM volume 2; volume 4): registers that do not exist, reserved bits, addresses, the time-stamp counter.

.include "harness.s"

.macro write_refused rule, number, low, high
  try
  write_msr \number, $(\low), $(\high)
  caught GP, 0, "\rule"
.endm
.macro kept rule, number, low, high
  write_msr \number, $(\low), $(\high)
  read_msr \number
  check %rax, $(\low), "\rule: low half"
  check %rdx, $(\high), "\rule: high half"
.endm

  long_mode
  try
  read_msr 0x12345678
  caught GP, 0, "RDMSR of what does not exist"
  write_refused "WRMSR of what does not exist", 0x12345678, 0, 0
  .irp number, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_LSTAR, MSR_CSTAR, MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE
  write_refused "an address that is not canonical in \number", \number, 0, 0x8000
  kept "\number", \number, 0x12345678, 0x7fff
  .endr
  kept "FMASK", MSR_FMASK, 0x4700, 0
  write_refused "PAT of a type that does not exist", MSR_PAT, 0x02, 0
  write_refused "PAT of another", MSR_PAT, 0, 0x08000000
  kept "PAT", MSR_PAT, 0x00070406, 0x00070406
  # RDMSR clears the upper halves of RAX and RDX.
  movq $-1, %rax
  movq $-1, %rdx
  read_msr MSR_FMASK
  check %rax, $0x4700, "RAX above bit 31"
  check %rdx, $0, "RDX above bit 31"
  # Only ECX names the register.
  movabsq $0x1000000c0000084, %rcx
  rdmsr
  check %rax, $0x4700, "RCX above bit 31 is ignored"
  # The bases of FS and GS are those of the segments.
  write_msr MSR_FS_BASE, $FRAMES
  movl $0x66, FRAMES+8
  check_bits %fs:8, 0xff, 0x66, "FS base"
  write_msr MSR_GS_BASE, $(FRAMES + 0x1000)
  write_msr MSR_KERNEL_GS_BASE, $(FRAMES + 0x2000)
  movl $0x77, FRAMES+0x1008
  movl $0x88, FRAMES+0x2008
  check_bits %gs:8, 0xff, 0x77, "GS base"
  swapgs
  check_bits %gs:8, 0xff, 0x88, "SWAPGS"
  read_msr MSR_KERNEL_GS_BASE
  check %rax, $FRAMES+0x1000, "SWAPGS: the other half"
  try
  user
  swapgs
  caught GP, 0, "SWAPGS at CPL 3"
  try
  compatibility
  .byte 0x0f, 0x01, 0xf8        # swapgs
  caught UD, 0, "SWAPGS outside of 64-bit mode"

  # The time-stamp counter and its adjustment.
  movl $0x80000001, %eax
  cpuid
  btl $27, %edx
  jnc 1f
  write_refused "TSC_AUX has 32 bits", MSR_TSC_AUX, 0, 1
  write_msr MSR_TSC_AUX, $0x4321
  rdtscp
  check %rcx, $0x4321, "RDTSCP tells TSC_AUX"
1:
  movl $7, %eax
  xorl %ecx, %ecx
  cpuid
  btl $22, %ecx
  jnc 1f
  write_msr MSR_TSC_AUX, $0x8765
  movq $-1, %rbx
  rdpid %rbx
  check %rbx, $0x8765, "RDPID tells TSC_AUX"
  try
  user
  rdpid %rbp
  passes "RDPID at CPL 3"
  check %rbp, $0x8765, "and tells the same"
1:
  movl $7, %eax
  xorl %ecx, %ecx
  cpuid
  btl $1, %ebx
  jnc 1f
  write_msr MSR_TSC_ADJUST, $0
  rdtsc
  movl %edx, %ebx
  write_msr MSR_TSC_ADJUST, $0, $0x100
  rdtsc
  subl %ebx, %edx
  andl $~3, %edx
  check %rdx, $0x100, "TSC_ADJUST moves the counter"
  write_msr MSR_TSC, $0, $0x40000
  rdtsc
  andl $~0xff, %edx
  check %rdx, $0x40000, "the counter can be written"
  read_msr MSR_TSC_ADJUST
  addl $0x1000, %edx
  shrl $16, %edx
  check %rdx, $4, "which shows in TSC_ADJUST"
1:
  done
