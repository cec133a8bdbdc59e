# A boot sector: has the BIOS read the sector at cylinder 20, head 1, sector 5 of the disk it came from, says on
# the first serial port what text lies there, and ends the emulator through isa-debug-exit at port 0xf4 with
# 0x10, exit code 0x21.

.set SERIAL, 0x3f8
.set DEBUG_EXIT, 0xf4
.set BUFFER, 0x8000

.section .text
.code16
.global _start
_start:
  cli
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw $0x7c00, %sp
  sti
  movw $0x0201, %ax               # read one sector
  movw $0x1405, %cx               # cylinder 20, sector 5
  movb $0x01, %dh                 # head 1; %dl is the drive that we came from
  movw $BUFFER, %bx
  int $0x13
  movw $BUFFER, %si
  jnc print
  movw $failed, %si
print:
  lodsb
  testb %al, %al
  jz end
  movw $SERIAL, %dx
  outb %al, %dx
  jmp print
end:
  movb $0x10, %al
  outb %al, $DEBUG_EXIT
  hlt

failed: .asciz "the BIOS cannot read the sector\n"

.org 510
.word 0xaa55
