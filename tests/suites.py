#!/usr/bin/env python3
"""Runs the lints, the unit tests, the tests of system behaviour and the guest tests of a built tree, and sums them up."""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tally import Tally, count_meson

ROOT = Path(__file__).resolve().parents[1]
SANITIZERS = {"asan": "address,undefined", "tsan": "thread"}
# What a report ends: the test, with a failure. The JIT's own handlers take the signals that it causes.
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:allow_user_segv_handler=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
# Sanitizers make -g take five times as long as this; lines in reports need no more than -g1. Address and undefined behaviour
# make -O2 take long, too; threads slow the interpreter down so much that it needs it.
SANITIZED = ["-Ddebug=false", "-Dcpp_args=-g1", "-Db_lundef=false"]
SANITIZED_OPTIMIZATION = {"asan": 1, "tsan": 2}
# The interpreter, interpreted once more, has to be fast.
CROSS = ["-Doptimization=2", "-Ddebug=false", "--cross-file", str(ROOT / "scripts/lib/aarch64.ini")]
LONG_COMPARISON = {"VIREO_HOST_CPU_CASES": "200000", "VIREO_HOST_CPU_SEQUENCES": "1000000"}
LONG_FUZZING = 3600  # seconds
# Wall-clock seconds that an input may take, on a host that has other work.
HANGS_AFTER = 300
# Which the tests of system behaviour run on as well: without PAE, without long mode, an early and a late AMD.
OTHER_CPUS = ("486", "n270", "Opteron_G1", "EPYC")
PATIENCE, PATIENCE_OF_SLOW_BUILDS = 4, 20  # how much longer than a fast and idle host a test may take


def timed(title, work):
    print(f"==> {title}", flush=True)
    begin = time.monotonic()
    tally = work()
    print(f"    done in {time.monotonic() - begin:.1f} s: {tally.passed} passed, "
          f"{len(tally.failed)} failed, {len(tally.skipped)} skipped", flush=True)
    return tally


def meson_tests(build, word, suite):
    """Names of the tests that contain the word."""
    command = ["meson", "introspect", "--tests", str(build)]
    tests = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    return sorted({t["name"] for t in tests if word in t["name"] and t["suite"] and suite(t["suite"])})


def is_lint(suites):
    return any(s.endswith("lint") for s in suites)


def run_meson(build, word, suite, patience=PATIENCE):
    tally = Tally()
    names = meson_tests(build, word, suite)
    if not names:
        return tally
    log = build / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs", "-t", str(patience), *names]
    status = subprocess.run(command, check=False)
    results = [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []
    for result in results:
        count_meson(tally, result)
    if status.returncode != 0 and not tally.failed:
        tally.fails("meson test")
    return tally


def run_guests(build, word, form, patience=1):
    return run_runner("guest", build, "--form", form, "--patience", patience, word)


def run_system(build, word, backend):
    """The small guests in assembly."""
    return run_runner("asm", build, "--backend", backend, word)


def run_system_on_others(build, word):
    tally = Tally()
    for cpu in OTHER_CPUS:
        tally.add(run_runner("asm", build, "--backend", "jit", "--cpu", cpu, word))
    return tally


def run_runner(folder, build, *arguments):
    """A runner leaves its counts and names in a file."""
    report = build / f"{folder}-tests.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-B", ROOT / f"tests/{folder}/run", "--build", build, "--report", report, *arguments]
    subprocess.run(list(map(str, command)), check=False)
    tally = Tally()
    if not report.is_file():
        tally.fails(f"{folder} tests: the runner ended early")
        return tally
    found = json.loads(report.read_text())
    tally.passes(found["passed"])
    for name in found["failed"]:
        tally.fails(name)
    for name, reason in found["skipped"]:
        tally.skips(name, reason)
    return tally


def run_sanitized(kind, word):
    """The unit tests and some guests once more in a build with sanitizers."""
    build = ROOT / f"build-{kind}"
    os.environ.update(SANITIZER_OPTIONS)
    flags = [f"-Db_sanitize={SANITIZERS[kind]}", f"-Doptimization={SANITIZED_OPTIMIZATION[kind]}", *SANITIZED]
    return run_other_build(build, flags, word, kind)


def run_aarch64(word):
    """The unit tests and some guests in a cross build, by user-mode emulation."""
    setup = subprocess.run([ROOT / "scripts/setup", "--aarch64"], check=False)
    if setup.returncode != 0:
        tally = Tally()
        tally.skips("aarch64", "the packages of the cross build could not be installed")
        return tally
    return run_other_build(ROOT / "build-aarch64", CROSS, word, "aarch64")


