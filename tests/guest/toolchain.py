"""Makes guests of sources with the host's programs."""

import subprocess

from registry import ROOT, Skip


def make(*command, folder=None):
    """Runs a command; skips the test if this host cannot."""
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd=folder)
    if result.returncode != 0:
        raise Skip(f"{command[0]} cannot make the guest here: {result.stderr.strip().splitlines()[-1:]}")


def make_boot_sector(name, folder):
    """The bytes of tests/guest/programs/NAME.S."""
    code, parts = folder / f"{name}.bin", folder / f"{name}.o"
    make("as", "--32", "-o", parts, ROOT / f"tests/guest/programs/{name}.S")
    make("ld", "-m", "elf_i386", "-Ttext=0x7c00", "--oformat", "binary", "-o", code, parts)
    return code.read_bytes()
