"""The list of files that the lints read, and the way they report."""

import os
import subprocess
import sys
from pathlib import Path

SKIPPED_FOLDERS = {".git", ".cache", "__pycache__"}


def root_from_arguments():
    """The tree to check: the argument, or the tree that holds this file."""
    if len(sys.argv) > 2:
        sys.exit(f"usage: {sys.argv[0]} [tree]")
    if len(sys.argv) == 2:
        return Path(sys.argv[1]).resolve()
    return Path(__file__).resolve().parents[2]


def _listed_by_git(root):
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None  # no git, or a tree owned by somebody else: walk it
    return [name.decode() for name in listing.split(b"\0") if name]


def _listed_by_walking(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS and not f.startswith("build")]
        for name in names:
            yield str((Path(folder) / name).relative_to(root))


def source_files(root, suffixes=None):
    """Paths relative to `root`, sorted; only those with one of the suffixes when given."""
    names = _listed_by_git(root)
    if names is None:
        names = _listed_by_walking(root)
    chosen = [n for n in names if suffixes is None or n.endswith(tuple(suffixes))]
    return sorted(n for n in set(chosen) if (root / n).is_file())


def read_text(path):
    """The text of a file, or None when it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def finish(name, problems, checked):
    """Prints the problems and ends the process: 0 when there are none."""
    for problem in problems:
        print(problem)
    verdict = f"{len(problems)} problem(s)" if problems else "clean"
    print(f"{name}: {checked} files, {verdict}")
    sys.exit(1 if problems else 0)
