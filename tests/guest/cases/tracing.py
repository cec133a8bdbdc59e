"""What -d and -perfmap show of a guest."""

import re
import time
from pathlib import Path

from registry import guest_test, needs
from toolchain import make_boot_sector
from vm import GuestError

LONG = 60
SHORT = 20

# An item of -d, and a line of what SeaBIOS's start must show for it.
LOG_LINES = {
    "in_asm": r"^0x00000000000fe05b:  .*\bcmp ",
    "op": r"^OP at 0xe05b:$",
    "op_opt": r"^OP after optimization at 0xe05b:$",
    "out_asm": r"^  -- guest addr 0x000000000000e05b$",
    "int": r"^software interrupt: v=[0-9a-f]{2} e=0000 i=1 cpl=0 IP=[0-9a-f]{4}:[0-9a-f]{16} ",
    "exec": r"^Trace 0: 0x[0-9a-f]+ \[000f0000/000000000000e05b/",
    "cpu": r"^RIP=000000000000e05b RFL=",
    "fpu": r"^FCW=0040 FSW=0000 ",
    "mmu": r"^mmu: supervisor write fills 0x[0-9a-f]+ -> 0x[0-9a-f]+ writable",
    "pcall": r"^far jump at f000:0xfff0 to f000:0xe05b, cpl 0$",
    "cpu_reset": r"^RIP=000000000000fff0 ",
    "page": r"^0000000000000000-000000000009ffff ram",
    "device": r"^i8042: read ",
    "invalid_mem": r": nothing (answers|takes) ",
}


def wait_for(path, patterns, deadline):
    """Reads the file as it grows until every pattern has a line."""
    missing = {name: re.compile(pattern, re.MULTILINE) for name, pattern in patterns.items()}
    text, end = "", time.monotonic() + deadline
    while missing and time.monotonic() < end:
        time.sleep(0.2)
        text = path.read_text(errors="replace") if path.exists() else ""
        missing = {name: pattern for name, pattern in missing.items() if not pattern.search(text)}
    if missing:
        raise GuestError(f"{path.name} shows nothing of {sorted(missing)}; it has {len(text)} characters")
    return text


@guest_test("logging")
def logging(bench):
    """Every item of -d writes what it says to the file of -D, for the addresses of -dfilter."""
    for item, pattern in LOG_LINES.items():
        log = bench.folder / f"log-{item}"
        items = f"{item},cpu" if item == "fpu" else item
        with bench.guest("-nographic", "-d", items, "-D", log, "-dfilter", "0xfe000..0xfe05f,0xfff00+0x100"):
            wait_for(log, {item: pattern}, LONG)


@guest_test("seabios-smm")
def seabios_smm(bench):
    """SeaBIOS moves SMBASE and makes 32-bit calls through SMIs; with smm=off there are none."""
    smi = r"^SMI: IP={}:[0-9a-f]{{16}} SMBASE={} "
    lines = {"moves": smi.format("0008", "00030000"), "enters": smi.format("f000", "000a0000"),
             "returns": r"^RSM: IP=f000:[0-9a-f]{16} SMBASE=000a0000$"}
    log = bench.folder / "log"
    # The driver of a virtio disk is 32-bit code that INT 13h calls.
    disk = bench.folder / "disk"
    disk.write_bytes(bytes(510) + b"\x55\xaa")
    arguments = ("-nographic", "-drive", f"if=virtio,format=raw,file={disk}", "-d", "int", "-D", log)
    with bench.guest(*arguments):
        wait_for(log, lines, LONG)
    with bench.guest(*arguments, "-machine", "pc,smm=off") as guest:
        guest.expect("Booting from Hard Disk", LONG)
    if "SMI" in log.read_text(errors="replace"):
        raise GuestError("smm=off, but SMIs came")


