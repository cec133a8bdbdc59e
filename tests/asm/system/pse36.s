# PSE-36 (SDM volume 3, 4.3, table 4-4): bits 20:13 of the entry of a 4 MiB page are bits 39:32 of its address.

.include "harness.s"

.macro large bits
  movl $(LARGE_FRAME + P + RW + US + LARGE + (\bits)), pd + 4 * (WINDOW >> 22)
  invlpg WINDOW
.endm

  need 1, edx, 17, "PSE-36"
  paging_32
  movl $0x600d600d, LARGE_FRAME
  large 0
  check WINDOW, $0x600d600d, "a frame below 4 GiB"
  large 0x2000
  try
  movl WINDOW, %ebx
  movl $0x0bad0bad, WINDOW
  passes "a frame above 4 GiB"
  xorl %ecx, %ecx
  cmpl $0x600d600d, %ebx
  sete %cl
  check %ecx, $0, "it is not the one below"
  check LARGE_FRAME, $0x600d600d, "what is written there is not seen below"
  large (1 << 21)
  try
  movl WINDOW, %eax
  caught PF, (PF_P | PF_RSVD), "bit 21 is reserved"
  done
