"""The emulator as a process: its end by signals, its life in the background, what it costs when idle."""

import os
import signal
import time

from registry import READY, guest_test, linux_files

BOOT = 120
PROMPT = 5  # seconds in which an end is prompt
BUSY = 'vireo.run="echo at work; while true; do true; done"'


def ends_by(guest, sign):
    guest.process.send_signal(sign)
    guest.ends(PROMPT)


@guest_test("signals")
def signals(bench):
    """SIGTERM, SIGINT and SIGHUP end the process at once, whether the guest works, idles or is stopped."""
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with bench.linux(append=BUSY) as guest:
            guest.expect("at work", BOOT)
            ends_by(guest, sign)
        with bench.linux("-S") as guest:
            time.sleep(1)
            ends_by(guest, sign)
    with bench.linux() as guest:
        guest.expect(READY, BOOT)
        time.sleep(1)
        ends_by(guest, signal.SIGTERM)


@guest_test("daemonize")
def daemonize(bench):
    """-daemonize comes back at once, -pidfile names the process, and goes away with it."""
    pid_file, files = bench.folder / "pid", linux_files()
    with bench.guest("-display", "none", "-serial", f"file:{bench.folder / 'serial'}", "-daemonize", "-pidfile",
                     pid_file, "-m", "512M", "-kernel", files / "vmlinuz", "-initrd", files / "initramfs.gz",
                     "-append", "console=ttyS0") as guest:
        guest.ends(PROMPT)
    pid = int(pid_file.read_text())
    try:
        assert "vireo" in os.readlink(f"/proc/{pid}/exe"), "the file names another process"
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + PROMPT
        while pid_file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not pid_file.exists(), "the file is still there"
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@guest_test("idle")
def idle(bench):
    """An idle guest whose standard input has ended costs next to nothing."""
    with bench.linux() as guest:
        guest.process.stdin.close()
        guest.expect(READY, BOOT)
        time.sleep(2)
        before, seconds = cpu_seconds(guest.process), 10
        time.sleep(seconds)
        cost = (cpu_seconds(guest.process) - before) / seconds
        assert cost < 0.02, f"it takes {100 * cost:.1f} % of a core"
