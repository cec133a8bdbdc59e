# Alignment checks (SDM volume 3, 6.15, interrupt 17): CPL 3, CR0.AM and EFLAGS.AC.

.include "harness.s"

.macro misaligned rule, instruction:vararg
  try
  user (FLAG_AC | 2)
1:
  \instruction
  caught AC, 0, "\rule"
.endm
.macro aligned rule, instruction:vararg
  try
  user (FLAG_AC | 2)
  \instruction
  passes "\rule"
.endm

  aligned "without CR0.AM", movl FRAMES+1, %eax
  set_bits cr0, CR0_AM
  misaligned "a doubleword", movl FRAMES+2, %eax
  misaligned "a word", movw FRAMES+1, %ax
  misaligned "a write", movl %eax, FRAMES+1
  misaligned "a read-modify-write", incl FRAMES+3
  misaligned "a push of a doubleword", pushl FRAMES+1
  misaligned "an x87 double", fldl FRAMES+4
  misaligned "a doubleword across pages", movl FRAMES+0xffe, %eax
  movl $FRAMES+1, %esi
  movl $FRAMES+8, %edi
  misaligned "MOVSD", movsl
  movl $2, %ecx
  misaligned "REP MOVSD", rep movsl
  check %ecx, $2, "REP MOVSD: no iteration"
  misaligned "REP LODSD", rep lodsl
  misaligned "REPE CMPSD", repe cmpsl
  movl $FRAMES+9, %edi
  misaligned "REP STOSD", rep stosl
  misaligned "REPNE SCASD", repne scasl
  aligned "a byte", movb FRAMES+1, %al
  aligned "a doubleword that is aligned", movl FRAMES+4, %eax
  aligned "SGDT of any address", sgdt FRAMES+2
  try
  user
  movl FRAMES+1, %eax
  passes "without AC"
  try
  pushl $(FLAG_AC | 2)
  popfl
  movl FRAMES+1, %eax
  passes "at CPL 0"
  # A page fault comes after the check.
  paging_32
  map_page32 0, 0
  misaligned "before a page fault", movl WINDOW+1, %eax
  done
