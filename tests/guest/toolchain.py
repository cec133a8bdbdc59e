"""Makes guests of sources with the host's programs."""

import subprocess

from registry import Skip


def make(*command, folder=None):
    """Runs a command; skips the test if this host cannot."""
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, cwd=folder)
    if result.returncode != 0:
        raise Skip(f"{command[0]} cannot make the guest here: {result.stderr.strip().splitlines()[-1:]}")
