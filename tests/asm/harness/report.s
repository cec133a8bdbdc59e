# Checks, what is printed of those that fail, and the end. The code up to `.section .data` runs in 32-bit and in 64-bit mode: it
# keeps to instructions whose bytes mean the same in both (no INC, no address without a register).

.section .text
use 32

# Compares report_got with report_expected; changes no register and no flag.
check_values:
  pushf
  push %eax
  push %ecx
  push %edx
  push %esi
  movl $report_got, %esi
  addl $1, report_checks - report_got(%esi)
  movl (%esi), %eax
  cmpl 8(%esi), %eax
  jne 1f
  movl 4(%esi), %eax
  cmpl 12(%esi), %eax
  je 2f
1:
  addl $1, report_failures - report_got(%esi)
  movl $text_failed, %esi
  call print
  call print_rule
  movl $text_got, %esi
  call print
  movl $report_got, %esi
  call print_hexadecimal
  movl $text_expected, %esi
  call print
  movl $report_expected, %esi
  call print_hexadecimal
  movl $text_line_end, %esi
  call print
2:
  pop %esi
  pop %edx
  pop %ecx
  pop %eax
  popf
  ret

# Exits by whether all checks passed; none at all is a failure.
finish:
  movl $report_got, %esi
  movl $EXIT_PASSED, %eax
  cmpl $0, report_checks - report_got(%esi)
  je 1f
  cmpl $0, report_failures - report_got(%esi)
  je exit
1:
  movl $EXIT_FAILED, %eax
exit:
  movw $DEBUG_EXIT, %dx
  outl %eax, %dx
1:
  hlt
  jmp 1b

# A test whose first half could run ends by that.
lacking:
  movl $report_got, %esi
  cmpl $0, report_checks - report_got(%esi)
  jne finish
  movl $text_lacking, %esi
  call print
  call print_rule
  movl $text_line_end, %esi
  call print
  movl $EXIT_LACKING, %eax
  jmp exit

# An event that no test asked for, on whatever stack.
unexpected:
  movl $boot_stack_top, %esp
  movl $text_unexpected, %esi
  call print
  .irp value, got_vector, got_error, got_cs, got_ip, got_cr2
  movl $text_blank, %esi
  call print
  movl $\value, %esi
  call print_hexadecimal
  .endr
  movl $text_line_end, %esi
  call print
  movl $EXIT_FAILED, %eax
  jmp exit

shutdown_seen:
  movl $EXIT_PASSED, %eax
  jmp exit

shutdown_unwanted:
  movl $text_shutdown, %esi
  call print
  movl $EXIT_FAILED, %eax
  jmp exit

print_rule:
  movl $report_got, %esi
  movl report_rule - report_got(%esi), %esi
# The string at ESI; changes EAX, EDX and ESI.
print:
  movw $DEBUG_CONSOLE, %dx
1:
  movb (%esi), %al
  testb %al, %al
  jz 2f
  outb %al, %dx
  addl $1, %esi
  jmp 1b
2:
  ret

# The 8 bytes at ESI; changes EAX, ECX and EDX.
print_hexadecimal:
  movw $DEBUG_CONSOLE, %dx
  movl $8, %ecx
1:
  movb -1(%esi, %ecx), %al
  shrb $4, %al
  call print_digit
  movb -1(%esi, %ecx), %al
  andb $15, %al
  call print_digit
  addl $-1, %ecx
  jnz 1b
  ret
print_digit:
  addb $'0', %al
  cmpb $'9', %al
  jbe 1f
  addb $('a' - '9' - 1), %al
1:
  outb %al, %dx
  ret

.section .data
.balign 8
report_got: .quad 0
report_expected: .quad 0
report_rule: .long 0
report_checks: .long 0
report_failures: .long 0

.section .rodata
text_failed: .asciz "FAILED "
text_got: .asciz ": got "
text_expected: .asciz ", expected "
text_lacking: .asciz "LACKING "
text_unexpected: .asciz "FAILED unexpected event (vector, error code, CS, IP, CR2):"
text_shutdown: .asciz "FAILED unexpected reset\r\n"
text_blank: .asciz " "
text_line_end: .asciz "\r\n"
