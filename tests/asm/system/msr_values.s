# Values that MTRRs, machine-check banks and the APIC's base take and refuse (SDM volume 3, 11.11.2, 15.3 and 10.12; volume 4).

.include "harness.s"

.set MTRR_CAP, 0xfe
.set MTRR_BASE0, 0x200
.set MTRR_MASK0, 0x201
.set MTRR_FIX64K, 0x250
.set MTRR_FIX4K_F8, 0x26f
.set MTRR_DEF_TYPE, 0x2ff
.set MCG_CAP, 0x179
.set MCG_STATUS, 0x17a
.set MC0_CTL, 0x400
.set MC0_STATUS, 0x401
.set MC0_ADDR, 0x402

.macro refused rule, number, low, high
  try
  write_msr \number, $(\low), $(\high)
  caught GP, 0, "\rule"
.endm
.macro kept rule, number, low, high
  try
  write_msr \number, $(\low), $(\high)
  passes "\rule"
  read_msr \number
  check %eax, $(\low), "\rule: low half"
  check %edx, $(\high), "\rule: high half"
.endm

  need 1, edx, 12, "MTRRs"
  kept "a range of write-back memory", MTRR_BASE0, 0x10000006, 0
  kept "its mask", MTRR_MASK0, 0xf0000800, 0xf
  refused "type 2 in a range", MTRR_BASE0, 0x10000002, 0
  refused "type 7 in a range", MTRR_BASE0, 0x10000007, 0
  refused "bit 8 of a range's base", MTRR_BASE0, 0x10000106, 0
  refused "an address beyond the CPU's in a base", MTRR_BASE0, 6, 0x100000
  refused "bit 0 of a mask", MTRR_MASK0, 0x801, 0
  refused "an address beyond the CPU's in a mask", MTRR_MASK0, 0x800, 0x100000
  kept "a fixed range", MTRR_FIX64K, 0x06060606, 0x01040500
  refused "type 3 in a fixed range", MTRR_FIX64K, 0x00030000, 0
  refused "type 0xff in the last fixed range", MTRR_FIX4K_F8, 0, 0xff000000
  kept "the default type", MTRR_DEF_TYPE, 0xc06, 0
  refused "default type 2", MTRR_DEF_TYPE, 0xc02, 0
  refused "bit 8 of the default type", MTRR_DEF_TYPE, 0x106, 0
  refused "the upper half of the default type", MTRR_DEF_TYPE, 6, 1
  refused "the capabilities", MTRR_CAP, 0x508, 0
  write_msr MTRR_MASK0, $0
  write_msr MTRR_DEF_TYPE, $0

  movl $1, %eax
  cpuid
  btl $14, %edx
  jnc 1f
  refused "machine-check capabilities", MCG_CAP, 0, 0
  refused "a machine-check status that is not 0", MC0_STATUS, 1, 0
  refused "a machine-check address that is not 0", MC0_ADDR, 0, 1
  kept "a machine-check status of 0", MC0_STATUS, 0, 0
  kept "machine-check control of ones", MC0_CTL, 0xffffffff, 0xffffffff
  kept "machine-check control of zeros", MC0_CTL, 0, 0
  kept "the global machine-check status", MCG_STATUS, 4, 0
  write_msr MCG_STATUS, $0
  read_msr MCG_CAP
  andl $0xff, %eax
  movl $MC0_CTL, %ecx
  leal (%ecx, %eax, 4), %ecx
  try
  rdmsr
  caught GP, 0, "the bank behind the last"
1:
  movl $1, %eax
  cpuid
  btl $21, %ecx
  jnc 1f
  read_msr MSR_APIC_BASE
  movl %eax, %esi
  movl %edx, %edi
  .macro base_refused rule, change, high
  movl %esi, %eax
  movl %edi, %edx
  xorl $(\change), %eax
  xorl $(\high), %edx
  movl $MSR_APIC_BASE, %ecx
  try
  wrmsr
  caught GP, 0, "\rule"
  .endm
  base_refused "bit 0 of the APIC's base", 1, 0
  base_refused "bit 9 of the APIC's base", 0x200, 0
  base_refused "an address beyond the CPU's", 0, 0x100000
  base_refused "x2APIC mode without the APIC", 0xc00, 0
  try
  movl $0x802, %ecx
  rdmsr
  caught GP, 0, "an x2APIC register in xAPIC mode"
  movl %esi, %eax
  orl $0x400, %eax
  movl %edi, %edx
  movl $MSR_APIC_BASE, %ecx
  wrmsr
  try
  movl $0x802, %ecx
  rdmsr
  passes "an x2APIC register in x2APIC mode"
  base_refused "from x2APIC back to xAPIC mode", 0, 0
  try
  movl $0x80e, %ecx
  rdmsr
  caught GP, 0, "the destination format register, which x2APIC lacks"
  try
  write_msr 0x802, $0
  caught GP, 0, "the APIC's number is read-only"
  try
  write_msr 0x80b, $1
  caught GP, 0, "EOI takes 0 only"
1:
  done
