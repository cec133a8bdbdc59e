# Prefetches never fault; flushes of a cache line are checked as loads (SDM volume 2, PREFETCHh, PREFETCHW, CLFLUSH, CLFLUSHOPT, CLWB),
# MONITOR and MWAIT, and random numbers.

.include "harness.s"

.set ABSENT, WINDOW
.set READ_ONLY, WINDOW + 0x1000
.set SUPERVISOR, WINDOW + 0x2000

  long_mode
  set_bits cr0, CR0_WP
  map_page 0, 0
  map_page 1, (FRAMES + P + US)
  map_page 2, (FRAMES + P + RW)

  .irp instruction, prefetcht0, prefetcht1, prefetcht2, prefetchnta, prefetch, prefetchw, prefetchwt1
  try
  \instruction ABSENT
  passes "\instruction of a page that is not there"
  try
  movabsq $0x0000800000000000, %rbx
  \instruction (%rbx)
  passes "\instruction of an address that is not canonical"
  try
  user
  \instruction SUPERVISOR
  passes "\instruction of a supervisor page"
  .endr

  .macro flush instruction
  try
  \instruction ABSENT
  caught PF, 0, "\instruction of a page that is not there"
  check got_cr2, $ABSENT, "its address"
  try
  \instruction READ_ONLY
  passes "\instruction needs no right to write"
  try
  user
  \instruction SUPERVISOR
  caught PF, (PF_P | PF_U), "\instruction of a supervisor page at CPL 3"
  try
  movabsq $0x0000800000000000, %rbx
  \instruction (%rbx)
  caught GP, 0, "\instruction of an address that is not canonical"
  try
  .byte 0xf0
  \instruction FRAMES
  caught UD, 0, "LOCK \instruction"
  .endm
  flush clflush
  .macro flush_if bit, instruction
  movl $7, %eax
  xorl %ecx, %ecx
  cpuid
  btl $\bit, %ebx
  jnc 3f
  flush \instruction
3:
  .endm
  flush_if 23, clflushopt
  flush_if 24, clwb

  # MOVBE has no register form.
  try
  .byte 0x0f, 0x38, 0xf0, 0xc0
  caught UD, 0, "MOVBE of a register"

  # RDRAND and RDSEED set CF alone, and take 66 but not F2 and F3.
  .macro random bit, leaf, register, instruction, modrm
  movl $\leaf, %eax
  xorl %ecx, %ecx
  cpuid
  btl $\bit, %\register
  jnc 3f
  pushq $0x8d7
  popfq
  \instruction %rbx
  pushfq
  popq %rax
  check_bits %eax, 0x8d5, FLAG_CF, "flags of \instruction"
  movq $-1, %rbx
  \instruction %ebx
  shrq $32, %rbx
  check %rbx, $0, "\instruction of 32 bits clears the upper half"
  movq $-1, %rbx
  \instruction %bx
  shrq $16, %rbx
  incq %rbx
  shlq $16, %rbx
  check %rbx, $0, "\instruction of 16 bits leaves the others"
  try
  .byte 0xf2, 0x0f, 0xc7, \modrm
  caught UD, 0, "\instruction with F2"
3:
  .endm
  random 30, 1, ecx, rdrand, 0xf3
  random 18, 7, ebx, rdseed, 0xfb

  # MONITOR and MWAIT are the system's, if they are there.
  movl $1, %eax
  cpuid
  btl $3, %ecx
  jc 1f
  movl $FRAMES, %eax
  xorl %ecx, %ecx
  try
  monitor
  caught UD, 0, "MONITOR without CPUID's bit"
  jmp 2f
1:
  movl $FRAMES, %eax
  movl $1, %ecx
  try
  monitor
  caught GP, 0, "MONITOR with an extension that does not exist"
  movl $ABSENT, %eax
  xorl %ecx, %ecx
  try
  monitor
  caught PF, 0, "MONITOR of a page that is not there"
  try
  user
  movl $FRAMES, %eax
  xorl %ecx, %ecx
  monitor
  caught UD, 0, "MONITOR at CPL 3"
  try
  user
  mwait
  caught UD, 0, "MWAIT at CPL 3"
  try
  movl $FRAMES, %eax
  xorl %ecx, %ecx
  xorl %edx, %edx
  monitor
  movl $1, FRAMES
  xorl %eax, %eax
  mwait
  passes "MWAIT ends after a write"
2:
  done
