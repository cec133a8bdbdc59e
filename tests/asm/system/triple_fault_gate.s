# A double fault whose gate is not present shuts the CPU down, and the machine resets (SDM volume 3, 6.15, interrupt 8).

.include "harness.s"

  andb $~0x80, idt32+8*GP+5
  try
  movw $(gdt_end - gdt), %ax
  movw %ax, %ds
  caught DF, 0, "#NP in the delivery of #GP"
  andb $~0x80, idt32+8*DF+5
  expect_shutdown
  movw $(gdt_end - gdt), %ax
  movw %ax, %ds
  check got_vector, $END, "#NP in the delivery of #DF shuts down"
  done
