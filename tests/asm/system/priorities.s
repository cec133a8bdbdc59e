# Which of several reasons an instruction is refused for (SDM volume 3, table 6-2), and in which order operands are looked at.

.include "harness.s"

.set PAGE, WINDOW

  paging_32
  map_page32 0, 0
  # Undefined and not available before privilege; privilege before operands.
  try
  user
  .byte 0xf0, 0xf4              # lock hlt
  caught UD, 0, "LOCK HLT at CPL 3"
  try
  user
  .byte 0x0f, 0x22, 0x08        # mov %eax, %cr1
  caught UD, 0, "MOV to CR1 at CPL 3"
  try
  user
  lgdt PAGE
  caught GP, 0, "LGDT at CPL 3 of a page that is gone"
  try
  user
  invlpg PAGE
  caught GP, 0, "INVLPG at CPL 3"
  try
  user
  lldt PAGE
  caught GP, 0, "LLDT at CPL 3 of a page that is gone"
  set_bits cr0, CR0_TS
  try
  fldl PAGE
  caught NM, 0, "x87 that is not available, of a page that is gone"
  clear_bits cr0, CR0_TS
  # Segments before pages.
  set_segment FREE, $PAGE, 0xf, (0x4093 | DPL3)
  try
  user
  movw $FREE+3, %ax
  movw %ax, %es
  movl %es:0x10, %eax
  caught GP, 0, "beyond the limit, in a page that is gone"
  try
  user
  movw $FREE+3, %ax
  movw %ax, %es
  movl %es:0xc, %eax
  caught PF, PF_U, "within the limit"
  # Ports: permission before memory, and for INS memory before the port is read.
  try
  user
  movl $PAGE, %esi
  movw $0x80, %dx
  outsb
  caught GP, 0, "OUTS without permission from a page that is gone"
  try
  movl $PAGE, %edi
  movw $0x80, %dx
  insb
  caught PF, PF_W, "INS to a page that is gone"
  check %edi, $PAGE, "INS: EDI stays"
  # The source before the destination.
  movl $PAGE, %esi
  movl $PAGE+0x1000, %edi
  map_page32 1, 0
  try
  movsl
  caught PF, 0, "MOVS reads first"
  check got_cr2, $PAGE, "MOVS: CR2"
  try
  pushl $0
  movl %esp, %ebp
  user
  movl $PAGE+0x1004, %esp
  pushl PAGE
  caught PF, PF_U, "PUSH reads first"
  check got_cr2, $PAGE, "PUSH: CR2"
  try
  cmpsl
  caught PF, 0, "CMPS reads DS:ESI first"
  check got_cr2, $PAGE, "CMPS: CR2"
  try
  lcall *PAGE
  caught PF, 0, "a far pointer"
  # A stack that is gone: the call faults before it goes.
  try
  user
  movl $PAGE+8, %esp
1:
  call 2f
2:
  caught_at 1b, PF, (PF_U | PF_W), "CALL without stack"
  try
  user
  movl $PAGE+8, %esp
1:
  ret
  caught_at 1b, PF, PF_U, "RET without stack"
  check got_sp, $PAGE+8, "RET without stack: ESP stays"
  # A descriptor that cannot be read comes before what it would say: an LDT.
  set_segment FREE, $PAGE, 0xf, 0x0082
  movw $FREE, %ax
  lldt %ax
  try
  movw $0xc, %ax
1:
  movw %ax, %es
  caught_at 1b, PF, 0, "a descriptor in a page that is gone"
  check got_cr2, $PAGE+8, "a descriptor in a page that is gone: CR2"
  try
  user
  movw $0xf, %ax
  movw %ax, %es
  caught PF, 0, "the same at CPL 3: not a user's access"
  # A breakpoint on an instruction before anything that fetching and decoding it finds.
  movl $PAGE, %ebx
  movl %ebx, %db0
  write_register dr7, 0x402
  write_register dr6, 0
  try
  jmp *%ebx
  caught_at PAGE, DB, 0, "a breakpoint in a page that is gone"
  check_bits got_dr6, 0xe00f, 1, "a breakpoint in a page that is gone: DR6.B0"
  try
  pushl $(FLAG_RF | 2)
  pushl $KCODE32
  pushl %ebx
  iretl
  caught_at PAGE, PF, 0, "the same with RF"
  movl $1f, %ebx
  movl %ebx, %db0
  try
1:
  ud2
  caught_at 1b, DB, 0, "a breakpoint on UD2"
  set_segment FREE, $FRAMES, 0xffff, (CODE32_RX & ~0x8000)
  movb $0x90, FRAMES+0xffff     # nop
  movl $FRAMES+0x10000, %ebx
  movl %ebx, %db0
  try
  pushl $FREE
  pushl $0xffff
  lretl
  caught_at 0x10000, DB, 0, "a breakpoint beyond the limit"
  write_register dr7, 0x400
  done
