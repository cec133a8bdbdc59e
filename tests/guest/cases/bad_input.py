"""Mistakes on the command line: each ends with exit code 1 and one line on stderr that names the option,
the value and what would be right, with nothing on stdout and nothing started or left behind."""

import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from registry import guest_test, is_root, linux_files

# A command line, and what its message must hold (regular expressions, in any order, case ignored).
# {missing} {empty} {folder} {unreadable} {text} {disk} {kernel} {initrd} stand for paths of files of that kind.
ROWS = [
    # Images.
    ("-fda {disk}", "-fda {disk}", "1440"),
    ("-drive file={disk},if=floppy,index=2", "index=2", "0 and 1"),
    ("-drive file={disk},if=pflash,unit=2", "unit=2", "0 and 1"),
    ("-drive file={disk},if=pflash,unit=1", "unit=1", "unit 0.*missing"),
    ("-drive file={text},if=pflash", "pflash", "bytes", "blocks of 4 KiB"),
    ("-drive file={disk},if=pflash -bios {disk}", "bios", "pflash"),
    ("-hda {missing}", "hda", "{missing}", "no such file|does not exist"),
    ("-hda {empty}", "hda", "{empty}", "empty"),
    ("-hda {folder}", "hda", "{folder}", "directory|folder"),
    ("-cdrom {missing}", "cdrom", "{missing}", "no such file|does not exist"),
    ("-cdrom {folder}", "cdrom", "{folder}", "directory|folder"),
    ("-drive file={missing},if=virtio,format=raw", "drive", "{missing}", "no such file|does not exist"),
    ("-drive file={disk},format=rwa", "format", "rwa", "raw"),
    ("-drive file={disk},if=virtoi", "if", "virtoi", "virtio"),
    ("-drive file={disk},readonly=perhaps", "readonly", "perhaps", "on.*off"),
    ("-drive file={disk},colour=red", "drive", "colour"),
    ("-drive file={disk},if=none,id=a -drive file={disk},if=none,id=a", "id", "'?a'?"),
    ("-drive if=virtio,format=raw", "drive", "file"),
    # Kernels and firmware.
    ("-kernel {missing}", "kernel", "{missing}", "no such file|does not exist"),
    ("-kernel {empty}", "kernel", "{empty}", "empty|short|no kernel|not a kernel|neither"),
    ("-kernel {folder}", "kernel", "{folder}", "directory|folder"),
    ("-kernel {text}", "kernel", "{text}", "kernel|bzImage|multiboot"),
    ("-kernel {kernel} -initrd {missing}", "initrd", "{missing}", "no such file|does not exist"),
    ("-initrd {initrd}", "initrd", "kernel"),
    ("-append quiet", "append", "kernel"),
    ("-bios {missing}", "bios", "{missing}"),
    ("-bios {empty}", "bios", "{empty}"),
    ("-bios {text}", "bios", "{text}"),
    # Options, devices, properties, machines.
    ("-kernal {kernel}", "-kernal", "-kernel"),
    ("-no-such-option", "-no-such-option"),
    ("{disk} {disk}", "{disk}"),
    ("-machine qc", "machine", "qc", "pc"),
    ("-M pc,acpy=on", "acpy", "acpi"),
    ("-cpu nosuchcpu", "cpu", "nosuchcpu"),
    ("-cpu qemu64,+sse9", "cpu", "sse9"),
    ("-accel tgc", "accel", "tgc", "tcg"),
    ("-accel tcg,tb-size=-1", "tb-size", "-1", "1 to 2048 .MiB.", "0 for 64"),
    ("-accel tcg,tb-size=nonsense", "tb-size", "nonsense", "1 to 2048 .MiB."),
    ("-accel tcg,tb-size=2049", "tb-size", "2049", "1 to 2048 .MiB."),
    ("-accel tcg,backend=jti", "backend", "jti", "jit.*interpreter|interpreter.*jit"),
    ("-device virtio-net-pic", "device", "virtio-net-pic", "virtio-net-pci"),
    ("-device nosuchdevice", "device", "nosuchdevice"),
    ("-device virtio-rng-pci,vektors=1", "vektors", "vectors"),
    ("-device virtio-blk-pci,drive=nosuchdrive", "drive", "nosuchdrive"),
    ("-device virtio-net-pci,netdev=nosuchnet", "netdev", "nosuchnet"),
    ("-device virtio-net-pci,mac=52:54:00", "mac", "52:54:00"),
    ("-device", "device"),
    ("-device VGA,romfile=nosuchrom.bin", "VGA", "nosuchrom.bin"),
    ("-global nosuchdevice.a=b", "global", "nosuchdevice"),
    ("-global virtio-blk-pci.serail=x", "global", "serail", "serial"),
    ("-global virtio-blk-pci.discard=perhaps", "global", "perhaps"),
    ("-global virtio-blk-pci", "global", "type.property=value"),
    # Values and units.
    ("-m 0", "-m", "0"),
    ("-m -5", "-m", "-5"),
    ("-m lots", "-m", "lots"),
    ("-m 12Q", "-m", "12Q"),
    ("-m 99999999999G", "-m", "99999999999G"),
    ("-m", "-m"),
    ("-smp 0", "smp", "0"),
    ("-smp many", "smp", "many"),
    ("-smp 100000", "smp", "100000"),
    ("-boot order=q", "boot", "q"),
    ("-rtc base=yesterday", "rtc", "yesterday"),
    ("-uuid 1234", "uuid", "1234"),
    ("-d nosuchlog", "-d", "nosuchlog"),
    ("-d in_asm -D {folder}", "-D", "{folder}"),
    ("-d in_asm,,int", "-d", "''", "help"),
    ("-d 'in_asm\nint'", "-d", "in_asm.*int", "help"),
    ("-d in_asm -D ''", "-D", "file"),
    ("-dfilter here", "dfilter", "here"),
    ("-dfilter 0x2000..0x1000", "dfilter", "0x2000..0x1000", "ends before"),
    ("-dfilter 0x1000+0", "dfilter", "0x1000.0", "length"),
    ("-dfilter 0x1000..", "dfilter", "0x1000..", "number"),
    ("-dfilter 1..2,,3..4", "dfilter", "''"),
    ("-action panic=dance", "panic", "dance"),
    ("-display televison", "display", "televison", "none"),
    ("-vga monochrome", "vga", "monochrome", "std"),
    # Character devices and networks.
    ("-serial nosuchserial", "serial", "nosuchserial"),
    ("-serial file:{folder}", "serial", "{folder}"),
    ("-serial tcp:127.0.0.1:notaport", "serial", "notaport"),
    ("-serial stdio -monitor stdio", "stdio"),
    ("-chardev sterio,id=c", "chardev", "sterio", "stdio"),
    ("-chardev stdio", "chardev", "id"),
    ("-serial chardev:nosuch", "serial", "nosuch"),
    ("-netdev usr,id=n", "netdev", "usr", "user"),
    ("-netdev user", "netdev", "id"),
    ("-netdev user,id=n,hostfwd=tcp::x-:22", "hostfwd", "x"),
    ("-nic user,model=nosuchmodel", "model", "nosuchmodel", "virtio-net-pci"),
    ("-nic nosuchnic", "nic", "nosuchnic", "user"),
    # Contradictions.
    ("-hda {disk} -drive file={disk},if=ide,index=0", "index|hda|unit"),
    ("-nographic -daemonize", "daemonize", "nographic"),
    ("-pidfile {folder}/no/such/place", "pidfile", "{folder}/no/such/place"),
]


