# Faults while a fault is delivered (SDM volume 3, 6.15, interrupt 8, table 6-5): two contributory ones, a page fault and
# then either kind make a double fault; anything else is handled one by one.

.include "harness.s"

.set TARGET, FREE

# Makes the handler of `vector` fault: its target is not present (#NP), or the gate is of a wrong type (#GP).
.macro break_gate vector
  set_gate \vector, TARGET, $0, INTERRUPT_GATE
.endm
.macro mend_gate vector
  set_gate \vector, KCODE32, $stubs32+16*\vector, INTERRUPT_GATE
.endm

  set_segment TARGET, $0, 0xfffff, (CODE32_RX & ~0x80)

  break_gate GP
  try
  movw $(gdt_end - gdt), %ax
1:
  movw %ax, %ds
  caught DF, 0, "#NP in the delivery of #GP"
  mend_gate GP
  break_gate DE
  try
  xorl %eax, %eax
  xorl %edx, %edx
  divl %edx
  caught DF, 0, "#NP in the delivery of #DE"
  mend_gate DE
  break_gate UD
  try
1:
  ud2
  caught_at 1b, NP, TARGET+1, "#NP in the delivery of #UD, which is benign"
  mend_gate UD
  break_gate BP
  try
1:
  int3
  caught_at 1b, NP, TARGET, "#NP of INT3: a fault of the instruction"
  mend_gate BP
  break_gate GP
  try
  int $0x50                     # the IDT has no such gate: #GP, whose gate is broken
  caught DF, 0, "#GP of INT n and #NP"
  mend_gate GP

  # Page faults.
  paging_32
  break_gate PF
  try
  movl WINDOW, %eax
  caught DF, 0, "#NP in the delivery of #PF"
  check got_cr2, $WINDOW, "CR2 is set before the delivery"
  mend_gate PF
  # An IDT that is not mapped: #PF in the delivery of #UD, then #PF in that of #PF, then in that of #DF. Only what lies
  # below #DF's gate is lost here.
  movl $idt32, %esi
  movl $FRAMES+0x1000-0x40, %edi
  movl $0x400, %ecx
  cld
  rep movsb
  map_page32 0, (FRAMES + P + RW)
  map_page32 1, (FRAMES + 0x1000 + P + RW)
  lidt window_idt
  try
1:
  ud2
  caught_at 1b, UD, 0, "an IDT in mapped pages"
  map_page32 0, 0
  try
1:
  ud2
  caught_at 1b, PF, 0, "#PF in the delivery of #UD is handled"
  check got_cr2, $WINDOW+0x1000-0x40+8*UD, "CR2 is the gate's address"
  try
  xorl %eax, %eax
  xorl %edx, %edx
1:
  divl %edx
  caught_at 1b, PF, 0, "#PF in the delivery of #DE is handled"
  # #PF's gate is the first that is gone.
  movl $idt32, %esi
  movl $FRAMES+0x1000-8*PF, %edi
  movl $0x400, %ecx
  rep movsb
  map_page32 0, (FRAMES + P + RW)
  map_page32 1, 0
  lidt idt_without_pf
  try
1:
  movl WINDOW+0x2000, %eax
  caught_at 1b, DF, 0, "#PF in the delivery of #PF"
  check got_cr2, $WINDOW+0x1000, "CR2 is the gate's address, not the first fault's"
  lidt idt32_pointer
  done

.section .data
window_idt:
  .word 0x3ff
  .long WINDOW + 0x1000 - 0x40
idt_without_pf:
  .word 0x3ff
  .long WINDOW + 0x1000 - 8 * PF
