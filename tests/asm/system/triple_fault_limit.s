# A double fault beyond the IDT's limit shuts the CPU down, and the machine resets (SDM volume 3, 6.15, interrupt 8).

.include "harness.s"

  lidt up_to_ud
  try
  ud2
  caught UD, 0, "an IDT that ends behind #UD"
  expect_shutdown
  movw $(gdt_end - gdt), %ax
  movw %ax, %ds
  check got_vector, $END, "#GP in the delivery of #DF shuts down"
  done

.section .data
up_to_ud:
  .word 8 * (UD + 1) - 1
  .long idt32
