# Interrupts through the local APIC: the shadows of STI and MOV SS (SDM volume 3, 6.8), NMI and its blocking (6.7.1), HLT.

.include "harness.s"

.macro send low
  movl $(\low), LAPIC_ICR
.endm
# An APIC may take its time, and needs a moment in which interrupts are open.
.macro settle
  movl $1000, %ecx
91:
  pause
  loop 91b
.endm
.set SELF, 1 << 18
.set SEND_NMI, SELF + (4 << 8) + (1 << 14)

  need 1, edx, 9, "an APIC"
  movb $0xff, %al
  outb %al, $0x21
  outb %al, $0xa1
  movl $0x1ff, LAPIC_SPURIOUS
  set_gate 0x31, KCODE32, $count, INTERRUPT_GATE

  # One that waits is taken behind the instruction that follows STI.
  send SELF+0x31
  movl $0, counter
  sti
  nop
1:
  nop
  nop
  cli
  check counter, $1, "an interrupt that waits is taken"
  check counted_at, $1b, "behind the instruction that follows STI"
  send SELF+0x31
  movl $0, counter
  sti
  cli
  nop
  check counter, $0, "STI and CLI let nothing in"
  sti
  nop
  cli
  check counter, $1, "the next STI does"
  # With IF set already, STI casts no shadow, but MOV SS does.
  sti
  nop
  movw %ss, %bx
  movl $0, counter
  send SELF+0x31
  settle
  check counter, $1, "an interrupt while IF is set"
  cli
  movl $0, counter
  send SELF+0x31
  sti
  movw %bx, %ss
  nop
1:
  nop
  nop
  cli
  check counter, $1, "STI, MOV SS: taken"
  # Never between MOV SS and the instruction behind it.
  movl $boot_stack_top, %esi
  movl $20, %edi
  sti
  nop
2:
  send SELF+0x31
  movw %bx, %ss
1:
  movl %esi, %esp
  cmpl $1b, counted_at
  je 3f
  decl %edi
  jnz 2b
3:
  cli
  check %edi, $0, "never between MOV SS and the next instruction"
  # HLT in the shadow of STI waits, and wakes.
  movl $0, counter
  send SELF+0x31
  sti
  hlt
1:
  nop
  cli
  check counter, $1, "STI, HLT: taken"
  check counted_at, $1b, "STI, HLT: behind HLT"
  # POPF opens at once; IRET, too.
  movl $0, counter
  send SELF+0x31
  pushl $(FLAG_IF | 2)
  popfl
1:
  nop
  cli
  check counter, $1, "POPF: taken"
  check counted_at, $1b, "POPF casts no shadow"
  # What IRET lets in before the next instruction finds RF as IRET loaded it; behind that it is clear.
  send SELF+0x32
  try
  pushl $(FLAG_RF | FLAG_IF | 2)
  pushl $KCODE32
  pushl $1f
  iretl
1:
  nop
  nop
  caught_at 1b, 0x32, 0, "IRET: taken at once"
  check_bits got_flags, FLAG_RF, FLAG_RF, "IRET: RF in the frame"
  movl $0, LAPIC_EOI
  send SELF+0x32
  try
  pushl $(FLAG_RF | 2)
  pushl $KCODE32
  pushl $1f
  iretl
1:
  sti
  nop
2:
  nop
  caught_at 2b, 0x32, 0, "STI behind IRET"
  check_bits got_flags, FLAG_RF, 0, "STI behind IRET: RF is clear"
  movl $0, LAPIC_EOI

  # NMI.
  movl $0, counter
  set_gate NMI, KCODE32, $count_nmi, INTERRUPT_GATE
  send SEND_NMI
  settle
  check counter, $2, "an NMI does not ask IF; another waits for IRET"
  check nested, $0, "which ends the blocking"
  # IRET ends it even if it faults.
  movl $0, counter
  set_gate NMI, KCODE32, $count_and_fault, INTERRUPT_GATE
  set_gate GP, KCODE32, $behind_fault, INTERRUPT_GATE
  send SEND_NMI
  settle
behind_fault:
  settle
  check counter, $2, "IRET that faults ends the blocking"
  done

count_and_fault:
  incl counter
  cmpl $1, counter
  je 1f
  iretl
1:
  send SEND_NMI
  settle
  check counter, $1, "NMIs are blocked before IRET"
  pushl $2
  pushl $KDATA
  pushl $0
  iretl

count:
  incl counter
  movl %eax, saved
  movl (%esp), %eax
  movl %eax, counted_at
  movl saved, %eax
  movl $0, LAPIC_EOI
  iretl
count_nmi:
  pushl %ecx
  incl depth
  cmpl $1, depth
  je 1f
  incl nested
1:
  incl counter
  cmpl $1, counter
  jne 1f
  send SEND_NMI
  settle
1:
  decl depth
  popl %ecx
  iretl

.section .data
counter: .long 0
counted_at: .long 0
saved: .long 0
depth: .long 0
nested: .long 0
