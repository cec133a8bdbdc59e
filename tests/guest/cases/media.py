"""Other ways to start: a multiboot kernel, a CD-ROM, a memory tester; and the keys of -nographic."""

import os
import pty
import select
import subprocess

from registry import ROOT, Skip, guest_test, linux_files, needs
from toolchain import make

BOOT = 120
SHORT = 30


def multiboot_kernel(folder):
    needs("as")
    source, program = ROOT / "tests/guest/programs/multiboot.S", folder / "multiboot.elf"
    make("as", "--32", "-o", folder / "multiboot.o", source)
    make("ld", "-m", "elf_i386", "-Ttext=0x100000", "-n", "-o", program, folder / "multiboot.o")
    return program


@guest_test("multiboot")
def multiboot(bench):
    """A multiboot ELF gets its command line, prints on the serial port and ends through isa-debug-exit."""
    program = multiboot_kernel(bench.folder)
    with bench.guest("-nographic", "-kernel", program, "-append", "a word", "-device",
                     "isa-debug-exit,iobase=0xf4,iosize=0x04") as guest:
        guest.expect("multiboot: started with: .*a word", SHORT)
        guest.ends(SHORT, code=0x21)


GRUB_CONFIG = """serial --unit=0 --speed=115200
terminal_output serial
set timeout=0
menuentry "initramfs" {
  linux /vmlinuz console=ttyS0 quiet vireo.run="modprobe isofs; mount -t iso9660 /dev/sr0 /mnt && cat /mnt/note"
  initrd /initramfs.gz
}
"""


@guest_test("cdrom")
def cdrom(bench):
    """An ISO made by grub-mkrescue boots from -cdrom, and its kernel reads a file from the disc."""
    for program in ("grub-mkrescue", "xorriso", "mformat"):
        needs(program)
    tree, linux = bench.folder / "iso", linux_files()
    (tree / "boot/grub").mkdir(parents=True)
    (tree / "boot/grub/grub.cfg").write_text(GRUB_CONFIG)
    (tree / "note").write_text("read from the disc\n")
    for name in ("vmlinuz", "initramfs.gz"):
        (tree / name).write_bytes((linux / name).read_bytes())
    make("grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", bench.folder / "image.iso", tree)
    with bench.guest("-nographic", "-m", "512M", "-no-reboot", "-cdrom", bench.folder / "image.iso") as guest:
        guest.expect("init: ready", 2 * BOOT)
        guest.expect("read from the disc", SHORT)
        guest.ends(SHORT)


@guest_test("memtest")
def memtest(bench):
    """memtest86+ starts from -kernel and tests memory."""
    make("apt-get", "-o", "APT::Sandbox::User=root", "download", "memtest86+", folder=bench.folder)
    make("dpkg-deb", "-x", next(bench.folder.glob("memtest86+*.deb")), bench.folder / "root")
    kernel = next((bench.folder / "root").rglob("memtest*x64.bin"), None)
    if kernel is None:
        raise Skip("the memtest86+ package holds no x64 image")
    with bench.guest("-nographic", "-m", "128M", "-kernel", kernel, "-append", "console=ttyS0,115200") as guest:
        guest.expect("Memtest86", BOOT)
        guest.expect(r"Pass|Test", BOOT)


@guest_test("escape-keys")
def escape_keys(bench):
    """On a terminal, C-a h tells the keys of -nographic and C-a x ends with exit code 0."""
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        raise Skip(f"no pseudo terminals here: {error}") from None
    linux = linux_files()
    process = subprocess.Popen([bench.binary, "-nographic", "-m", "512M", "-kernel", linux / "vmlinuz", "-append",
                                "console=ttyS0"], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    try:
        wait_for(ours, b"Linux version")
        os.write(ours, b"\x01h")
        wait_for(ours, b"C-a x")
        os.write(ours, b"\x01x")
        assert process.wait(SHORT) == 0, f"exit code {process.returncode}"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def wait_for(terminal, wanted):
    """Reads the terminal until it said the bytes; the emulator's end or silence is a failure."""
    said = b""
    while wanted not in said:
        ready, _, _ = select.select([terminal], [], [], BOOT)
        assert ready, f"{BOOT} s of silence before {wanted!r}; so far: {said[-500:]!r}"
        said += os.read(terminal, 4096)
