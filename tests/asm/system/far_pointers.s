# LDS, LES, LFS, LGS and LSS (SDM volume 2): offset and selector of a far pointer, the latter checked as by MOV.

.include "harness.s"

.macro loads name, instruction, segment, selector
  movw $\selector, far_pointer + 4
  try
  \instruction far_pointer, %ecx
  movl %\segment, %edx
  passes "\name"
  check %ecx, $0x12345678, "\name: the offset"
  check %edx, $\selector, "\name: the selector"
.endm

.macro refuses name, instruction, vector, error, selector
  movw $(\selector), far_pointer + 4
  movl $0x5a5a5a5a, %ecx
  try
  \instruction far_pointer, %ecx
  caught \vector, \error, "\name"
  check %ecx, $0x5a5a5a5a, "\name: no offset is loaded"
.endm

  loads "LDS", lds, ds, UDATA
  loads "LES", les, es, UDATA
  loads "LFS", lfs, fs, UDATA
  loads "LGS", lgs, gs, UDATA
  loads "LSS", lss, ss, KDATA
  loads "LFS of a null selector", lfs, fs, 0

  movl $0x5a5a5a5a, %ecx
  try
  lgs small_pointer, %cx
  passes "16 bits of offset"
  check %ecx, $0x5a5a5678, "16 bits of offset: the rest stays"

  refuses "LSS of a null selector", lss, GP, 0, 0
  refuses "LSS of DPL 3 at CPL 0", lss, GP, (UDATA-3), (UDATA-3)
  refuses "LDS of a system segment", lds, GP, TSS32, TSS32
  set_segment FREE, $0, 0xfffff, (DATA_RW & ~0x80)
  refuses "LES of a segment that is not present", les, NP, FREE, FREE
  refuses "LSS of a segment that is not present", lss, SS, FREE, FREE
  done

.section .data
  .balign 8
far_pointer:
  .long 0x12345678
  .word 0
small_pointer:
  .word 0x5678, 0
