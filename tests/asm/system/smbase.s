# A handler moves SMBASE: the next SMI begins there (SDM volume 3, 31.11; AMD64 APM volume 2, 10.3.1).

.include "harness.s"
.include "smm.s"

.set NEW_BASE, 0x150000

  smm_start
  movl $(smi_stub_end - smi_stub), %ecx
1:
  movb smi_stub-1(%ecx), %al
  movb %al, NEW_BASE+0x8000-1(%ecx)
  loop 1b
  handler move
  movl $0x13572468, %eax
  smi
  movzwl entry_cs, %ecx
  check %ecx, $0, "CS is not yet the new base"
  handler note
  movl $0x13572468, %eax
  smi
  check smi_count, $2, "an SMI after the move"
  movzwl entry_cs, %eax
  check %eax, $((NEW_BASE >> 4) & 0xffff), "CS is the new base"
  check NEW_BASE+SAVED_RAX, $0x13572468, "the save area is there, too"
  check NEW_BASE+SAVED_SMBASE, $NEW_BASE, "and tells of it"
  done

use 16
move:
  movl $NEW_BASE, SAVED_SMBASE(%ebx)
  movw $0, entry_cs
note:
  rsm
