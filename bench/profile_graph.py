"""Where a workload's time goes in Vireo: samples from perf, or from the emulator's own profile, as a flame graph."""

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import flame
import symbols
from image import CACHE
from machines import server_for, vm

FREQUENCY = 997
START_LIMIT = 240
WORKLOAD_LIMIT = 120
SAMPLE = re.compile(r"^\s*([0-9a-f]+) (.*) \((.*)\)$")
GUEST_BLOCK = re.compile(r"guest-(user|kernel):0x([0-9a-f]+)")
HOTTEST = re.compile(r"^ +[0-9.]+% guest-(user|kernel):0x([0-9a-f]+) samples=(\d+) ")
SHARE = re.compile(r"^  (\S.*?) +([0-9.]+)%$")
STILL = "nokaslr norandmaps BENCH_MAPS=1 BENCH_WAIT=1"
SWITCH = "\x01c"  # between the guest's console and the monitor


def kernel_symbols(emulator):
    """Asked of a guest, once for each kernel."""
    status = emulator.image.kernel.stat()
    kept = CACHE / "bench" / f"kernel-symbols-{status.st_size}-{int(status.st_mtime)}"
    if not kept.is_file():
        command = emulator.command(1024, emulator.image.initramfs, "nokaslr bench.symbols bench.only=")
        with vm.Guest(*command) as guest:
            text = guest.expect(r"SYMBOLS\s+([A-Za-z0-9+/=\s]+)\sEND\s", START_LIMIT)[1]
        kept.write_bytes(b"".join(text.split()))
    return symbols.of_kernel(kept.read_bytes())


def layer_of(function):
    """("Vireo", layer, function) by the namespace."""
    words = function.split("(")[0].split("::")
    if words[0] != "vireo" or len(words) < 3:
        return ("libraries", function)
    return ("Vireo", words[1], "::".join(words[2:]))


def stack_of(name, library, guest):
    block = GUEST_BLOCK.match(name)
    if block:
        return ("translated code", *guest.path(block[1] == "user", int(block[2], 16)))
    if library.startswith("[kernel") or library.startswith("[guest.kernel"):
        return ("host kernel", name)
    if name == "[unknown]":
        return ("translated code", "ways into it and out of it") if "perf-" in library else ("libraries", library)
    return layer_of(name)


def stacks_of_perf(data, guest):
    listing = subprocess.run(["perf", "script", "-i", str(data), "-F", "ip,sym,dso"], capture_output=True, text=True,
                             check=True).stdout
    for sample in filter(None, map(SAMPLE.match, listing.splitlines())):
        yield stack_of(sample[2], sample[3], guest), 1


def stacks_of_log(text, guest):
    """From what -d perf wrote: shares of all time, and the hottest blocks in translated code. Waiting is left out."""
    total = int(re.search(r"(\d+) samples$", text, re.MULTILINE)[1])
    blocks = [(block[1] == "user", int(block[2], 16), int(block[3]))
              for block in filter(None, map(HOTTEST.match, text.splitlines()))]
    shares = {m[1]: float(m[2]) for m in filter(None, map(SHARE.match, text.splitlines()))}
    waiting = ("idle", "waiting for the machine lock", "not running")
    working = {name: share for name, share in shares.items() if name not in waiting and not name.startswith("(")}
    scale = total / max(sum(working.values()), 0.1)
    for user, address, samples in blocks:
        yield ("translated code", *guest.path(user, address)), samples
    translated = working.pop("translated code", 0) * scale - sum(samples for _, _, samples in blocks)
    yield ("translated code", "other blocks"), max(0, translated)
    for name, share in working.items():
        yield ("Vireo", name), share * scale


class Perf:
    """perf record beside a process."""

    def __init__(self, pid, data):
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY), "-p", str(pid), "-o", str(data)]
        self.data = data
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        time.sleep(1)  # it says nowhere when it has begun

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


class OwnProfile:
    """The emulator's, from now on: it writes that where it ends."""

    def __init__(self, guest):
        self.guest = guest
        guest.type(f"{SWITCH}profile_restart\n{SWITCH}")

    def stop(self):
        self.guest.type(SWITCH + "quit")


def run(emulator, name, output):
    """Writes output/profile-NAME.svg; returns its path."""
    output.mkdir(parents=True, exist_ok=True)
    with_perf = shutil.which("perf") is not None
    log, data = output / f"profile-{name}.log", output / f"profile-{name}.data"
    options = ["-perfmap"] if with_perf else ["-accel", "tcg,profile=on", "-d", "perf", "-D", log]
    with server_for([name], emulator.image) as port:
        append = f"{STILL} bench.only={name} BENCH_SERVER=10.0.2.2:{port}"
        command = emulator.command(1024, emulator.image.initramfs, append, port is not None)
        stacks, source = record([*command, *options], name, emulator, data if with_perf else None, log)
    root = flame.tree(name, stacks)
    path = output / f"profile-{name}.svg"
    path.write_text(flame.draw(root, f"{name}: {root.samples:.0f} samples of {source}"), encoding="utf-8")
    return path


def record(command, name, emulator, data, log):
    """Samples of perf in `data`, or, if that is None, of the emulator's `log`: stacks, and what they are of."""
    kernel = kernel_symbols(emulator)
    with vm.Guest(*command) as process:
        process.expect("READY", START_LIMIT)
        sampler = Perf(process.process.pid, data) if data else OwnProfile(process)
        process.type("")
        text = process.expect(rf"BEGIN {name}\s(?s:(.*))BENCH {name} (\S+)", WORKLOAD_LIMIT)
        sampler.stop()
        process.ends(60)
    maps = re.findall(r"^MAP (.*?)\s*$", text[1].decode(errors="replace"), re.MULTILINE)
    guest = symbols.Guest(emulator.image.tree, kernel, maps)
    if data is None:
        return list(stacks_of_log(log.read_text(encoding="utf-8", errors="replace"), guest)), "the emulator's profile"
    stacks = list(stacks_of_perf(data, guest))
    data.unlink()
    Path(f"/tmp/perf-{process.process.pid}.map").unlink(missing_ok=True)
    return stacks, "perf"
