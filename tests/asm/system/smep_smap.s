# SMEP and SMAP (SDM volume 3, 4.6.1): a supervisor neither executes user pages nor, unless AC is set, reads or writes them.

.include "harness.s"

.set PAGE, WINDOW
.set ALIAS, 0x80000000          # the first GiB for privilege 3

  need 7, ebx, 7, "SMEP"
  need 7, ebx, 20, "SMAP"
  need 0x80000001, edx, 26, "1 GiB pages"
  long_mode
  # What the supervisor runs on becomes its own.
  andl $~US, pdpt
  movl $(P + RW + US + LARGE), pdpt+16
  movq %cr3, %rax
  movq %rax, %cr3
  put_return FRAMES
  map_page 0, (FRAMES + P + RW + US)
  map_page 1, (FRAMES + P + RW)

  set_bits cr4, CR4_SMEP
  try
  call PAGE
  caught_at PAGE, PF, (PF_P | PF_I), "SMEP: a fetch from a user page"
  try
  call PAGE+0x1000
  passes "SMEP: a fetch from a supervisor page"
  try
  movl PAGE, %eax
  passes "SMEP: reads are free"
  map_page 0, 0
  try
  call PAGE
  caught PF, PF_I, "SMEP: I/D is told without NX, too"
  map_page 0, (FRAMES + P + RW + US)
  clear_bits cr4, CR4_SMEP
  try
  call PAGE
  passes "without SMEP"

  set_bits cr4, CR4_SMAP
  try
  movl PAGE, %eax
  caught PF, PF_P, "SMAP: a read of a user page"
  try
  movl %eax, PAGE
  caught PF, (PF_P | PF_W), "SMAP: a write"
  try
  call PAGE
  passes "SMAP: fetches are free"
  try
  movl PAGE+0x1000, %eax
  passes "SMAP: supervisor pages"
  try
  stac
  movl PAGE, %eax
  movl %eax, PAGE
  passes "SMAP: AC lifts it"
  try
  stac
  movl PAGE, %eax
  clac
1:
  movl PAGE, %eax
  caught_at 1b, PF, PF_P, "SMAP: CLAC"
  map_page 2, (LAPIC + P + RW + US)
  try
  stac
  movl PAGE+0x2030, %eax
  clac
1:
  movl PAGE+0x2030, %eax
  caught_at 1b, PF, PF_P, "SMAP: CLAC, and a device's page"
  try
  pushq $(FLAG_AC | 2)
  popfq
  movl PAGE, %eax
  passes "SMAP: AC by POPF"
  # Implicit accesses are a supervisor's whatever AC is: an LDT in a user page.
  movl gdt+KDATA, %eax
  movl %eax, FRAMES+0x100
  movl gdt+KDATA+4, %eax
  movl %eax, FRAMES+0x104
  set_segment FREE, $(PAGE + 0x100), 7, 0x0082
  movw $FREE, %ax
  lldt %ax
  try
  stac
  movw $4, %ax
1:
  movw %ax, %fs
  caught_at 1b, PF, PF_P, "SMAP: a descriptor in a user page"
  check got_cr2, $PAGE+0x100, "SMAP: its address"
  # Privilege 3 has its own rights, with either value of AC.
  .macro user_alias
  movl $ALIAS, %ebx
  pushq $UDATA
  leaq user_stack_top(%rbx), %rax
  pushq %rax
  pushq $2
  pushq $UCODE64
  leaq 1f(%rbx), %rax
  pushq %rax
  iretq
1:
  .endm
  try
  user_alias
  movl PAGE, %eax
  pushq %rax
  passes "SMAP: user pages at CPL 3"
  try
  user_alias
  stac
  caught UD, 0, "STAC at CPL 3"
  try
  user_alias
  movl PAGE+0x1000, %eax
  caught PF, (PF_P | PF_U), "a supervisor page at CPL 3"
  clear_bits cr4, CR4_SMAP
  try
  movl PAGE, %eax
  passes "without SMAP"
  done
