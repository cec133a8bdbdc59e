"""The workloads of the suite: what runs, how it is grouped, and which ones the quick form takes."""

from dataclasses import dataclass

SUITE = "/usr/bin/suite"
GROUPS = {
    "cpu": "integer programs",
    "debian": "programs of Debian",
    "floating": "floating point",
    "memory": "memory",
    "system": "the kernel's services",
    "network": "the network",
}
BOOT = "boot"  # a group that stands apart: it has no native counterpart
BOOTS = {
    "boot-shell": "boot to shell",
    "boot-grub": "SeaBIOS to GRUB",
    "boot-kernel": "GRUB to init",
    "boot-login": "Debian to login",
    "boot-again": "second boot",
}


@dataclass(frozen=True)
class Workload:
    name: str
    group: str
    quick: bool = False
    program: str = ""  # a program of Debian with its arguments; empty for one of our own
    tells_time: bool = False  # prints its BENCH line itself
    warm: bool = False  # what is timed is not its first run

    def command(self):
        if self.tells_time:
            return self.program
        order = "again" if self.warm else "time"
        return f"{SUITE} {order} {self.name} {self.program}" if self.program else f"{SUITE} {self.name}"


def _own(group, names, quick=()):
    return [Workload(name, group, name in quick) for name in names.split()]


_CC1 = "/usr/lib/gcc/x86_64-linux-gnu/12/cc1 -quiet -O2 -fpreprocessed /bench/input.i -o -"
_SPEED = "/usr/bin/bash /bench/speed.sh"

WORKLOADS = [
    *_own("cpu", "queens sieve quicksort tree hash crc32 lz interpreter fibonacci",
          {"queens", "quicksort", "tree", "crc32", "interpreter", "fibonacci"}),
    Workload("gcc-cold", "debian", program=_CC1),
    Workload("gcc-warm", "debian", program=_CC1, warm=True),
    Workload("gzip", "debian", True, "/usr/bin/gzip -n -c /bench/text"),
    Workload("xz", "debian", False, "/usr/bin/xz -3 -c /bench/text-1m"),
    Workload("zstd", "debian", False, "/usr/bin/zstd -q -9 -c /bench/text"),
    Workload("sha256sum", "debian", True, "/usr/bin/sha256sum" + " /bench/text" * 16),
    Workload("openssl-kdf", "debian", False, "/usr/bin/openssl enc -aes-128-cbc -pbkdf2 -iter 600000 -k secret "
             "-S 0011223344556677 -in /bench/loop.sh"),
    Workload("openssl-aes", "debian", False, f"{_SPEED} openssl-aes", True),
    Workload("openssl-sha", "debian", False, f"{_SPEED} openssl-sha", True),
    Workload("openssl-rsa", "debian", True, f"{_SPEED} openssl-rsa", True),
    Workload("bash", "debian", True, "/usr/bin/bash /bench/loop.sh"),
    Workload("python-calls", "debian", True, "/usr/bin/python3.11 -S /bench/calls.py"),
    Workload("python-dicts", "debian", False, "/usr/bin/python3.11 -S /bench/dicts.py"),
    Workload("perl", "debian", False, "/usr/bin/perl /bench/regex.pl"),
    Workload("sqlite", "debian", True, "/usr/bin/sqlite3 -init /bench/queries.sql :memory: .exit"),
    *_own("floating", "matrix linpack nbody fft longdouble", {"linpack", "nbody", "longdouble"}),
    Workload("hpl", "floating", False, "/usr/bin/bash /bench/hpl.sh", True),
    *_own("memory", "copy-1k copy-4k copy-64k copy-1m copy-16m copy-64m set-1k set-4k set-64k set-1m set-16m set-64m "
          "stream-copy stream-scale stream-add stream-triad", {"copy-64k", "stream-triad"}),
    *_own("system", "syscall read-1 read-1k read-64k read-1m write-1 write-1k write-1m stat open pipe switch-2 switch-4 "
          "switch-8 switch-16 switch-2-64k switch-4-64k switch-8-64k switch-16-64k switch-2-1m switch-4-1m switch-8-1m switch-16-1m "
          "spawn pagefault mmap signal",
          {"syscall", "switch-2", "spawn", "pagefault"}),
    *_own("network", "net-latency net-send net-receive", {"net-latency"}),
]
# What --growth runs: by row, the program of `suite growth` and its size.
GROWTH = {
    **{f"{name}-{blocks}": (name, blocks) for name in ("code-first", "code-again") for blocks in (80_000, 800_000)},
    **{f"{name}-{count}": (name, count) for name in ("fork", "switch") for count in (100, 1000)},
    **{name: (name, 64) for name in ("page-touch", "random-read")},
}


def growth_command(row):
    return f"{SUITE} growth {row} {GROWTH[row][0]} {GROWTH[row][1]}"


NETWORK = {w.name for w in WORKLOADS if w.group == "network"}
BY_NAME = {w.name: w for w in WORKLOADS}
