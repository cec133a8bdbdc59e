# An SMI wakes HLT; RSM goes back into it if the handler leaves the save area so (SDM volume 3, 31.10; AMD64 APM volume 2, 10.3.4).
# The SMIs come from the 8254 through the I/O APIC.

.include "harness.s"
.include "smm.s"

.set IO_APIC, 0xfec00000
.set TO_SMI, 2 << 8

  need 1, edx, 9, "an APIC"
  smm_start
  movl $0x1ff, LAPIC_SPURIOUS
  handler wake_at_third
  movb $0x34, %al               # counter 0, rate generator, about 5 ms
  outb %al, $0x43
  movb $0x70, %al
  outb %al, $0x40
  movb $0x17, %al
  outb %al, $0x40
  movl $0x15, IO_APIC           # pin 2, the bootstrap processor
  movl $0, IO_APIC+0x10
  movl $0x14, IO_APIC
  movl $TO_SMI, IO_APIC+0x10
  cli
  hlt
1:
  movl $0x10000, IO_APIC+0x10   # masked
  check smi_count, $3, "HLT goes on until a handler ends it"
  check halts, $3, "the save area tells of HLT"
  check saved_ip, $1b, "RIP is behind HLT"
  movl $0, halts
  movl $3, smi_count
  movl $1b, saved_ip
  handler note_halt
  smi
1:
  check halts, $0, "and where there is none"
  done

use 16
wake_at_third:
  cmpl $3, smi_count
  jb note_halt
  movl SAVED_RIP(%ebx), %eax
  movl %eax, saved_ip
  movzbl SAVED_AUTO_HALT(%ebx), %eax
  addl %eax, halts
  movb $0, SAVED_AUTO_HALT(%ebx)
  rsm
note_halt:
  movzbl SAVED_AUTO_HALT(%ebx), %eax
  addl %eax, halts
  rsm

.section .data
halts: .long 0
saved_ip: .long 0
