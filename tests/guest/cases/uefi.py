"""UEFI firmware: OVMF's shell, its variables in flash, and GRUB for EFI to the Debian disk."""

import struct

from cases.debian import COMMAND, check_file_system, log_in, power_off, start
from packages import unpacked
from registry import guest_test, needs
from toolchain import make

BOOT = 120
VARIABLE = "Kept -guid 5ab5d8a1-27f0-4ed4-8a3c-6c2f4b1d9e35"
IN_LINUX = "/sys/firmware/efi/efivars/Linux-5ab5d8a1-27f0-4ed4-8a3c-6c2f4b1d9e35"

SECTOR, SYSTEM_SIZE = 512, 64 << 20
SECOND_ENTRY, SYSTEM_PARTITION = 0x1CE, 0xEF  # of a master boot record
# What grub-install leaves in the system partition: the way to the file that update-grub writes.
GRUB_CONFIG = """search --no-floppy --file --set=root /boot/grub/grub.cfg
set prefix=($root)/boot/grub
configfile $prefix/grub.cfg
"""


def flash(bench, size):
    """OVMF in flash, and the file of its variables: a copy of the test's own."""
    files = unpacked("ovmf") / "usr/share/OVMF"
    variables = bench.folder / f"vars{size}.fd"
    variables.write_bytes((files / f"OVMF_VARS{size}.fd").read_bytes())
    return variables, ("-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={files}/OVMF_CODE{size}.fd", "-drive",
                       f"if=pflash,format=raw,unit=1,file={variables}")


def firmware():
    return "-bios", unpacked("ovmf") / "usr/share/ovmf/OVMF.fd"


def in_shell(guest, *commands):
    """Skips the shell's wait, and runs commands: pairs of one and what it says."""
    guest.expect("Press ESC", BOOT)
    guest.type("\x1b")
    guest.expect("Shell> ", COMMAND)
    for command, answer in commands:
        guest.type(f"{command}\r")
        guest.expect(answer, COMMAND)


@guest_test("uefi-shell")
def uefi_shell(bench):
    """OVMF starts from -bios, comes to its shell, which runs commands and ends the guest."""
    with bench.guest("-nographic", "-m", "512M", *firmware(), "-nic", "none") as guest:
        in_shell(guest, ("ver", "UEFI v2"), ("reset -s", "Reset with"))
        guest.ends(COMMAND)


@guest_test("uefi-variables")
def uefi_variables(bench):
    """OVMF in flash keeps variables: over a reset, a power-off, and into another process."""
    shown = (f"setvar {VARIABLE}", "4B 65 70 74")
    off = ("reset -s", "Reset with")
    for size in ["_4M", ""] if bench.full else ["_4M"]:
        variables, drives = flash(bench, size)
        arguments = ("-nographic", "-m", "512M", "-nic", "none", *drives)
        with bench.guest(*arguments) as guest:
            in_shell(guest, (f"setvar {VARIABLE} -nv -bs =4b657074", "Shell> "), ("reset", "BdsDxe"))
            in_shell(guest, shown, off)
            guest.ends(COMMAND)
        kept = variables.read_bytes()
        assert "Kept".encode("utf-16-le") in kept, "the variable is not in the file"
        with bench.guest(*arguments, "-snapshot") as guest:
            in_shell(guest, shown, (f"setvar {VARIABLE} =", "Shell> "), off)
            guest.ends(COMMAND)
        assert variables.read_bytes() == kept, "-snapshot wrote to the file"


def add_system_partition(bench, image):
    """Appends an EFI system partition with Debian's GRUB, where firmware looks without being told."""
    for program in ("mformat", "mcopy", "mmd"):
        needs(program)
    begin = image.stat().st_size
    with open(image, "r+b") as disk:
        disk.truncate(begin + SYSTEM_SIZE)
        disk.seek(SECOND_ENTRY)
        disk.write(struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", SYSTEM_PARTITION, b"\xfe\xff\xff", begin // SECTOR,
                               SYSTEM_SIZE // SECTOR))
    config = bench.folder / "grub.cfg"
    config.write_text(GRUB_CONFIG)
    grub = unpacked("grub-efi-amd64-bin") / "usr/lib/grub/x86_64-efi/monolithic/grubx64.efi"
    place = f"{image}@@{begin}"
    make("mformat", "-i", place, "-T", SYSTEM_SIZE // SECTOR, "-h", 255, "-s", 63, "::")
    make("mmd", "-i", place, "::/EFI", "::/EFI/BOOT", "::/EFI/debian")
    make("mcopy", "-i", place, grub, "::/EFI/BOOT/BOOTX64.EFI")
    make("mcopy", "-i", place, config, "::/EFI/debian/grub.cfg")


@guest_test("debian-efi")
def debian_efi(bench):
    """Debian boots through OVMF (-bios) and GRUB for EFI from IDE and virtio to login, and fsck is clean."""
    needs("e2fsck")
    image = bench.disk()
    add_system_partition(bench, image)
    for interface in ("virtio", "ide"):
        with start(bench, image, interface, *firmware()) as guest:
            log_in(guest)
            guest.run("test -d /sys/firmware/efi && systemctl is-system-running --wait", COMMAND)
            power_off(guest)
        check_file_system(image)


@guest_test("debian-efi-flash")
def debian_efi_flash(bench):
    """Debian boots through OVMF in flash; a variable that Linux sets is there after the next boot."""
    image = bench.disk()
    add_system_partition(bench, image)
    _, drives = flash(bench, "_4M")
    for command in (rf"printf '\7\0\0\0kept' >{IN_LINUX}", f"grep -q kept {IN_LINUX}"):
        with start(bench, image, "virtio", *drives) as guest:
            log_in(guest)
            guest.run(command, COMMAND)
            power_off(guest)
