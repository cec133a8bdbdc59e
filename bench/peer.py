"""Finds the emulator to compare with: QEMU, at best version 10 or later, and fetches it on request."""

import re
import shutil
import subprocess
import sys

from image import CACHE, run

FOLDER = CACHE / "peer"
COMMAND = FOLDER / "qemu-system-x86_64"
PROGRAM = "qemu-system-x86_64"
WANTED = 10
MIRROR = "http://deb.debian.org/debian"
SUITE = "bookworm-backports"


def version(command):
    """The version as text, or None when the command does not run."""
    try:
        result = subprocess.run([str(command), "--version"], capture_output=True, text=True, check=False, timeout=20)
    except OSError:
        return None
    found = re.search(r"version (\d+\.\d+\S*)", result.stdout)
    return found[1] if found else None


def find(given):
    """(command, version); (None, reason) when there is none."""
    if given:
        found = version(given)
        return (given, found) if found else sys.exit(f"bench: --peer {given}: does not run or tells no version")
    candidates = [(c, version(c)) for c in (COMMAND, shutil.which(PROGRAM)) if c is not None]
    candidates = [(c, v) for c, v in candidates if v]
    if not candidates:
        return None, "no QEMU here (--install-peer fetches one)"
    return max(candidates, key=lambda c: int(c[1].split(".")[0]) >= WANTED)


def _fetch(apt, folder):
    run(*apt, "update")
    run(*apt, "-t", SUITE, "-y", "--no-install-recommends", "--download-only", "--reinstall", "install",
        "qemu-system-x86")
    for package in sorted((folder / "archives").glob("*.deb")):
        run("dpkg-deb", "-x", package, folder / "root")


def install():
    """Unpacks QEMU from Debian's backports into the cache. The system's own packages and lists stay as they are."""
    if version(COMMAND):
        return
    print(f"==> fetching QEMU from {SUITE}", flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    for part in ("lists/partial", "archives/partial", "sources", "root"):
        (FOLDER / part).mkdir(parents=True)
    lines = [f"deb {MIRROR} {suite} main\n" for suite in ("bookworm", SUITE)]
    (FOLDER / "sources/peer.list").write_text("".join(lines))
    settings = {"Dir::Etc::SourceList": "/dev/null", "Dir::Etc::SourceParts": FOLDER / "sources",
                "Dir::State::Lists": FOLDER / "lists", "Dir::Cache": FOLDER, "Debug::NoLocking": 1,
                "APT::Sandbox::User": "root"}
    _fetch(["apt-get", *(f"-o{key}={value}" for key, value in settings.items())], FOLDER)
    root = FOLDER / "root"
    libraries = f"{root}/usr/lib/x86_64-linux-gnu"
    firmware = " ".join(f"-L {root}/usr/{folder}" for folder in ("share/qemu", "share/seabios", "lib/ipxe/qemu"))
    COMMAND.write_text(f"#!/bin/sh\nexport QEMU_MODULE_DIR={libraries}/qemu\n"
                       f"export LD_LIBRARY_PATH={libraries}:{root}/lib/x86_64-linux-gnu\n"
                       f"exec {root}/usr/bin/{PROGRAM} {firmware} \"$@\"\n")
    COMMAND.chmod(0o755)
    if not version(COMMAND):
        sys.exit(f"bench: {COMMAND} does not run")
