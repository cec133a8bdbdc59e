"""Draws a flame graph as an SVG: what a share of the samples was in, from the bottom up, ever more closely."""

from xml.sax.saxutils import escape

WIDTH, ROW, MARGIN, TITLE = 1200, 17, 10, 34
LEAST = 0.4  # pixels: what is narrower is left out
LETTER = 6.3
COLOURS = {"translated code": "#f2a65a", "Vireo": "#6fb1e0", "host kernel": "#c9c9c9", "libraries": "#b7d7a8"}
OTHER = "#e8d9a0"


class Frame:
    def __init__(self, name):
        self.name, self.samples, self.inner = name, 0, {}

    def add(self, path, samples):
        self.samples += samples
        if path:
            self.inner.setdefault(path[0], Frame(path[0])).add(path[1:], samples)

    def depth(self):
        return 1 + max((f.depth() for f in self.inner.values()), default=0)


def tree(name, stacks):
    """`stacks`: pairs of a path of names and a number of samples."""
    root = Frame(name)
    for path, samples in stacks:
        root.add(path, samples)
    return root


def _rectangles(frame, x, level, scale, height, whole, colour):
    width = frame.samples * scale
    if width < LEAST:
        return
    y = height - MARGIN - (level + 1) * ROW
    share = f"{frame.name}: {100 * frame.samples / whole:.1f}% ({frame.samples:.0f})"
    yield (f'<g><title>{escape(share)}</title><rect x="{x:.1f}" y="{y}" width="{max(width - 0.5, LEAST):.1f}" '
           f'height="{ROW - 1}" fill="{colour}" rx="1"/>')
    letters = int((width - 6) / LETTER)
    if letters >= 3:
        text = frame.name if len(frame.name) <= letters else frame.name[:letters - 1] + "…"
        yield f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(text)}</text>'
    yield "</g>"
    for inner in sorted(frame.inner.values(), key=lambda f: -f.samples):
        own = COLOURS.get(inner.name, OTHER) if level == 0 else colour
        yield from _rectangles(inner, x, level + 1, scale, height, whole, own)
        x += inner.samples * scale


def draw(root, title):
    """The text of the SVG."""
    height = TITLE + root.depth() * ROW + 2 * MARGIN
    scale = (WIDTH - 2 * MARGIN) / max(root.samples, 1)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">')
    body = _rectangles(root, MARGIN, 0, scale, height, max(root.samples, 1), OTHER)
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
                      f'<text x="{MARGIN}" y="22" font-size="14">{escape(title)}</text>', *body, "</svg>\n"])
