# Breakpoints (SDM volume 3, 17.2 and 17.3.1): of instructions, data and ports; DR6, DR7, RF; general detect; DR4 and DR5.

.include "harness.s"

.set W1, 0x1
.set W4, 0xd
.set RW1, 0x3
.set RW4, 0xf
.set IO1, 0x2
.set X, 0x0

# Breakpoint `number` on an address, of kind LEN and R/W as above, by its global bit.
.macro breakpoint number, place, kind
  movl $(\place), %eax
  .if bits == 64
  movq %rax, %db\number
  .else
  movl %eax, %db\number
  .endif
  write_register dr7, (0x400 | (2 << (2 * \number)) | (\kind << (16 + 4 * \number)))
  write_register dr6, 0
.endm
.macro no_breakpoints
  write_register dr7, 0x400
.endm

  # What the registers hold.
  write_register dr6, 0
  movl %dr6, %eax
  check %eax, $0xffff0ff0, "DR6: bits that are ones"
  write_register dr7, 0
  movl %dr7, %eax
  check %eax, $0x400, "DR7: bit 10 is one"
  movl $0x12345678, %eax
  movl %eax, %db2
  movl %db2, %ebx
  check %ebx, $0x12345678, "DR2"
  write_register dr6, 0x4001
  .byte 0x0f, 0x21, 0xe3        # mov %dr4, %ebx
  check %ebx, $0xffff4ff1, "DR4 is DR6"
  unless 1, edx, 2, 1f
  set_bits cr4, CR4_DE
  try
  .byte 0x0f, 0x21, 0xe3
  caught UD, 0, "DR4 with CR4.DE"
  try
  .byte 0x0f, 0x23, 0xeb        # mov %ebx, %dr5
  caught UD, 0, "DR5 with CR4.DE"
  clear_bits cr4, CR4_DE
1:
  # General detect.
  write_register dr6, 0
  write_register dr7, 0x2400
  try
1:
  movl %db0, %eax
  caught_at 1b, DB, 0, "general detect is a fault"
  check_bits got_dr6, 0xe00f, 0x2000, "DR6.BD"
  movl %dr7, %eax
  check %eax, $0x400, "the fault clears GD"

  # Data: traps.
  breakpoint 0, FRAMES, W4
  try
  movl %eax, FRAMES
1:
  nop
  caught_at 1b, DB, 0, "a write"
  check_bits got_dr6, 0xe00f, 1, "DR6.B0"
  try
  movl FRAMES, %eax
  passes "a read is not a write"
  try
  movb %al, FRAMES+3
1:
  nop
  caught_at 1b, DB, 0, "a byte of the watched doubleword"
  try
  movl %eax, FRAMES+4
  passes "the doubleword behind"
  try
  movl %eax, FRAMES-3
1:
  nop
  caught_at 1b, DB, 0, "an access that reaches in"
  breakpoint 3, FRAMES+5, RW1
  try
  movl FRAMES+4, %eax
1:
  nop
  caught_at 1b, DB, 0, "a read"
  check_bits got_dr6, 0xe00f, 8, "DR6.B3"
  try
  pushl FRAMES+1
  passes "a read that ends before"
  breakpoint 1, FRAMES+0x100, W1
  movl $0x200, %ecx
  movl $FRAMES, %edi
  xorl %eax, %eax
  cld
  try
  rep stosb
1:
  caught DB, 0, "REP STOSB"
  check %ecx, $0xff, "it stops behind the iteration"
  check_bits got_dr6, 0xe00f, 2, "DR6.B1"
  breakpoint 0, user_stack_top-4, W4
  try
  user
  pushl %eax
1:
  nop
  caught_at 1b, DB, 0, "a push at CPL 3"
  no_breakpoints
  movl $user_stack_top, %eax
  try
  movl %eax, FRAMES
  passes "no breakpoint"

  # A load of SS holds it until the next instruction is done.
  movl $KDATA, FRAMES
  movl $KDATA, FRAMES+4
  movl $KDATA, FRAMES+8
  breakpoint 0, FRAMES, RW4
  try
  movw FRAMES, %ss
  nop
1:
  nop
  caught_at 1b, DB, 0, "MOV to SS"
  check_bits got_dr6, 0xe00f, 1, "MOV to SS: DR6.B0"
  movl $FRAMES, %ebx
  try
  xchgl %esp, %ebx
  popl %ss
  xchgl %esp, %ebx
