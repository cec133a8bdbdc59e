# Code that is written to runs as written (SDM volume 3, 11.6 and 8.1.3): the next instruction, another page, an alias, code
# that is copied over, code that writes itself away.

.include "harness.s"

.set CODE, FRAMES
.set PAGE, WINDOW

  # The immediate of the next instruction.
  movl $100, %ecx
  xorl %ebx, %ebx
1:
  movl %ecx, 2f+1
2:
  movl $0, %eax
  addl %eax, %ebx
  loop 1b
  check %ebx, $5050, "an immediate that the instruction before writes"

  # The opcode of an instruction in the same straight line.
  xorl %ebx, %ebx
  movb $0x43, 3f                # inc %ebx
  nop
  nop
3:
  nop
  check %ebx, $1, "an opcode further on"
  # One that has run, behind a jump back.
  movl $2, %ecx
  xorl %ebx, %ebx
4:
  incl %ebx
  movb $0x90, 4b
  movb $0x90, 4b+1
  loop 4b
  check %ebx, $1, "code that has run is written away"

  # A function in another page, many times over.
  movb $0xb8, CODE              # mov $..., %eax; ret
  movb $0xc3, CODE+5
  movl $300, %ecx
  xorl %ebx, %ebx
5:
  movl %ecx, CODE+1
  movl $CODE, %edx
  call *%edx
  addl %eax, %ebx
  loop 5b
  check %ebx, $45150, "a function that is written before each call"

  # REP STOSB over code that has run; REP MOVSB of new code.
  movl $CODE, %edi
  movb $0x90, %al
  movl $5, %ecx
  cld
  rep stosb
  movl $0x77, %eax
  movl $CODE, %edx
  call *%edx
  check %eax, $0x77, "REP STOSB over a function"
  movl $new_function, %esi
  movl $CODE, %edi
  movl $(new_function_end - new_function), %ecx
  rep movsb
  call *%edx
  check %eax, $0x1234, "REP MOVSB of a function"
  # An atomic operation and a push.
  movl $0x5678, %eax
  lock xchgl %eax, CODE+1
  call *%edx
  check %eax, $0x5678, "XCHG into a function"
  movl %esp, %ebp
  movl $CODE+5, %esp
  pushl $0x9abc
  movl %ebp, %esp
  call *%edx
  check %eax, $0x9abc, "a push into a function"
  fninit
  fldpi
  fistpl CODE+1
  call *%edx
  check %eax, $3, "an x87 store into a function"

  # Through another mapping of the page.
  paging_32
  map_page32 0, (FRAMES + P + RW)
  movl $0x1111, PAGE+1
  call *%edx
  check %eax, $0x1111, "a write through an alias"
  movl $PAGE, %edx
  call *%edx
  movl $0x2222, CODE+1
  call *%edx
  check %eax, $0x2222, "a write to the frame of an alias"
  # Another frame at the same address.
  movl $new_function, %esi
  movl $FRAMES+0x1000, %edi
  movl $(new_function_end - new_function), %ecx
  rep movsb
  map_page32 0, (FRAMES + 0x1000 + P + RW)
  call *%edx
  check %eax, $0x1234, "another frame at the address"

  # An instruction over two pages, of which the second changes.
  map_page32 1, (FRAMES + 0x2000 + P + RW)
  map_page32 0, (FRAMES + 0x1000 + P + RW)
  movb $0xb8, PAGE+0xffe
  movb $0x01, PAGE+0xfff
  movl $0xc3000000, PAGE+0x1000
  movl $PAGE+0xffe, %edx
  call *%edx
  check %eax, $1, "an instruction over two pages"
  movb $2, PAGE+0x1000
  call *%edx
  check %eax, $0x201, "its second page is written"
  movl $0xc3000005, FRAMES+0x3000
  map_page32 1, (FRAMES + 0x3000 + P + RW)
  call *%edx
  check %eax, $0x501, "its second page is mapped elsewhere"
  map_page32 1, 0
  try
  call *%edx
  caught_at PAGE+0xffe, PF, 0, "its second page is gone"
  check got_cr2, $PAGE+0x1000, "CR2 is in the second page"
  done

new_function:
  movl $0x1234, %eax
  ret
new_function_end:
