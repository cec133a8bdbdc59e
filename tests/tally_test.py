#!/usr/bin/env python3
"""Proves that the summary counts what the runners report, and that nothing passes silently."""

import contextlib
import io
import unittest

from tally import Tally, count_meson

GTEST = """[==========] Running 4 tests from 1 test suite.
[ RUN      ] Clock.runs
[       OK ] Clock.runs (0 ms)
[ RUN      ] Clock.stops
clock_test.cc:10: Failure
[  FAILED  ] Clock.stops (1 ms)
[ RUN      ] Clock.counts/1
[  FAILED  ] Clock.counts/1, where GetParam() = 3 (0 ms)
[ RUN      ] Clock.host
clock_test.cc:20: Skipped
the host has no clock

[  SKIPPED ] Clock.host (0 ms)
[==========] 4 tests from 1 test suite ran. (2 ms total)
[  PASSED  ] 1 test.
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Clock.host
[  FAILED  ] 2 tests, listed below:
[  FAILED  ] Clock.stops
[  FAILED  ] Clock.counts/1, where GetParam() = 3
"""


def counted(verdict, output):
    tally = Tally()
    count_meson(tally, {"name": "core", "result": verdict, "stdout": output})
    return tally


class TallyTest(unittest.TestCase):
    def test_single_tests_of_a_program(self):
        tally = counted("FAIL", GTEST)
        self.assertEqual(tally.passed, 1)
        self.assertEqual(tally.failed, ["core: Clock.stops", "core: Clock.counts/1"])
        self.assertEqual(tally.skipped, [("core: Clock.host", "the host has no clock")])

    def test_a_program_that_dies_fails(self):
        self.assertEqual(counted("FAIL", GTEST[:200]).failed, ["core (fail)"])
        self.assertEqual(counted("TIMEOUT", GTEST).failed, ["core (timeout)"])
        clean = "[==========] 2 tests from 1 test suite ran. (2 ms total)\n"
        self.assertEqual(counted("OK", clean).passed, 2)
        self.assertEqual(counted("FAIL", clean).failed, ["core"])  # as when a sanitizer speaks at the end

    def test_other_programs(self):
        self.assertEqual(counted("OK", "clean\n").passed, 1)
        self.assertEqual(counted("SKIP", "x\nno clang-format here\n").skipped, [("core", "no clang-format here")])

    def test_the_last_line(self):
        with contextlib.redirect_stdout(io.StringIO()) as output:
            self.assertEqual(counted("FAIL", GTEST).report(), 1)
            self.assertEqual(counted("OK", "").report(), 0)
        lines = output.getvalue().splitlines()
        self.assertIn("1 passed, 2 failed, 1 skipped", lines)
        self.assertEqual(lines[-1], "1 passed, 0 failed, 0 skipped")


if __name__ == "__main__":
    unittest.main()
