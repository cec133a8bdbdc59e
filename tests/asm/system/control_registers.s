# Values that control registers, EFER and XCR0 refuse (SDM volume 2, MOV CR; volume 3, 2.5, 2.6, 9.8.5).

.include "harness.s"

.macro refused rule, register, value
  try
  write_register \register, \value
  caught GP, 0, "\rule"
.endm

  refused "CR0.PG without PE", cr0, (CR0_PG)
  refused "CR0.NW without CD", cr0, (CR0_PE | CR0_NW)
  try
  write_register cr0, (CR0_PE | CR0_NW | CR0_CD)
  write_register cr0, CR0_PE
  passes "CR0.NW with CD"
  movl %cr0, %eax
  andl $0x10, %eax
  check %eax, $0x10, "CR0.ET reads as 1"
  refused "a reserved bit of CR4", cr4, (1 << 31)
  refused "bit 15 of CR4", cr4, (1 << 15)
  try
  movl $0xffff000f, %eax
  lmsw %ax
  passes "LMSW"
  movl %cr0, %eax
  andl $(CR0_PE | CR0_MP | CR0_EM | CR0_TS), %eax
  check %eax, $(CR0_PE | CR0_MP | CR0_EM | CR0_TS), "LMSW sets the low four bits"
  xorl %eax, %eax
  lmsw %ax
  movl %cr0, %eax
  andl $(CR0_PE | CR0_MP | CR0_EM | CR0_TS), %eax
  check %eax, $CR0_PE, "LMSW does not clear PE"
  try
  .byte 0x0f, 0x20, 0xc8        # mov %cr1, %eax
  caught UD, 0, "CR1"
  try
  .byte 0x0f, 0x22, 0xe8        # mov %eax, %cr5
  caught UD, 0, "CR5"
  # Mod is not looked at.
  movl $0x1234, %eax
  movl %eax, %cr2
  .byte 0x0f, 0x20, 0x13        # mov %cr2, %ebx, with mod 0
  check %ebx, $0x1234, "MOV CR is of registers whatever mod says"

  # Long mode.
  need 0x80000001, edx, 29, "long mode"
  try
  write_msr MSR_EFER, $(1 << 1)
  caught GP, 0, "a reserved bit of EFER"
  write_msr MSR_EFER, $EFER_LME
  movl $pml4, %eax
  movl %eax, %cr3
  refused "paging with LME and without PAE", cr0, (CR0_PE | CR0_PG)
  read_msr MSR_EFER
  check %eax, $EFER_LME, "LMA stays clear"
  write_msr MSR_EFER, $(EFER_LME | EFER_LMA)
  read_msr MSR_EFER
  check %eax, $EFER_LME, "LMA cannot be written"
  write_msr MSR_EFER, $0
  long_mode
  read_msr MSR_EFER
  andl $(EFER_LME | EFER_LMA), %eax
  check %rax, $(EFER_LME | EFER_LMA), "LMA"
  try
  read_msr MSR_EFER
  andl $~EFER_LME, %eax
  wrmsr
  caught GP, 0, "LME changes with paging on"
  refused "no PAE in long mode", cr4, 0
  refused "no paging in 64-bit mode", cr0, CR0_PE
  .macro refused_wide rule, register, value
  try
  movabsq $(\value), %rax
  movq %rax, %\register
  caught GP, 0, "\rule"
  .endm
  refused_wide "upper half of CR0", cr0, 0x100000000
  refused_wide "upper half of CR4", cr4, 0x100000000
  refused_wide "an address beyond the CPU's in CR3", cr3, 0x0010000000000000
  refused_wide "upper half of DR7", dr7, 0x100000400
  refused_wide "upper half of DR6", dr6, 0x100000000
  refused_wide "CR8 of more than 4 bits", cr8, 0x10
  try
  movq $5, %rax
  movq %rax, %cr8
  movq %cr8, %rbx
  xorl %eax, %eax
  movq %rax, %cr8
  passes "CR8"
  check %rbx, $5, "CR8 is kept"
  try
  .byte 0x44, 0x0f, 0x20, 0xc8  # mov %cr9, %rax
  caught UD, 0, "CR9"
  try
  compatibility
  movl %cr0, %eax
  andl $~CR0_PG, %eax
  movl %eax, %cr0
  ljmp $KCODE32, $1f
1:
  read_msr MSR_EFER
  movl %eax, %ebx
  orl $EFER_LME, %eax
  movl %cr0, %eax
  orl $CR0_PG, %eax
  movl %eax, %cr0
  passes "compatibility mode leaves long mode and comes back"
  andl $(EFER_LMA | EFER_LME), %ebx
  check %rbx, $EFER_LME, "LMA falls with paging"

  # XCR0.
  movl $1, %eax
  cpuid
  btl $26, %ecx
  jnc 2f
  try
  xorl %ecx, %ecx
  xgetbv
  caught UD, 0, "XGETBV without OSXSAVE"
  set_bits cr4, CR4_OSXSAVE
  .macro refused_xcr0 rule, index, value
  try
  movl $(\index), %ecx
  xorl %edx, %edx
  movl $(\value), %eax
  xsetbv
  caught GP, 0, "\rule"
  .endm
  refused_xcr0 "XCR0 without x87", 0, 2
  refused_xcr0 "AVX without SSE", 0, 5
  refused_xcr0 "a bit that does not exist", 0, 0x40000003
  refused_xcr0 "XCR1", 1, 3
  try
  user
  xorl %ecx, %ecx
  xorl %edx, %edx
  movl $3, %eax
  xsetbv
  caught GP, 0, "XSETBV at CPL 3"
  try
  user
  xorl %ecx, %ecx
  xgetbv
  passes "XGETBV at CPL 3"
  try
  movl $7, %ecx
  xgetbv
  caught GP, 0, "XGETBV of XCR7"
  movl $1, %eax
  cpuid
  andl $(1 << 27), %ecx
  check %rcx, $(1 << 27), "CPUID.OSXSAVE shows CR4"
2:
  done
