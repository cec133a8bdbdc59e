"""Software of other people that leans on the CPU and the machine: a 32-bit Linux, Xen, a memory tester."""

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
    """Debian's 32-bit PAE kernel boots to a shell, with the network and with RAM above 4 GiB."""
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
