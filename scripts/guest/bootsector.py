#!/usr/bin/env python3
"""Makes an image bootable by a PC BIOS: partition table, and GRUB in the gap before the first partition.

usage: bootsector.py <image> <boot.img> <core.img>

The image holds one file system from 1 MiB to its end. boot.img loads the first sector of core.img from a
sector number in itself (offset 0x5c); that sector loads the rest by block lists, 12 bytes each (start
sector, count, segment), which lie backwards from its end. Here all of core.img lies behind the boot sector.
"""

import os
import struct
import sys
import zlib
from pathlib import Path

SECTOR = 512
PARTITION_START = 2048  # sectors
CORE_SECTOR = 1
KERNEL_SECTOR_AT, BOOT_DRIVE_AT, DRIVE_CHECK_AT = 0x5C, 0x64, 0x66
SIGNATURE_AT, TABLE_AT = 0x1B8, 0x1BE
CORE_SEGMENT = 0x820  # where diskboot.img puts the sectors that it loads
BOOT_DRIVE_OF_BIOS = 0xFF
NOP = b"\x90\x90"
ACTIVE, LINUX = 0x80, 0x83
CHS_UNUSED = b"\xfe\xff\xff"  # past what cylinder, head and sector can say: use the sector numbers


def boot_sector(boot, sectors, signature):
    code = bytearray(boot[:SIGNATURE_AT].ljust(SECTOR, b"\0"))
    struct.pack_into("<Q", code, KERNEL_SECTOR_AT, CORE_SECTOR)
    code[BOOT_DRIVE_AT] = BOOT_DRIVE_OF_BIOS
    code[DRIVE_CHECK_AT:DRIVE_CHECK_AT + 2] = NOP  # the jump that is for floppies
    struct.pack_into("<I", code, SIGNATURE_AT, signature)
    entry = struct.pack("<B3sB3sII", ACTIVE, CHS_UNUSED, LINUX, CHS_UNUSED, PARTITION_START, sectors)
    code[TABLE_AT:TABLE_AT + len(entry)] = entry
    code[SECTOR - 2:] = b"\x55\xaa"
    return bytes(code)


def core_image(core):
    padded = bytearray(core.ljust(-(-len(core) // SECTOR) * SECTOR, b"\0"))
    rest = len(padded) // SECTOR - 1
    if CORE_SECTOR + 1 + rest > PARTITION_START:
        sys.exit(f"core.img has {len(core)} bytes, too many for the gap before the partition")
    struct.pack_into("<QHH", padded, SECTOR - 12, CORE_SECTOR + 1, rest, CORE_SEGMENT)
    return bytes(padded)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    image, boot, core = map(Path, sys.argv[1:])
    sectors = image.stat().st_size // SECTOR - PARTITION_START
    if sectors <= 0:
        sys.exit(f"{image} is too small to hold a partition")
    core_bytes = core.read_bytes()
    with open(image, "r+b") as out:
        out.write(boot_sector(boot.read_bytes(), sectors, zlib.crc32(core_bytes)))
        out.seek(CORE_SECTOR * SECTOR)
        out.write(core_image(core_bytes))
        out.flush()
        os.fsync(out.fileno())


if __name__ == "__main__":
    main()