def make_files(folder):
    kinds = ("missing", "empty", "folder", "unreadable", "text", "disk")
    files = {kind: str(folder / kind) for kind in kinds}
    (folder / "empty").touch()
    (folder / "folder").mkdir()
    (folder / "unreadable").write_bytes(bytes(1 << 20))
    (folder / "unreadable").chmod(0)
    (folder / "text").write_text("This is no machine code at all.\n" * 100)
    (folder / "disk").write_bytes(bytes(1 << 20))
    linux = linux_files()
    return files | {"kernel": str(linux / "vmlinuz"), "initrd": str(linux / "initramfs.gz")}


def listing(folder):
    return sorted((p.name, p.stat().st_size) for p in folder.rglob("*"))


def complaint(bench, arguments, fragments, **process_options):
    """What is wrong with the way one command line is refused, or None."""
    command = [bench.binary, "-display", "none", *arguments]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, text=True,
                                errors="replace", check=False, **process_options)
    except subprocess.TimeoutExpired:
        return "still runs after 10 s"
    if result.returncode != 1:
        return f"exit code {result.returncode}, not 1; stderr: {result.stderr!r}"
    if result.stdout:
        return f"speaks on stdout: {result.stdout[:200]!r}"
    if result.stderr.count("\n") != 1 or not result.stderr.endswith("\n"):
        return f"not one line on stderr: {result.stderr!r}"
    missing = [f for f in fragments if not re.search(f, result.stderr, re.IGNORECASE)]
    return f"the message lacks {missing}: {result.stderr!r}" if missing else None


def refusal(bench, files, row):
    line, *fragments = row
    arguments = [word.format(**files) for word in shlex.split(line)]
    expected = [f.format(**{k: re.escape(v) for k, v in files.items()}) for f in fragments]
    before = listing(bench.folder)
    problem = complaint(bench, arguments, expected)
    if problem is None and listing(bench.folder) != before:
        problem = "left a file behind"
    return problem and f"`{line}`: {problem}"


@guest_test("bad-input")
def bad_input(bench):
    """Each mistake on the command line ends with one helpful line and exit code 1."""
    files = make_files(bench.folder)
    problems = [p for p in (refusal(bench, files, row) for row in ROWS) if p]
    assert not problems, f"{len(problems)} of {len(ROWS)} command lines:\n" + "\n".join(problems)


@guest_test("bad-input-unreadable")
def bad_input_unreadable(bench):
    """A file that may not be read is named with the reason."""
    files = make_files(bench.folder)
    bench.folder.chmod(0o755)
    user = {"user": 65534} if is_root() else {}  # root may read anything: be nobody, who may not come into /root
    bench = replace(bench, binary=Path(shutil.copy(bench.binary, bench.folder)))
    for option in ("-hda", "-kernel", "-bios"):
        expected = (option, re.escape(files["unreadable"]), "permission|may not|not allowed")
        problem = complaint(bench, (option, files["unreadable"]), expected, **user)
        assert problem is None, f"{option}: {problem}"
