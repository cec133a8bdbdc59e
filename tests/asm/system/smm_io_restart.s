# A handler has the I/O instruction that raised its SMI repeated (SDM volume 3, 31.12; AMD64 APM volume 2, 10.3.6).

.include "harness.s"
.include "smm.s"

  smm_start
  handler note_revision
  smi
  btl $IO_RESTARTS, revision
  jc 1f
  movl $98f, report_rule
  jmp lacking
.pushsection .rodata
98:
  .asciz "I/O instruction restart"
.popsection
1:
  # OUT again, with another AL.
  movl $0, smi_count
  handler repeat_once
  movb $0x11, %al
  clc
1:
  smi
2:
  setc %cl
  check smi_count, $2, "OUT: two SMIs"
  check commands, $0x2211, "OUT: with the new AL"
  check first_rip, $2b, "OUT: RIP of the first"
  check first_io_rip, $1b, "OUT: RIP to restart"
  check first_trap, $0x00b20012, "OUT: port, size"
  # OUTS.
  movl $0, smi_count
  movl $text, %esi
  movw $SMI_COMMAND, %dx
1:
  outsb
  check smi_count, $2, "OUTS: two SMIs"
  check commands, $0x6161, "OUTS: of the same byte"
  check %esi, $text+1, "OUTS: ESI behind it"
  check first_trap, $0x00b20016, "OUTS: a string"
  # REP OUTS: an SMI behind each iteration.
  movl $0, smi_count
  movl $text, %esi
  movl $3, %ecx
1:
  rep outsb
2:
  check smi_count, $4, "REP OUTS: an SMI an iteration, and one repeated"
  check commands, $0x63626161, "REP OUTS: the bytes"
  check %esi, $text+3, "REP OUTS: ESI"
  check %ecx, $0, "REP OUTS: ECX"
  check first_trap, $0x00b2001e, "REP OUTS: a repeated string"
  check first_rip, $1b, "REP OUTS: RIP while it goes on"
  # No I/O instruction: nothing to repeat.
  movl $0, smi_count
  need 1, edx, 9, "an APIC"
  movl $0x1ff, LAPIC_SPURIOUS
  movl $((1 << 18) + (2 << 8) + (1 << 14)), LAPIC_ICR
  movl $1000, %ecx
1:
  pause
  loop 1b
  check smi_count, $1, "an SMI through the APIC"
  check first_trap, $0, "tells of no I/O instruction"
  done

use 16
note_revision:
  movl SAVED_REVISION(%ebx), %eax
  movl %eax, revision
  rsm
repeat_once:
  inb $SMI_COMMAND, %al
  movl smi_count, %ecx
  movb %al, commands-1(%ecx)
  cmpl $1, %ecx
  jne 1f
  movl $0, commands+1
  movl SAVED_RIP(%ebx), %eax
  movl %eax, first_rip
  movl SAVED_IO_RIP(%ebx), %eax
  movl %eax, first_io_rip
  movl SAVED_IO_TRAP(%ebx), %eax
  movl %eax, first_trap
  addb $0x11, SAVED_RAX(%ebx)
  movb $0xff, SAVED_IO_RESTART(%ebx)
1:
  rsm

.section .data
revision: .long 0
commands: .long 0, 0
first_rip: .long 0
first_io_rip: .long 0
first_trap: .long 0
text: .ascii "abc"