@guest_test("logging-filter")
def logging_filter(bench):
    """-dfilter leaves out what begins at other addresses."""
    log = bench.folder / "log"
    with bench.guest("-nographic", "-d", "in_asm,exec", "-D", log, "-dfilter", "0xfe05b-0x8,0x100000..0xffffffff"):
        text = wait_for(log, {"in range": LOG_LINES["in_asm"]}, LONG)
    starts = {int(base, 16) + int(ip, 16) for base, ip in re.findall(r"^Trace 0: \S+ \[(\w+)/(\w+)/", text, re.MULTILINE)}
    wrong = [hex(start) for start in starts if not (0xfe054 <= start <= 0xfe05b or start >= 0x100000)]
    assert starts and not wrong, f"traces of {wrong}"


@guest_test("perf-map")
def perf_map(bench):
    """-perfmap names generated code by guest address in the file where perf looks."""
    with bench.guest("-nographic", "-perfmap") as guest:
        path = Path(f"/tmp/perf-{guest.process.pid}.map")
        text = wait_for(path, {"the boot's code": r"^[0-9a-f]+ [0-9a-f]+ guest-kernel:0xfe05b$"}, LONG)
        path.unlink()
    lines = text.split("\n")[:-1]  # the last may be cut short
    bad = [line for line in lines if not re.fullmatch(r"[0-9a-f]+ [0-9a-f]+ guest-(user|kernel):0x[0-9a-f]+", line)]
    assert not bad, f"lines that perf does not read: {bad[:3]}"


@guest_test("profile")
def profile(bench):
    """profile=on tells, in `info jit` and at the end in the log, where the vCPU's time went since profile_restart and
    which blocks are hot."""
    log = bench.folder / "log"
    with bench.linux("-accel", "tcg,profile=on", "-d", "perf", "-D", log) as guest:
        guest.expect("guest:", LONG)
        restarted = time.monotonic()
        guest.type("\x01cprofile_restart\n\x01cdd if=/dev/zero of=/dev/null bs=1 count=300000")
        guest.expect("300000\\+0 records out", LONG)
        guest.type("\x01cinfo jit -v")
        seconds = float(guest.expect(r"time +([0-9.]+) s", LONG)[1])
        assert seconds <= time.monotonic() - restarted, f"{seconds} s with what was before the restart"
        share = float(guest.expect(r"translated code +([0-9.]+)%", LONG)[1])
        guest.expect(r"guest-kernel:0xffffffff[0-9a-f]+ samples=\d+ instructions=\d+", LONG)
        guest.type("quit")
        guest.process.wait(LONG)
    assert 1 < share <= 100, f"{share}% in translated code"
    text = log.read_text(errors="replace")
    shares = {line[:33].strip(): float(line[33:].strip(" %")) for line in text.splitlines() if line.endswith("%")}
    total = sum(share for name, share in shares.items() if not name.startswith("("))
    assert "IN:" in text and "OUT: [size=" in text, "no listings"
    assert 99 < total < 103, f"the shares add up to {total}%: {shares}"


@guest_test("listings")
def listings(bench):
    """-d perf lists code as it was and in the mode that it ran in, even if the guest has written other code there."""
    needs("as")
    log, disk = bench.folder / "log", bench.folder / "disk"
    disk.write_bytes(make_boot_sector("overwritten_code", bench.folder).ljust(1 << 20, b"\0"))
    with bench.guest("-nographic", "-drive", f"if=ide,format=raw,file={disk}", "-d", "perf", "-D", log, "-device",
                     "isa-debug-exit,iobase=0xf4,iosize=0x04") as guest:
        guest.ends(SHORT, code=0x21)
    text = log.read_text(errors="replace")
    listed = re.findall(r"guest-kernel:0x8000 .*\nIN:\n(.*\n.*)\n", text)
    for loop in ("imul ax, ax, 0x1234\n.*dec ecx$", "imul eax, eax, 0x12345678\n.*dec ecx$"):
        assert any(re.search(loop, listing) for listing in listed), f"no {loop!r} in {listed}"


@guest_test("info-jit")
def info_jit(bench):
    """`info jit` says how to learn where the time goes; a code cache of 0 MiB is the usual one."""
    with bench.guest("-nographic", "-accel", "tcg,tb-size=0") as guest:
        guest.type("\x01cinfo jit")
        guest.expect(r"code cache +\d+ of 67108864 bytes", LONG)
        guest.expect(r"time +not known without -accel tcg,profile=on", LONG)
