# 16-bit stacks below 32-bit code, and the other way round (SDM volume 1, 6.2.3; volume 3, 21.4): what wraps, and what of ESP
# stays.

.include "harness.s"

.set S16, FREE
.set C16, FREE+8
.set LOW, 0x8000                # the stack's top as an offset in the segment

  set_segment S16, $LARGE_FRAME, 0xffff, 0x0093
  # Runs instructions on the 16-bit stack, from ESP; leaves ESP in EBX.
  .macro on_stack16 pointer, rule, instructions:vararg
  try
  movw $S16, %ax
  movw %ax, %ss
  movl $(\pointer), %esp
  \instructions
  movl %esp, %ebx
  movw $KDATA, %ax
  movw %ax, %ss
  movl $boot_stack_top-64, %esp
  passes "\rule"
  .endm
  movl $0x11223344, %ecx
  on_stack16 0xabcd8000, "PUSH", pushl %ecx
  check %ebx, $0xabcd7ffc, "PUSH keeps the upper half of ESP"
  check LARGE_FRAME+0x7ffc, $0x11223344, "PUSH uses SP"
  on_stack16 0xabcd0000, "PUSH at SP = 0", pushl %ecx
  check %ebx, $0xabcdfffc, "PUSH at SP = 0 wraps"
  on_stack16 0xabcdfffc, "POP", popl %edx
  check %ebx, $0xabcd0000, "POP wraps"
  check %edx, $0x11223344, "POP reads there"
  on_stack16 0xabcd8000, "PUSHA", pushal
  check %ebx, $0xabcd7fe0, "PUSHA"
  check LARGE_FRAME+0x7fec, $0xabcd8000, "PUSHA stores all of ESP"
  on_stack16 0xabcd8000, "ENTER", enter $0x10, $0
  check %ebx, $0xabcd7fec, "ENTER"
  movl $0x55558000, %ebp
  on_stack16 0xabcd1000, "LEAVE", leave
  check %ebx, $0xabcd8004, "LEAVE takes BP into SP"
  # An exception and its IRET use the same width.
  try
  movw $S16, %ax
  movw %ax, %ss
  movl $0xabcd8000, %esp
  int3
  caught BP, 0, "an exception on a 16-bit stack"
  check_bits got_frame_end, 0xffff, 0x8000, "the frame lies at SP"
  check LARGE_FRAME+0x7ff8, $KCODE32, "its CS"
  # Memory operands use ESP whole.
  try
  movw $S16, %ax
  movw %ax, %ss
  movl $0x00018000, %esp
  movl (%esp), %ecx
  caught SS, 0, "a memory operand with ESP beyond the limit"

  # A 32-bit stack below 16-bit code.
  set_segment C16, $0, 0xffff, 0x009b
  try
  movl $0xfffffffc, %edx
  ljmp $C16, $1f
  use 16
1:
  movl %esp, %esi
  pushw %ax
  movl %esp, %ebx
  pushl %eax
  movl %esp, %ecx
  calll 2f
2:
  movl %esp, %edx
  caught END, 0, "16-bit code on a 32-bit stack"
  subl %ebx, %esi
  check %esi, $2, "PUSH of a word"
  subl %ecx, %ebx
  check %ebx, $4, "PUSH of a doubleword"
  subl %edx, %ecx
  check %ecx, $4, "CALL with a 32-bit operand"
  # IP is cut to 16 bits by transfers of 16-bit operands.
  try
  ljmp $C16, $1f
  use 16
1:
  pushl $0x12340000+2f
  retw
2:
  caught END, 0, "RET of a word"
  try
  ljmp $C16, $1f
  use 16
1:
  movl $0x10000+2f, %ebx
  jmp *%bx
2:
  caught END, 0, "JMP to a register of 16 bits"
  try
  ljmp $C16, $1f
  use 16
1:
  movl $0x10000, %ebx
3:
  jmp *%ebx
  caught_at 3b, GP, 0, "JMP to a register of 32 bits, beyond the limit"
  done
