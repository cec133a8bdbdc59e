# PAE paging (SDM volume 3, 4.4): page-directory pointers are read with CR3; NX; reserved bits; 2 MiB pages.

.include "harness.s"

.set PAGE, WINDOW

  paging_pae
  map_page 0, (FRAMES + P + RW + US)
  movl $0x600dda7a, FRAMES
  check PAGE, $0x600dda7a, "a page"
  check_bits window_pd, ACCESSED, ACCESSED, "accessed in the directory"

  # Pointers change with CR3 only.
  movl $0, pdpt+8
  invlpg PAGE
  try
  movl PAGE, %eax
  passes "a pointer that was cleared is still in the processor"
  movl %cr3, %eax
  movl %eax, %cr3
  try
  movl PAGE, %eax
  caught PF, 0, "a load of CR3 reads it"
  movl $(window_pd + P + RW), pdpt+8
  try
  movl %cr3, %eax
  movl %eax, %cr3
  caught GP, 0, "a reserved bit (1) of a pointer that is present"
  movl $(window_pd + RW), pdpt+8
  try
  movl %cr3, %eax
  movl %eax, %cr3
  passes "a reserved bit of one that is not present"
  movl $(window_pd + P), pdpt+8
  movl %cr3, %eax
  movl %eax, %cr3

  # NX.
  need 0x80000001, edx, 20, "NX"
  put_return FRAMES
  map_page 0, (FRAMES + P + RW + US), NX_HIGH
  try
  movl PAGE, %eax
  caught PF, (PF_P | PF_RSVD), "bit 63 is reserved without EFER.NXE"
  enable_nx
  try
  movl PAGE, %eax
  passes "with NXE it is not"
  try
  call PAGE
  caught_at PAGE, PF, (PF_P | PF_I), "a fetch from a page with NX"
  try
  user
  call PAGE
  caught_at PAGE, PF, (PF_P | PF_U | PF_I), "a fetch at CPL 3"
  map_page 0, (FRAMES + P + RW + US)
  try
  call PAGE
  passes "a fetch from a page without NX"
  map_page 0, 0
  try
  call PAGE
  caught_at PAGE, PF, PF_I, "a fetch from a page that is not present"
  map_page 0, (FRAMES + P + RW + US)
  orl $NX_HIGH, window_pd+4
  movl %cr3, %eax
  movl %eax, %cr3
  try
  call PAGE
  caught PF, (PF_P | PF_I), "NX of the directory"
  movl $0, window_pd+4

  # Reserved bits.
  map_page 0, (FRAMES + P + RW + US), (1 << 30)
  try
  movl PAGE, %eax
  caught PF, (PF_P | PF_RSVD), "bit 62 of an entry"
  map_page 0, (FRAMES + US), (1 << 30)
  try
  movl PAGE, %eax
  caught PF, 0, "an entry that is not present has no reserved bits"
  map_page 0, (FRAMES + P + RW + US), (1 << 19)
  try
  movl PAGE, %eax
  caught PF, (PF_P | PF_RSVD), "an address of 52 bits"
  movl $(LARGE_FRAME + P + RW + LARGE), window_pd
  movl %cr3, %eax
  movl %eax, %cr3
  movl $0x600d, LARGE_FRAME+0x1ffffc
  check PAGE+0x1ffffc, $0x600d, "a 2 MiB page"
  movl $(LARGE_FRAME + P + RW + LARGE + 0x2000), window_pd
  movl %cr3, %eax
  movl %eax, %cr3
  try
  movl PAGE, %eax
  caught PF, (PF_P | PF_RSVD), "bit 13 of a 2 MiB page"
  done
