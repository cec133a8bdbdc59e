"""Software of other people that leans on the CPU and the machine: a 32-bit Linux, UEFI firmware, Xen, a memory tester."""

import hashlib

from packages import kernel_tree, unpacked
from registry import READY, ROOT, guest_test, linux_files, needs
from toolchain import make

BOOT = 120
COMMAND = 60
PASS = 1800  # seconds that a pass over 64 MiB may take
XEN_MENU = """serial --unit=0 --speed=115200
terminal_output serial
set timeout=0
menuentry "Xen" {
  multiboot2 /xen.gz console=com1 com1=115200 dom0_mem=512M
  module2 /vmlinuz console=hvc0 quiet vireo.run="cat /sys/hypervisor/type"
  module2 /initramfs.gz
}
"""
SCRIPTS = ROOT / "scripts/guest"


@guest_test("linux-686-pae")
def linux_686_pae(bench):
    """Debian's 32-bit PAE kernel and userland boot to a shell, with the network and with RAM above 4 GiB."""
    tree = kernel_tree("686-pae", "i386", bench.folder / "i386")
    initrd = bench.folder / "i386.gz"
    make(SCRIPTS / "initramfs.py", tree, SCRIPTS / "init", SCRIPTS / "udhcpc", initrd)
    kernel = next((tree / "boot").glob("vmlinuz-*"))
    digest = hashlib.sha256((tree / "bin/busybox").read_bytes()).hexdigest()
    with bench.guest("-nographic", "-m", "5G", "-no-reboot", "-kernel", kernel, "-initrd", initrd, "-append",
                     "console=ttyS0 quiet", "-nic", "user,model=virtio-net-pci") as guest:
        guest.expect(READY, BOOT)
        guest.run("test $(uname -m) = i686", COMMAND)
        guest.run(f"test $(sha256sum /bin/busybox | cut -c1-64) = {digest}", COMMAND)
        guest.run("test $(awk '/MemTotal/{print $2}' /proc/meminfo) -gt 4300000", COMMAND)
        guest.run("ip addr show eth0 | grep -q 'inet 10.0.2.15'", COMMAND)
        guest.type("poweroff")
        guest.ends(COMMAND)


@guest_test("uefi-shell")
def uefi_shell(bench):
    """OVMF starts from -bios, comes to its shell, which runs commands and ends the guest."""
    firmware = unpacked("ovmf") / "usr/share/ovmf/OVMF.fd"
    with bench.guest("-nographic", "-m", "512M", "-bios", firmware, "-nic", "none") as guest:
        guest.expect("Shell> ", BOOT)
        guest.type("ver\r")
        guest.expect("UEFI v2", COMMAND)
        guest.type("reset -s\r")
        guest.ends(COMMAND)


VARIABLE = "Kept -guid 5ab5d8a1-27f0-4ed4-8a3c-6c2f4b1d9e35"


def uefi_shell_commands(guest, *commands):
    """Skips the shell's wait, and runs commands: pairs of one and what it says."""
    guest.expect("Press ESC", BOOT)
    guest.type("\x1b")
    guest.expect("Shell> ", COMMAND)
    for command, answer in commands:
        guest.type(f"{command}\r")
        guest.expect(answer, COMMAND)


@guest_test("uefi-variables")
def uefi_variables(bench):
    """OVMF in flash keeps variables: over a reset, a power-off, and into another process."""
    files = unpacked("ovmf") / "usr/share/OVMF"
    shown = (f"setvar {VARIABLE}", "4B 65 70 74")
    off = ("reset -s", "Reset with")
    for size in ["_4M", ""] if bench.full else ["_4M"]:
        variables = bench.folder / f"vars{size}.fd"
        variables.write_bytes((files / f"OVMF_VARS{size}.fd").read_bytes())
        arguments = ("-nographic", "-m", "512M", "-nic", "none", "-drive",
                     f"if=pflash,format=raw,unit=0,readonly=on,file={files}/OVMF_CODE{size}.fd", "-drive",
                     f"if=pflash,format=raw,unit=1,file={variables}")
        with bench.guest(*arguments) as guest:
            uefi_shell_commands(guest, (f"setvar {VARIABLE} -nv -bs =4b657074", "Shell> "), ("reset", "BdsDxe"))
            uefi_shell_commands(guest, shown, off)
            guest.ends(COMMAND)
        kept = variables.read_bytes()
        assert "Kept".encode("utf-16-le") in kept, "the variable is not in the file"
        with bench.guest(*arguments, "-snapshot") as guest:
            uefi_shell_commands(guest, shown, (f"setvar {VARIABLE} =", "Shell> "), off)
            guest.ends(COMMAND)
        assert variables.read_bytes() == kept, "-snapshot wrote to the file"


@guest_test("xen-dom0")
def xen_dom0(bench):
    """Xen starts from GRUB on a CD, and Debian's kernel is its dom0 to a shell and to power-off."""
    for program in ("grub-mkrescue", "xorriso", "mformat"):
        needs(program)
    xen, linux, tree = unpacked("xen-hypervisor-4.17-amd64"), linux_files(), bench.folder / "iso"
    (tree / "boot/grub").mkdir(parents=True)
    (tree / "boot/grub/grub.cfg").write_text(XEN_MENU)
    (tree / "xen.gz").write_bytes((xen / "boot/xen-4.17-amd64.gz").read_bytes())
    for name in ("vmlinuz", "initramfs.gz"):
        (tree / name).write_bytes((linux / name).read_bytes())
    make("grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", bench.folder / "xen.iso", tree)
    with bench.guest("-nographic", "-m", "1G", "-no-reboot", "-cdrom", bench.folder / "xen.iso") as guest:
        guest.expect("Xen version 4.17", BOOT)
        guest.expect(READY, BOOT)
        guest.expect(r"\nxen\s+init: command ended with status 0", COMMAND)
        guest.ends(COMMAND)


def full_pass(bench, image):
    kernel = unpacked("memtest86+") / "boot" / image
    with bench.guest("-nographic", "-m", "64M", "-kernel", kernel, "-append", "console=ttyS0,115200") as guest:
        guest.expect(r"Pass: +1 +Errors: +0 ", PASS)


@guest_test("memtest-pass-64")
def memtest_pass_64(bench):
    """The 64-bit memtest86+ finds no error in a full pass over 64 MiB."""
    full_pass(bench, "memtest86+x64.bin")


@guest_test("memtest-pass-32")
def memtest_pass_32(bench):
    """The 32-bit memtest86+ finds no error in a full pass over 64 MiB."""
    full_pass(bench, "memtest86+ia32.bin")
