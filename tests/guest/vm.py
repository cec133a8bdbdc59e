"""A guest in a Vireo process: its serial console on our pipes, its end by process id."""

import os
import re
import select
import signal
import subprocess
import time

ANSI = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class GuestError(Exception):
    """The guest did not do what the test expects; the message shows the end of its console."""


class Guest:
    """Runs one emulator; use as a context manager, which ends the process if it still runs.

    All timeouts are multiplied by `patience`, for builds that are slow by their nature; `wrapper` is the command that
    runs binaries of another architecture.
    """

    patience = 1
    wrapper: list[str] = []

    def __init__(self, binary, *arguments):
        self.command = [*self.wrapper, str(binary), *map(str, arguments)]
        self.console = b""
        self.matched_to = 0

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, bufsize=0, start_new_session=True)
        self.begin = time.monotonic()
        return self

    def __exit__(self, *_):
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(sign)
                try:
                    self.process.wait(5)
                except subprocess.TimeoutExpired:
                    continue
        self.process.stdin.close()
        self.process.stdout.close()

    def failure(self, message):
        tail = self.console[-1500:].decode(errors="replace")
        after = time.monotonic() - self.begin
        return GuestError(f"{message} (after {after:.1f} s of `{' '.join(self.command)}`); "
                          f"the console ends with:\n{tail}")

    def read(self, deadline):
        """Appends what the console says; False at its end."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        chunk = os.read(self.process.stdout.fileno(), 65536)
        # Escape sequences may straddle two reads, so what is kept is cleaned as a whole.
        self.console = self.console[:self.matched_to] + ANSI.sub(b"", self.console[self.matched_to:] + chunk)
        return bool(chunk)

    def expect(self, pattern, timeout):
        """Waits for a regular expression behind what matched before; returns the match."""
        timeout *= self.patience
        wanted, deadline = re.compile(pattern.encode()), time.monotonic() + timeout
        while True:
            found = wanted.search(self.console, self.matched_to)
            if found:
                self.matched_to = found.end()
                return found
            try:
                if not self.read(deadline):
                    raise self.failure(f"ended without saying '{pattern}'")
            except TimeoutError:
                raise self.failure(f"did not say '{pattern}' within {timeout} s") from None

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")

    def run(self, command, timeout):
        """Types a command at a shell, waits for its end, fails if its status is not 0."""
        self.type(f"{command}; echo status:$?:")
        status = self.expect(r"status:(\d+):", timeout)[1].decode()
        if status != "0":
            raise self.failure(f"'{command}' ended with status {status}")

    def ends(self, timeout, code=0):
        """Waits for the process to end by itself with the exit code."""
        timeout *= self.patience
        deadline = time.monotonic() + timeout
        try:
            while self.read(deadline):
                pass
            found = self.process.wait(max(0.1, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise self.failure(f"did not end within {timeout} s") from None
        if found != code:
            raise self.failure(f"ended with exit code {found}, not {code}")

    def holds_little(self):
        """At most 150 MiB beyond the guest's RAM, which has at least 512 MiB: the only mapping of that size."""
        beyond = self.resident_bytes(smaller_than=512 << 20)
        assert beyond <= 150 << 20, f"{beyond >> 20} MiB beyond the guest's own"

    def resident_bytes(self, smaller_than):
        """What the process holds in memory now, in mappings of less than so many bytes each."""
        resident = size = 0
        with open(f"/proc/{self.process.pid}/smaps", encoding="ascii") as mappings:
            for line in mappings:
                if line.startswith("Size:"):
                    size = int(line.split()[1]) * 1024
                elif line.startswith("Rss:") and size < smaller_than:
                    resident += int(line.split()[1]) * 1024
        return resident
