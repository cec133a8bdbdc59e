"""Programs that have to print in the guest what they print on the host."""

import platform
import subprocess
import sys
from pathlib import Path

from registry import READY, ROOT, Skip, guest_test, linux_files
from toolchain import make

sys.path.append(str(ROOT / "scripts/guest"))
from initramfs import Archive  # noqa: E402

BOOT, RUN = 120, 60


def with_program(program, output):
    """The initramfs with the program in its root: the kernel takes archives one behind the other."""
    more = Archive()
    more.file(program.name, program.read_bytes(), 0o755)
    output.write_bytes((linux_files() / "initramfs.gz").read_bytes() + more.packed())
    return output


def compiled(bench, name, *flags):
    if platform.machine() != "x86_64":
        raise Skip("needs an x86-64 host to compile for")
    program = bench.folder / name
    make("gcc", "-O1", "-static", *flags, "-o", program, ROOT / f"tests/guest/programs/{name}.c")
    return program


def prints(bench, program, expected, arguments=()):
    with bench.linux(*arguments, initrd=with_program(program, bench.folder / "initramfs.gz")) as guest:
        guest.expect(READY, BOOT)
        guest.type(f"/{program.name}")
        guest.expect(expected, RUN)


def same_as_on_host(bench, name, *flags, arguments=()):
    program = compiled(bench, name, *flags)
    expected = subprocess.run([program], capture_output=True, check=True, text=True).stdout.strip()
    assert expected, f"{name} printed nothing on the host"
    prints(bench, program, expected, arguments)


@guest_test("program-x87")
def program_x87(bench):
    """x87 instructions with all control words, beside MMX, across pages, and with exceptions unmasked."""
    same_as_on_host(bench, "x87")


@guest_test("program-avx")
def program_avx(bench):
    """AVX2, FMA, F16C, BMI and ADX in a compiled program, with signals, page borders and other processes."""
    wanted = {"avx2", "fma", "f16c", "bmi1", "bmi2", "adx"}
    if not wanted <= set(Path("/proc/cpuinfo").read_text().split()):
        raise Skip("the host's processor lacks AVX2 or what came with it")
    flags = ("-mavx2", "-mfma", "-mf16c", "-mbmi", "-mbmi2", "-madx")
    same_as_on_host(bench, "avx", *flags, arguments=("-cpu", "max"))


@guest_test("program-pkeys")
def program_pkeys(bench):
    """Protection keys under Linux: refused accesses are signals; PKRU follows WRPKRU, signals and processes."""
    prints(bench, compiled(bench, "pkeys"), "pkeys: 8000 refused, 0 wrong", ("-cpu", "max"))
