# Accesses beyond a segment's limit or against its type (SDM volume 3, 5.3 and 5.5; volume 1, 5.1 for code).

.include "harness.s"

.macro data_segment limit, attributes
  set_segment FREE, $0, \limit, \attributes
.endm

.macro try_fs
  try
  movw $FREE, %ax
  movw %ax, %fs
.endm

  data_segment 0xfff, 0x4093    # 32-bit, 4 KiB
  try_fs
  movb %fs:0xfff, %al
  passes "the last byte"
  try_fs
  movb %fs:0x1000, %al
  caught GP, 0, "the first byte beyond"
  try_fs
  movl %fs:0xffc, %eax
  passes "the last doubleword"
  try_fs
  movl %fs:0xffd, %eax
  caught GP, 0, "a doubleword across the limit"
  try_fs
  addl $1, %fs:0xffe
  caught GP, 0, "a read-modify-write across the limit"
  try_fs
  movl $0xffffffff, %ebx
  movw %fs:(%ebx), %ax
  caught GP, 0, "a word that wraps at 4 GiB"
  try_fs
  fldl %fs:0xff9
  caught GP, 0, "an x87 operand across the limit"
  movl $0xf0, %esi
  movl $LARGE_FRAME, %edi
  movl $0x1000, %ecx
  try_fs
  rep movsb %fs:(%esi), %es:(%edi)
  caught GP, 0, "REP MOVSB that runs into the limit"
  check %ecx, $0xf0, "what is left to do"
  check %esi, $0x1000, "ESI at the limit"

  data_segment 0xfff, 0x4097    # expand-down: 0x1000 to 0xffffffff
  try_fs
  movb %fs:0xfff, %al
  caught GP, 0, "expand-down: the last byte below"
  try_fs
  movb %fs:0x1000, %al
  passes "expand-down: the first byte"
  data_segment 0xfff, 0x0097    # 0x1000 to 0xffff
  try_fs
  movb %fs:0xffff, %al
  passes "expand-down, 16 bits: the last byte"
  try_fs
  movb %fs:0x10000, %al
  caught GP, 0, "expand-down, 16 bits: beyond"
  try_fs
  movw %fs:0xffff, %ax
  caught GP, 0, "expand-down, 16 bits: across the end"

  data_segment 0xfffff, 0xc091
  try_fs
  movb %al, %fs:LARGE_FRAME
  caught GP, 0, "a write to read-only data"
  try_fs
  movb %fs:LARGE_FRAME, %al
  passes "a read of read-only data"
  try
  movb %al, %cs:LARGE_FRAME
  caught GP, 0, "a write to code"
  try
  testb $1, %cs:LARGE_FRAME
  passes "a read of readable code"
  set_segment FREE+8, $0, 0xfffff, 0xc099
  try
  ljmp $FREE+8, $1f
1:
  movb %cs:LARGE_FRAME, %al
  caught GP, 0, "a read of execute-only code"
  check got_cs, $FREE+8, "execute-only code ran"

  # The stack, at level 3, so that the handler has another one: #SS, and nothing changes.
  set_segment FREE, $0, 0xffff, (0x4093 | DPL3)
  .macro try_stack pointer
  try
  user
  movw $FREE+3, %ax
  movw %ax, %ss
  movl $(\pointer), %esp
  .endm
  try_stack 0x10004
  pushl %eax
  caught SS, 0, "a push beyond the limit"
  check got_sp, $0x10004, "ESP stays"
  try_stack 0xfffe
  popl %eax
  caught SS, 0, "a pop across the limit"
  movl $0x10000, %ebp
  try_stack 0x8000
  movl (%ebp), %eax
  caught SS, 0, "an operand in the stack segment"
  try_stack 0x10010
  call 1f
1:
  caught SS, 0, "a call without stack"
  try_stack 0x10010
  pushal
  caught SS, 0, "PUSHA without stack"
  check got_sp, $0x10010, "PUSHA without stack: ESP stays"
  movl $0x10004, %ebp
  try_stack 0x8000
  leave
  caught SS, 0, "LEAVE to a frame beyond the limit"
  check got_sp, $0x8000, "LEAVE to a frame beyond the limit: ESP stays"
  try_stack 4
  pushal
  caught SS, 0, "PUSHA that wraps at 0"

  # Code: an instruction may not begin or end beyond the limit; a jump there faults before it is taken.
  movl $0x90909090, LARGE_FRAME
  movl $0x90909090, LARGE_FRAME+4
  movl $0x90909090, LARGE_FRAME+8
  set_segment FREE+8, $LARGE_FRAME, 3, 0x409b
  try
  ljmp $FREE+8, $0
  caught GP, 0, "code runs into its limit"
  check got_ip, $4, "IP at the limit"
  try
  ljmp $FREE+8, $4
  caught GP, 0, "a far jump beyond the limit"
  check got_cs, $KCODE32, "a far jump beyond the limit: CS stays"
  movl $0x000004e9, LARGE_FRAME # jmp .+9
  movb $0, LARGE_FRAME+4
  set_segment FREE+8, $LARGE_FRAME, 4, 0x409b
  try
  ljmp $FREE+8, $0
  caught GP, 0, "a near jump beyond the limit"
  check got_ip, $0, "a near jump beyond the limit: IP of the jump"
  movl $0x90b89090, LARGE_FRAME # mov $..., %eax at 2
  set_segment FREE+8, $LARGE_FRAME, 5, 0x409b
  try
  ljmp $FREE+8, $0
  caught GP, 0, "an instruction across the limit"
  check got_ip, $2, "an instruction across the limit: its IP"
  done
