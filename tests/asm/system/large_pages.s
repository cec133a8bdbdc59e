# What INVLPG of any address in a large page takes: all that the TLB has of that page, for data and for code (SDM volume 3, 4.10.4.1).

.include "harness.s"

.set PAGE, WINDOW
.set FAR, 0x5000                  # into the page
.set OTHER, FRAMES + 0x1000
.set GIBIBYTE, 0x80000000

  long_mode
  enable_nx
  set_bits cr0, CR0_WP
  movl $2, OTHER
  put_return LARGE_FRAME+FAR

  # A large page becomes small ones, of which only the one FAR into it is looked at.
  .macro split entry
  movl $(\entry), window_pt+FAR/0x1000*8
  movl $(window_pt + P + RW + US), window_pd
  .endm
  # The TLB has read and written the large page at FAR, and run code there.
  .macro large bits
  movl $(LARGE_FRAME + P + RW + US + LARGE + \bits), window_pd
  reload_cr3
  call PAGE+FAR
  movl PAGE+FAR, %eax
  movl %eax, PAGE+FAR
  movl PAGE, %eax
  .endm

  .irp bits, 0, GLOBAL
  .ifnc \bits, 0
  set_bits cr4, CR4_PGE
  .endif
  large \bits
  split (OTHER + P + RW + US)
  invlpg PAGE
  movl PAGE+FAR, %eax
  check %rax, $2, "a read (\bits)"
  large \bits
  split (LARGE_FRAME + FAR + P + US)
  invlpg PAGE+0x1ff000
  try
  movl %eax, PAGE+FAR
  caught PF, (PF_P | PF_W), "a write (\bits)"
  large \bits
  split 0
  invlpg PAGE+0x100000
  try
  call PAGE+FAR
  caught PF, PF_I, "code (\bits)"
  .endr

  # Among other large pages, and after another INVLPG there.
  large 0
  invlpg 0
  invlpg PAGE+FAR+0x200000
  split 0
  invlpg PAGE
  try
  movl PAGE+FAR, %eax
  caught PF, 0, "a read behind other INVLPGs"

  movl $0x80000001, %eax
  cpuid
  btl $26, %edx
  jnc 1f
  movl $(P + RW + US + LARGE), pdpt+16
  movl $GIBIBYTE, %ebx
  movl LARGE_FRAME(%rbx), %eax
  movl LARGE_FRAME+0x600000(%rbx), %eax
  movl $(window_pd + P + RW + US), pdpt+16
  invlpg LARGE_FRAME(%rbx)
  try
  movl LARGE_FRAME+0x600000(%rbx), %eax
  caught PF, 0, "a read of a page of 1 GiB"
1:
  done
