# 5-level paging (SDM volume 3, 4.5 and 4.10): 57-bit addresses, CR4.LA57.

.include "harness.s"

  need 7, ecx, 16, "LA57"
  call build_pages_5_level
  set_bits cr4, (CR4_PAE | CR4_LA57)
  movl $pml5, %eax
  movl %eax, %cr3
  enter_long_mode
  movl $(pml4 + P + RW + US), pml5+8*0x100
  movl $(pml4 + P + RW + US), pml5+8*0x0ff
  movl $0x57575757, FRAMES
  movabsq $0xff00000000000000, %rbx
  check_bits FRAMES(%rbx), 0xffffffff, 0x57575757, "the upper half begins at 2^56 below the top"
  movabsq $0x00ff000000000000, %rbx
  check_bits FRAMES(%rbx), 0xffffffff, 0x57575757, "the last entry of the lower half"
  movabsq $0x0000800000000000, %rbx
  try
  movl (%rbx), %eax
  caught PF, 0, "what is not canonical with 48 bits is with 57"
  movabsq $0x0100000000000000, %rbx
  try
  movl (%rbx), %eax
  caught GP, 0, "bit 56 has to be that of the others above"
  try
  movabsq $0xffff000000000000, %rax
  movq %rax, %rdx
  shrq $32, %rdx
  movl $MSR_FS_BASE, %ecx
  wrmsr
  passes "MSRs take 57-bit addresses"
  unless 0x80000001, edx, 26, 1f
  movl $(P + RW + US + LARGE), pdpt+16
  movabsq $0xff00000080000000, %rbx
  movl $0, FRAMES+4
  movl $0x11b11b11, FRAMES+4(%rbx)
  check_bits FRAMES+4, 0xffffffff, 0x11b11b11, "a page of 1 GiB"
  movl $(P + RW + US + LARGE + 0x2000), pdpt+16
  invlpg (%rbx)
  try
  movl (%rbx), %eax
  caught PF, (PF_P | PF_RSVD), "bit 13 of a page of 1 GiB"
1:
  orl $LARGE, pml5+8*0x100
  movq %cr3, %rax
  movq %rax, %cr3
  try
  movabsq $0xff00000000000000, %rbx
  movl FRAMES(%rbx), %eax
  caught PF, (PF_P | PF_RSVD), "bit 7 of the PML5"
  try
  clear_bits cr4, CR4_LA57
  caught GP, 0, "LA57 stays as long as long mode is active"
  done
