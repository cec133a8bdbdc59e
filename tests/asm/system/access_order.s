# Accesses of a block fault one by one, in the order of the program, and mark pages only when they are made (SDM volume 3, 4.8
# and 6.4 to 6.6): also where they are neighbours, which a translator may want to check at once.

.include "harness.s"

.set PAGE, WINDOW
.set NEXT, WINDOW + 0x1000

  long_mode
  set_bits cr0, CR0_WP
  .macro pages first, second
  map_page 0, (\first)
  map_page 1, (\second)
  reload_cr3
  .endm

  # The second of two stores.
  pages FRAMES + P + RW + US, 0
  movl $NEXT, %ebx
  movl $-1, FRAMES+0xff8
  xorl %ecx, %ecx
  try
  addl $-1, %ecx
  movl $1, -8(%rbx)
91:
  movl $2, (%rbx)
  movl $3, -4(%rbx)
  caught_at 91b, PF, PF_W, "a store behind one in the page before"
  check got_cr2, $NEXT, "its address"
  check_bits FRAMES+0xff8, 0xffffffff, 1, "the store before it is made"
  check_bits FRAMES+0xffc, 0xffffffff, 0, "the store behind it is not"
  check_bits got_flags, 0x8d5, 0x84, "flags of before"

  # The same with the first in the page that is not there, and a read-only page.
  pages 0, FRAMES + 0x1000 + P + RW + US
  movl $0, FRAMES+0x1000
  try
92:
  movl -8(%rbx), %eax
  movl $2, (%rbx)
  caught_at 92b, PF, 0, "a load before a store in the page behind"
  check_bits FRAMES+0x1000, 0xffffffff, 0, "which is not made"
  pages FRAMES + P + RW + US, FRAMES + 0x1000 + P + US
  try
  movl $5, -8(%rbx)
  movl (%rbx), %eax
93:
  movl $6, (%rbx)
  caught_at 93b, PF, PF_P | PF_W, "a store to a page that may be read"
  check_bits FRAMES+0xff8, 0xffffffff, 5, "the store to the one before"

  # A page becomes dirty by a store, not by loads that it stands behind.
  pages FRAMES + P + RW + US, 0
  try
  movl -8(%rbx), %eax
  movl (%rbx), %eax
  movl %eax, -16(%rbx)
  caught PF, 0, "a load between"
  check_bits window_pt, ACCESSED | DIRTY, ACCESSED, "accessed, not dirty"
  movl -8(%rbx), %eax
  movl %eax, -16(%rbx)
  check_bits window_pt, ACCESSED | DIRTY, ACCESSED | DIRTY, "dirty"

  # Pushes, at privilege 3 to keep the handler's stack apart.
  pages 0, FRAMES + 0x1000 + P + RW + US
  try
  user
  leaq 16(%rbx), %rsp
  pushq $1
  pushq $2
94:
  pushq $3
  caught_at 94b, PF, PF_W | PF_U, "a push to the page before"
  check got_sp, $NEXT, "RSP is that of the push before"
  check_bits FRAMES+0x1000, 0xffffffff, 2, "which is made"

  # Alignment.
  pages FRAMES + P + RW + US, FRAMES + 0x1000 + P + RW + US
  set_bits cr4, CR4_OSFXSR
  clear_bits cr0, CR0_EM | CR0_TS
  try
  movaps -32(%rbx), %xmm0
  movq $7, -8(%rbx)
95:
  movaps -24(%rbx), %xmm1
  caught_at 95b, GP, 0, "an operand that is not aligned"
  check_bits FRAMES+0xff8, 0xffffffff, 7, "behind a store"
  leaq -24(%rbx), %rbx
  try
  movl $8, (%rbx)
96:
  movaps 16(%rbx), %xmm1
  movl $9, (%rbx)
  caught_at 96b, GP, 0, "the same of another base"
  check_bits FRAMES+0xfe8, 0xffffffff, 8, "behind its store"

  # A loop that steps out of alignment, which a translator may want to check once a page.
  .macro step_out instruction:vararg
  try
  movl $NEXT, %ebx
  movl $4, %ecx
  jmp 97f  # so that a block begins there
97:
  \instruction
  addq $8, %rbx
  decl %ecx
  jnz 97b
  .endm
  step_out paddd (%rbx), %xmm0
  caught_at 97b, GP, 0, "an operand in a loop"
  check %rbx, $NEXT + 8, "in the second round"
  step_out movntps %xmm0, (%rbx)
  caught_at 97b, GP, 0, "a store past the caches in a loop"
  check %rbx, $NEXT + 8, "in the second round, too"
  done