def run_other_build(build, flags, word, form):
    tally = Tally()
    steps = [["ninja", "--quiet", "-C", str(build)]]
    if not (build / "build.ninja").is_file():
        steps.insert(0, ["meson", "setup", str(build), str(ROOT), *flags])
    for command in steps:
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if result.returncode != 0:
            print(result.stdout[-4000:])
            tally.fails(f"the build for {form}")
            return tally
    tally.add(run_meson(build, word, lambda suites: not is_lint(suites), PATIENCE_OF_SLOW_BUILDS))
    tally.add(run_guests(build, word, form, PATIENCE_OF_SLOW_BUILDS))
    return tally


def libfuzzer(build):
    """The command of an hour of libFuzzer, which begins with an instruction of each row; or why there is none."""
    subprocess.run([ROOT / "scripts/setup", "--libfuzzer"], check=False)
    for command in (["meson", "setup", "--reconfigure", str(build)],  # looks for clang again
                    ["ninja", "--quiet", "-C", str(build), "target/i386/decoder_libfuzzer"]):
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if result.returncode != 0:
            return None, f"clang's libFuzzer is not to be had: {result.stdout.strip()[-400:]}"
    folder = build / "target/i386"
    seeds, found = folder / "fuzz-seeds", folder / "fuzz-found"
    found.mkdir(exist_ok=True)
    subprocess.run([folder / "decoder_fuzz", "corpus", seeds], check=True)
    return [folder / "decoder_libfuzzer", "-max_len=16", "-seed=2", f"-max_total_time={LONG_FUZZING}",
            f"-timeout={HANGS_AFTER}", f"-artifact_prefix={folder}/", found, seeds], ""


def run_long(build, word):
    """The comparison with the host's processor with a hundred times the cases, in a process a core, and an hour of fuzzing."""
    cores = os.cpu_count() or 1
    conformance = build / "tests/conformance/host_cpu/host_cpu_test"
    tally, running = Tally(), []
    jobs = [(f"host_cpu {i}/{cores}", [conformance], {"VIREO_HOST_CPU_SHARD": f"{i}/{cores}", **LONG_COMPARISON})
            for i in range(cores)]
    if word in "decoder_libfuzzer":
        command, reason = libfuzzer(build)
        if command is None:
            tally.skips("decoder_libfuzzer", reason)
        else:
            jobs.append(("decoder_libfuzzer", command, {}))
    for name, command, variables in jobs:
        if word in name and command[0].is_file():
            log = (build / f"{name.split()[0]}-{len(running)}.txt").open("w+")
            process = subprocess.Popen(list(map(str, command)), env=os.environ | variables, stdout=log, stderr=log)
            running.append((name, process, log))
    for name, process, log in running:
        if process.wait() == 0:
            tally.passes()
            continue
        tally.fails(name)
        log.seek(0)
        print(log.read()[-8000:])
    return tally


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--full", action="store_true", help="also the long suites")
    parser.add_argument("--since", type=float, default=time.time(), help="when the set-up began")
    parser.add_argument("filter", nargs="?", default="", help="only tests whose name contains this")
    options = parser.parse_args()

    build, word = options.build, options.filter
    total = Tally()
    total.add(timed("lints", lambda: run_meson(build, word, is_lint)))
    total.add(timed("unit tests", lambda: run_meson(build, word, lambda s: not is_lint(s))))
    if options.full:
        total.add(timed("the instructions at length", lambda: run_long(build, word)))
    for backend in ("jit", "interpreter") if options.full else ("jit",):
        total.add(timed(f"tests of system behaviour ({backend})", lambda b=backend: run_system(build, word, b)))
    total.add(timed("tests of system behaviour (other CPUs)", lambda: run_system_on_others(build, word)))
    total.add(timed("guest tests", lambda: run_guests(build, word, "full" if options.full else "ci")))
    for kind in SANITIZERS if options.full else ():
        total.add(timed(f"tests with {SANITIZERS[kind]} sanitizers", lambda k=kind: run_sanitized(k, word)))
    if options.full:
        total.add(timed("tests of the AArch64 build", lambda: run_aarch64(word)))
    if not total.passed and not total.failed and not total.skipped:
        sys.exit(f"no test has '{word}' in its name")
    print(f"==> everything took {time.time() - options.since:.0f} s")
    sys.exit(total.report())


if __name__ == "__main__":
    main()
