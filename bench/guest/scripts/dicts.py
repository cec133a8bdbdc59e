"""Dictionaries, lists and strings: words of a text, counted and sorted."""

with open("/bench/text", encoding="ascii") as text:
    lines = text.read().splitlines()
counts = {}
for line in lines:
    for word in line.split():
        counts[word] = counts.get(word, 0) + 1
print(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5])
pairs = {}
for first, second in zip(lines, lines[1:]):
    pairs.setdefault(first[:3], []).append(len(second))
print(len(pairs), "".join(sorted(pairs))[:40])
