# The descriptor tables, the task-state segments and the stacks.

.section .data
.balign 16
gdt:
  .quad 0
  .quad 0x00cf9b000000ffff      # KCODE32
  .quad 0x00af9b000000ffff      # KCODE64
  .quad 0x00cf93000000ffff      # KDATA
  .quad 0x00cffb000000ffff      # UCODE32
  .quad 0x00cff3000000ffff      # UDATA
  .quad 0x00affb000000ffff      # UCODE64
  .quad 0x00cff3000000ffff      # UDATA64
  .quad 0                       # TSS32
  .quad 0, 0                    # TSS64
  .quad 0x00009b000000ffff      # CODE16
  .quad 0x000093000000ffff      # DATA16
  .fill FREE_COUNT, 8, 0
gdt_end:
gdt_pointer:
  .word gdt_end - gdt - 1
  .long gdt, 0

# The 32-bit TSS, with room for the redirection bitmap (32 bytes) and a permission bitmap for ports 0 to 0x7ff. The limit
# leaves both out until a test moves it.
.set TSS32_SIZE, 0x68
.set TSS32_REDIRECTION, 0x68
.set TSS32_IO_MAP, 0x88
.set TSS32_FULL_SIZE, TSS32_IO_MAP + 0x100 + 1
.balign 16
tss32:
  .long 0
  .long event_stack_top, KDATA
  .long 0, 0
  .long 0, 0
  .fill 0x66 - 0x1c, 1, 0
  .word TSS32_SIZE
  .fill TSS32_FULL_SIZE - TSS32_SIZE, 1, 0
.set TSS64_SIZE, 0x68
.balign 16
tss64:
  .long 0
  .long event_stack_top, 0      # RSP0
  .fill 0x66 - 12, 1, 0
  .word TSS64_SIZE

.balign 16
  .skip 1024
real_stack_top:

.section .bss
.balign 16
  .skip 4096
boot_stack_top:
  .skip 4096
event_stack_top:
  .skip 4096
user_stack_top:
  .skip 4096
other_stack_top:                # for the tests' own use
