# VME at IOPL 3 (SDM volume 3, 20.2.7 and 20.3.3, table 20-2): the redirection bitmap counts there too, while IF is the program's
# own; and what VME does not open at IOPL 0.

.include "harness.s"

  need 1, edx, 1, "VME"
  movw $(TSS32_FULL_SIZE - 1), gdt+TSS32
  movb $0x89, gdt+TSS32+5
  movw $TSS32_IO_MAP, tss32+0x66
  movb $0xff, tss32+TSS32_IO_MAP+0x100
  movw $TSS32, %ax
  ltr %ax
  set_bits cr4, CR4_VME

  movl 4*0x41, %esi
  movl $1f, 4*0x41
  try
  vm86 FLAG_IOPL3
2:
  int $0x41
1:
  movw (real_stack_top - 2), %dx
  movw (real_stack_top - 6), %cx
  int3
  caught BP, 0, "INT n whose bit is clear: the program's table"
  check_bits %ecx, 0xffff, 2b+2, "the next IP"
  check_bits %edx, (FLAG_IF | FLAG_IOPL3), FLAG_IOPL3, "FLAGS: IF, not VIF"
  movb $2, tss32+TSS32_REDIRECTION+8
  set_gate 0x41, KCODE32, $stubs32+16*0x31, (INTERRUPT_GATE | DPL3)
  try
  vm86 FLAG_IOPL3
2:
  int $0x41
1:
  caught_at 2b+2, 0x31, 0, "INT n whose bit is set: the IDT"
  set_gate 0x41, KCODE32, $stubs32, INTERRUPT_GATE
  try
  vm86 FLAG_IOPL3
  int $0x41
  caught GP, (0x41 * 8 + 2), "a gate of DPL 0"
  # The bitmap lies in the 32 bytes below the port map, wherever that is.
  movw $TSS32_IO_MAP-32, tss32+0x66
  movl $2, tss32+TSS32_IO_MAP-64+8
  movb $0, tss32+TSS32_REDIRECTION+8
  set_gate 0x41, KCODE32, $stubs32+16*0x31, (INTERRUPT_GATE | DPL3)
  try
  vm86 FLAG_IOPL3
  int $0x41
1:
  caught 0x31, 0, "a bitmap that lies elsewhere"
  movl %esi, 4*0x41

  # IF itself changes at IOPL 3; 32-bit POPF and IRET are #GP at IOPL 0.
  try
  vm86 FLAG_IOPL3
  pushw $(FLAG_IF | 2)
  popfw
  int3
  caught BP, 0, "POPF at IOPL 3"
  check_bits got_flags, (FLAG_IF | FLAG_VIF), FLAG_IF, "POPF sets IF, not VIF"
  try
  vm86 (FLAG_IOPL3 | FLAG_IF)
  cli
  int3
  caught BP, 0, "CLI at IOPL 3"
  check_bits got_flags, (FLAG_IF | FLAG_VIF), 0, "CLI clears IF"
  try
  vm86
1:
  popfl
  caught_at 1b, GP, 0, "POPFD at IOPL 0"
  try
  vm86
1:
  iretl
  caught_at 1b, GP, 0, "IRETD at IOPL 0"
  done
