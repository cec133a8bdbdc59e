"""What a guest test is, and the list of those that the cases declare."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Callable

from vm import Guest

ROOT = Path(__file__).resolve().parents[2]
TESTS = {}
READY = r"init: ready after ([\d.]+) s"  # what the initramfs prints


class Skip(Exception):
    """Raised by a test that needs what this machine lacks; the message is the reason."""


@dataclass(frozen=True)
class GuestTest:
    name: str
    about: str
    run: Callable


@dataclass(frozen=True)
class Bench:
    """What a test gets: the emulator, whether the long form is wanted, and a folder of its own."""

    binary: Path
    full: bool
    folder: Path

    def guest(self, *arguments):
        return Guest(self.binary, *arguments)

    def linux(self, *arguments, append="", memory="512M", initrd=None):
        """The initramfs guest on the serial console, with further options."""
        files = linux_files()
        return self.guest("-nographic", "-m", memory, "-no-reboot", "-kernel", files / "vmlinuz", "-initrd",
                          initrd or files / "initramfs.gz", "-append", f"console=ttyS0 quiet {append}".strip(), *arguments)

    def disk(self, architecture="amd64"):
        """A copy of its own of the Debian disk of an architecture."""
        own = self.folder / "disk.img"
        subprocess.run(["cp", "--sparse=always", "--reflink=auto", debian_disk(architecture), own], check=True)
        return own


def guest_test(name):
    """Declares a test: a function of a Bench that raises when the guest does wrong."""

    def declare(function):
        assert name not in TESTS, f"two guest tests are called {name}"
        TESTS[name] = GuestTest(name, (function.__doc__ or "").strip().split("\n")[0], function)
        return function

    return declare


def made_by(script, *arguments):
    result = subprocess.run([ROOT / "scripts/guest" / script, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if result.returncode != 0:
        raise Skip(f"scripts/guest/{script} could not make its guest here")
    return Path(result.stdout.strip().split("\n")[-1])


@cache
def linux_files():
    return made_by("linux")


@cache
def debian_disk(architecture):
    return made_by("disk", architecture)


def bench_for(binary, full):
    return Bench(binary, full, Path(tempfile.mkdtemp(prefix="vireo-guest-")))


def clear(bench):
    shutil.rmtree(bench.folder, ignore_errors=True)


def needs(program):
    """Skips the test unless the host has a program."""
    if shutil.which(program) is None:
        raise Skip(f"the host has no {program}")


def is_root():
    return os.geteuid() == 0
