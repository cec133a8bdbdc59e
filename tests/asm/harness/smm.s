# System-management mode for tests that include this behind harness.s: `smm_start` has every SMI go to the code that
# smi_handler points to, at whatever SMBASE; `smi` raises one. A handler runs in 16-bit code with data segments of base 0,
# its CS is 0, EBX is SMBASE, and it ends with RSM.

# Fields of the save area, from SMBASE (AMD64 APM volume 2, table 10-1).
.set SAVED_ES, 0xfe00
.set SAVED_CS, 0xfe10
.set SAVED_SS, 0xfe20
.set SAVED_DS, 0xfe30
.set SAVED_FS, 0xfe40
.set SAVED_GDTR, 0xfe60
.set SAVED_IDTR, 0xfe80
.set SAVED_TR, 0xfe90
.set SAVED_IO_RIP, 0xfea0
.set SAVED_IO_TRAP, 0xfec0
.set SAVED_IO_RESTART, 0xfec8
.set SAVED_AUTO_HALT, 0xfec9
.set SAVED_EFER, 0xfed0
.set SAVED_REVISION, 0xfefc
.set SAVED_SMBASE, 0xff00
.set SAVED_CR4, 0xff48
.set SAVED_CR3, 0xff50
.set SAVED_CR0, 0xff58
.set SAVED_DR7, 0xff60
.set SAVED_DR6, 0xff68
.set SAVED_RFLAGS, 0xff70
.set SAVED_RIP, 0xff78
.set SAVED_R15, 0xff80
.set SAVED_RBX, 0xffe0
.set SAVED_RAX, 0xfff8
.set IO_RESTARTS, 16            # bit of the revision
.set SMBASE_MOVES, 17

.set SMRAM_CONTROL, 0x80000070  # 00:00.0, register 0x72
.set SMRAM_USED, 0x0a
.set SMRAM_OPEN, 0x4a
.set SMRAM_LOCKED, 0x1a
.set SMI_COMMAND, 0xb2

.macro smram value
  movl $SMRAM_CONTROL, %eax
  movw $0xcf8, %dx
  outl %eax, %dx
  movb $(\value), %al
  movw $0xcfe, %dx
  outb %al, %dx
.endm

# Firmware may have moved SMBASE from 0x30000 to 0xa0000.
.macro smm_start
  need 0x80000001, edx, 29, "long mode, whose save area this expects"
  smram SMRAM_OPEN
  movl $(smi_stub_end - smi_stub), %ecx
1:
  movb smi_stub-1(%ecx), %al
  movb %al, 0x38000-1(%ecx)
  movb %al, 0xa8000-1(%ecx)
  loop 1b
  smram SMRAM_USED
  movl $0x80000b58, %eax        # the PIIX4's APMC_EN
  movw $0xcf8, %dx
  outl %eax, %dx
  movw $0xcfc, %dx
  inl %dx, %eax
  orl $(1 << 25), %eax
  outl %eax, %dx
.endm

# AL is what the handler finds in the command port.
.macro smi
  outb %al, $SMI_COMMAND
.endm

.macro handler place
  movl $\place, smi_handler
.endm

.section .text
.subsection 1                   # behind the test's own code
use 16
smi_stub:
  movw %cs, entry_cs
  ljmp $0, $smi_entry
smi_stub_end:

smi_entry:
  incl smi_count
  pushfl
  popl entry_flags
  movl %cr0, %eax
  movl %eax, entry_cr0
  movl %cr4, %eax
  movl %eax, entry_cr4
  movl %dr7, %eax
  movl %eax, entry_dr7
  movw %ds, entry_ds
  movw %ss, entry_ss
  movl $MSR_EFER, %ecx
  rdmsr
  movl %eax, entry_efer
  movl $smm_stack_top, %esp
  movzwl entry_cs, %ebx
  shll $4, %ebx
  jmp *smi_handler

return_from_smi:
  rsm
use 32
.subsection 0

.section .data
.balign 8
smi_handler: .long return_from_smi
smi_count: .long 0
entry_flags: .quad 0
entry_cr0: .quad 0
entry_cr4: .quad 0
entry_dr7: .quad 0
entry_efer: .quad 0
entry_cs: .quad 0
entry_ds: .quad 0
entry_ss: .quad 0

.section .bss
.balign 16
  .skip 1024
smm_stack_top:
.section .text
