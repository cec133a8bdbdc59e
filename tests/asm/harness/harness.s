# The ground on which the tests of system behaviour stand: a multiboot image that starts in 32-bit protected mode with flat
# segments, paging off, a GDT, an IDT that records every event, and a 32-bit TSS. A test includes this file first; its own
# code follows at `test`, and ends with `done`.
#
# Everything lies below 64 KiB, so that symbols are offsets in real and virtual-8086 mode, too.

.include "names.s"
.include "macros.s"

.section .text
use 32
.balign 4
.long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

.global _start
_start:
  movl $boot_stack_top, %esp
  cld
  # A second start is a reset after a shutdown: wanted by `expect_shutdown`, or else a failure.
  cmpl $SHUTDOWN_EXPECTED, SHUTDOWN_MARK
  je shutdown_seen
  cmpl $STARTED, SHUTDOWN_MARK
  je shutdown_unwanted
  movl $STARTED, SHUTDOWN_MARK
  lgdt gdt_pointer
  ljmp $KCODE32, $1f
1:
  load_data_segments KDATA
  call build_interrupt_tables
  lidt idt32_pointer
  set_segment TSS32, $tss32, TSS32_SIZE-1, 0x0089
  set_segment TSS64, $tss64, TSS64_SIZE-1, 0x0089
  movl $0, gdt + TSS64 + 8
  movl $0, gdt + TSS64 + 12
  movw $TSS32, %ax
  ltr %ax
  xorl %eax, %eax
  lldt %ax
  jmp test

.include "descriptors.s"
.include "events.s"
.include "paging.s"
.include "report.s"

.section .text
use 32
.balign 16
test:
