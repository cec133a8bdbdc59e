"""What the monitor, on C-a c of the serial console, does to a guest; and how guests' panics end."""

import socket
import time

from registry import READY, guest_test

BOOT = 120
COMMAND = 30
SWITCH = b"\x01c"


def monitor(guest, command):
    """Gives one command to the monitor and returns to the console."""
    guest.process.stdin.write(SWITCH)
    guest.expect(r"\(vireo\) ", COMMAND)
    guest.type(command)
    guest.expect(r"\(vireo\) ", COMMAND)
    guest.process.stdin.write(SWITCH)


@guest_test("sendkey")
def sendkey(bench):
    """Keys sent by the monitor arrive: C-A-Del makes the kernel reboot."""
    with bench.linux() as guest:
        guest.expect(READY, BOOT)
        monitor(guest, "sendkey ctrl-alt-delete")
        guest.ends(COMMAND)


@guest_test("machine-check")
def machine_check(bench):
    """mce reaches the guest: a corrected error is found behind a reset, an uncorrected one is Linux's panic."""
    with bench.linux(append="mce=1,0 mce=print_all mce=bootlog panic=1") as guest:
        guest.expect(READY, BOOT)
        # Valid, enabled, with an address; Linux looks for corrected errors when it boots, and then every five minutes.
        monitor(guest, "stop")  # the CPU never gets to see it
        monitor(guest, "mce 0 3 0x9400000000000136 0 0x23456000 0")
        monitor(guest, "system_reset")
        monitor(guest, "cont")
        guest.expect("(?i)ADDR 23456000", BOOT)
        guest.expect(READY, BOOT)
        # Valid, uncorrected, enabled, with an address; the processor's context is corrupt.
        monitor(guest, "mce 0 2 0xb600000000000135 5 0x12345000 0")
        guest.expect("Machine Check", COMMAND)
        guest.expect("(?i)ADDR 12345000", COMMAND)
        guest.expect("Kernel panic - not syncing: Fatal", COMMAND)


@guest_test("power-button")
def power_button(bench):
    """system_powerdown reaches the guest as ACPI's power button."""
    with bench.linux() as guest:
        guest.expect(READY, BOOT)
        guest.run("modprobe button && grep -q 'Power Button' /proc/bus/input/devices", COMMAND)
        guest.type("event=$(grep -A4 'Power Button' /proc/bus/input/devices | grep -o 'event[0-9]*')")
        guest.type("(head -c 24 /dev/input/$event >/tmp/press && echo the button was pressed) & sleep 1; echo waiting")
        guest.expect(r"(?m)^waiting", COMMAND)
        monitor(guest, "system_powerdown")
        guest.expect("the button was pressed", COMMAND)


@guest_test("monitor-reset")
def monitor_reset(bench):
    """A reset amid disk reads starts the guest anew, ten times in a row."""
    image = bench.folder / "image"
    image.write_bytes(bytes(64 << 20))
    read = "dd if=/dev/vda of=/dev/null bs=1M iflag=direct"
    with bench.linux("-drive", f"file={image},if=virtio,format=raw",
                     append=f'vireo.run="echo reading; while true; do {read} 2>/dev/null; done"') as guest:
        for _ in range(10 if bench.full else 2):
            guest.expect(READY, BOOT)
            guest.expect("reading", COMMAND)
            monitor(guest, "system_reset")
        guest.expect(READY, BOOT)


@guest_test("screendump")
def screendump(bench):
    """screendump writes the firmware's screen as PNG and as PPM."""
    picture, pixels = bench.folder / "screen.png", bench.folder / "screen"
    with bench.guest("-display", "none", "-monitor", "stdio") as guest:
        guest.expect(r"\(vireo\) ", COMMAND)
        deadline = time.monotonic() + COMMAND * guest.patience
        while not (pixels.exists() and shows_text(pixels.read_bytes())):
            assert time.monotonic() < deadline, "the firmware shows nothing"
            time.sleep(0.5)
            guest.type(f"screendump {pixels} -f ppm")
            guest.expect(r"\(vireo\) ", COMMAND)
        guest.type(f"screendump {picture}")
        guest.expect(r"\(vireo\) ", COMMAND)
        guest.type("quit")
        guest.ends(COMMAND)
    assert picture.read_bytes()[:4] == b"\x89PNG", "that is no PNG"


def shows_text(ppm):
    """Whether a picture of 8-bit PPM is wide enough for a screen of text, and not empty."""
    kind, width, _, _, pixels = ppm.split(maxsplit=4)
    assert kind == b"P6", f"that is no PPM: {ppm[:20]}"
    return int(width) >= 640 and any(pixels)


def greeted_answer(guest, path, words, hang_up=False):
    """What a client of the socket reads behind the prompt that greets it, after its words."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(COMMAND * guest.patience)
        client.connect(str(path))
        greeting = b""
        while not greeting.endswith(b"(vireo) "):
            chunk = client.recv(4096)
            assert chunk, greeting
            greeting += chunk
        client.sendall(words)
        return b"" if hang_up else b"".join(iter(lambda: client.recv(4096), b""))


@guest_test("monitor-socket")
def monitor_socket(bench):
    """A monitor on a socket that, by a negated switch, does not wait for its clients, and greets each."""
    path = bench.folder / "monitor"
    with bench.guest("-display", "none", "-monitor", f"unix:{path},server,nowait") as guest:
        deadline = time.monotonic() + COMMAND * guest.patience
        while not path.exists():
            assert time.monotonic() < deadline, "there is no socket"
            time.sleep(0.1)
        assert greeted_answer(guest, path, b"left behind", hang_up=True) == b""
        answer = greeted_answer(guest, path, b"info status\nquit\n")
        assert b"status: running" in answer, answer
        guest.ends(COMMAND)


PANIC = "modprobe pvpanic-mmio; echo c >/proc/sysrq-trigger"


@guest_test("panic")
def panic(bench):
    """A kernel that panics tells pvpanic, and -action panic= says what that leads to."""
    for action, code in (("shutdown", 0), ("exit-failure", 1)):
        with bench.linux("-device", "pvpanic", "-action", f"panic={action}", append=f'vireo.run="{PANIC}"') as guest:
            guest.expect("kernel panicked", BOOT)
            guest.ends(COMMAND, code=code)
    with bench.linux("-device", "pvpanic", "-action", "panic=pause", append=f'vireo.run="{PANIC}"') as guest:
        guest.expect("kernel panicked", BOOT)
        guest.process.stdin.write(SWITCH)
        guest.type("info status")
        guest.expect("VM status: paused", COMMAND)
