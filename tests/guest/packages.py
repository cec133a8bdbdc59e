"""Debian packages of any architecture, fetched from the mirror and unpacked into the cache."""

import hashlib
import lzma
import os
import shutil
import tempfile
import urllib.request
from functools import cache
from pathlib import Path

from registry import Skip
from toolchain import make

MIRROR = os.environ.get("VIREO_DEBIAN_MIRROR", "http://deb.debian.org/debian")
RELEASE = "bookworm"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vireo/packages"
PATIENCE = 60  # seconds of silence from the mirror


def fetch(path):
    try:
        with urllib.request.urlopen(f"{MIRROR}/{path}", timeout=PATIENCE) as answer:
            return answer.read()
    except OSError as error:
        raise Skip(f"{MIRROR}/{path} cannot be had here: {error}") from None


@cache
def index(architecture):
    """The fields of each package of an architecture, by its name."""
    packages = {}
    for stanza in lzma.decompress(fetch(f"dists/{RELEASE}/main/binary-{architecture}/Packages.xz")).decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if line[:1] > " " and ": " in line)
        if fields:
            packages[fields["Package"]] = fields
    return packages


def fields_of(name, architecture):
    if name not in index(architecture):
        raise Skip(f"Debian has no package {name}:{architecture}")
    return index(architecture)[name]


def unpacked(name, architecture="amd64"):
    """A package's files, without those that it depends on."""
    tree = CACHE / architecture / name
    if not tree.is_dir():
        package = fields_of(name, architecture)
        contents = fetch(package["Filename"])
        assert hashlib.sha256(contents).hexdigest() == package["SHA256"], f"{package['Filename']} is damaged"
        tree.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=tree.parent) as work:
            archive, new = Path(work) / "package.deb", Path(work) / "tree"
            archive.write_bytes(contents)
            make("dpkg-deb", "-x", archive, new)
            new.rename(tree)
    return tree


def kernel_tree(flavour, architecture, folder):
    """The newest kernel that linux-image-FLAVOUR stands for, and busybox, in one new folder."""
    kept = sorted((CACHE / architecture).glob(f"linux-image-[0-9]*-{flavour}"))
    name = kept[-1].name if kept else fields_of(f"linux-image-{flavour}", architecture)["Depends"].split()[0]
    for package in (name, "busybox-static"):
        shutil.copytree(unpacked(package, architecture), folder, symlinks=True, dirs_exist_ok=True)
    return folder
