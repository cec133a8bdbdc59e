"""Whether costs grow with size: much code, many processes, much memory. Prints what a unit of work costs, by size."""

import statistics
import sys

import machines

SMALL_CACHE = "64"
LARGE_CACHE = "256"
RAM_MIB = (256, 1024, 8192)
CODE = ("code-first", "code-again")
PROCESSES = ("fork", "switch")
MEMORY = ("page-touch", "random-read")
WHAT = {
    "code-first": "a block, run for the first time",
    "code-again": "a block, run again",
    "fork": "fork and exit among processes",
    "switch": "a switch among processes",
    "page-touch": "a page fault",
    "random-read": "a random read in 64 MiB",
}
MEGABYTES = {80_000: "10 MB", 800_000: "100 MB"}  # of host code


def values(machine, rows, **options):
    """The median of three, in nanoseconds, by row; and the record."""
    record = machines.Record()
    for _ in range(3):
        machine.run_small(list(rows), record, **options)
    if record.failures:
        sys.exit(f"bench: {machine.name}: " + "\n".join(record.failures))
    return {row: statistics.median(record.samples[row]) for row in rows}, record


def rows_of(names, sizes):
    return [f"{name}-{size}" for name in names for size in sizes]


def with_cache(emulator, megabytes):
    return machines.Emulator(emulator.name, emulator.binary, emulator.version, emulator.image,
                             [*emulator.options, "-accel", f"tcg,tb-size={megabytes}"])


def _line(what, size, native, own, first):
    native_cell = "-" if native is None else f"{native:,.1f}"
    return f"| {what} | {size} | {native_cell} | {own:,.1f} | {own / first:.2f} |"


def lines_of(names, sizes, label, native, own):
    """Lines of the table: a size below the other, and how the cost compares with that at the first."""
    for name in names:
        by_size = {size: f"{name}-{size}" for size in sizes}
        first = own[next(iter(by_size.values()))]
        for size, row in by_size.items():
            yield _line(WHAT[name], label(size), native[row], own[row], first)


def code_lines(host, emulator):
    rows = rows_of(CODE, MEGABYTES)
    for cache in (LARGE_CACHE, SMALL_CACHE):
        native, _ = values(host, rows)
        own, _ = values(with_cache(emulator, cache), rows)
        yield from lines_of(CODE, MEGABYTES, lambda size, c=cache: f"{MEGABYTES[size]} in a cache of {c} MiB", native, own)


def process_lines(host, emulator):
    sizes = (100, 1000)
    rows = rows_of(PROCESSES, sizes)
    yield from lines_of(PROCESSES, sizes, lambda size: f"{size} processes", values(host, rows)[0], values(emulator, rows)[0])


def memory_lines(host, emulator):
    native, _ = values(host, MEMORY)
    by_ram = {ram: values(emulator, MEMORY, megabytes=ram) for ram in RAM_MIB}
    for name in MEMORY:
        first = by_ram[RAM_MIB[0]][0][name]
        for ram, (own, _) in by_ram.items():
            yield _line(WHAT[name], f"{ram} MiB of RAM", native[name], own[name], first)
    records = {ram: record for ram, (_, record) in by_ram.items()}
    for what, pick in (("start of the guest, ms", lambda r: 1e3 * statistics.median(r.ready)),
                       ("memory beyond guest RAM, MiB", lambda r: statistics.median(r.beyond_ram_kib) / 1024)):
        for ram, record in records.items():
            yield _line(what, f"{ram} MiB of RAM", None, pick(record), pick(records[RAM_MIB[0]]))


def run(host, emulator):
    print("| nanoseconds for | size | native | Vireo | times the smallest |\n|---|---|---|---|---|", flush=True)
    for part in (code_lines, process_lines, memory_lines):
        for line in part(host, emulator):
            print(line, flush=True)
    return 0
