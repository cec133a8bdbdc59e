# 32-bit paging (SDM volume 3, 4.3, 4.6 to 4.8): error codes, rights with and without CR0.WP, accessed and dirty bits,
# 4 MiB pages.

.include "harness.s"

.set PAGE, WINDOW
.set PDE, pd + 4 * (WINDOW >> 22)

  paging_32

  # Error codes.
  map_page32 0, 0
  try
  movl PAGE+8, %eax
  caught PF, 0, "a read of a page that is not present"
  check got_cr2, $PAGE+8, "CR2"
  try
  movl %eax, PAGE+8
  caught PF, PF_W, "a write"
  try
  addl $1, PAGE
  caught PF, PF_W, "a read-modify-write"
  try
  movl $PAGE, %eax
  jmp *%eax
  caught_at PAGE, PF, 0, "a fetch is a read without NX and SMEP"
  try
  user
  movl PAGE, %eax
  caught PF, PF_U, "a read at CPL 3"
  try
  user
  pushl $1
  movl $PAGE+4, %esp
  pushl %eax
  caught PF, (PF_U | PF_W), "a push at CPL 3"
  check got_sp, $PAGE+4, "ESP stays"
  try
  sidt PAGE
  caught PF, PF_W, "SIDT"
  try
  movl $0x1000, %ebp
  cmpxchg %eax, PAGE
  caught PF, PF_W, "CMPXCHG writes even when it differs"
  try
  btl $0, PAGE
  caught PF, 0, "BT reads"

  # Rights.
  map_page32 0, (FRAMES + P + RW)
  try
  user
  movl PAGE, %eax
  caught PF, (PF_P | PF_U), "a supervisor page at CPL 3"
  map_page32 0, (FRAMES + P + US)
  try
  user
  movl PAGE, %eax
  movl %eax, PAGE
  caught PF, (PF_P | PF_U | PF_W), "a write to a read-only page at CPL 3"
  try
  movl %eax, PAGE
  passes "a supervisor writes to read-only pages without WP"
  check_bits window_pt, DIRTY, DIRTY, "such a write sets the dirty bit"
  set_bits cr0, CR0_WP
  try
  movl %eax, PAGE
  caught PF, (PF_P | PF_W), "with WP it does not"
  clear_bits cr0, CR0_WP
  movl $(window_pt + P + RW), PDE
  map_page32 0, (FRAMES + P + RW + US)
  try
  user
  movl PAGE, %eax
  caught PF, (PF_P | PF_U), "U/S of the directory counts, too"
  movl $(window_pt + P + US), PDE
  invlpg PAGE
  try
  user
  movl PAGE, %eax
  movl %eax, PAGE
  caught PF, (PF_P | PF_U | PF_W), "R/W of the directory counts, too"
  movl $(window_pt + P + RW + US), PDE
  invlpg PAGE
  # The processor's own accesses are a supervisor's, at CPL 3, too.
  map_page32 0, (FRAMES + P + RW)
  movl $gdt, %esi
  movl $FRAMES, %edi
  movl $(gdt_end - gdt), %ecx
  cld
  rep movsb
  lgdt window_gdt
  try
  user
  movw $UDATA, %ax
  movw %ax, %fs
  passes "a GDT in a supervisor page is read at CPL 3"
  lgdt gdt_pointer

  # Accessed and dirty.
  map_page32 0, (FRAMES + P + RW + US)
  movl $(window_pt + P + RW + US), PDE
  invlpg PAGE
  check_bits PDE, ACCESSED, 0, "the accessed bit is clear at first"
  movl PAGE, %eax
  check_bits window_pt, (ACCESSED | DIRTY), ACCESSED, "a read sets accessed"
  check_bits PDE, (ACCESSED | DIRTY), ACCESSED, "in the directory as well; not dirty"
  movl %eax, PAGE
  check_bits window_pt, (ACCESSED | DIRTY), (ACCESSED | DIRTY), "a write behind a read sets dirty"
  map_page32 0, (FRAMES + P + US)
  try
  user
  movl %eax, PAGE
  caught PF, (PF_P | PF_U | PF_W), "a write that is refused"
  check_bits window_pt, DIRTY, 0, "a write that is refused does not set dirty"
  # A change of the rights to more needs no INVLPG: a fault is that of the tables as they are.
  map_page32 0, (FRAMES + P + US)
  movl PAGE, %eax
  set_bits cr0, CR0_WP
  movl $(FRAMES + P + US + RW), window_pt
  try
  movl %eax, PAGE
  passes "more rights work at once"
  clear_bits cr0, CR0_WP

  # An access to two pages: the fault's address is in the second, and nothing is written.
  map_page32 0, (FRAMES + P + RW + US)
  map_page32 1, 0
  movl $0x11223344, FRAMES+0xffc
  try
  movl %eax, PAGE+0xffe
  caught PF, PF_W, "a write across pages"
  check got_cr2, $PAGE+0x1000, "CR2 is the start of the second page"
  check FRAMES+0xffc, $0x11223344, "nothing is written to the first"

  # 4 MiB pages.
  movl $(LARGE_FRAME + P + RW + US + LARGE), PDE
  invlpg PAGE
  movl $0x5a5a5a5a, LARGE_FRAME+0x123454
  check PAGE+0x123454, $0x5a5a5a5a, "a 4 MiB page"
  check_bits PDE, (ACCESSED | DIRTY), ACCESSED, "a 4 MiB page: accessed"
  movl %eax, PAGE
  check_bits PDE, DIRTY, DIRTY, "a 4 MiB page: dirty"
  movl PAGE+0x3ff000, %eax
  movl $0, window_pt+0x3ff*4
  movl $(window_pt + P + RW + US), PDE
  invlpg PAGE
  try
  movl PAGE+0x3ff000, %eax
  caught PF, 0, "INVLPG takes all of a 4 MiB page"
  movl $(LARGE_FRAME + P + RW + US + LARGE + (1 << 21)), PDE
  invlpg PAGE
  try
  movl PAGE, %eax
  caught PF, (PF_P | PF_RSVD), "a reserved bit of a 4 MiB page"
  try
  user
  movl %eax, PAGE
  caught PF, (PF_P | PF_RSVD | PF_U | PF_W), "a reserved bit, at a write at CPL 3"
  done

.section .data
window_gdt:
  .word gdt_end - gdt - 1
  .long WINDOW
