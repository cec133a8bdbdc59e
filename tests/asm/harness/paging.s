# Page tables: the first GiB of linear addresses is physical memory in large pages, open to privilege 3; the window behind
# it belongs to the test, page by page through window_pt.

.section .text
use 32

# 5-level paging uses what 4-level paging uses.
build_pages_5_level:
  movl $(pml4 + P + RW + US), pml5
build_pages_4_level:
  movl $(pdpt + P + RW + US), pml4
  movl $(pd + P + RW + US), pdpt
  movl $(window_pd + P + RW + US), pdpt + 8
  jmp fill_directories

build_pages_pae:
  movl $(pd + P), pdpt
  movl $(window_pd + P), pdpt + 8
fill_directories:
  movl $(window_pt + P + RW + US), window_pd
  xorl %ecx, %ecx
  movl $(P + RW + US + LARGE), %eax
1:
  movl %eax, pd(, %ecx, 8)
  movl $0, pd + 4(, %ecx, 8)    # 32-bit paging may have been here
  addl $0x200000, %eax
  incl %ecx
  cmpl $512, %ecx
  jb 1b
  ret

# 32-bit paging, with entries of 4 bytes: pages of 4 MiB and window_pt as a table of 1024.
build_pages_32:
  movl $(window_pt + P + RW + US), pd + 4 * (WINDOW >> 22)
  xorl %ecx, %ecx
  movl $(P + RW + US + LARGE), %eax
1:
  movl %eax, pd(, %ecx, 4)
  addl $0x400000, %eax
  incl %ecx
  cmpl $256, %ecx
  jb 1b
  ret

.section .bss
.balign 4096
pml5: .skip 4096
pml4: .skip 4096
pdpt: .skip 4096
pd: .skip 4096
window_pd: .skip 4096
window_pt: .skip 4096
