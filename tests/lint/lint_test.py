#!/usr/bin/env python3
"""Proves that each lint accepts what is right and refuses what is wrong."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
STYLE = HERE.parents[1] / ".clang-format"

LONG_BODY = "".join(f"  step({i});\n" for i in range(60))
SHORT_BODY = "".join(f"  step({i});\n" for i in range(50))
HEADER = "#pragma once\n"


def run(lint, files):
    """Runs a lint on a tree of the given files; returns its exit code and output."""
    with tempfile.TemporaryDirectory() as tree:
        for name, text in files.items():
            path = Path(tree) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        shutil.copy(STYLE, Path(tree) / ".clang-format")
        result = subprocess.run([sys.executable, "-B", str(HERE / lint), tree], capture_output=True, text=True)
        return result.returncode, result.stdout + result.stderr


class LintTest(unittest.TestCase):
    def accepts(self, lint, files):
        code, output = run(lint, files)
        self.assertEqual(code, 0, output)

    def refuses(self, lint, files, message):
        code, output = run(lint, files)
        self.assertEqual(code, 1, output)
        self.assertIn(message, output)

    def test_layers_follow_the_table(self):
        tree = {"util/a.h": HEADER, "core/b.h": HEADER + '#include "util/a.h"\n'}
        self.accepts("layers", tree)
        self.refuses("layers", tree | {"util/c.cc": '#include "core/b.h"\n'}, "util may not include core/b.h")
        self.refuses("layers", tree | {"tcg/c.cc": '#include "core/b.h"\n'}, "tcg may not include core/b.h")
        self.refuses("layers", tree | {"net/c.cc": '#include "core/b.h"\n'}, "it may use: core/state, core/machine_lock.h, util")

    def test_layers_know_device_folders(self):
        tree = {"hw/pci/bus.h": HEADER, "hw/intc/apic.h": HEADER}
        self.accepts("layers", tree | {"hw/ide/disk.cc": '#include "hw/pci/bus.h"\n'})
        self.accepts("layers", tree | {"hw/i386/pc.cc": '#include "hw/intc/apic.h"\n'})
        self.refuses("layers", tree | {"hw/ide/disk.cc": '#include "hw/intc/apic.h"\n'},
                     "device folders do not include each other")

    def test_layers_want_paths_from_the_root(self):
        self.refuses("layers", {"util/a.h": HEADER, "util/b.cc": '#include "a.h"\n'}, "is no file under the root")
        self.refuses("layers", {"elsewhere/a.cc": "#include <vector>\n"}, "no folder of the table")

    def test_layers_keep_libraries_in_place(self):
        self.accepts("layers", {"util/async/loop.cc": "#include <asio/io_context.hpp>\n"})
        self.refuses("layers", {"net/socket.cc": "#include <asio/ip/tcp.hpp>\n"}, "stays in util/async")
        self.refuses("layers", {"core/a.cc": "#include <SDL2/SDL.h>\n"}, "stays in ui/sdl")
        self.refuses("layers", {"core/a.cc": "#include <gtest/gtest.h>\n"}, "is for tests")

    def test_size_of_functions(self):
        self.accepts("size", {"util/a.cc": "int f() {\n" + SHORT_BODY + "}\n"})
        for head in ("int f() {\n", "Thing::Thing(int a)\n    : a_(a), b_{a} {\n",
                     "namespace n {\nstruct S {\n  bool operator==(const S&) const {\n",
                     "template <class T = int>\nvoid g(T t) {\n"):
            tail = "}\n" * head.count("{\n")
            self.refuses("size", {"util/a.cc": head + LONG_BODY + tail}, "lines, at most 60")
        self.refuses("size", {"tests/a.py": "def f():\n" + LONG_BODY.replace("  step", "    step").replace(";", "")},
                     "lines, at most 60")

    def test_size_does_not_take_tables_and_classes_for_functions(self):
        rows = "".join(f'    {{{i}, "{{", \'{{\'}},\n' for i in range(100))
        self.accepts("size", {"util/a.cc": "constexpr Row kRows[] = {\n" + rows + "};\n"})
        members = "".join(f"  int get_{i}() {{ return {i}; }}\n" for i in range(100))
        self.accepts("size", {"util/a.h": "class A {\n public:\n" + members + "};\n"})

    def test_size_of_files(self):
        self.accepts("size", {"util/a.cc": "int x;\n" * 800})
        self.accepts("size", {"target/i386/decode/tables_sse.cc": "int x;\n" * 900})
        self.refuses("size", {"util/a.cc": "int x;\n" * 801}, "801 lines, at most 800")

    def test_size_exceptions_carry_a_limit_and_must_be_needed(self):
        exception = {"tests/lint/size_exceptions": "util/a.cc 850 one table that reads as one\n"}
        self.accepts("size", exception | {"util/a.cc": "int x;\n" * 850})
        self.refuses("size", exception | {"util/a.cc": "int x;\n" * 851}, "851 lines")
        self.refuses("size", exception | {"util/a.cc": "int x;\n"}, "needs no exception")

    def test_general_registers(self):
        for call, code in (("own", 0), ("memcpy", 1)):
            with tempfile.TemporaryDirectory() as folder:
                source = Path(folder) / "a.c"
                source.write_text(f"void {call}(void); void f(void) {{ {call}(); }}" + "void own(void) {}" * (not code))
                subprocess.run(["cc", "-c", "-fno-builtin", source, "-o", f"{folder}/a.o"], check=True)
                result = subprocess.run([sys.executable, "-B", HERE / "general_registers", f"{folder}/a.o"],
                                        capture_output=True, text=True)
                self.assertEqual(result.returncode, code, result.stdout)

    def test_words(self):
        self.accepts("words", {"util/a.h": HEADER, "util/b.cc": 'open("/tmp/fileXXXXXX");\n'})
        self.refuses("words", {"util/a.cc": "// TO" "DO: more\n"}, "unfinished mark")
        self.refuses("words", {"util/a.h": "int a;\n"}, "no #pragma once")
        self.refuses("words", {"util/a.cc": "int a; \n"}, "blanks at the end")
        self.refuses("words", {"util/a.cc": "int a;"}, "no line end")

    @unittest.skipUnless(shutil.which("clang-format"), "no clang-format here")
    def test_format(self):
        self.accepts("format", {"util/a.cc": "int f(int a) { return a + 1; }\n"})
        self.refuses("format", {"util/a.cc": "int f( int a )\n{ return a+1; }\n"}, "util/a.cc:1: run clang-format")


if __name__ == "__main__":
    unittest.main()
