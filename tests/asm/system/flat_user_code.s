# Programs in flat 32-bit segments at privilege 3, the same page at several addresses: what CALL pushes, where relative branches
# lead that run over the end of 4 GiB or over its beginning, and what 16 bits of EIP are left of (SDM volume 2, CALL, Jcc, JMP, LOOP).

.include "harness.s"

.set HIGH, 0xd0000000
.set BETWEEN, 0xb0000000
.set LAST, 0xfffff000
.set LOW, 0x9104        # below 64 KiB, and what 16-bit branches of page 9 lead to

  paging_32
  .irp place, HIGH, BETWEEN, LAST
  movl $(window_pt + P + RW + US), pd + 4 * (\place >> 22)
  .endr
  map_page32 0, (FRAMES + P + RW + US)
  map_page32 1, (FRAMES + 0x1000 + P + RW + US)
  map_page32 9, (FRAMES + P + RW + US)
  map_page32 1023, (FRAMES + P + RW + US)

  # Tells its own address in EBX, what is on the stack in EDX and its ESP in ECX; goes back by ESI.
  .pushsection .rodata
teller:
  movzwl (%esp), %edx
  movl %esp, %ecx
  call 1f
1:
  popl %ebx
  jmp *%esi
teller_end:
  .popsection
  .set TOLD, 11         # from its beginning to the address that it tells
  .irp place, FRAMES + 0x300, FRAMES + 0x1300, LOW
  movl $teller, %esi
  movl $\place, %edi
  movl $(teller_end - teller), %ecx
  rep movsb
  .endr

  # Runs what is at `from`, which is to come to a teller at `to`; ZF is set, ECX is the count.
  .macro leads from, to, rule, count=1
  try
  user
  movl $1f, %esi
  xorl %ebx, %ebx
  movl $\count, %ecx
  movl $\from, %edi
  cmpl %eax, %eax
  jmp *%edi
1:
  passes "\rule"
  check %ebx, $((\to + TOLD) & 0xffffffff), "\rule: EIP"
  .endm
  # Runs on without a branch: bytes behind it go back.
  .macro goes_on from, rule, count=1
  try
  user
  movl $1f, %esi
  xorl %ebx, %ebx
  movl $\count, %ecx
  movl $\from, %edi
  cmpl %eax, %eax
  jmp *%edi
1:
  passes "\rule"
  check %ebx, $0, "\rule"
  .endm
  .macro put offset, bytes:vararg
  movl $(FRAMES + \offset), %edi
  .irp byte, \bytes
  movb $\byte, (%edi)
  incl %edi
  .endr
  .endm

  # Beside where they lead, modulo 2^32: 0x70000000 farther is 0x90000000 back.
  put 0x100, 0xe9, 0xfb, 0x11, 0, 0                     # jmp .+0x1200
  put 0x120, 0x0f, 0x84, 0xda, 0x11, 0, 0               # je .+0x11e0
  put 0x200, 0xe9, 0xfb, 0, 0, 0x70
  put 0x210, 0xe8, 0xeb, 0, 0, 0x70
  put 0x220, 0x0f, 0x84, 0xda, 0, 0, 0x70
  put 0x230, 0xe9, 0xcb, 0, 0, 0x90
  put 0x000, 0x66, 0xe9, 0x00, 0x01
  put 0x010, 0x66, 0xe8, 0xf0, 0x00
  put 0x020, 0x66, 0x0f, 0x84, 0xdf, 0x00, 0xff, 0xe6   # je; jmp *%esi
  put 0x030, 0x66, 0x0f, 0x85, 0xcf, 0x00, 0xff, 0xe6   # jne
  put 0x0a0, 0x66, 0xeb, 0x61                           # jmp
  put 0x0a8, 0x66, 0x74, 0x59, 0xff, 0xe6               # je
  put 0x0b0, 0x66, 0xe2, 0x51, 0xff, 0xe6               # loop
  put 0x0b8, 0x66, 0xe1, 0x49, 0xff, 0xe6               # loope
  put 0x0c0, 0x66, 0xe3, 0x41, 0xff, 0xe6               # jecxz

  # All twice, since links and jump caches know more the second time.
again:
  leads WINDOW+0x300, WINDOW+0x300, "the page in the window"
  leads HIGH+0x300, HIGH+0x300, "the page in the upper half"
  leads LAST+0x300, LAST+0x300, "the last page"

  leads WINDOW+0x100, WINDOW+0x1300, "a jump to the next page"
  leads HIGH+0x100, HIGH+0x1300, "a jump to the next page, in the upper half"
  leads WINDOW+0x120, WINDOW+0x1300, "a condition to the next page"
  leads HIGH+0x120, HIGH+0x1300, "a condition to the next page, in the upper half"

  # The same distance runs over the end of 4 GiB from one place, not from the other.
  leads HIGH+0x200, WINDOW+0x300, "JMP over the end"
  leads WINDOW+0x200, BETWEEN+0x300, "JMP below the end"
  leads HIGH+0x210, WINDOW+0x300, "CALL over the end"
  check %edx, $((HIGH + 0x215) & 0xffff), "CALL over the end: return address"
  check %ecx, $(user_stack_top - 4), "CALL over the end: ESP"
  leads WINDOW+0x210, BETWEEN+0x300, "CALL below the end"
  leads HIGH+0x220, WINDOW+0x300, "JE over the end"
  leads WINDOW+0x220, BETWEEN+0x300, "JE below the end"
  leads WINDOW+0x230, HIGH+0x300, "JMP over the beginning"
  leads BETWEEN+0x230, WINDOW+0x300, "JMP above the beginning"

  # 16 bits of EIP.
  .irp base, WINDOW, HIGH
  leads \base+0x9000, LOW, "JMP rel16"
  leads \base+0x9010, LOW, "CALL rel16"
  check %edx, $0x9014, "CALL rel16: return address"
  check %ecx, $(user_stack_top - 2), "CALL rel16: ESP"
  leads \base+0x9020, LOW, "JE rel16"
  goes_on \base+0x9030, "JNE rel16"
  leads \base+0x90a0, LOW, "JMP rel8 of 16 bits"
  leads \base+0x90a8, LOW, "JE rel8 of 16 bits"
  leads \base+0x90b0, LOW, "LOOP of 16 bits", 2
  goes_on \base+0x90b0, "LOOP of 16 bits, at its end", 1
  leads \base+0x90b8, LOW, "LOOPE of 16 bits", 2
  leads \base+0x90c0, LOW, "JECXZ of 16 bits", 0
  goes_on \base+0x90c0, "JECXZ of 16 bits with a count", 1
  .endr

  decl rounds
  jnz again

  done

.data
rounds: .long 2
