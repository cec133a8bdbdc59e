"""The machines that run the suite: the host in a chroot, and emulators. Each is a process that prints lines."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time

import workloads
from image import CACHE, ROOT

sys.path.append(str(ROOT / "tests/guest"))
import vm  # noqa: E402

RAM_MIB = 1024
START_LIMIT = 240
WORKLOAD_LIMIT = 90
IDLE_SECONDS = 2.5
SETTLE_SECONDS = 1
PROMPT = r"guest:\S+# "


@contextlib.contextmanager
def server_for(names, image):
    """The port of a server on the host while the workloads run; None if none of them uses the network."""
    if not workloads.NETWORK.intersection(names):
        yield None
        return
    with subprocess.Popen([image.tree / "usr/bin/suite", "serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            yield int(server.stdout.readline())
        finally:
            server.kill()


class Host:
    """The same programs on the host: a chroot of the guest's tree, on one CPU as the guest has one."""

    name, version = "native", "the host"

    def __init__(self, image):
        mounts = f"mount --rbind /dev {image.tree}/dev && mount -t tmpfs tmp {image.tree}/tmp"
        script = f'{mounts} && exec chroot {image.tree} /bench/suite "$@"'
        spaces = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
        processor = str(max(os.sched_getaffinity(0)))
        self.command = ["taskset", "-c", processor, "unshare", *spaces, "sh", "-c", script, "suite"]

        self.image = image

    def run(self, names, record):
        with server_for(names, self.image) as port:
            with vm.Guest("env", f"BENCH_SERVER=127.0.0.1:{port}", *self.command, *names) as guest:
                record.workloads(guest, names)

    def run_small(self, names, record):
        self.run(names, record)

    def boot(self, names, record):
        """The host is not booted."""


class Emulator:
    """An emulator with QEMU's command line, with its own defaults for what is not named here."""

    def __init__(self, name, binary, version, image, options=()):
        self.name, self.binary, self.version, self.image, self.options = name, binary, version, image, options

    def machine(self, megabytes, network=False):
        return [self.binary, "-machine", "pc", "-accel", "tcg", "-m", f"{megabytes}M", "-nographic", "-no-reboot",
                "-nic", "user,model=virtio-net-pci" if network else "none", *self.options]

    def command(self, megabytes, initramfs, append, network=False):
        return [*self.machine(megabytes, network), "-kernel", self.image.kernel, "-initrd", initramfs,
                "-append", f"console=ttyS0 quiet panic=-1 {append}"]

    def run(self, names, record):
        with server_for(names, self.image) as port:
            append = f"bench.only={','.join(names)} BENCH_SERVER=10.0.2.2:{port}"
            command = self.command(RAM_MIB, self.image.initramfs, append, port is not None)
            self.run_guest(command, names, record, RAM_MIB)

    def run_small(self, names, record, megabytes=RAM_MIB):
        """Our own programs, in a guest that may have little memory."""
        command = self.command(megabytes, self.image.small_initramfs, "bench.only=" + ",".join(names))
        self.run_guest(command, names, record, megabytes)

    def run_guest(self, command, names, record, megabytes):
        with vm.Guest(*command) as guest:
            guest.expect("READY", START_LIMIT)
            record.ready.append(time.monotonic() - guest.begin)
            busy, begin = processor_seconds(guest.process.pid), time.monotonic()
            record.workloads(guest, names)
            share = (processor_seconds(guest.process.pid) - busy) / (time.monotonic() - begin)
            record.working_percent.append(100 * share)
            used = guest.expect(r"MEMORY (\d+) (\d+)", 10)
            record.memory_and_idling(guest, int(used[1]) - int(used[2]), megabytes)
            guest.ends(30)

    def boot(self, names, record):
        if "boot-shell" in names:
            self.boot_to_shell(record)
        if set(names) - {"boot-shell"}:
            self.boot_debian(names, record)

    def boot_to_shell(self, record):
        """From the start of the process to a prompt, with the small stock initramfs."""
        with vm.Guest(*self.command(512, self.image.stock_initramfs, "")) as guest:
            guest.expect(PROMPT, START_LIMIT)
            record.sample("boot-shell", time.monotonic() - guest.begin)
            guest.type("poweroff")
            guest.ends(60)

    def boot_debian(self, names, record):
        """The Debian disk, through SeaBIOS and GRUB, twice: a copy, which the first boot writes to."""
        with tempfile.TemporaryDirectory(dir=CACHE / "bench") as folder:
            disk = os.path.join(folder, "disk.img")
            subprocess.run(["cp", "--sparse=always", "--reflink=auto", self.image.debian_disk(), disk], check=True)
            for number in range(2 if "boot-again" in names else 1):
                self.boot_disk(disk, number, names, record)

    def boot_disk(self, disk, number, names, record):
        with vm.Guest(*self.machine(RAM_MIB, True), "-drive", f"file={disk},if=virtio,format=raw") as guest:
            guest.expect("GNU GRUB", START_LIMIT)
            grub = time.monotonic()
            guest.expect("Booting `", START_LIMIT)
            chosen = time.monotonic()
            guest.expect("Run /init as init process", START_LIMIT)
            init = time.monotonic()
            guest.expect("login: ", 2 * START_LIMIT)
            login = time.monotonic() - guest.begin
            stages = {"boot-grub": grub - guest.begin, "boot-kernel": init - chosen, "boot-login": login}
            for name, seconds in ({"boot-again": login} if number == 1 else stages).items():
                if name in names:
                    record.sample(name, seconds)
            guest.type("root")
            guest.expect("root@vireo-guest", START_LIMIT)
            guest.type("poweroff")
            guest.ends(START_LIMIT)


