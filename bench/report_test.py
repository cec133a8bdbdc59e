#!/usr/bin/env python3
"""Proves the arithmetic of the report, that differing results are told, and that a chart shows what was measured."""

import base64
import gzip
import os
import re
import shutil
import tempfile
import time
import unittest
import xml.etree.ElementTree
from pathlib import Path
from unittest import mock

import chart
import flame
import growth
import machines
import profile_graph
import report
import symbols
import workloads
from image import HERE


class FakeRecord:
    def __init__(self, samples, checksums=None):
        self.samples, self.checksums = samples, checksums or {}
        self.failures, self.clock_errors = [], []


RECORDS = {
    "native": FakeRecord({"queens": [0.1, 0.2, 0.1], "tree": [0.5]}),
    "peer": FakeRecord({"queens": [0.9, 0.8, 0.8], "tree": [1.0]}),
    "vireo": FakeRecord({"queens": [0.2], "tree": [1.0]}),
}


class Report(unittest.TestCase):
    def test_rows_compare_medians(self):
        queens, tree = report.rows_of(["queens", "tree"], RECORDS, {"tree": 3.0})
        self.assertAlmostEqual(queens.slowdown["peer"], 8)
        self.assertAlmostEqual(queens.slowdown["vireo"], 2)
        self.assertAlmostEqual(queens.times_peer, 4)
        self.assertIsNone(queens.times_before)
        self.assertAlmostEqual(tree.times_before, 3)

    def test_mean_skips_what_is_missing(self):
        self.assertAlmostEqual(report.geometric_mean([2, None, 8]), 4)
        self.assertIsNone(report.geometric_mean([None]))

    def test_table_has_a_line_for_the_mean(self):
        lines = report.table(["queens", "tree"], RECORDS, {}).splitlines()
        mean = next(line for line in lines if line.startswith("= all"))
        self.assertEqual(mean.split()[5:8], ["4.00", "2.00", "2.00"])

    def test_missing_machine_leaves_a_dash(self):
        records = {"native": RECORDS["native"], "vireo": FakeRecord({})}
        self.assertIn("-", report.table(["queens"], records, {}).splitlines()[1].split())

    def test_differing_results_are_a_problem(self):
        same = {"native": FakeRecord({}, {"queens": {"1f"}}), "vireo": FakeRecord({}, {"queens": {"1f"}})}
        self.assertEqual(list(report.problems(same)), [])
        same["vireo"].checksums["queens"] = {"20"}
        self.assertIn("queens: results differ", next(report.problems(same)))

    def test_chart_is_xml_with_a_bar_an_emulator(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "chart.svg"
            self.assertTrue(chart.draw(path, ["queens", "tree"], RECORDS, {"peer": "A & B", "vireo": "Vireo"}))
            bars = [e for e in xml.etree.ElementTree.parse(path).iter() if e.get("fill") == chart.COLOURS["vireo"]]
            self.assertEqual(len(bars), 4)  # two workloads, the mean, the legend
            told = chart.make_png(path)
            if shutil.which("rsvg-convert"):
                self.assertEqual(told, "chart.png")
                self.assertEqual(path.with_suffix(".png").read_bytes()[:4], b"\x89PNG")
            else:
                self.assertIn("librsvg2-bin", told)
            self.assertFalse(chart.draw(Path(folder) / "none.svg", ["queens"], {"native": RECORDS["native"]}, {}))


class Workloads(unittest.TestCase):
    def test_programs_have_the_names_of_the_table(self):
        listed = re.findall(r'{"([a-z0-9-]+)", ', (HERE / "programs/main.c").read_text(encoding="utf-8"))
        own = [w.name for w in workloads.WORKLOADS if not w.program]
        self.assertEqual(sorted(listed), sorted({*own, *(name for name, _ in workloads.GROWTH.values())}))

    def test_speed_knows_its_rows(self):
        cases = re.findall(r"^  ([a-z-]+)\)$", (HERE / "guest/scripts/speed.sh").read_text(encoding="utf-8"), re.MULTILINE)
        self.assertEqual(cases, [w.name for w in workloads.WORKLOADS if "speed.sh" in w.program])

    def test_only_the_warm_row_has_a_run_before(self):
        self.assertEqual([w.name for w in workloads.WORKLOADS if " again " in w.command()], ["gcc-warm"])


class Machines(unittest.TestCase):
    def test_processor_time_is_finer_than_ticks(self):
        begin, own = machines.processor_seconds(os.getpid()), time.process_time()
        while time.process_time() < own + 0.002:
            pass
        self.assertAlmostEqual(machines.processor_seconds(os.getpid()) - begin, time.process_time() - own, delta=0.001)


class Growth(unittest.TestCase):
    def test_sizes_compare_with_the_smallest(self):
        native, own = {"fork-1": 5.0, "fork-10": 6.0}, {"fork-1": 100.0, "fork-10": 150.0}
        lines = list(growth.lines_of(["fork"], [1, 10], str, native, own))
        self.assertEqual(lines[0], "| fork and exit among processes | 1 | 5.0 | 100.0 | 1.00 |")
        self.assertEqual(lines[1], "| fork and exit among processes | 10 | 6.0 | 150.0 | 1.50 |")


    def test_code_runs_again_in_each_cache(self):
        with mock.patch.object(growth, "values", lambda machine, rows: (dict.fromkeys(rows, 2.0), None)):
            lines = list(growth.code_lines(None, machines.Emulator("vireo", "", "", None)))
        for cache in (growth.SMALL_CACHE, growth.LARGE_CACHE):
            self.assertIn(f"| a block, run again | 100 MB in a cache of {cache} MiB | 2.0 | 2.0 | 1.00 |", lines)


KALLSYMS = b"ffffffff81000000 T startup_64\nffffffff81000200 t idle\nffffffff82000000 D data\n"
LOG = """time                2.000 s, 100 samples
  translated code                 40.0%
  helpers                         10.0%
  idle                            50.0%
  (of all: in the host's kernel)   3.0%
hottest blocks
   30.0% guest-kernel:0xffffffff81000210 samples=30 instructions=3 guest_bytes=9 host_bytes=99
   10.0% guest-user:0x7ffff0002345 samples=10 instructions=3 guest_bytes=9 host_bytes=99
"""


class Profile(unittest.TestCase):
    def setUp(self):
        kernel = symbols.of_kernel(base64.b64encode(gzip.compress(KALLSYMS)))
        self.guest = symbols.Guest(Path("/"), kernel, ["7ffff0000000-7ffff0009000 r-xp 00001000 00:02 77 /no/such"])

    def test_addresses_have_names(self):
        self.assertEqual(self.guest.path(False, 0xffffffff81000210), ("guest kernel", "idle"))
        self.assertEqual(self.guest.path(False, 0x1234), ("guest kernel", "page 0x1000"))
        self.assertEqual(self.guest.path(True, 0x7ffff0002345), ("guest programs", "/no/such", "page 0x3000"))
        self.assertEqual(self.guest.path(True, 0x1234), ("guest programs", "others", "page 0x1000"))
        table = symbols.Table([(0x100, 0x10, "a"), (0x200, 0, "b")])
        self.assertEqual([table.find(a) for a in (0xff, 0x10f, 0x110, 0x1100, 0x5000)], [None, "a", None, "b", None])

    def test_samples_have_stacks(self):
        stack = profile_graph.stack_of
        self.assertEqual(stack("guest-kernel:0xffffffff81000004", "/tmp/perf-1.map", self.guest),
                         ("translated code", "guest kernel", "startup_64"))
        self.assertEqual(stack("vireo::accel::TcgVcpu::run()", "/x/vireo", self.guest), ("Vireo", "accel", "TcgVcpu::run"))
        self.assertEqual(stack("do_futex", "[kernel.kallsyms]", self.guest), ("host kernel", "do_futex"))
        self.assertEqual(stack("memcpy", "/lib/libc.so.6", self.guest), ("libraries", "memcpy"))

    def test_log_stands_for_samples(self):
        root = flame.tree("all", profile_graph.stacks_of_log(LOG, self.guest))
        self.assertAlmostEqual(root.samples, 100)
        self.assertAlmostEqual(root.inner["Vireo"].samples, 20)
        self.assertAlmostEqual(root.inner["translated code"].inner["other blocks"].samples, 40)

    def test_flame_graph_shows_each_wide_enough(self):
        root = flame.tree("<all>", [(("a", "b"), 70), (("a", "c"), 30), (("d",), 0.001)])
        drawn = xml.etree.ElementTree.fromstring(flame.draw(root, "title"))
        titles = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}title")]
        self.assertEqual(titles, ["<all>: 100.0% (100)", "a: 100.0% (100)", "b: 70.0% (70)", "c: 30.0% (30)"])


if __name__ == "__main__":
    unittest.main()
