# Names for the numbers of the SDM and of this harness.

.set MULTIBOOT_MAGIC, 0x1badb002
.set DEBUG_CONSOLE, 0xe9
.set DEBUG_EXIT, 0xf4           # what is written becomes exit code 2 * value + 1
.set EXIT_PASSED, 0x10
.set EXIT_FAILED, 0x11
.set EXIT_LACKING, 0x12         # the CPU does not have what is tested

# Vectors.
.set DE, 0
.set DB, 1
.set NMI, 2
.set BP, 3
.set OF, 4
.set BR, 5
.set UD, 6
.set NM, 7
.set DF, 8
.set TS, 10
.set NP, 11
.set SS, 12
.set GP, 13
.set PF, 14
.set MF, 16
.set AC, 17
.set XM, 19
.set END, 0x20                  # INT 0x20 ends what `try` begins
.set STUBS, 0x40                # vectors that have a handler

# Selectors, in the order that SYSCALL, SYSRET, SYSENTER and SYSEXIT want.
.set KCODE32, 0x08
.set KCODE64, 0x10
.set KDATA, 0x18
.set UCODE32, 0x20 + 3
.set UDATA, 0x28 + 3
.set UCODE64, 0x30 + 3
.set UDATA64, 0x38 + 3
.set TSS32, 0x40
.set TSS64, 0x48
.set CODE16, 0x58
.set DATA16, 0x60
.set FREE, 0x68                 # from here on the test's own, 32 descriptors
.set FREE_COUNT, 32

# Attributes of a segment: bits 7:0 are P, DPL, S, type; 15:12 are G, D/B, L, AVL.
.set DATA_RW, 0xc093
.set CODE32_RX, 0xc09b
.set CODE64_RX, 0xa09b
.set DPL3, 0x60

# Gates: P and type.
.set CALL_GATE16, 0x84
.set TASK_GATE, 0x85
.set INTERRUPT_GATE16, 0x86
.set TRAP_GATE16, 0x87
.set CALL_GATE, 0x8c
.set INTERRUPT_GATE, 0x8e
.set TRAP_GATE, 0x8f

# EFLAGS.
.set FLAG_CF, 1 << 0
.set FLAG_ZF, 1 << 6
.set FLAG_TF, 1 << 8
.set FLAG_IF, 1 << 9
.set FLAG_DF, 1 << 10
.set FLAG_IOPL3, 3 << 12
.set FLAG_NT, 1 << 14
.set FLAG_RF, 1 << 16
.set FLAG_VM, 1 << 17
.set FLAG_AC, 1 << 18
.set FLAG_VIF, 1 << 19
.set FLAG_VIP, 1 << 20
.set FLAG_ID, 1 << 21

# Control registers.
.set CR0_PE, 1 << 0
.set CR0_MP, 1 << 1
.set CR0_EM, 1 << 2
.set CR0_TS, 1 << 3
.set CR0_NE, 1 << 5
.set CR0_WP, 1 << 16
.set CR0_AM, 1 << 18
.set CR0_NW, 1 << 29
.set CR0_CD, 1 << 30
.set CR0_PG, 1 << 31
.set CR4_VME, 1 << 0
.set CR4_PVI, 1 << 1
.set CR4_TSD, 1 << 2
.set CR4_DE, 1 << 3
.set CR4_PSE, 1 << 4
.set CR4_PAE, 1 << 5
.set CR4_MCE, 1 << 6
.set CR4_PGE, 1 << 7
.set CR4_PCE, 1 << 8
.set CR4_OSFXSR, 1 << 9
.set CR4_OSXMMEXCPT, 1 << 10
.set CR4_UMIP, 1 << 11
.set CR4_LA57, 1 << 12
.set CR4_FSGSBASE, 1 << 16
.set CR4_PCIDE, 1 << 17
.set CR4_OSXSAVE, 1 << 18
.set CR4_SMEP, 1 << 20
.set CR4_SMAP, 1 << 21
.set CR4_PKE, 1 << 22

# MSRs.
.set MSR_TSC, 0x10
.set MSR_APIC_BASE, 0x1b
.set MSR_TSC_ADJUST, 0x3b
.set MSR_SYSENTER_CS, 0x174
.set MSR_SYSENTER_ESP, 0x175
.set MSR_SYSENTER_EIP, 0x176
.set MSR_DEBUGCTL, 0x1d9
.set MSR_PAT, 0x277
.set MSR_XSS, 0xda0
.set MSR_EFER, 0xc0000080
.set MSR_STAR, 0xc0000081
.set MSR_LSTAR, 0xc0000082
.set MSR_CSTAR, 0xc0000083
.set MSR_FMASK, 0xc0000084
.set MSR_FS_BASE, 0xc0000100
.set MSR_GS_BASE, 0xc0000101
.set MSR_KERNEL_GS_BASE, 0xc0000102
.set MSR_TSC_AUX, 0xc0000103
.set EFER_SCE, 1 << 0
.set EFER_LME, 1 << 8
.set EFER_LMA, 1 << 10
.set EFER_NXE, 1 << 11

# Paging-structure entries.
.set P, 1 << 0
.set RW, 1 << 1
.set US, 1 << 2
.set ACCESSED, 1 << 5
.set DIRTY, 1 << 6
.set LARGE, 1 << 7
.set GLOBAL, 1 << 8
.set NX_HIGH, 1 << 31           # in the upper doubleword
# Page-fault error codes.
.set PF_P, 1 << 0
.set PF_W, 1 << 1
.set PF_U, 1 << 2
.set PF_RSVD, 1 << 3
.set PF_I, 1 << 4
.set PF_PK, 1 << 5
.set KEY_SHIFT, 27              # in the upper doubleword

# Memory of the tests beyond the image: frames to map, and the linear addresses mapped by window_pt.
.set SHUTDOWN_MARK, 0x100000
.set STARTED, 0x13579bdf
.set SHUTDOWN_EXPECTED, 0x2468ace0
.set FRAMES, 0x200000
.set LARGE_FRAME, 0x400000
.set WINDOW, 0x40000000

.set LAPIC, 0xfee00000
.set LAPIC_EOI, LAPIC + 0xb0
.set LAPIC_SPURIOUS, LAPIC + 0xf0
.set LAPIC_ICR, LAPIC + 0x300
