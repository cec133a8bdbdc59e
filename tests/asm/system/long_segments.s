# Segments in long mode (SDM volume 3, 3.4.4 and 5.2.1): bases and limits that 64-bit mode ignores and compatibility mode has, null
# selectors, FS and GS.

.include "harness.s"

  long_mode
  set_segment FREE, $FRAMES, 0xf, 0x4093
  set_segment FREE+8, $FRAMES, 0xf, 0x4090
  movl $0x11, FRAMES
  movl $0x22, 0x100010
  try
  movw $FREE, %ax
  movw %ax, %ds
  movw %ax, %ss
  movw %ax, %es
  movl 0x100010, %ebx
  movl %ebx, %es:FRAMES+0x20
  pushq %rbx
  popq %rcx
  passes "64-bit mode ignores bases and limits of DS, ES and SS"
  check %rbx, $0x22, "an address is linear"
  try
  movw $FREE+8, %ax
  movw %ax, %ds
  movl %ebx, FRAMES+0x20
  passes "and their rights"
  try
  xorl %eax, %eax
  movw %ax, %ds
  movl FRAMES, %ebx
  passes "and a null selector"
  try
  movw $FREE, %ax
  movw %ax, %fs
  movl %fs:0, %ebx
  movl %ebx, %fs:0x40
  passes "FS has a base, and no limit"
  check %rbx, $0x11, "the base of FS"
  try
  movw $FREE, %ax
  movw %ax, %fs
  xorl %eax, %eax
  movw %ax, %fs
  passes "a null selector in FS"
  try
  movw $(gdt_end - gdt), %ax
  movw %ax, %ds
  caught GP, (gdt_end - gdt), "selectors are checked"
  try
  xorl %eax, %eax
  movw %ax, %ss
  passes "a null SS at CPL 0"
  try
  user
  movw $3, %ax
  movw %ax, %ss
  caught GP, 0, "a null SS at CPL 3"
  # Compatibility mode has them.
  try
  compatibility
  movw $FREE, %ax
  movw %ax, %ds
  movl 0, %ebx
  movl 0x10, %ecx
  caught GP, 0, "compatibility mode: limit"
  check %rbx, $0x11, "compatibility mode: base"
  try
  compatibility
  movw $FREE+8, %ax
  movw %ax, %es
  movl %ebx, %es:0
  caught GP, 0, "compatibility mode: rights"
  try
  compatibility
  xorl %eax, %eax
  movw %ax, %ds
  movl FRAMES, %ebx
  caught GP, 0, "compatibility mode: a null DS"
  try
  compatibility
  xorl %eax, %eax
  movw %ax, %ss
  caught GP, 0, "compatibility mode: a null SS"
  # Addresses of compatibility mode are 32 bits wide.
  movabsq $0x100000000, %rax
  orq $FRAMES, %rax
  movq %rax, %rsi
  try
  compatibility
  movl (%esi), %ebx
  passes "compatibility mode: 32-bit addresses"
  check %rbx, $0x11, "compatibility mode: the upper half of RSI is not used"
  try
  movl (%esi), %ebx
  passes "64-bit mode with an address-size prefix"
  check %rbx, $0x11, "64-bit mode: 32-bit addresses are extended with zeros"
  # FS of 64-bit bases, with 32-bit offsets.
  write_msr MSR_FS_BASE, $FRAMES, $0
  movl $0xfffffff0, %esi
  movl $0x33, FRAMES-0x10
  try
  movl %fs:-0x10, %ebx
  passes "a displacement is sign-extended"
  check %rbx, $0x33, "which lies below the base"
  try
  movl %fs:(%esi), %ebx
  caught PF, 0, "an offset of 32 bits is extended with zeros before the base is added"
  # RSP is 64 bits wide whatever SS says.
  set_segment FREE, $0, 0xffff, 0x0093
  try
  movw $FREE, %ax
  movw %ax, %ss
  movq $LARGE_FRAME+8, %rsp
  pushq %rax
  movq %rsp, %rbx
  passes "SS.B does not count"
  check %rbx, $LARGE_FRAME, "RSP is 64 bits wide"
  done
