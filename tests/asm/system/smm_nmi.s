# NMIs and SMIs in a handler wait: one of each; SMIs come first (SDM volume 3, 31.8, 31.3.1; 6.9). IRET lets NMIs in.

.include "harness.s"
.include "smm.s"

.set SEND_NMI, (1 << 18) + (4 << 8) + (1 << 14)
.macro settle
  movl $1000, %ecx
91:
  pause
  loopl 91b
.endm

  need 1, edx, 9, "an APIC"
  smm_start
  movl $0x1ff, LAPIC_SPURIOUS
  set_gate NMI, KCODE32, $count_nmi, INTERRUPT_GATE

  handler send_both
  smi
1:
  settle
  check smi_count, $2, "one SMI is kept"
  check nmi_count, $1, "one NMI is kept"
  check nmis_in_smm, $0, "until RSM"
  check nmis_at_second_smi, $0, "the SMI goes first"
  check nmi_ip, $1b, "the NMI comes right behind RSM"

  # IRET ends the blocking within the handler.
  movl $0, nmi_count
  movl $0, smi_count
  movl $count_nmi_in_smm, ivt+4*NMI
  handler send_and_return
  smi
  settle
  check nmis_in_smm, $1, "an NMI behind IRET in the handler"
  check nmi_count, $0, "is not left for later"

  # An SMI in an NMI's handler leaves NMIs blocked (a processor may forget it: 31.8).
  movl $0, smi_count
  handler return_from_smi
  set_gate NMI, KCODE32, $nmi_with_smi, INTERRUPT_GATE
  movl $SEND_NMI, LAPIC_ICR
  settle
  check nested, $0, "RSM blocks NMIs again if they were"
  check nmi_count, $2, "both come"
  done

count_nmi:
  incl nmi_count
  pushl (%esp)
  popl nmi_ip
  iretl
nmi_with_smi:
  pushl %ecx
  incl nmi_count
  cmpl $1, nmi_count
  jne 1f
  movl $1, inside
  smi
  movl $SEND_NMI, LAPIC_ICR
  settle
  movl $0, inside
1:
  movl inside, %ecx
  addl %ecx, nested
  popl %ecx
  iretl

use 16
send_both:
  cmpl $1, smi_count
  jne 1f
  movl $LAPIC_ICR, %esi
  movl $SEND_NMI, (%esi)
  movl $SEND_NMI, (%esi)
  smi
  smi
  settle
  movl nmi_count, %eax
  movl %eax, nmis_in_smm
  rsm
1:
  movl nmi_count, %eax
  movl %eax, nmis_at_second_smi
  rsm

send_and_return:
  lidt real_idt_pointer
  pushfw
  pushw $0
  pushw $1f
  iretw
1:
  movl $LAPIC_ICR, %esi
  movl $SEND_NMI, (%esi)
  settle
  rsm
count_nmi_in_smm:
  incl nmis_in_smm
  iretw

.section .data
nmi_count: .long 0
nmi_ip: .long 0
nmis_in_smm: .long 0
nmis_at_second_smi: .long 0
inside: .long 0
nested: .long 0
