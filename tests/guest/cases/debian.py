"""The full Debian disk, through SeaBIOS and GRUB."""

import subprocess

from packages import unpacked
from registry import guest_test, needs
from toolchain import make

BOOT = 600
COMMAND = 120
PROGRAM = r"""printf '%s\n' '#include <stdio.h>' 'int main(void) {' ' int s = 0;' \
 ' for (int i = 1; i <= 100; i++) s += i;' ' printf("sum %d\n", s);' ' return 0;' '}' >sum.c"""

# Hashes, ciphers there and back, and a MAC: as the processor's features allow, and in plain integer code.
CIPHERS = r"""f=/usr/bin/python3; key="-pbkdf2 -S 0011223344556677 -k vireo"
all() { for d in sha1 sha256 sha512; do openssl dgst -$d $f; done
for c in aes-128-cbc aes-192-cfb aes-256-ctr; do openssl enc -$c $key -in $f >made; openssl dgst -md5 made
openssl enc -d -$c $key -in made | cmp - $f; done
openssl mac -macopt hexkey:00112233445566778899aabbccddeeff -macopt hexiv:0123456789abcdef01234567 -cipher AES-128-GCM -in $f GMAC; }
all >with && OPENSSL_ia32cap=0:0 all >without && test $(wc -l <with) = 7 && cmp with without"""

# pi by Machin's formula in whole numbers, against the C library's.
PI = """python3 -c 'import fractions, math, struct
arctan = lambda n: sum(fractions.Fraction((-1) ** k, (2 * k + 1) * n ** (2 * k + 1)) for k in range(30))
assert struct.calcsize("P") == 4 and float(16 * arctan(5) - 4 * arctan(239)) == 4 * math.atan(1)'"""

# What `openssl speed -mr` says of each algorithm: a line of its kind, with rates.
SPEED = {"sha256": "F:", "sha512": "F:", "aes-128-cbc": "F:", "ghash": "F:", "rsa2048": "F2:", "ecdsap256": "F4:",
         "ecdhx25519": "F5:", "ed25519": "F6:"}
SPEED_FAILS = "failure|match|error[^=]"

# Without those of its libraries that the disk has.
STRESS_NG = ("stress-ng", "libapparmor1", "libbsd0", "libegl1", "libgbm1", "libgles2", "libglvnd0", "libipsec-mb1",
             "libjpeg62-turbo", "libjudydebian1", "libkmod2", "libmd0", "libsctp1", "libxxhash0", "libdrm2", "libexpat1",
             "libwayland-server0")


def log_in(guest):
    guest.expect("login: ", BOOT)
    guest.type("root")
    guest.expect("root@vireo-guest", COMMAND)
    guest.run("stty -echo; bind 'set enable-bracketed-paste off'", COMMAND)


def power_off(guest):
    guest.type("poweroff")
    guest.ends(BOOT)


def start(bench, image, interface, *more):
    return bench.guest(*more, "-nographic", "-m", "1G", "-no-reboot", "-drive", f"file={image},if={interface},format=raw",
                       "-nic", "user,model=virtio-net-pci")


def check_file_system(image):
    """fsck on the host: nothing may want mending."""
    result = subprocess.run(["e2fsck", "-fn", f"{image}?offset=1048576"], capture_output=True, text=True)
    assert result.returncode == 0, f"fsck ended with {result.returncode}:\n{result.stdout}"


def no_unit_fails(guest):
    guest.type("systemctl --failed --no-legend --plain | wc -l | sed 's/^/failed units: /'")
    guest.expect("failed units: 0", COMMAND)


def boots_and_keeps_files(bench, interface):
    needs("e2fsck")
    image = bench.disk()
    with start(bench, image, interface) as guest:
        log_in(guest)
        no_unit_fails(guest)
        guest.run("echo kept >/root/kept", COMMAND)
        power_off(guest)
    check_file_system(image)
    with start(bench, image, interface) as guest:
        log_in(guest)
        guest.run("test $(cat /root/kept) = kept", COMMAND)
        power_off(guest)
    check_file_system(image)


@guest_test("debian-ide")
def debian_ide(bench):
    """Debian boots from IDE to login, no unit fails, a file survives power-off, fsck is clean."""
    boots_and_keeps_files(bench, "ide")


@guest_test("debian-virtio")
def debian_virtio(bench):
    """Debian boots from virtio-blk to login, no unit fails, a file survives power-off, fsck is clean."""
    boots_and_keeps_files(bench, "virtio")


def boots_on_32_bits(bench, *cpu):
    needs("e2fsck")
    image = bench.disk("i386")
    with start(bench, image, "virtio", *cpu) as guest:
        log_in(guest)
        guest.run("test $(uname -m) = i686 && uname -r | grep -q 686-pae", COMMAND)
        guest.run("test $(dpkg --print-architecture) = i386 && test $(getconf LONG_BIT) = 32", COMMAND)
        guest.run("ip addr show eth0 | grep -q 'inet 10.0.2.15'", COMMAND)
        guest.run("test $(perl -e 'print 3 ** 21 / 7') = 1494336171.85714", COMMAND)
        guest.run(PI, COMMAND)
        no_unit_fails(guest)
        power_off(guest)
    check_file_system(image)


