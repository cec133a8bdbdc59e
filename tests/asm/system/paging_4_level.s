# 4-level paging (SDM volume 3, 4.5 to 4.7): rights of every level, NX, large pages, reserved bits, canonical addresses.

.include "harness.s"

.set PAGE, WINDOW

  long_mode
  enable_nx
  set_bits cr0, CR0_WP
  put_return FRAMES

  # Every level has a say (the PML4 has one for all that this runs on).
  map_page 0, (FRAMES + P + RW + US)
  .irp entry, pdpt+8, window_pd, window_pt
  andl $~(ACCESSED | US), \entry
  reload_cr3
  try
  user
  movl PAGE, %eax
  caught PF, (PF_P | PF_U), "U/S of \entry"
  orl $US, \entry
  andl $~RW, \entry
  reload_cr3
  try
  movl %eax, PAGE
  caught PF, (PF_P | PF_W), "R/W of \entry"
  orl $RW, \entry
  andl $~ACCESSED, \entry
  reload_cr3
  movl PAGE, %eax
  check_bits \entry, ACCESSED, ACCESSED, "accessed in \entry"
  orl $NX_HIGH, \entry+4
  reload_cr3
  try
  call PAGE
  caught PF, (PF_P | PF_I), "NX of \entry"
  andl $~NX_HIGH, \entry+4
  andl $~P, \entry
  reload_cr3
  try
  movl PAGE, %eax
  caught PF, 0, "P of \entry"
  orl $P, \entry
  reload_cr3
  .endr

  # Reserved bits: those above the physical address, and bit 7 where there are no pages of that size.
  .irp entry, pdpt+8, window_pd, window_pt
  orl $(1 << 19), \entry+4
  reload_cr3
  try
  movl PAGE, %eax
  caught PF, (PF_P | PF_RSVD), "bit 51 of \entry"
  andl $~(1 << 19), \entry+4
  .endr
  movl $(pdpt + P + RW + US + LARGE), pml4+8*256
  try
  movabsq $0xffff800000000000, %rbx
  movl (%rbx), %eax
  caught PF, (PF_P | PF_RSVD), "bit 7 of the PML4"
  movl $(pdpt + P + RW + US), pml4+8*256
  try
  movabsq $0xffff800000000000, %rbx
  movl FRAMES(%rbx), %eax
  passes "the upper half"
  orl $(1 << 20), window_pt+4
  reload_cr3
  try
  movl PAGE, %eax
  passes "bits 62 to 52 are ignored"
  andl $~(1 << 20), window_pt+4

  # 2 MiB and 1 GiB.
  movl $(LARGE_FRAME + P + RW + US + LARGE + 0x1000), window_pd
  reload_cr3
  movl $0x2a2a, LARGE_FRAME+0x1ffffc
  check_bits PAGE+0x1ffffc, 0xffffffff, 0x2a2a, "a 2 MiB page with PAT"
  movl $(LARGE_FRAME + P + RW + US + LARGE + 0x100000), window_pd
  reload_cr3
  try
  movl PAGE, %eax
  caught PF, (PF_P | PF_RSVD), "bit 20 of a 2 MiB page"
  movl $(window_pt + P + RW + US), window_pd
  reload_cr3
  movl $0x80000001, %eax
  cpuid
  btl $26, %edx
  jnc 1f
  movl $(P + RW + US + LARGE), pdpt+16
  reload_cr3
  movl $0x16, LARGE_FRAME
  movl $0x80000000, %ebx
  check_bits LARGE_FRAME(%rbx), 0xffffffff, 0x16, "a 1 GiB page"
  orl $(1 << 29), pdpt+16
  reload_cr3
  try
  movl $0x80000000, %ebx
  movl (%rbx), %eax
  caught PF, (PF_P | PF_RSVD), "bit 29 of a 1 GiB page"
1:

  # Canonical addresses: #GP, or #SS where the base is RSP or RBP.
  movabsq $0x0000800000000000, %rbx
  movq %rbx, %rbp
  try
  movl (%rbx), %eax
  caught GP, 0, "an address that is not canonical"
  try
  movl (%rbp), %eax
  caught SS, 0, "one in the stack segment"
  try
  movl %ds:(%rbp), %eax
  caught SS, 0, "a DS prefix has no effect"
  try
  movl %fs:(%rbp), %eax
  caught GP, 0, "an FS prefix has"
  try
  movl -4(%rbx), %eax
  caught PF, 0, "the last address of the lower half"
  check got_cr2+4, $0x7fff, "CR2 has 64 bits"
  try
  user
  movq %rbx, %rsp
  pushq %rax
  caught PF, (PF_W | PF_U), "a push to the last address"
  try
  user
  leaq 8(%rbx), %rsp
  pushq %rax
  caught SS, 0, "a push to an address that is not canonical"
  try
  invlpg (%rbx)
  passes "INVLPG takes any address"
  done
