# Exceptions of ordinary instructions and their kind, fault or trap (SDM volume 3, 6.5 and 6.15): #DE, #BR, #OF, and that a
# fault leaves registers and memory alone.

.include "harness.s"

  movl $0x12345678, %eax
  movl $7, %edx
  movl $7, %ebx
  try
1:
  divl %ebx
  caught_at 1b, DE, 0, "a quotient of 33 bits"
  check %eax, $0x12345678, "a quotient of 33 bits: EAX stays"
  check %edx, $7, "a quotient of 33 bits: EDX stays"
  movl $0x80000000, %eax
  movl $-1, %edx
  movl $-1, %ebx
  try
  idivl %ebx
  caught DE, 0, "IDIV of the least number by -1"
  try
  movw $0x100, %ax
  movb $1, %bl
  divb %bl
  caught DE, 0, "DIV of bytes"
  movl $5, %eax
  try
  aam $0
  caught DE, 0, "AAM 0"
  movl $1, FRAMES
  movl $2, FRAMES+4
  try
  movl $3, %eax
1:
  boundl %eax, FRAMES
  caught_at 1b, BR, 0, "BOUND above"
  try
  movl $0, %eax
  boundl %eax, FRAMES
  caught BR, 0, "BOUND below"
  try
  movl $2, %eax
  boundl %eax, FRAMES
  passes "BOUND at the upper bound"
  movl $-5, FRAMES
  try
  movl $-5, %eax
  boundl %eax, FRAMES
  passes "BOUND is signed"
  # A fault of the second access leaves the first one's effects out.
  paging_32
  map_page32 0, 0
  movl $FRAMES, %esi
  movl $WINDOW, %edi
  try
  movsl
  caught PF, PF_W, "MOVS to a page that is gone"
  check %esi, $FRAMES, "MOVS: ESI stays"
  check %edi, $WINDOW, "MOVS: EDI stays"
  movl $WINDOW, %esi
  try
  pushl (%esi)
  caught PF, 0, "PUSH of a page that is gone"
  movl $0xabcd, %eax
  try
  xchgl %eax, WINDOW
  caught PF, PF_W, "XCHG with a page that is gone"
  check %eax, $0xabcd, "XCHG: EAX stays"
  stc
  movl $0x7fffffff, %ebx
  try
  stc
  adcl %ebx, WINDOW
  caught PF, PF_W, "ADC to a page that is gone"
  check_bits got_flags, FLAG_CF, FLAG_CF, "ADC: flags stay"
  try
  user
  movl $WINDOW+8, %esp
  popal
  caught PF, PF_U, "POPA from a page that is gone"
  check got_sp, $WINDOW+8, "POPA: ESP stays"
  done
