# The time-stamp deadline of the local APIC's timer (SDM volume 3, 10.5.4.1), in x2APIC mode.

.include "harness.s"

.set MSR_TSC_DEADLINE, 0x6e0
.set X2APIC_EOI, 0x80b
.set X2APIC_SPURIOUS, 0x80f
.set X2APIC_TIMER, 0x832
.set DEADLINE_MODE, 1 << 18

  need 1, ecx, 24, "TSC deadline"
  need 1, ecx, 21, "x2APIC"
  long_mode
  movb $0xff, %al
  outb %al, $0x21
  outb %al, $0xa1
  read_msr MSR_APIC_BASE
  orl $0xc00, %eax
  wrmsr
  write_msr X2APIC_SPURIOUS, $0x1ff
  write_gate64 idt64+16*0x31, KCODE64, $tick, INTERRUPT_GATE
  write_msr X2APIC_TIMER, $(DEADLINE_MODE | 0x31)
  mfence
  # A deadline that has passed fires at once.
  write_msr MSR_TSC_DEADLINE, $1
  sti
  nop
  movl $100000, %ecx
1:
  pause
  loop 1b
  cli
  check ticks, $1, "a deadline that has passed"
  read_msr MSR_TSC_DEADLINE
  check %rax, $0, "the deadline reads as 0 when it has fired"
  # One to come, waited for in HLT.
  rdtsc
  addl $2000000, %eax
  adcl $0, %edx
  movl %eax, %esi
  movl %edx, %edi
  movl $MSR_TSC_DEADLINE, %ecx
  wrmsr
  sti
  hlt
  cli
  rdtsc
  subl %esi, %eax
  sbbl %edi, %edx
  check ticks, $2, "a deadline to come"
  check %rdx, $0, "not before its time"
  # Zero disarms it.
  rdtsc
  addl $2000000, %eax
  adcl $0, %edx
  movl $MSR_TSC_DEADLINE, %ecx
  wrmsr
  write_msr MSR_TSC_DEADLINE, $0
  sti
  movl $100000, %ecx
1:
  pause
  loop 1b
  cli
  check ticks, $2, "a deadline that is withdrawn"
  done

tick:
  pushq %rax
  pushq %rcx
  pushq %rdx
  incl ticks
  write_msr X2APIC_EOI, $0
  popq %rdx
  popq %rcx
  popq %rax
  iretq

.section .data
ticks: .quad 0
