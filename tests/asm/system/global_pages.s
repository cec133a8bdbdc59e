# What the TLB keeps: global pages over loads of CR3 (SDM volume 3, 4.10.2.4), PCIDs (4.10.1) and INVPCID (4.10.4.1).
# A translation that may be kept need not be, so only what has to be gone is looked at.

.include "harness.s"

.set PAGE, WINDOW
.set OTHER, FRAMES + 0x1000

  long_mode
  movl $1, FRAMES
  movl $2, OTHER

  # Maps the page to the other frame behind the TLB's back.
  .macro remap bits
  movl $(FRAMES + P + RW + US + \bits), window_pt
  invlpg PAGE
  movl PAGE, %eax
  movl $(OTHER + P + RW + US + \bits), window_pt
  .endm
  .macro new_mapping rule
  movl PAGE, %eax
  check %rax, $2, "\rule"
  .endm
  remap 0
  invlpg PAGE+0xfff
  new_mapping "INVLPG of any address in the page"
  remap 0
  reload_cr3
  new_mapping "CR3"
  remap GLOBAL
  reload_cr3
  new_mapping "G without CR4.PGE is nothing"
  set_bits cr4, CR4_PGE
  remap GLOBAL
  invlpg PAGE
  new_mapping "INVLPG takes global pages, too"
  remap GLOBAL
  clear_bits cr4, CR4_PGE
  new_mapping "a change of CR4.PGE takes all"

  movl $1, %eax
  cpuid
  btl $17, %ecx
  jnc no_pcid
  try
  movl $(pml4 + 1), %eax
  movq %rax, %cr3
  set_bits cr4, CR4_PCIDE
  caught GP, 0, "PCIDE wants CR3[11:0] to be 0"
  movl $pml4, %eax
  movq %rax, %cr3
  set_bits cr4, CR4_PCIDE
  remap 0
  reload_cr3
  new_mapping "CR3 with PCIDs drops its own"
  remap 0
  movl $(pml4 + 1), %eax
  movq %rax, %cr3
  new_mapping "another PCID does not see the first one's"
  movl $pml4, %eax
  movq %rax, %cr3
  new_mapping "back in the first, bit 63 clear"
  try
  movabsq $(1 << 63), %rax
  movl $pml4, %ebx
  orq %rbx, %rax
  movq %rax, %cr3
  movq %cr3, %rax
  passes "bit 63 is taken"
  movq %cr3, %rax
  check %rax, $pml4, "bit 63 reads as 0"
  movl $7, %eax
  xorl %ecx, %ecx
  cpuid
  btl $10, %ebx
  jnc no_invpcid
  .macro invalidate kind, pcid, address
  movq $(\pcid), descriptor
  movq $(\address), descriptor+8
  movl $(\kind), %eax
  invpcid descriptor, %rax
  .endm
  remap 0
  invalidate 0, 0, PAGE
  new_mapping "INVPCID: an address"
  remap 0
  invalidate 1, 0, 0
  new_mapping "INVPCID: a PCID"
  remap 0
  invalidate 2, 0, 0
  new_mapping "INVPCID: all"
  remap 0
  invalidate 3, 0, 0
  new_mapping "INVPCID: all but global"
  try
  invalidate 4, 0, 0
  caught GP, 0, "INVPCID: type 4"
  try
  invalidate 1, 0x1000, 0
  caught GP, 0, "INVPCID: reserved bits of the PCID"
  try
  movabsq $0x0000800000000000, %rbx
  movq $0, descriptor
  movq %rbx, descriptor+8
  xorl %eax, %eax
  invpcid descriptor, %rax
  caught GP, 0, "INVPCID: an address that is not canonical"
  try
  user
  invpcid descriptor, %rax
  caught GP, 0, "INVPCID at CPL 3"
no_invpcid:
  try
  clear_bits cr0, CR0_PG
  caught GP, 0, "paging cannot end with PCIDE"
no_pcid:
  done

.section .data
.balign 16
descriptor: .quad 0, 0