class Record:
    """What one machine did: samples by workload, checksums, failures, memory and idle figures."""

    def __init__(self):
        self.samples, self.checksums, self.failures = {}, {}, []
        self.beyond_ram_kib, self.guest_used_kib, self.idle_percent = [], [], []
        self.working_percent, self.clock_errors = [], []
        self.ready = []  # seconds to where the workloads begin

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
            if name in workloads.BY_NAME and not workloads.BY_NAME[name].tells_time:
                self.compare_clocks(name, float(said[1]), time.monotonic() - begin)
        self.current = None

    def compare_clocks(self, name, inside, outside):
        """A guest whose clock runs slow would look fast; outside there are also start-up and set-up."""
        if inside > outside + 0.05 or (outside > 3 and inside < 0.2 * outside):
            self.clock_errors.append(f"{name}: {inside:.3f} s by the guest's clock, {outside:.3f} s by the host's")

    def memory_and_idling(self, guest, used_kib, megabytes):
        pid = guest.process.pid
        time.sleep(SETTLE_SECONDS)
        busy, begin = processor_seconds(pid), time.monotonic()
        time.sleep(IDLE_SECONDS)
        share = (processor_seconds(pid) - busy) / (time.monotonic() - begin)
        self.idle_percent.append(100 * share)
        self.guest_used_kib.append(used_kib)
        self.beyond_ram_kib.append(guest.resident_bytes(sys.maxsize) // 1024 - guest_ram_kib(pid, megabytes))

    def as_json(self):
        return {"samples": self.samples, "checksums": {n: sorted(c) for n, c in self.checksums.items()},
                "failures": self.failures, "clock errors": self.clock_errors, "idle percent": self.idle_percent,
                "working percent": self.working_percent,
                "KiB beyond guest RAM": self.beyond_ram_kib, "KiB used in the guest": self.guest_used_kib}


def processor_seconds(pid):
    """By the clock of the process (clock_getcpuclockid(3)), which counts nanoseconds, those of threads that ended too."""
    return time.clock_gettime(~pid << 3 | 2)


def guest_ram_kib(pid, megabytes):
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
            elif words[0] == "Rss:" and size >= megabytes * 1024 // 4 and permissions.startswith("rw-"):
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


def run_boot(machine, names, record):
    try:
        machine.boot(names, record)
    except vm.GuestError as error:
        record.failures.append(str(error))
