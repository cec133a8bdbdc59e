# A page fault in the delivery of a double fault shuts the CPU down, in 64-bit mode as elsewhere (SDM volume 3, 6.15, interrupt 8).

.include "harness.s"

  long_mode
  map_page 0, 0
  expect_shutdown
  movq $WINDOW+0x800, %rsp
  lidt window_idt
  movl WINDOW, %eax
  check got_vector, $END, "#PF in the delivery of #DF shuts down"
  done

.section .data
window_idt:
  .word 16 * 256 - 1
  .quad WINDOW
