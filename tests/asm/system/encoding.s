# Encodings that no processor takes: LOCK where it must not be, more than 15 bytes, undefined opcodes (SDM volume 2, 2.1 and
# LOCK; volume 3, 6.15), CMPXCHG8B and 16B, and reserved bits of FXRSTOR's image.

.include "harness.s"

  undefined "UD0", 0x0f, 0xff, 0xc0
  undefined "UD1", 0x0f, 0xb9, 0xc0
  undefined "UD2", 0x0f, 0x0b
  undefined "LOCK NOP", 0xf0, 0x90
  undefined "LOCK ADD of a register", 0xf0, 0x01, 0xc0
  undefined "LOCK ADD with memory as the source", 0xf0, 0x03, 0x07
  undefined "LOCK CMP", 0xf0, 0x39, 0x07
  undefined "LOCK MOV", 0xf0, 0x89, 0x07
  undefined "LOCK BT", 0xf0, 0x0f, 0xa3, 0x07
  undefined "LOCK JMP", 0xf0, 0xeb, 0x00
  undefined "LEA of a register", 0x8d, 0xc0
  undefined "LES of a register", 0xc4, 0xc0
  undefined "BOUND of a register", 0x62, 0xc0
  undefined "MOV to CS", 0x8e, 0xc8
  undefined "MOV from segment register 6", 0x8c, 0xf0
  undefined "LGDT of a register", 0x0f, 0x01, 0xd0
  undefined "INVLPG of a register", 0x0f, 0x01, 0xfd
  undefined "far JMP of a register", 0xff, 0xe8
  undefined "FF /7", 0xff, 0xf8
  undefined "FE /2", 0xfe, 0xd0
  undefined "CMPXCHG8B of a register", 0x0f, 0xc7, 0xc8
  undefined "0F 38 of no instruction", 0x0f, 0x38, 0xee
  undefined "0F 0A", 0x0f, 0x0a
  movl $FRAMES, %edi
  movl $1, FRAMES
  movl $2, %eax
  try
  lock addl %eax, (%edi)
  lock incl (%edi)
  lock negl (%edi)
  lock xchgl %eax, (%edi)
  lock xaddl %eax, (%edi)
  lock btsl $31, (%edi)
  passes "LOCK where it may be"
  unless 1, edx, 8, 2f
  try
  lock cmpxchg8b (%edi)
  passes "LOCK CMPXCHG8B"
2:

  # Length: 15 bytes are allowed, whatever they are.
  try
  .byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
  passes "15 bytes"
  try
1:
  .byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90
  caught_at 1b, GP, 0, "16 bytes"
  # #PF of a fetch comes before: the bytes beyond a page are not there.
  paging_32
  movl $(FRAMES + P + RW), window_pt
  movl $FRAMES+0x1000-15, %edi
  movl $15, %ecx
  movb $0x66, %al
  cld
  rep stosb
  try
  movl $WINDOW+0x1000-15, %eax
  jmp *%eax
  caught_at WINDOW+0x1000-15, GP, 0, "15 prefixes at the end of a page need no more"
  try
  movl $WINDOW+0x1000-14, %eax
  jmp *%eax
  caught_at WINDOW+0x1000-14, PF, 0, "14 prefixes at the end of a page do"
  check got_cr2, $WINDOW+0x1000, "CR2 is the next page"
  clear_bits cr0, CR0_PG

  long_mode
  undefined "PUSHA in 64-bit mode", 0x60
  undefined "BOUND in 64-bit mode", 0x62, 0x07
  undefined "AAA in 64-bit mode", 0x37
  undefined "PUSH ES in 64-bit mode", 0x06
  undefined "82 in 64-bit mode", 0x82, 0xc0, 0x00
  undefined "far JMP of an immediate in 64-bit mode", 0xea, 0, 0, 0, 0, 0, 0
  undefined "INTO in 64-bit mode", 0xce
  undefined "SALC in 64-bit mode", 0xd6
  movl $1, %eax
  cpuid
  btl $13, %ecx
  jnc 2f
  movl $FRAMES, %edi
  try
  lock cmpxchg16b (%rdi)
  passes "CMPXCHG16B"
  try
  cmpxchg16b 8(%rdi)
  caught GP, 0, "CMPXCHG16B that is not aligned"
2:
  try
  fxsave 8(%rdi)
  caught GP, 0, "FXSAVE that is not aligned"
  set_bits cr4, CR4_OSFXSR
  try
  movaps 8(%rdi), %xmm0
  caught GP, 0, "MOVAPS that is not aligned"
  fxsave (%rdi)
  orl $0x10000, 24(%rdi)
  try
  fxrstor (%rdi)
  caught GP, 0, "a reserved bit of MXCSR in FXRSTOR's image"
  movl $0x10000, (%rdi)
  try
  ldmxcsr (%rdi)
  caught GP, 0, "a reserved bit of MXCSR in LDMXCSR"
  movl $1, %eax
  cpuid
  btl $26, %ecx
  jnc 2f
  set_bits cr4, CR4_OSXSAVE
  movl $3, %eax
  xorl %edx, %edx
  xorl %ecx, %ecx
  xsetbv
  movl $FRAMES, %edi
  movl $0x240/4, %ecx
  xorl %eax, %eax
  cld
  rep stosl
  movl $FRAMES, %edi
  movl $0x1f80, 24(%rdi)
  movl $3, %eax
  try
  xrstor (%rdi)
  passes "XRSTOR of nothing"
  .macro header_refused offset, value, rule
  movl $(\value), \offset(%rdi)
  movl $3, %eax
  try
  xrstor (%rdi)
  caught GP, 0, "\rule"
  movl $0, \offset(%rdi)
  .endm
  header_refused 512, 0x10, "XSTATE_BV beyond XCR0"
  header_refused 520, 1, "XCOMP_BV of the standard form"
  header_refused 528, 1, "byte 16 of the header"
  try
  xsave 32(%rdi)
  caught GP, 0, "XSAVE that is not aligned to 64"
2:
  done
