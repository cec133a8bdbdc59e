"""Makes the guest image: one tree with Debian's programs and our own, for a chroot and for an initramfs.

Everything comes from packages of the host's Debian release and from the folders beside this file, and is made again
when one of these files changes.
"""

import hashlib
import os
import random
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import workloads

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.append(str(ROOT / "scripts/guest"))
import initramfs  # noqa: E402

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vireo"
PACKAGES = """
    busybox-static bash coreutils gzip xz-utils zstd openssl perl-base python3.11-minimal libpython3.11-minimal sqlite3
    cpp-12 libc6 libgcc-s1 libtinfo6 libcrypt1 liblzma5 libexpat1 zlib1g libsqlite3-0 libreadline8 libisl23 libmpc3
    libmpfr6 libgmp10 libzstd1 libssl3 liblz4-1
    hpcc libblas3 libopenmpi3 libhwloc15 libevent-core-2.1-7 libevent-pthreads-2.1-7 libgfortran5 libquadmath0
    libudev1""".split()
PROGRAMS = """
    usr/bin/busybox usr/bin/bash usr/bin/sha256sum usr/bin/true usr/bin/gzip usr/bin/xz usr/bin/zstd usr/bin/openssl
    usr/bin/perl usr/bin/python3.11 usr/bin/sqlite3 usr/bin/hpcc usr/lib/gcc/x86_64-linux-gnu/12/cc1""".split()
LIBRARIES = "usr/lib/x86_64-linux-gnu"
BLAS = f"{LIBRARIES}/blas/libblas.so.3"
OPENMPI = f"{LIBRARIES}/openmpi/lib/openmpi3"  # what libmpi loads by itself
LOADER = "usr/lib64/ld-linux-x86-64.so.2"
FOLDERS = "usr/bin usr/sbin usr/lib64 bench dev proc tmp etc".split()
SMALL = {"init", "bench/suite", "bench/commands", "usr/bin/busybox", "usr/bin/suite", LOADER,
         f"{LIBRARIES}/libc.so.6", f"{LIBRARIES}/libm.so.6"}  # what our own programs need, for guests with little memory
MERGED = ["bin", "sbin", "lib", "lib64"]  # links into usr, as Debian has them
COMPILE = ["gcc", "-O2", "-fno-math-errno", "-Wall"]


def run(*command, **options):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        sys.exit(f"bench: `{' '.join(map(str, command))}` failed:\n{(result.stdout + result.stderr)[-2000:]}")
    return result.stdout


def unpack_packages(folder):
    """Downloads and unpacks the packages, once for each list of them."""
    listing = folder / "unpacked"
    if listing.is_file() and listing.read_text() == " ".join(PACKAGES):
        return
    print("==> fetching the packages of the benchmark guest", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run("apt-get", "-o", "APT::Sandbox::User=root", "download", *PACKAGES, cwd=folder)
    for package in sorted(folder.glob("*.deb")):
        run("dpkg-deb", "-x", package, folder)
        package.unlink()
    listing.write_text(" ".join(PACKAGES))


class Tree:
    """The root folder that is being made, filled from the unpacked packages."""

    def __init__(self, root, packages):
        self.root, self.packages = root, packages
        for folder in FOLDERS:
            (root / folder).mkdir(parents=True)
        for name in MERGED:
            (root / name).symlink_to(f"usr/{name}")

    def take(self, path):
        """Copies a file from the packages, in which it may lie below / or below /usr."""
        if (self.root / path).exists():
            return
        found = [p for p in (self.packages / path, self.packages / path.removeprefix("usr/")) if p.exists()]
        if not found:
            sys.exit(f"bench: no package has {path}")
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found[0].resolve(), self.root / path)
        (self.root / path).chmod(0o755)
        self.take_libraries(self.root / path)

    def take_libraries(self, binary):
        if binary.read_bytes()[:4] != b"\x7fELF":
            return
        for line in run("objdump", "-p", binary).splitlines():
            if line.split()[:1] == ["NEEDED"]:
                name = line.split()[1]
                known = {"ld-linux-x86-64.so.2": LOADER, "libblas.so.3": BLAS}
                self.take(known.get(name, f"{LIBRARIES}/{name}"))


