# A multiboot kernel (Multiboot Specification 0.6.96): says on the first serial port what it was handed,
# and ends the emulator through isa-debug-exit at port 0xf4 with 0x10, exit code 0x21.

.set MAGIC, 0x1badb002
.set FLAGS, 0x3                 # page-aligned modules, memory sizes
.set LOADED_BY_MULTIBOOT, 0x2badb002
.set SERIAL, 0x3f8
.set DEBUG_EXIT, 0xf4

.section .text
.code32
.align 4
  .long MAGIC, FLAGS, -(MAGIC + FLAGS)

.global _start
_start:
  movl $stack_end, %esp
  movl $bad_magic, %esi
  cmpl $LOADED_BY_MULTIBOOT, %eax
  jne report
  movl $no_command_line, %esi
  testl $4, (%ebx)              # bit 2: cmdline is valid
  jz report
  movl $hello, %esi
  call print
  movl 16(%ebx), %esi           # cmdline
report:
  call print
  movl $line_end, %esi
  call print
  movw $DEBUG_EXIT, %dx
  movl $0x10, %eax
  outl %eax, %dx
1:
  hlt
  jmp 1b

# Prints the string at ESI; waits for the transmitter each time.
print:
  lodsb
  testb %al, %al
  jz 2f
  movb %al, %cl
  movw $SERIAL + 5, %dx
1:
  inb %dx, %al
  testb $0x20, %al
  jz 1b
  movb %cl, %al
  movw $SERIAL, %dx
  outb %al, %dx
  jmp print
2:
  ret

.section .rodata
hello: .asciz "multiboot: started with: "
bad_magic: .asciz "multiboot: EAX has the wrong value"
no_command_line: .asciz "multiboot: no command line"
line_end: .asciz "\r\n"

.section .bss
.skip 4096
stack_end:
