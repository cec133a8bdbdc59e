"""Counts what passed, failed and was skipped, and says it at the end."""

import re


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def passes(self, count=1):
        self.passed += count

    def fails(self, name):
        self.failed.append(name)

    def skips(self, name, reason):
        self.skipped.append((name, reason or "no reason given"))

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def report(self):
        """Prints the summary; returns the exit code."""
        for name, reason in self.skipped:
            print(f"skipped: {name}: {reason}")
        for name in self.failed:
            print(f"failed: {name}")
        print(f"{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped", flush=True)
        return 1 if self.failed else 0


GTEST_TOTAL = re.compile(r"^\[==========\] (\d+) tests? from .* ran\.", re.MULTILINE)
GTEST_ENDING = re.compile(r"^\[  (SKIPPED |FAILED  )\] ([^\s,]+).* \(\d+ ms\)$", re.MULTILINE)
GTEST_SKIP_REASON = re.compile(r": Skipped\n(.*)\n")


def count_gtest(tally, program, output):
    """Adds the single tests of a GoogleTest program; returns False when the output is not one's."""
    total = GTEST_TOTAL.search(output)
    if total is None:
        return False
    start, passed = 0, int(total[1])
    for ending in GTEST_ENDING.finditer(output):
        name = f"{program}: {ending[2]}"
        if ending[1].startswith("FAILED"):
            tally.fails(name)
        else:
            reason = GTEST_SKIP_REASON.search(output, start, ending.start())
            tally.skips(name, reason[1].strip() if reason else "")
        passed -= 1
        start = ending.end()
    tally.passes(passed)
    return True


def count_meson(tally, result):
    """Adds one entry of Meson's testlog.json."""
    name, output, verdict = result["name"], result.get("stdout") or "", result["result"]
    before = len(tally.failed)
    if verdict in ("OK", "FAIL", "ERROR") and count_gtest(tally, name, output):
        if verdict != "OK" and len(tally.failed) == before:
            tally.fails(name)  # it died, or a sanitizer spoke, outside of any test
    elif verdict == "SKIP":
        tally.skips(name, output.strip().split("\n")[-1])
    elif verdict in ("OK", "EXPECTEDFAIL"):
        tally.passes()
    else:
        tally.fails(f"{name} ({verdict.lower()})")
