"""Figures from the records: medians, slowdowns, geometric means; the table and the JSON."""

import json
import math
import statistics

import workloads

PEER, OWN, NATIVE = "peer", "vireo", "native"


def median(record, name):
    samples = record.samples.get(name) if record else None
    return statistics.median(samples) if samples else None


def ratio(above, below):
    return above / below if above and below else None


def geometric_mean(values):
    values = [v for v in values if v]
    return math.exp(statistics.fmean(map(math.log, values))) if values else None


class Row:
    """One workload: median seconds by machine, slowdowns against native, and own speed against the peer."""

    def __init__(self, name, records, before):
        self.name = name
        self.seconds = {machine: median(record, name) for machine, record in records.items()}
        native = self.seconds.get(NATIVE)
        self.slowdown = {m: ratio(s, native) for m, s in self.seconds.items() if m != NATIVE}
        self.times_peer = ratio(self.seconds.get(PEER), self.seconds.get(OWN))
        self.times_before = ratio(before.get(name), self.seconds.get(OWN))


def rows_of(names, records, before):
    return [Row(name, records, before) for name in names]


def _cell(value, form):
    return format(value, form) if value is not None else "-"


def _means(rows, machines):
    return [*(geometric_mean(r.slowdown.get(m) for r in rows) for m in machines),
            geometric_mean(r.times_peer for r in rows), geometric_mean(r.times_before for r in rows)]


def _line(name, seconds, figures):
    return f"{name:16}" + "".join(f"{_cell(s, '.3f'):>10}" for s in seconds) + "".join(
        f"{_cell(f, '.2f'):>10}" for f in figures)


def table(names, records, before):
    """The text table: seconds a machine, slowdown an emulator, speed against the peer and against an earlier run."""
    machines, emulators = list(records), [m for m in records if m != NATIVE]
    rows = {row.name: row for row in rows_of(names, records, before)}
    heads = [f"{m} s" for m in machines] + [f"{m} x" for m in emulators] + ["x peer", "x before"]
    keep = len(heads) if before else len(heads) - 1
    lines = [f"{'workload':16}" + "".join(f"{h:>10}" for h in heads[:keep])]

    def add(name, seconds, figures):
        lines.append(_line(name, seconds, figures[:keep - len(machines)]))

    for group, title in workloads.GROUPS.items():
        chosen = [rows[n] for n in names if n in workloads.BY_NAME and workloads.BY_NAME[n].group == group]
        for row in chosen:
            add(row.name, [row.seconds[m] for m in machines],
                [*(row.slowdown[m] for m in emulators), row.times_peer, row.times_before])
        if len(chosen) > 1:
            add(f"= {group}", [None] * len(machines), _means(chosen, emulators))
            lines[-1] += f"   geometric mean: {title}"
    all_rows = [r for r in rows.values() if r.name not in workloads.BOOTS]
    if len(all_rows) > 1:
        add("= all", [None] * len(machines), _means(all_rows, emulators))
        lines[-1] += f"   geometric mean of {len(all_rows)}"
    for row in (rows[name] for name in workloads.BOOTS if name in rows):
        add(workloads.BOOTS[row.name], [row.seconds[m] for m in machines],
            [*(None for _ in emulators), row.times_peer, row.times_before])
    return "\n".join(lines)


def other_figures(records):
    for machine, record in records.items():
        if record.beyond_ram_kib:
            yield (f"{machine}: {statistics.median(record.beyond_ram_kib) / 1024:.0f} MiB beyond touched guest RAM; "
                   f"{statistics.median(record.idle_percent):.2f}% of a CPU when idle, "
                   f"{statistics.median(record.working_percent):.0f}% when working (much below 100%: others were busy)")


def problems(records):
    """Failures, clocks that disagree, and results that differ between machines."""
    for machine, record in records.items():
        for text in [*record.failures, *record.clock_errors]:
            yield f"{machine}: {text}"
    for name in sorted({n for r in records.values() for n in r.checksums}):
        found = {m: sorted(r.checksums[name]) for m, r in records.items() if name in r.checksums}
        if len({c for checksums in found.values() for c in checksums}) > 1:
            yield f"{name}: results differ: {found}"


def write_json(path, facts, records):
    text = json.dumps({**facts, "machines": {m: r.as_json() for m, r in records.items()}}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def medians_of_earlier_run(path):
    """Own medians from a JSON file that write_json wrote."""
    samples = json.loads(path.read_text(encoding="utf-8"))["machines"].get(OWN, {}).get("samples", {})
    return {name: statistics.median(values) for name, values in samples.items()}
