"""Floppy disks: booted by the firmware, read and written by Debian's kernel."""

from registry import guest_test, needs
from toolchain import make_boot_sector

BOOT = 120
COMMAND = 30
SHORT = 30
# KiB, heads, sectors a track
FORMATS = [(360, 2, 9), (720, 2, 9), (1200, 2, 15), (1440, 2, 18), (2880, 2, 36)]
SECTOR = 512


@guest_test("floppy-boot")
def floppy_boot(bench):
    """SeaBIOS boots a boot sector from floppy disks of all usual sizes, and reads them by its own calls."""
    needs("as")
    code = make_boot_sector("floppy_boot", bench.folder)
    for size, heads, sectors in FORMATS:
        image = bytearray(size << 10)
        image[:SECTOR] = code
        at = ((20 * heads + 1) * sectors + 4) * SECTOR
        message = f"a floppy of {size} KiB\n".encode() + b"\0"
        image[at:at + len(message)] = message
        (bench.folder / "floppy.img").write_bytes(image)
        with bench.guest("-nographic", "-fda", bench.folder / "floppy.img", "-boot", "a", "-device",
                         "isa-debug-exit,iobase=0xf4,iosize=0x04") as guest:
            guest.expect(f"a floppy of {size} KiB", SHORT)
            guest.ends(SHORT, code=0x21)


@guest_test("floppy-linux")
def floppy_linux(bench):
    """Debian's kernel reads what the host put on a floppy disk, and what it writes is in the host's file."""
    image = bench.folder / "floppy.img"
    data = bytearray(1440 << 10)
    data[100 * SECTOR:100 * SECTOR + 11] = b"from-host\n\0"
    image.write_bytes(data)
    with bench.linux("-drive", f"file={image},if=floppy,format=raw") as guest:
        guest.expect("init: ready", BOOT)
        guest.run("modprobe floppy", COMMAND)
        guest.run("dd if=/dev/fd0 bs=512 skip=100 count=1 2>/dev/null | grep -q from-host", COMMAND)
        guest.run("test $(cat /sys/block/fd0/size) = 2880", COMMAND)
        guest.run("echo from-guest | dd of=/dev/fd0 bs=512 seek=2879 conv=sync,fsync", COMMAND)
        guest.run("mke2fs /dev/fd0 1000 && mount -t ext2 /dev/fd0 /mnt", COMMAND)
        guest.run("dd if=/dev/urandom of=/mnt/a bs=1k count=300 && cp /mnt/a /tmp/a && umount /mnt", COMMAND)
        guest.run("echo 3 >/proc/sys/vm/drop_caches && mount -t ext2 /dev/fd0 /mnt && cmp /mnt/a /tmp/a", COMMAND)
        guest.run("umount /mnt", COMMAND)
        guest.type("poweroff")
        guest.ends(COMMAND)
    found = image.read_bytes()[2879 * SECTOR:][:10]
    assert found == b"from-guest", f"the host's file holds {found!r}"
