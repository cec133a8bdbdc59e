# The I/O permission bitmap of the TSS (SDM volume 1, 18.5.2).

.include "harness.s"

.macro port_access rule, vector, instruction:vararg
  try
  user
  \instruction
  .if \vector == END
  passes "\rule"
  .else
  caught \vector, 0, "\rule"
  .endif
.endm

  # All ports from 0 to 0x7ff are in the map; 0x80 to 0x83 are open, of 0x88 on every second one.
  movw $TSS32_IO_MAP, tss32+0x66
  movb $0xff, tss32+TSS32_IO_MAP+0x100
  movl $tss32+TSS32_IO_MAP, %edi
  movl $0x100, %ecx
  movb $0xff, %al
  cld
  rep stosb
  movb $0xf0, tss32+TSS32_IO_MAP+0x10
  movb $0xaa, tss32+TSS32_IO_MAP+0x11
  movb $0x7f, tss32+TSS32_IO_MAP+0x12
  movb $0xfe, tss32+TSS32_IO_MAP+0x13

  call set_limit
  port_access "a bitmap beyond the limit", GP, inb $0x80, %al
  movl $(TSS32_FULL_SIZE - 1), %ecx
  call load_limit
  port_access "an open port", END, inb $0x80, %al
  port_access "a closed port", GP, inb $0x84, %al
  port_access "four open ports", END, inl $0x80, %eax
  port_access "a doubleword with a closed port", GP, inl $0x81, %eax
  port_access "a word with a closed port", GP, inw $0x88, %ax
  port_access "a byte beside a closed port", END, inb $0x88, %al
  port_access "OUT to a closed port", GP, outb %al, $0x89
  port_access "a word over two bytes of the map", END, inw $0x97, %ax
  movw $0x80, %dx
  port_access "a port from DX", END, inb %dx, %al
  movw $0x84, %dx
  port_access "INSB from a closed port", GP, insb
  movw $0x1000, %dx
  port_access "a port beyond the map", GP, inb %dx, %al
  try
  inb $0x84, %al
  passes "CPL 0 does not ask the map"
  try
  user (FLAG_IOPL3 | 2)
  inb $0x84, %al
  passes "IOPL 3 does not ask the map"

  # Two bytes are read always: the last port of a map needs the byte of ones behind it.
  movl $(TSS32_IO_MAP + 0x12), %ecx
  call load_limit
  port_access "the map's last byte, without one behind it", GP, inb $0x97, %al
  movl $(TSS32_IO_MAP + 0x13), %ecx
  call load_limit
  port_access "the map's last byte but one", END, inb $0x97, %al
  done

set_limit:
  movl $(TSS32_SIZE - 1), %ecx
# Loads TR with a limit of ECX.
load_limit:
  movw %cx, gdt+TSS32
  movb $0x89, gdt+TSS32+5
  movw $TSS32, %ax
  ltr %ax
  ret
