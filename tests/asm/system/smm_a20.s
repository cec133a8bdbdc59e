# The A20 gate does not count in system-management mode (AMD64 APM volume 2, 10.3.3).

.include "harness.s"
.include "smm.s"

.set PLACE, 0x109000

  smm_start
  handler look
  movl $0x11111111, PLACE
  movl $0x22222222, PLACE-0x100000
  a20_gate andb, $0xfd, $0xdd
  movl PLACE, %ecx
  smi
  movl PLACE, %esi
  a20_gate orb, $2, $0xdf
  check %ecx, $0x22222222, "the gate is closed"
  check seen, $0x11111111, "a handler sees the second MiB"
  check %esi, $0x22222222, "after RSM the gate counts again"
  done

use 16
look:
  movl $PLACE, %ecx
  movl (%ecx), %eax
  movl %eax, seen
  rsm

.section .data
seen: .long 0
