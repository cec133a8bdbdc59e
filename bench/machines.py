"""The machines that run the suite: the host in a chroot, and emulators. Each is a process that prints lines."""

import os
import sys
import time

import workloads
from image import ROOT

sys.path.append(str(ROOT / "tests/guest"))
import vm  # noqa: E402

RAM_MIB = 1024
START_LIMIT = 240
WORKLOAD_LIMIT = 90
IDLE_SECONDS = 2.5
SETTLE_SECONDS = 1
PROMPT = r"guest:\S+# "
HZ = os.sysconf("SC_CLK_TCK")


class Host:
    """The same programs on the host: a chroot of the guest's tree, on one CPU as the guest has one."""

    name, version = "native", "the host"

    def __init__(self, image):
        mounts = f"mount --rbind /dev {image.tree}/dev && mount -t tmpfs tmp {image.tree}/tmp"
        script = f'{mounts} && exec chroot {image.tree} /bench/suite "$@"'
        spaces = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
        processor = str(max(os.sched_getaffinity(0)))
        self.command = ["taskset", "-c", processor, "unshare", *spaces, "sh", "-c", script, "suite"]

    def run(self, names, record):
        with vm.Guest(*self.command, *names) as guest:
            record.workloads(guest, names)

    def boot(self, record):
        """The host is not booted."""


class Emulator:
    """An emulator with QEMU's command line, with its own defaults for what is not named here."""

    def __init__(self, name, binary, version, image, options=()):
        self.name, self.binary, self.version, self.image, self.options = name, binary, version, image, options

    def command(self, megabytes, initramfs, append):
        return [self.binary, "-machine", "pc", "-accel", "tcg", "-m", f"{megabytes}M", "-nographic", "-nic", "none",
                "-no-reboot", "-kernel", self.image.kernel, "-initrd", initramfs,
                "-append", f"console=ttyS0 quiet panic=-1 {append}", *self.options]

    def run(self, names, record):
        with vm.Guest(*self.command(RAM_MIB, self.image.initramfs, "bench.only=" + ",".join(names))) as guest:
            guest.expect("READY", START_LIMIT)
            busy, begin = processor_seconds(guest.process.pid), time.monotonic()
            record.workloads(guest, names)
            share = (processor_seconds(guest.process.pid) - busy) / (time.monotonic() - begin)
            record.working_percent.append(100 * share)
            used = guest.expect(r"MEMORY (\d+) (\d+)", 10)
            record.memory_and_idling(guest, int(used[1]) - int(used[2]))
            guest.ends(30)

    def boot(self, record):
        """From the start of the process to a prompt, with the small stock initramfs."""
        with vm.Guest(*self.command(512, self.image.stock_initramfs, "")) as guest:
            guest.expect(PROMPT, START_LIMIT)
            record.sample(workloads.BOOT, time.monotonic() - guest.begin)
            guest.type("poweroff")
            guest.ends(60)


class Record:
    """What one machine did: samples by workload, checksums, failures, memory and idle figures."""

    def __init__(self):
        self.samples, self.checksums, self.failures = {}, {}, []
        self.beyond_ram_kib, self.guest_used_kib, self.idle_percent = [], [], []
        self.working_percent, self.clock_errors = [], []

    def sample(self, name, seconds):
        self.samples.setdefault(name, []).append(seconds)

    def workloads(self, guest, names):
        for name in names:
            self.current = name
            guest.expect(rf"BEGIN {name}\s", WORKLOAD_LIMIT)
            begin = time.monotonic()
            said = guest.expect(rf"BENCH {name} (\S+)(?: ([0-9a-f]+))?[\r\n]", WORKLOAD_LIMIT)
            if said[1] == b"failed":
                console = guest.console[-400:].decode(errors="replace")
                self.failures.append(f"{name}: failed; the console says:\n{console}")
                continue
            self.sample(name, float(said[1]))
            self.checksums.setdefault(name, set()).add(said[2].decode())
            self.compare_clocks(name, float(said[1]), time.monotonic() - begin)
        self.current = None

    def compare_clocks(self, name, inside, outside):
        """A guest whose clock runs slow would look fast; outside there are also start-up and set-up."""
        if inside > outside + 0.05 or (outside > 3 and inside < 0.2 * outside):
            self.clock_errors.append(f"{name}: {inside:.3f} s by the guest's clock, {outside:.3f} s by the host's")

    def memory_and_idling(self, guest, used_kib):
        pid = guest.process.pid
        time.sleep(SETTLE_SECONDS)
        busy, begin = processor_seconds(pid), time.monotonic()
        time.sleep(IDLE_SECONDS)
        share = (processor_seconds(pid) - busy) / (time.monotonic() - begin)
        self.idle_percent.append(100 * share)
        self.guest_used_kib.append(used_kib)
        self.beyond_ram_kib.append(guest.resident_bytes(sys.maxsize) // 1024 - guest_ram_kib(pid))

    def as_json(self):
        return {"samples": self.samples, "checksums": {n: sorted(c) for n, c in self.checksums.items()},
                "failures": self.failures, "clock errors": self.clock_errors, "idle percent": self.idle_percent,
                "working percent": self.working_percent,
                "KiB beyond guest RAM": self.beyond_ram_kib, "KiB used in the guest": self.guest_used_kib}


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / HZ


def guest_ram_kib(pid):
    """The resident part of guest RAM: of the large mappings that hold data, not code."""
    resident = size = 0
    permissions = ""
    with open(f"/proc/{pid}/smaps", encoding="ascii") as mappings:
        for line in mappings:
            words = line.split()
            if "-" in words[0] and not words[0].endswith(":"):
                permissions = words[1]
            elif words[0] == "Size:":
                size = int(words[1])
            elif words[0] == "Rss:" and size >= RAM_MIB * 1024 // 2 and permissions.startswith("rw-"):
                resident += int(words[1])
    return resident


def run_all(machine, names, record):
    """Runs the workloads; one that hangs or kills the guest costs itself, and the guest starts again behind it."""
    remaining = list(names)
    while remaining:
        record.current = None
        try:
            machine.run(remaining, record)
            return
        except vm.GuestError as error:
            record.failures.append(str(error))
            if record.current is None:
                return
            remaining = remaining[remaining.index(record.current) + 1:]


def run_boot(machine, record):
    try:
        machine.boot(record)
    except vm.GuestError as error:
        record.failures.append(str(error))
