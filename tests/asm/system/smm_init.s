# An INIT in a handler waits for RSM (AMD64 APM volume 2, 10.3.3), and comes right behind it.

.include "harness.s"
.include "smm.s"

.set SEND_INIT, (5 << 8) + (1 << 14)
.set CMOS_SHUTDOWN, 0x0f
.set JUMP_WITHOUT_EOI, 0x0a
.set RESUME_VECTOR, 0x467

  need 1, edx, 9, "an APIC"
  smm_start
  # Where there is firmware, its code at the reset vector goes on where 40:67 says; where there is none, the bytes of an
  # empty bus are an undefined instruction.
  movb $CMOS_SHUTDOWN, %al
  outb %al, $0x70
  movb $JUMP_WITHOUT_EOI, %al
  outb %al, $0x71
  movl $after_init, RESUME_VECTOR
  movl $after_init, 4*UD
  movl $0x12345678, %edi
  handler send_init
  smi
  check finished, $2, "INIT comes right behind RSM"
  done

use 16
send_init:
  movl $LAPIC_ICR, %esi
  movl -0x300+0x20(%esi), %eax
  movl %eax, 0x10(%esi)         # to itself
  movl $SEND_INIT, (%esi)
  movl $1000, %ecx
1:
  pause
  loopl 1b
  movl $1, finished
  rsm

after_init:
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %ss
  movl %edi, edi_after
  movl %cr0, %eax
  movl %eax, cr0_after
  lgdtl gdt_pointer
  orl $CR0_PE, %eax
  movl %eax, %cr0
  ljmpl $KCODE32, $back
use 32
back:
  load_data_segments KDATA
  movl $boot_stack_top, %esp
  lidt idt32_pointer
  check finished, $1, "it waits while the handler runs"
  check edi_after, $0, "general registers are cleared"
  check_bits cr0_after, (CR0_PE | CR0_PG), 0, "in real-address mode"
  movl $0, smi_count
  handler return_from_smi
  smi
  check smi_count, $1, "SMIs come again"
  done

.section .data
finished: .long 0
edi_after: .long 0
cr0_after: .long 0
