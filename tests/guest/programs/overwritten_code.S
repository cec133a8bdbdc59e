# A boot sector that is busy with two loops at one place, the second over the first and in another mode, and clears the
# place at the end.

.set DEBUG_EXIT, 0xf4
.set DEBUG_EXIT_PASS, 0x10    # the emulator ends with status 0x21
.set PLACE, 0x8000
.set TURNS, 200000000

.macro copy_to_place from, to
  movw $\from, %si
  movw $PLACE, %di
  movw $\to-\from, %cx
  rep movsb
.endm

.code16
.globl _start
_start:
  cli
  cld
  xorw %ax, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw $0x7c00, %sp
  copy_to_place real_mode_loop, protected_mode_loop
  movl $TURNS, %ecx
  movw $PLACE, %dx
  call *%dx

  copy_to_place protected_mode_loop, loops_end
  lgdt descriptors
  movl %cr0, %eax
  orb $1, %al
  movl %eax, %cr0
  ljmp $8, $1f

.code32
1:
  movl $16, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  movl $TURNS, %ecx
  movl $PLACE, %edx
  call *%edx

  movl $PLACE, %edi
  movl $loops_end-protected_mode_loop, %ecx
  xorl %eax, %eax
  rep stosb
  movb $DEBUG_EXIT_PASS, %al
  outb %al, $DEBUG_EXIT
2:
  hlt
  jmp 2b

.code16
real_mode_loop:
  imulw $0x1234, %ax, %ax
  decl %ecx
  jnz real_mode_loop
  ret
.code32
protected_mode_loop:
  imull $0x12345678, %eax, %eax
  decl %ecx
  jnz protected_mode_loop
  ret
loops_end:

.balign 8
table:
  .quad 0
  .quad 0x00cf9b000000ffff    # code
  .quad 0x00cf93000000ffff    # data
descriptors:
  .word . - table - 1
  .long table

.org _start + 510
  .word 0xaa55
