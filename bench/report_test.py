#!/usr/bin/env python3
"""Proves the arithmetic of the report, that differing results are told, and that a chart shows what was measured."""

import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

import chart
import report


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
            self.assertFalse(chart.draw(Path(folder) / "none.svg", ["queens"], {"native": RECORDS["native"]}, {}))


if __name__ == "__main__":
    unittest.main()
