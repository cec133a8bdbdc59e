# Protection keys (SDM volume 3, 4.6.2 and 4.7; volume 2, RDPKRU and WRPKRU; volume 1, 13.5.7): PKRU takes rights to data of user pages.

.include "harness.s"

.set PAGE, WINDOW
.set SUPERVISOR_PAGE, WINDOW + 0x1000
.set OTHER, WINDOW + 0x2000
.set KEY, 5
.set NO_ACCESS, 1 << (2 * KEY)
.set NO_WRITES, 2 << (2 * KEY)
.set AREA, FRAMES + 0x4000

  need 7, ecx, 3, "protection keys"
  .macro write_keys value
  movl $(\value), %eax
  xorl %ecx, %ecx
  xorl %edx, %edx
  wrpkru
  .endm
  .macro check_keys expected, rule
  xorl %ecx, %ecx
  rdpkru
  check %rax, $\expected, "\rule"
  .endm
  long_mode
  set_bits cr0, CR0_WP
  put_return FRAMES
  map_page 0, (FRAMES + P + RW + US), (KEY << KEY_SHIFT)
  map_page 1, (FRAMES + P + RW), (KEY << KEY_SHIFT)
  map_page 2, (FRAMES + P + RW + US), ((KEY + 1) << KEY_SHIFT)

  # The instructions.
  try
  rdpkru
  caught UD, 0, "RDPKRU without PKE"
  try
  wrpkru
  caught UD, 0, "WRPKRU without PKE"
  try
  movl PAGE, %eax
  passes "keys are ignored without PKE"
  movl $7, %eax
  xorl %ecx, %ecx
  cpuid
  check_bits %ecx, 1 << 4, 0, "OSPKE is clear"
  set_bits cr4, CR4_PKE
  movl $7, %eax
  xorl %ecx, %ecx
  cpuid
  check_bits %ecx, 1 << 4, 1 << 4, "OSPKE tells CR4.PKE"
  check_keys 0, "PKRU after a reset"
  movl $1, %ecx
  try
  rdpkru
  caught GP, 0, "RDPKRU with ECX"
  movl $1, %ecx
  xorl %edx, %edx
  try
  wrpkru
  caught GP, 0, "WRPKRU with ECX"
  movl $1, %edx
  xorl %ecx, %ecx
  try
  wrpkru
  caught GP, 0, "WRPKRU with EDX"
  try
  .byte 0xf0
  wrpkru
  caught UD, 0, "WRPKRU with LOCK"
  movabsq $0x1234567800000000, %rax
  movabsq $0x1234567800000000, %rcx
  movq %rcx, %rdx
  try
  wrpkru
  passes "WRPKRU looks at 32 bits of each"
  movq $-1, %rdx
  xorl %ecx, %ecx
  rdpkru
  check %rdx, $0, "RDPKRU clears RDX"
  write_keys 0x55555554
  check_keys 0x55555554, "PKRU has 32 bits"
  write_keys 0

  # Access disabled: no reads and no writes at any level; what the TLB holds does not count.
  movl PAGE, %eax
  movl %eax, PAGE
  write_keys NO_ACCESS
  try
  movl PAGE, %eax
  caught PF, (PF_P | PF_PK), "AD: a read"
  check got_cr2, $PAGE, "its address"
  try
  movl %eax, PAGE
  caught PF, (PF_P | PF_W | PF_PK), "AD: a write"
  try
  lock incl PAGE
  caught PF, (PF_P | PF_W | PF_PK), "AD: a read-modify-write"
  try
  user
  movl PAGE, %eax
  caught PF, (PF_P | PF_U | PF_PK), "AD: a read at CPL 3"
  try
  user
  movl %eax, PAGE
  caught PF, (PF_P | PF_W | PF_U | PF_PK), "AD: a write at CPL 3"
  try
  call PAGE
  passes "AD: fetches are free"
  try
  movl OTHER, %eax
  movl %eax, OTHER
  passes "AD: another key"
  try
  movl SUPERVISOR_PAGE, %eax
  movl %eax, SUPERVISOR_PAGE
  passes "AD: supervisor pages have no key"
  try
  user
  movl SUPERVISOR_PAGE, %eax
  caught PF, (PF_P | PF_U), "a supervisor page at CPL 3: PK is clear"

  # PKRU belongs to users.
  try
  user
  write_keys 0
  movl PAGE, %eax
  movl %eax, PAGE
  write_keys NO_ACCESS
