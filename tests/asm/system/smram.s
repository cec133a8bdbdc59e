# The 82441FX's SMRAM register (data sheet, 3.2.17): who sees the RAM behind the display's window.

.include "harness.s"
.include "smm.s"

.macro is_visible value, rule
  movl 0xa0000, %eax
  check %eax, $\value, "\rule"
.endm

  smm_start
  smram SMRAM_OPEN
  movl $0x600df00d, 0xa0000
  is_visible 0x600df00d, "open: all see it"
  smram SMRAM_USED
  movl $0, 0xa0000
  is_visible 0xffffffff, "closed: there is no display either"
  handler touch
  movl $0, seen
  smi
  check seen, $0x600df00d, "a handler sees it, and writes from outside did not reach it"
  is_visible 0xffffffff, "after RSM it is hidden"
  smram SMRAM_OPEN
  is_visible 0x600df00e, "what the handler wrote"
  smram 0x42
  is_visible 0xffffffff, "D_OPEN needs G_SMRAME"

  # Locked, it cannot be opened again.
  smram 0x5a
  is_visible 0xffffffff, "locking closes"
  smram SMRAM_OPEN
  is_visible 0xffffffff, "a locked one stays closed"
  movw $0xcfe, %dx
  inb %dx, %al
  movl %eax, %ecx
  check_bits %ecx, 0x58, 0x18, "D_LCK stays, D_OPEN is clear"
  smi
  check seen, $0x600df00e, "handlers still see it"
  done

use 16
touch:
  movl $0xa0000, %ecx
  movl (%ecx), %eax
  movl %eax, seen
  incl (%ecx)
  rsm

.section .data
seen: .long 0
