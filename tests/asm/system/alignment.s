# Alignment checks (SDM volume 3, 6.15, interrupt 17): CPL 3, CR0.AM and EFLAGS.AC.

.include "harness.s"

.macro misaligned rule, instruction:vararg
  try
  user (FLAG_AC | 2)
1:
  \instruction
  caught AC, 0, "\rule"
.endm
.macro misaligned_stack rule, instruction:vararg
  try
  user (FLAG_AC | 2)
  subl $2, %esp
  \instruction
  caught AC, 0, "a stack that is not aligned: \rule"
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
  # Far pointers by their offset, images of the x87 unit by the operand size.
  misaligned "a far pointer of 32 bits", lgsw FRAMES+1, %ax
  misaligned "a far pointer of 48 bits", lgsl FRAMES+2, %eax
  movl $0, FRAMES+8
  movl $0, FRAMES+12
  aligned "a far pointer of 32 bits that is aligned", lgsw FRAMES+10, %ax
  misaligned "FNSTENV", fnstenv FRAMES+2
  aligned "FNSTENV with 16 bits", data16 fnstenv FRAMES+2
  misaligned "FNSAVE", fnsave FRAMES+2
  # The stack, which far CALL and ENTER use by themselves.
  misaligned_stack "PUSH", pushl %eax
  misaligned_stack "PUSHA", pushal
  misaligned_stack "far CALL", lcall $UCODE32, $somewhere
  misaligned_stack "ENTER with levels", enter $0, $2
  misaligned "ENTER of an odd size", enter $1, $2
  try
  user (FLAG_AC | 2)
  subl $2, %esp
  ud2
  caught UD, 0, "a stack that is not aligned, of code whose exception has its frame elsewhere"
somewhere:
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
