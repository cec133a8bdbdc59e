# Faults of fetches (SDM volume 3, 4.7 and 6.15): where they are reported, and EIP at its ends.

.include "harness.s"

.set PAGE, WINDOW

  paging_32
  map_page32 0, (FRAMES + P + RW + US)
  map_page32 1, 0
  # An instruction whose first byte is in the second page faults by itself; what stands before it has run.
  movl $PAGE+0xffe, %edx
  movb $0x43, FRAMES+0xffe      # inc %ebx
  movb $0x43, FRAMES+0xfff
  xorl %ebx, %ebx
  try
  jmp *%edx
  caught_at PAGE+0x1000, PF, 0, "the first byte of an instruction"
  check %ebx, $2, "what stands before has run"
  check got_cr2, $PAGE+0x1000, "CR2"
  movb $0xb8, FRAMES+0xfff
  try
  jmp *%edx
  caught_at PAGE+0xfff, PF, 0, "the second byte of an instruction"
  check got_cr2, $PAGE+0x1000, "the second byte: CR2"
  try
  user
  jmp *%edx
  caught_at PAGE+0xfff, PF, PF_U, "a fetch at CPL 3"
  map_page32 0, (FRAMES + P + RW)
  try
  user
  jmp *%edx
  caught_at PAGE+0xffe, PF, (PF_P | PF_U), "a fetch at CPL 3 from a supervisor page"
  # The same code at CPL 0, then at CPL 3: rights are those of now.
  movb $0xc3, FRAMES
  try
  call PAGE
  passes "a fetch at CPL 0 from a supervisor page"
  try
  user
  call PAGE
  caught_at PAGE, PF, (PF_P | PF_U), "and at CPL 3"
  map_page32 0, (FRAMES + P + RW + US)
  try
  user
  call PAGE
  passes "a user page at CPL 3"

  # EIP wraps at 4 GiB, where the limit allows.
  movl $(window_pt + P + RW), pd+0xffc
  movl $(FRAMES + 0x1000 + P + RW), window_pt+0xffc
  movl %cr3, %eax
  movl %eax, %cr3
  movb $0x43, FRAMES+0x1fff
  movl 0, %esi
  movl $0x0b0f0b0f, 0
  xorl %ebx, %ebx
  try
  movl $-1, %eax
  jmp *%eax
  caught_at 0, UD, 0, "EIP wraps at 4 GiB"
  check %ebx, $1, "the instruction at 0xffffffff has run"
  movl %esi, 0
  done