def write_text(path, size):
    """Sentences that look like English to a compressor; the same on every machine."""
    chance = random.Random(12)
    letters = "etaoinshrdlucmfwypvbgk"
    words = ["".join(chance.choices(letters, range(len(letters), 0, -1), k=chance.randint(2, 9))) for _ in range(3000)]
    words += ["the", "a", "of", "and", "reading", "writing", "being"] * 40
    lines, length = [], 0
    while length < size:
        lines.append(" ".join(words[int(len(words) * chance.random() ** 2)] for _ in range(11)) + ".\n")
        length += len(lines[-1])
    path.write_text("".join(lines)[:size], encoding="ascii")


def make_key(root):
    """Of RSA; another one with each image."""
    libraries = {**os.environ, "LD_LIBRARY_PATH": str(root / LIBRARIES)}
    run(root / "usr/bin/openssl", "genrsa", "-out", root / "bench/key", "2048", env=libraries)


def add_modules(tree, linux):
    """For the network: the modules of virtio-net, named in the order in which they are loaded."""
    modules = initramfs.Modules(linux / "root")
    (tree.root / "bench/modules").mkdir()
    for number, name in enumerate(modules.closure(["virtio_pci", "virtio_net"])):
        shutil.copy(modules.paths[name], tree.root / f"bench/modules/{number:02}-{name}.ko")


def fill(tree):
    for program in PROGRAMS:
        tree.take(program)
    shutil.copytree(tree.packages / "usr/lib/python3.11", tree.root / "usr/lib/python3.11", symlinks=True)
    shutil.copytree(tree.packages / OPENMPI, tree.root / OPENMPI)
    bench, suite = tree.root / "bench", tree.root / "usr/bin/suite"
    run(*COMPILE, "-o", suite, *sorted((HERE / "programs").glob("*.c")), "-lm")
    tree.take_libraries(suite)
    (bench / "input.i").write_text(run("gcc", "-E", "-include", "integer.c", "memory.c", cwd=HERE / "programs"))
    for script in [HERE / "guest/suite", *(HERE / "guest/scripts").iterdir()]:
        shutil.copy(script, bench)
    shutil.copy(HERE / "guest/init", tree.root / "init")
    make_key(tree.root)
    write_text(bench / "text", 4 << 20)
    (bench / "text-1m").write_bytes((bench / "text").read_bytes()[:1 << 20])
    commands = [f"{w.name} {w.command()}\n" for w in workloads.WORKLOADS]
    commands += [f"{row} {workloads.growth_command(row)}\n" for row in workloads.GROWTH]
    (bench / "commands").write_text("".join(commands))


def pack(root, output, only=None):
    """All files, or some, with all folders and links."""
    archive = initramfs.Archive()
    for folder, folders, names in sorted(os.walk(root)):
        for name in sorted(folders + names):
            path = Path(folder) / name
            inside = str(path.relative_to(root))
            if path.is_symlink():
                archive.link(inside, os.readlink(path))
            elif path.is_dir():
                archive.folder(inside)
            elif only is None or inside in only:
                archive.file(inside, path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
    archive.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    output.write_bytes(archive.plain())


def digest_of_inputs():
    inputs = [HERE / "image.py", HERE / "workloads.py", *(HERE / "programs").iterdir(), *(HERE / "guest").rglob("*")]
    digest = hashlib.sha256()
    for path in sorted(p for p in inputs if p.is_file()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


class Image:
    """Where the parts of the guest lie: the tree, its initramfs, Debian's kernel and the stock initramfs."""

    def __init__(self):
        base = CACHE / "bench"
        self.tree, self.initramfs, self.small_initramfs = base / "root", base / "initramfs", base / "initramfs-small"
        linux = Path(run(ROOT / "scripts/guest/linux").splitlines()[-1])
        self.kernel, self.stock_initramfs = linux / "vmlinuz", linux / "initramfs.gz"
        stamp, digest = base / "stamp", digest_of_inputs()
        if stamp.is_file() and stamp.read_text() == digest:
            return
        unpack_packages(base / "packages")
        print("==> making the benchmark guest", flush=True)
        stamp.unlink(missing_ok=True)
        shutil.rmtree(self.tree, ignore_errors=True)
        tree = Tree(self.tree, base / "packages")
        fill(tree)
        add_modules(tree, linux)
        pack(self.tree, self.initramfs)
        pack(self.tree, self.small_initramfs, SMALL)
        stamp.write_text(digest)

    @staticmethod
    def debian_disk():
        """The disk of scripts/guest/disk, which nobody may write to."""
        return Path(run(ROOT / "scripts/guest/disk").splitlines()[-1])
