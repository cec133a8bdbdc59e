# A fault in the delivery of a double fault shuts the CPU down, and the machine resets (SDM volume 3, 6.15, interrupt 8).

.include "harness.s"

  expect_shutdown
  lidt no_idt
  int3
  done

.section .data
no_idt:
  .word 0
  .long 0
