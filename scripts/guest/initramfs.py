#!/usr/bin/env python3
"""Makes the initramfs: busybox, the init beside this file, and the kernel modules that it loads.

usage: initramfs.py <unpacked packages> <init> <udhcpc script> <output>

The archive depends on its inputs alone: no times, no host names, owner root, sorted. It is written here
rather than by cpio, so that neither root nor a device node on the host is needed.
"""

import gzip
import re
import stat
import sys
from pathlib import Path

# Loaded at boot, in this order (what they need comes first by itself).
LOADED = ["virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "virtio_console", "ata_piix", "sd_mod", "sr_mod",
          "psmouse", "evdev"]
# There for mount and modprobe to find by their aliases.
ON_DEMAND = ["crc32c_generic", "ext4", "isofs", "vfat", "nls_ascii", "nls_cp437", "loop", "floppy", "button", "pvpanic", "pvpanic_mmio", "e1000", "qemu_fw_cfg"]

APPLET_FOLDERS = ["bin", "sbin", "usr/bin", "usr/sbin"]
FOLDERS = ["dev", "etc", "proc", "sys", "run", "tmp", "root", "mnt", "var", "lib", "usr", *APPLET_FOLDERS]


def module_name(path):
    return path.name.split(".ko")[0].replace("-", "_")


class Modules:
    """The modules of one kernel, with what each needs, read from their .modinfo sections."""

    def __init__(self, root):
        self.root = root
        self.release = next((root / "lib/modules").iterdir()).name
        tree = root / "lib/modules" / self.release
        self.paths = {module_name(p): p for p in tree.rglob("*.ko")}
        builtin = (tree / "modules.builtin").read_text().split()
        self.builtin = {module_name(Path(line)) for line in builtin}

    def modinfo(self, name, field):
        data = self.paths[name].read_bytes()
        return [v.decode() for v in re.findall(rb"\0" + field.encode() + rb"=([^\0]*)", data)]

    def needs(self, name):
        """Direct needs of a module, the soft ones that exist included."""
        hard = [n.replace("-", "_") for value in self.modinfo(name, "depends") for n in value.split(",") if n]
        soft = [n.replace("-", "_") for value in self.modinfo(name, "softdep")
                for n in value.partition("pre:")[2].split() if n != "post:"]
        return hard + [n for n in soft if n in self.paths]

    def closure(self, names):
        """The names and all they need, each behind its needs; built-in and unknown ones left out."""
        order = []

        def visit(name):
            if name in self.paths and name not in order:
                for need in self.needs(name):
                    visit(need)
                order.append(name)

        for name in names:
            visit(name.replace("-", "_"))
        return order


class Archive:
    """A cpio archive in the "newc" format (linux/Documentation/driver-api/early-userspace)."""

    def __init__(self):
        self.chunks = []
        self.inode = 0

    def add(self, name, mode, data=b"", device=(0, 0)):
        self.inode += 1
        encoded = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % f for f in fields) + encoded
        self.chunks += [header, bytes(-len(header) % 4), data, bytes(-len(data) % 4)]

    def folder(self, name):
        self.add(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o644):
        self.add(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        self.add(name, stat.S_IFLNK | 0o777, target.encode())

    def plain(self):
        """The whole archive; nothing can be added behind it."""
        self.add("TRAILER!!!", 0)
        return b"".join(self.chunks)

    def packed(self):
        return gzip.compress(self.plain(), compresslevel=6, mtime=0)


def add_modules(archive, modules):
    base = f"lib/modules/{modules.release}"
    for folder in ("lib/modules", base):
        archive.folder(folder)
    loaded, wanted = modules.closure(LOADED), modules.closure(LOADED + ON_DEMAND)
    dependencies, aliases = [], []
    for name in wanted:
        archive.file(f"{base}/{name}.ko", modules.paths[name].read_bytes())
        needs = [f"{n}.ko" for n in reversed(modules.closure([name])[:-1])]
        dependencies.append(" ".join([f"{name}.ko:", *needs]) + "\n")
        aliases += [f"alias {alias} {name}\n" for alias in modules.modinfo(name, "alias")]
    archive.file(f"{base}/modules.dep", "".join(dependencies).encode())
    archive.file(f"{base}/modules.alias", "".join(aliases).encode())
    archive.file("etc/modules", "".join(f"{name}\n" for name in loaded).encode())


def add_busybox(archive, busybox):
    archive.file("bin/busybox", busybox.read_bytes(), 0o755)
    archive.link("bin/sh", "busybox")


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    root, init, udhcpc, output = map(Path, sys.argv[1:])
    archive = Archive()
    for folder in FOLDERS:
        archive.folder(folder)
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.file("init", init.read_bytes(), 0o755)
    archive.file("etc/udhcpc.script", udhcpc.read_bytes(), 0o755)
    archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    archive.file("etc/group", b"root:x:0:\n")
    archive.file("etc/hosts", b"127.0.0.1 localhost\n10.0.2.2 host\n")
    add_busybox(archive, root / "bin/busybox")
    add_modules(archive, Modules(root))
    output.write_bytes(archive.packed())


if __name__ == "__main__":
    main()