1:
  nop
  caught_at 1b, DB, 0, "POP SS"
  movl $FRAMES+8, %eax
  movl %eax, %db1
  write_register dr7, (0x400 | 0xa | (RW4 << 16) | (RW4 << 20))
  write_register dr6, 0
  try
  movw FRAMES, %ss
  movl FRAMES+8, %eax
1:
  nop
  caught_at 1b, DB, 0, "a breakpoint of each"
  check_bits got_dr6, 0xe00f, 3, "a breakpoint of each: DR6"
  write_register dr6, 0
  try
  movw FRAMES, %ss
  int $0x30
  caught_at stubs32+16*0x30, DB, 0, "MOV to SS and INT n: in the handler"
  check_bits got_dr6, 0xe00f, 1, "MOV to SS and INT n: DR6.B0"
  try
  lssl FRAMES, %ebx
1:
  nop
  caught_at 1b, DB, 0, "LSS holds nothing"
  no_breakpoints
  movl $1f, %eax
  movl %eax, %db0
  write_register dr7, 0x402
  movw %ss, %ax
  try
  movw %ax, %ss
1:
  nop
  nop
  passes "an instruction behind MOV to SS is not seen"
  no_breakpoints

  # Instructions: faults, until RF is set in what IRET loads.
  breakpoint 2, 1f, X
  try
  nop
1:
  incl %ebx
  nop
  caught_at 1b, DB, 0, "an instruction"
  check_bits got_dr6, 0xe00f, 4, "DR6.B2"
  check_bits got_flags, FLAG_RF, 0, "RF in the frame is what it was"
  movl $1f, %eax
  movl %eax, %db2
  try
  pushl $(FLAG_RF | 2)
  pushl $KCODE32
  pushl $1f
  iretl
1:
  nop
  passes "RF lets the instruction pass"
  movl $1f, %eax
  movl %eax, %db2
  try
  movl $2, %ecx
  pushl $(FLAG_RF | 2)
  pushl $KCODE32
  pushl $1f
  iretl
1:
  nop
  loop 1b
  caught_at 1b, DB, 0, "RF holds for one instruction"
  check %ecx, $1, "the second pass is stopped"
  movl $1f, %eax
  movl %eax, %db2
  movl $3, %ecx
  movl $FRAMES, %edi
  try
  pushl $(FLAG_RF | 2)
  pushl $KCODE32
  pushl $1f
  iretl
1:
  rep stosb
  passes "or for all iterations"
  no_breakpoints

  # Ports, with CR4.DE.
  need 1, edx, 2, "breakpoints of ports"
  set_bits cr4, CR4_DE
  breakpoint 0, 0x80, IO1
  try
  inb $0x80, %al
1:
  nop
  caught_at 1b, DB, 0, "a port"
  check_bits got_dr6, 0xe00f, 1, "a port: DR6.B0"
  try
  inb $0x84, %al
  passes "another port"
  no_breakpoints

  # Frames: of far calls, of events in the first instruction of the handler.
  breakpoint 0, FRAMES+0x100, W4
  try
  movl $FRAMES+0x104, %esp
  lcall $KCODE32, $1f
1:
  nop
  caught_at 1b, DB, 0, "a far call"
  try
  movl $FRAMES+0x10c, %esp
  int $0x30
  caught_at stubs32+16*0x30, DB, 0, "INT n"
  check_bits got_dr6, 0xe00f, 1, "INT n: DR6.B0"
  try
  movl $FRAMES+0x10c, %esp
  ud2
  caught_at stubs32+16*UD, DB, 0, "a fault"
  no_breakpoints
  movl $KCODE32, FRAMES+0x104
  movl $1f, FRAMES+0x100
  breakpoint 0, FRAMES+0x100, RW4
  try
  movl $FRAMES+0x100, %esp
  lretl $0x100
1:
  nop
  caught_at 1b, DB, 0, "a far return"
  no_breakpoints

  need 0x80000001, edx, 29, "long mode"
  long_mode
  breakpoint 0, FRAMES, 0xb     # 8 bytes, read or write
  try
  movb FRAMES+7, %al
1:
  nop
  caught_at 1b, DB, 0, "a breakpoint of 8 bytes"
  done
