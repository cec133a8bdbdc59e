"""Names for guest addresses: functions of the guest's kernel and of programs, without address randomisation."""

import base64
import bisect
import subprocess
import zlib

PAGE = 4096


class Table:
    """Functions by address; those of unknown size reach to the next, the last of them a page far."""

    def __init__(self, rows):
        """`rows`: address, size (0: unknown), name."""
        self.rows = sorted(rows)
        self.starts = [row[0] for row in self.rows]

    def find(self, address):
        index = bisect.bisect_right(self.starts, address) - 1
        if index < 0:
            return None
        start, size, name = self.rows[index]
        last = index + 1 == len(self.rows)
        return name if (size == 0 and not last) or address < start + (size or PAGE) else None


def of_kernel(text):
    """From /proc/kallsyms, compressed and in base64 as the guest prints it."""
    lines = zlib.decompress(base64.b64decode(text), wbits=31).decode().splitlines()
    return Table([(int(words[0], 16), 0, words[2]) for words in map(str.split, lines) if words[1] in "tT"])


def of_file(path):
    """What nm tells; of a stripped file, what it offers to others."""
    rows = []
    for option in ("", "-D"):
        command = ["nm", *option.split(), "-S", "--defined-only", str(path)]
        listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        for words in map(str.split, listing.splitlines()):
            if len(words) == 4 and words[2] in "tTwWi":
                rows.append((int(words[0], 16), int(words[1], 16), words[3].partition("@")[0]))
    return Table(rows)


class Guest:
    """Kernel and programs together; `maps` are lines of /proc/PID/maps of the program that is measured."""

    def __init__(self, tree, kernel, maps):
        self.tree, self.kernel, self.files, self.mappings = tree, kernel, {}, []
        for line in maps:
            words = line.split()
            first, last = (int(part, 16) for part in words[0].split("-"))
            self.mappings.append((first, last, int(words[2], 16), words[5] if len(words) > 5 else "anonymous"))

    def table(self, name):
        if name not in self.files:
            path = self.tree / name.lstrip("/")
            self.files[name] = of_file(path) if path.is_file() else Table([])
        return self.files[name]

    def path(self, user, address):
        """Where the address is, from the whole to its parts."""
        page = f"page {address & ~0xfff:#x}"
        if not user:
            return ("guest kernel", self.kernel.find(address) or page)
        for first, last, offset, name in self.mappings:
            if first <= address < last:
                inside = address - first + offset
                return ("guest programs", name, self.table(name).find(inside) or f"page {inside & ~0xfff:#x}")
        return ("guest programs", "others", page)
