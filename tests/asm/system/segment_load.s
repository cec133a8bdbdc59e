# Loads of DS, ES, FS, GS and SS: type, privilege and presence (SDM volume 2, MOV; volume 3, 5.5 to 5.7).

.include "harness.s"

.macro attempt selector, register
  try
  movw $(\selector), %ax
  movw %ax, %\register
.endm

  attempt 0, ds
  passes "a null selector may be loaded into DS"
  attempt 3, gs
  passes "a null selector with an RPL may be loaded into GS"
  attempt 0, ss
  caught GP, 0, "a null selector in SS"
  attempt (gdt_end - gdt), ds
  caught GP, (gdt_end - gdt), "a selector beyond the GDT's limit"
  attempt (FREE + 4), ds
  caught GP, FREE+4, "a selector into an LDT that is not loaded"

  attempt TSS32, es
  caught GP, TSS32, "a system segment in ES"
  attempt KCODE32, ds
  passes "readable code in DS"
  attempt KCODE32, ss
  caught GP, KCODE32, "code in SS"
  set_segment FREE, $0, 0xfffff, 0xc099
  attempt FREE, ds
  caught GP, FREE, "execute-only code in DS"
  set_segment FREE, $0, 0xfffff, 0xc090
  attempt FREE, ds
  passes "read-only data in DS"
  attempt FREE, ss
  caught GP, FREE, "read-only data in SS"

  # Presence is looked at last.
  set_segment FREE, $0, 0xfffff, (DATA_RW & ~0x80)
  attempt FREE, ds
  caught NP, FREE, "a segment that is not present, in DS"
  attempt FREE, ss
  caught SS, FREE, "a segment that is not present, in SS"
  set_segment FREE, $0, 0xfffff, (CODE32_RX & ~0x80)
  attempt FREE, ss
  caught GP, FREE, "SS: type before presence"

  # Privilege: SS wants DPL = RPL = CPL, the others DPL >= both.
  attempt (KDATA + 3), ds
  caught GP, KDATA, "DS with RPL 3 of DPL 0"
  attempt UDATA, ds
  passes "DS with RPL 3 of DPL 3 at CPL 0"
  attempt (UDATA - 3), ss
  caught GP, (UDATA - 3), "SS with DPL 3 at CPL 0"
  attempt (KDATA + 1), ss
  caught GP, KDATA, "SS with RPL 1 at CPL 0"
  try
  user
  movw $KDATA, %ax
  movw %ax, %es
  caught GP, KDATA, "ES of DPL 0 at CPL 3"
  set_segment FREE, $0, 0xfffff, 0xc09f
  try
  user
  movw $FREE, %ax
  movw %ax, %es
  passes "ES of conforming readable code of DPL 0 at CPL 3"
  try
  user
  movw $0, %ax
  movw %ax, %ds
  movl %ds:0, %eax
  caught GP, 0, "access through a null DS"
  check got_ds, $0, "DS stays null"

  # The accessed bit is set by the load.
  set_segment FREE, $0, 0xfffff, (DATA_RW & ~1)
  attempt FREE, fs
  passes "data that was not accessed"
  check_bits gdt + FREE + 4, 0xff00, 0x9300, "a load sets the accessed bit"
  movw %fs, %ax
  lsll %eax, %ecx
  check %ecx, $0xffffffff, "LSL of what was loaded"

  # A failed load leaves the register as it was.
  movw $KDATA, %ax
  movw %ax, %gs
  attempt TSS32, gs
  caught GP, TSS32, "a system segment in GS"
  done
