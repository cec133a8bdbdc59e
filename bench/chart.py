"""Draws the slowdowns as an SVG bar chart with a logarithmic axis."""

import math
import shutil
import subprocess
from xml.sax.saxutils import escape

import report
import workloads

COLOURS = {report.PEER: "#b0b7c0", report.OWN: "#2f7fd6"}
WIDTH, LEFT, RIGHT, TOP, BOTTOM = 760, 120, 60, 58, 30
BAR, GAP, GROUP_GAP = 7, 5, 12
TICKS = (1, 2, 4, 10, 20, 40, 100, 200, 400, 1000)


class Chart:
    def __init__(self, emulators, largest):
        self.emulators = emulators
        self.largest = next((t for t in TICKS if t >= largest), largest)
        self.parts, self.y = [], TOP

    def x(self, slowdown):
        share = math.log(max(slowdown, 1)) / math.log(max(self.largest, 2))
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def text(self, x, y, content, size=11, anchor="start", colour="#333"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">'
                          f"{escape(content)}</text>")

    def rectangle(self, x, y, width, height, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{colour}"/>')

    def bars(self, label, slowdowns):
        height = BAR * len(self.emulators)
        self.text(LEFT - 6, self.y + height / 2 + 4, label, anchor="end")
        for index, emulator in enumerate(self.emulators):
            slowdown = slowdowns.get(emulator)
            if slowdown:
                y = self.y + index * BAR
                self.rectangle(LEFT, y, max(1, self.x(slowdown) - LEFT), BAR - 1, COLOURS[emulator])
                self.text(self.x(slowdown) + 3, y + BAR - 1, f"{slowdown:.1f}", 8, colour="#666")
        self.y += height + GAP

    def axis(self):
        lines = []
        for tick in (t for t in TICKS if t <= self.largest):
            x = self.x(tick)
            lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{self.y}" stroke="#e4e4e4"/>')
            self.text(x, self.y + 14, f"{tick}x", 10, "middle", "#666")
        self.parts[:0] = lines

    def svg(self, title, legend):
        self.axis()
        self.text(LEFT, 20, title, 14)
        x = LEFT
        for emulator in self.emulators:
            self.rectangle(x, 32, 10, 10, COLOURS[emulator])
            self.text(x + 14, 41, legend[emulator])
            x += 40 + 7 * len(legend[emulator])
        height = self.y + BOTTOM
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
                f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">')
        return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *self.parts, "</svg>\n"])


def make_png(path):
    """The chart again beside itself, in twice the size, for readers that show no SVG. Returns what was written, or why not."""
    picture = path.with_suffix(".png")
    if shutil.which("rsvg-convert") is None:
        return f"no {picture.name}: rsvg-convert is missing (package librsvg2-bin)"
    made = subprocess.run(["rsvg-convert", "--zoom=2", f"--output={picture}", path], capture_output=True, text=True, check=False)
    return picture.name if made.returncode == 0 else f"no {picture.name}: {made.stderr.strip()}"


def draw(path, names, records, legend):
    """Writes the chart; without native times or emulators there is nothing to draw and no file."""
    rows = [r for r in report.rows_of(names, records, {}) if any(r.slowdown.values())]
    emulators = [m for m in records if m in COLOURS]
    if not rows or not emulators:
        return False
    chart = Chart(emulators, max(s for r in rows for s in r.slowdown.values() if s))
    for group in workloads.GROUPS:
        chosen = [r for r in rows if workloads.BY_NAME[r.name].group == group]
        for row in chosen:
            chart.bars(row.name, row.slowdown)
        chart.y += GROUP_GAP if chosen else 0
    chart.bars("geometric mean", {m: report.geometric_mean(r.slowdown.get(m) for r in rows) for m in emulators})
    path.write_text(chart.svg("Time against native (shorter is better)", legend), encoding="utf-8")
    return True