@guest_test("debian-i386")
def debian_i386(bench):
    """Debian of i386 boots its PAE kernel to login, no unit fails, its programs compute, fsck is clean behind power-off."""
    boots_on_32_bits(bench)


@guest_test("debian-i386-pentium3")
def debian_i386_pentium3(bench):
    """The same on a processor without long mode and SSE2."""
    boots_on_32_bits(bench, "-cpu", "pentium3")


@guest_test("debian-gcc")
def debian_gcc(bench):
    """gcc compiles a program in the guest, and the program runs."""
    with start(bench, bench.disk(), "virtio") as guest:
        log_in(guest)
        guest.run(PROGRAM, COMMAND)
        guest.run("gcc -O2 -Wall -o sum sum.c", 2 * COMMAND)
        guest.type("./sum")
        guest.expect("sum 5050", COMMAND)
        guest.holds_little()
        power_off(guest)


@guest_test("debian-python")
def debian_python(bench):
    """python3's own tests of json, math, cmath, struct, float, complex and int pass in the guest."""
    python_tests(bench, "json", "math", "cmath", "struct", "float", "complex", "int")


@guest_test("debian-python-numbers")
def debian_python_numbers(bench):
    """python3's own tests of its libraries for numbers pass in the guest."""
    python_tests(bench, "decimal", "fractions", "statistics", "random", "long", "numeric_tower", "array", "hash", "strtod")


def python_tests(bench, *names):
    with start(bench, bench.disk(), "virtio") as guest:
        log_in(guest)
        tests = " ".join(f"test_{name}" for name in names)
        guest.run(f"python3 -m test --verbose3 {tests}", 20 * COMMAND)
        power_off(guest)


@guest_test("debian-openssl")
def debian_openssl(bench):
    """openssl's hashes and ciphers give the same with AES, PCLMULQDQ, SHA and AVX2 instructions and without."""
    with start(bench, bench.disk(), "virtio", "-cpu", "max") as guest:
        log_in(guest)
        guest.run("grep -wq sha_ni /proc/cpuinfo && grep -wq vaes /proc/cpuinfo", COMMAND)
        guest.run(CIPHERS, 2 * COMMAND)
        power_off(guest)


def speed(guest):
    """Runs `openssl speed`, which checks what it signs, verifies and derives: nothing may fail, and all have to give a rate."""
    guest.run(f"openssl speed -mr -seconds 1 -bytes 1024 {' '.join(SPEED)} >speed 2>errors", 20 * COMMAND)
    guest.run(f"! grep -Ei '{SPEED_FAILS}|nan|inf|:0[.]0*$' speed errors", COMMAND)
    kinds = list(SPEED.values())
    for kind in set(kinds):
        guest.run(f"test $(grep -Ec '^[+]{kind}.*:[0-9.]+$' speed) = {kinds.count(kind)}", COMMAND)


@guest_test("debian-openssl-speed")
def debian_openssl_speed(bench):
    """openssl speed runs hashes, ciphers, signatures and key exchanges, finds them right, and gives a rate for each."""
    with start(bench, bench.disk(), "virtio", "-cpu", "max") as guest:
        log_in(guest)
        speed(guest)
        if bench.full:
            guest.run("export OPENSSL_ia32cap=0:0", COMMAND)
            speed(guest)
            guest.run("openssl speed -seconds 1 -bytes 16384 >all 2>&1", 20 * COMMAND)
            guest.run(f"! grep -Ei '{SPEED_FAILS}' all", COMMAND)
        power_off(guest)


@guest_test("debian-ctypes")
def debian_ctypes(bench):
    """python3's own test of ctypes passes in the guest."""
    with start(bench, bench.disk(), "virtio") as guest:
        log_in(guest)
        guest.run("python3 -m test test_ctypes", 10 * COMMAND)
        power_off(guest)


@guest_test("debian-stress-ng")
def debian_stress_ng(bench):
    """stress-ng verifies what its CPU, vector, floating-point and memory methods compute."""
    archive = bench.folder / "stress-ng.tar"
    packages = [unpacked(name) for name in STRESS_NG]
    make("tar", "-cf", archive, *(word for tree in packages for word in ("-C", tree, ".")))
    # Behind the disk that it boots from.
    drive = f"file={bench.disk()},if=virtio,format=raw"
    with bench.guest("-nographic", "-m", "1G", "-no-reboot", "-cpu", "max", "-drive", drive, "-drive",
                     f"file={archive},if=virtio,format=raw,readonly=on") as guest:
        log_in(guest)
        guest.run("mkdir stress && tar -xf /dev/vdb -C stress", COMMAND)
        guest.run("export LD_LIBRARY_PATH=$PWD/stress/usr/lib/x86_64-linux-gnu:$PWD/stress/lib/x86_64-linux-gnu", COMMAND)
        for stressor in ("cpu", "vecmath", "fp", "vm"):
            guest.run(f"stress/usr/bin/stress-ng --verify --{stressor} 1 --{stressor}-ops 200 --timeout 120", 4 * COMMAND)
        power_off(guest)
