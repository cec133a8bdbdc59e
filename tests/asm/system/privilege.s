# Instructions that privilege 3 may not use (SDM volume 3, 5.9), those that IOPL guards (volume 1, 18.5), and those that CR4
# takes away: TSD, PCE, UMIP.

.include "harness.s"

.macro refused name, instruction:vararg
  try
  user
1:
  \instruction
  caught_at 1b, GP, 0, "\name at CPL 3"
.endm
.macro allowed name, instruction:vararg
  try
  user
  \instruction
  passes "\name at CPL 3"
.endm

  refused "HLT", hlt
  refused "CLI", cli
  refused "STI", sti
  refused "IN", inb $0x80, %al
  refused "OUT", outl %eax, %dx
  refused "INSB", insb
  refused "OUTSB", outsb
  refused "LGDT", lgdt gdt_pointer
  refused "LIDT", lidt idt32_pointer
  refused "LLDT", lldt %ax
  refused "LTR", ltr %ax
  refused "LMSW", lmsw %ax
  refused "CLTS", clts
  refused "INVD", invd
  refused "WBINVD", wbinvd
  refused "INVLPG", invlpg gdt
  refused "MOV from CR0", movl %cr0, %eax
  refused "MOV to CR3", movl %eax, %cr3
  refused "MOV from DR7", movl %dr7, %eax
  refused "MOV to DR0", movl %eax, %db0
  refused "RDPMC", rdpmc
  allowed "SGDT", sgdt scratch
  allowed "SIDT", sidt scratch
  allowed "SLDT", sldt %eax
  allowed "STR", str %eax
  allowed "SMSW", smsw %eax
  allowed "CPUID", cpuid
  allowed "PUSHF", pushfl
  try
  user
  rsm
  caught UD, 0, "RSM outside of system-management mode"

  # IOPL 3 opens CLI, STI and ports, and nothing else. POPF changes IF only then, and IOPL never.
  movb $0xff, %al
  outb %al, $0x21
  outb %al, $0xa1
  try
  user (FLAG_IOPL3 | 2)
  cli
  inb $0x80, %al
  passes "CLI and IN at IOPL 3"
  try
  user (FLAG_IOPL3 | 2)
  hlt
  caught GP, 0, "HLT at IOPL 3"
  try
  user
  pushl $(FLAG_IF | FLAG_IOPL3 | FLAG_CF | 2)
  popfl
  pushfl
  popl %ebx
  passes "POPF at CPL 3"
  andl $(FLAG_IF | FLAG_IOPL3 | FLAG_CF), %ebx
  check %ebx, $FLAG_CF, "POPF at CPL 3 changes neither IF nor IOPL"
  try
  user (FLAG_IOPL3 | 2)
  pushl $(FLAG_IF | 2)
  popfl
  pushfl
  popl %ebx
  passes "POPF at IOPL 3"
  andl $(FLAG_IF | FLAG_IOPL3), %ebx
  check %ebx, $(FLAG_IF | FLAG_IOPL3), "POPF at IOPL 3 changes IF, not IOPL"
  # A single flag that is cleared by INT and set by the image of IRET.
  pushl $(FLAG_IOPL3 | FLAG_NT | 2)
  popfl
  pushfl
  popl %ebx
  pushl $2
  popfl
  andl $(FLAG_IOPL3 | FLAG_NT), %ebx
  check %ebx, $(FLAG_IOPL3 | FLAG_NT), "POPF at CPL 0 changes IOPL and NT"

  # What a processor may lack.
  unless 1, edx, 5, 2f
  refused "RDMSR", rdmsr
  refused "WRMSR", wrmsr
2:
  unless 1, edx, 11, 2f
  refused "SYSEXIT", sysexit
2:
  unless 1, edx, 4, 2f
  allowed "RDTSC", rdtsc
  set_bits cr4, CR4_TSD
  refused "RDTSC with TSD", rdtsc
  try
  rdtsc
  passes "RDTSC with TSD at CPL 0"
  unless 0x80000001, edx, 27, 3f
  refused "RDTSCP with TSD", rdtscp
  try
  rdtscp
  passes "RDTSCP with TSD at CPL 0"
3:
  unless 7, ecx, 22, 3f
  allowed "RDPID with TSD", rdpid %eax
3:
  clear_bits cr4, CR4_TSD
2:
  unless 7, ecx, 2, 2f
  set_bits cr4, CR4_UMIP
  refused "SGDT with UMIP", sgdt scratch
  refused "SIDT with UMIP", sidt scratch
  refused "SLDT with UMIP", sldt %eax
  refused "STR with UMIP", str %eax
  refused "SMSW with UMIP", smsw %eax
  try
  sgdt scratch
  sidt scratch
  sldt %eax
  str %eax
  smsw %eax
  passes "UMIP says nothing at CPL 0"
  clear_bits cr4, CR4_UMIP
2:
  done

.section .data
scratch: .skip 16
