# What the TLB keeps of pages that lead to devices, and what has to end it (SDM volume 3, 4.10.4): the same as of memory.

.include "harness.s"
.include "smm.s"

.set PAGE, WINDOW
.set VERSION, PAGE + 0x30       # of the local APIC
.set PRIORITY, PAGE + 0x80
.set IN_MEMORY, 0x5eed
.set VIDEO, 0xa0000             # where nothing answers, or SMRAM

  long_mode
  set_bits cr0, CR0_WP
  movl $IN_MEMORY, FRAMES+0x30

  # Maps the page to memory behind the TLB's back.
  .macro remap bits
  map_page 0, (LAPIC + P + RW + US + \bits)
  movl VERSION, %eax
  movl VERSION, %eax
  check_bits %eax, 0xf0, 0x10, "the local APIC answers"
  movl $(FRAMES + P + RW + US + \bits), window_pt
  .endm
  .macro new_mapping rule
  movl VERSION, %eax
  check %rax, $IN_MEMORY, "\rule"
  .endm

  remap 0
  invlpg PAGE+0xfff
  new_mapping "INVLPG"
  remap 0
  reload_cr3
  new_mapping "CR3"
  set_bits cr4, CR4_PGE
  remap GLOBAL
  invlpg PAGE
  new_mapping "INVLPG takes global pages, too"
  remap GLOBAL
  clear_bits cr4, CR4_PGE
  new_mapping "a change of CR4.PGE takes all"

  # Rights, and what accesses leave in the entry.
  map_page 0, (LAPIC + P + RW)
  movl VERSION, %eax
  check_bits window_pt, (ACCESSED | DIRTY), ACCESSED, "a read"
  movl $0x20, PRIORITY
  check_bits window_pt, (ACCESSED | DIRTY), (ACCESSED | DIRTY), "a write"
  movl PRIORITY, %eax
  check %rax, $0x20, "and it arrives"
  map_page 0, (LAPIC + P + RW)
  movl $0, PRIORITY
  check_bits window_pt, (ACCESSED | DIRTY), (ACCESSED | DIRTY), "a write behind INVLPG"
  try
  user
  movl VERSION, %eax
  caught PF, (PF_P | PF_U), "a supervisor's page at CPL 3"
  map_page 0, (LAPIC + P + US)
  movl VERSION, %eax
  try
  movl %eax, PRIORITY
  caught PF, (PF_P | PF_W), "a write to a page that may be read"
  clear_bits cr0, CR0_WP
  movl $0x30, PRIORITY
  set_bits cr0, CR0_WP
  try
  movl %eax, PRIORITY
  caught PF, (PF_P | PF_W), "a page that could be written without WP"
  try
  user
  movl VERSION, %eax
  movl %eax, VERSION
  caught PF, (PF_P | PF_U | PF_W), "a write at CPL 3"
  map_page 0, (LAPIC + P + RW)
  movl $0, PRIORITY

  # A large page.
  .set LARGE_WINDOW, WINDOW + 0x200000
  movl $IN_MEMORY, LARGE_FRAME+0x30
  movl $(LAPIC + P + RW + LARGE), window_pd+8
  movl LARGE_WINDOW+0x30, %eax
  check_bits %eax, 0xf0, 0x10, "the local APIC answers in a large page"
  movl $(LARGE_FRAME + P + RW + LARGE), window_pd+8
  invlpg LARGE_WINDOW+0x100000
  movl LARGE_WINDOW+0x30, %eax
  check %rax, $IN_MEMORY, "INVLPG of another address in a large page"

  # An access that goes on in the next page, which is memory.
  map_page 1, (FRAMES + P + RW)
  movl $0x11223344, FRAMES
  movl PAGE+0x1000, %eax
  movl PAGE+0xffe, %eax
  shrl $16, %eax
  check %rax, $0x3344, "from a device's page into memory"

  # What is behind physical addresses changes.
  smram SMRAM_USED
  movl VIDEO, %eax
  movl VIDEO, %ebx
  smram SMRAM_OPEN
  movl $IN_MEMORY, VIDEO
  movl VIDEO, %eax
  check %rax, $IN_MEMORY, "SMRAM has come"
  smram SMRAM_USED
  movl VIDEO, %eax
  check %rax, %rbx, "and gone"

  # The A20 gate: HPET and I/O APIC differ in bit 20.
  map_page 0, (0xfec00000 + P + RW)
  map_page 1, (0xfed00000 + P + RW)
  movl $0x12, PAGE
  movl PAGE+0x1000, %ebx
  movl PAGE+0x1000, %ebx
  a20_gate andb, $0xfd, $0xdd
  movl PAGE+0x1000, %esi
  a20_gate orb, $2, $0xdf
  movl PAGE+0x1000, %edi
  check %rsi, $0x12, "the A20 gate is closed"
  check %rdi, %rbx, "it is open again"
  done