1:
  movl PAGE, %eax
  caught_at 1b, PF, (PF_P | PF_U | PF_PK), "WRPKRU at CPL 3 takes effect at once"

  # Writes disabled: for supervisors as CR0.WP says.
  write_keys 0
  movl %eax, PAGE
  write_keys NO_WRITES
  try
  movl PAGE, %eax
  passes "WD: a read"
  try
  movl %eax, PAGE
  caught PF, (PF_P | PF_W | PF_PK), "WD: a write"
  try
  user
  movl PAGE, %eax
1:
  movl %eax, PAGE
  caught_at 1b, PF, (PF_P | PF_W | PF_U | PF_PK), "WD: a write at CPL 3"
  clear_bits cr0, CR0_WP
  try
  movl %eax, PAGE
  passes "WD without WP: a supervisor's write"
  try
  user
  movl %eax, PAGE
  caught PF, (PF_P | PF_W | PF_U | PF_PK), "WD without WP: a write at CPL 3"
  set_bits cr0, CR0_WP
  try
  movl %eax, PAGE
  caught PF, (PF_P | PF_W | PF_PK), "WD: WP again"

  # PK tells of the key, whatever else forbids the access, but of pages that are present only.
  write_keys NO_ACCESS
  map_page 0, (FRAMES + P + US), (KEY << KEY_SHIFT)
  try
  movl %eax, PAGE
  caught PF, (PF_P | PF_W | PF_PK), "a read-only page, and AD"
  map_page 0, 0, (KEY << KEY_SHIFT)
  try
  movl PAGE, %eax
  caught PF, 0, "a page that is not present"
  map_page 0, (FRAMES + P + RW + US), (KEY << KEY_SHIFT)
  # A refused access sets no accessed bit.
  try
  movl PAGE, %eax
  caught PF, (PF_P | PF_PK), "AD again"
  check_bits window_pt, ACCESSED, 0, "accessed stays clear"

  # Devices' pages have, too.
  write_keys 0
  map_page 3, (LAPIC + P + RW + US), (KEY << KEY_SHIFT)
  movl WINDOW + 0x3030, %eax
  write_keys NO_ACCESS
  try
  movl WINDOW + 0x3030, %eax
  caught PF, (PF_P | PF_PK), "a device's page"

  # Large pages have a key as well.
  write_keys 0
  movl $(LARGE_FRAME + P + RW + US + LARGE), window_pd + 8
  movl $(KEY << KEY_SHIFT), window_pd + 12
  reload_cr3
  movl WINDOW + 0x200000, %eax
  write_keys NO_ACCESS
  try
  movl WINDOW + 0x200000, %eax
  caught PF, (PF_P | PF_PK), "a page of 2 MiB"

  # A key that changes in the page's entry.
  map_page 0, (FRAMES + P + RW + US), ((KEY + 1) << KEY_SHIFT)
  try
  movl PAGE, %eax
  passes "INVLPG forgets the key"

  # Without PKE, and outside of long mode's paging, PKRU does not count.
  map_page 0, (FRAMES + P + RW + US), (KEY << KEY_SHIFT)
  clear_bits cr4, CR4_PKE
  try
  movl PAGE, %eax
  movl %eax, PAGE
  passes "PKE clear"
  set_bits cr4, CR4_PKE
  try
  movl PAGE, %eax
  caught PF, (PF_P | PF_PK), "PKE set again"
  check_keys NO_ACCESS, "PKRU stays"

  # XSAVE's component 9.
  movl $1, %eax
  cpuid
  btl $26, %ecx
  jnc 9f
  set_bits cr4, (CR4_OSFXSR | CR4_OSXSAVE)
  movl $0x201, %eax
  xorl %edx, %edx
  xorl %ecx, %ecx
  xsetbv
  movl $0xd, %eax
  movl $9, %ecx
  cpuid
  check %rax, $8, "the size of PKRU's component"
  check %rcx, $0, "for users, not aligned"
  movl %ebx, %esi               # its offset
  movl $0x200, %eax
  xorl %edx, %edx
  xsave AREA
  movl AREA(%rsi), %ebx
  check %rbx, $NO_ACCESS, "XSAVE stores PKRU"
  check AREA+512, $0x200, "and tells so"
  movl $0, AREA(%rsi)
  movl $0x200, %eax
  xorl %edx, %edx
  xrstor AREA
  check_keys 0, "XRSTOR loads PKRU"
  movl PAGE, %eax
  movl $NO_ACCESS, AREA(%rsi)
  movl $0x200, %eax
  xorl %edx, %edx
  xrstor AREA
  try
  movl PAGE, %eax
  caught PF, (PF_P | PF_PK), "and takes rights from what the TLB holds"
  movq $0, AREA+512
  movl $0x200, %eax
  xorl %edx, %edx
  xrstor AREA
  check_keys 0, "the initial state is 0"
9:
  done
