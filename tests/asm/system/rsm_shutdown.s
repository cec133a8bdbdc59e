# RSM to a state that no CPU can be in shuts down: CR0.PG without PE (SDM volume 3, 31.2.2).

.include "harness.s"
.include "smm.s"

  smm_start
  handler damage
  expect_shutdown
  smi
  check smi_count, $0, "RSM shuts down"
  done

use 16
damage:
  movl $SAVED_CR0, %ecx
  movl (%ebx, %ecx), %eax
  andl $~CR0_PE, %eax
  orl $CR0_PG, %eax
  movl %eax, (%ebx, %ecx)
  rsm
