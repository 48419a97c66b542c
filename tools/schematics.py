"""Schematics of the book: the shared look, and the drawing whose geometry is computed.

The files in book/schematics are written by hand, except for the CTC lattice, which is drawn here. All begin with the
same style block: change it in pipeline.svg, and `python -m tools.schematics` copies it into the others.
Texts of the class `code` (names, numbers, symbols) are the same in all languages; each other text is one phrase.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "book" / "schematics"

_LOOK = re.compile(r"  <style>.*?</marker>\n", re.DOTALL)
_LATTICE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 420" width="720" height="420" role="img" \
aria-labelledby="title desc" xml:lang="en">
  <title id="title">The CTC lattice of a short text</title>
  <desc id="desc">Rows are the text with blanks around each character, columns are time steps. Thin lines are the \
allowed transitions. One path is marked; it collapses to the text. A jump from a character to an equal one is \
forbidden, because the two would be joined.</desc>
{look}  <rect class="paper" width="720" height="420" rx="12"/>
{parts}
</svg>
"""


def _place(step: int, symbol: int) -> tuple[int, int]:
    return 100 + 74 * step, 70 + 46 * symbol


def _line(begin: tuple[int, int], end: tuple[int, int], kind: str) -> str:
    """A line between two nodes, each a step and a symbol."""
    (x1, y1), (x2, y2) = _place(*begin), _place(*end)
    return f'<path class="line {kind}" d="M{x1} {y1} {x2} {y2}"/>'


def _word(x: int, y: int, word: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{word}</text>' if kind else f'<text x="{x}" y="{y}">{word}</text>'


def ctc_lattice(look: str, text: str = "aab", path: tuple[int, ...] = (1, 1, 2, 3, 5, 5)) -> str:
    """All ways of CTC through a text written with blanks, and one path: a symbol of that row for each time step."""
    row = f"_{'_'.join(text)}_"

    def before(symbol: int) -> set[int]:
        """The symbols from which this one may follow."""
        jump = {symbol - 2} if row[symbol] != row[symbol - 2] else set()
        return {s for s in {symbol, symbol - 1} | jump if s >= 0}

    begun = [{0, 1}]
    for _ in path[1:]:
        begun.append({s for s in range(len(row)) if begun[-1] & before(s)})
    alive = [begun[-1] & {len(row) - 2, len(row) - 1}]  # what can be reached, and reach the end
    for reached in begun[-2::-1]:
        alive.insert(0, reached & set().union(*map(before, alive[0])))

    chosen = list(enumerate(path))
    parts = [
        _line((step, s), (step + 1, end), "thin")
        for step in range(len(path) - 1)
        for end in sorted(alive[step + 1])
        for s in sorted(alive[step] & before(end))
    ]
    parts += [_line(begin, end, "thick blue-line") for begin, end in itertools.pairwise(chosen)]
    parts += [
        _line((1, s - 2), (2, s), "medium dashed red-line") for s in range(3, len(row), 2) if row[s] == row[s - 2]
    ]
    for step, symbol in itertools.product(range(len(path)), range(len(row))):
        x, y = _place(step, symbol)
        colour = "blue" if path[step] == symbol else "paper" if symbol in alive[step] else "gray"
        parts.append(f'<circle class="box {colour}" cx="{x}" cy="{y}" r="15"/>')

    read = "".join(row[symbol] for symbol in path)
    joined = "".join(character for character, _ in itertools.groupby(read))
    parts += [_word(52, _place(0, symbol)[1] + 7, name, "code") for symbol, name in enumerate(row)]
    parts += [_word(_place(step, 0)[0], 399, name, "code strong") for step, name in enumerate(read)]
    words = [("one path", "strong"), (read, "code"), ("join equal", ""), (joined, "code"), ("drop blanks", "")]
    words.append((joined.replace("_", ""), "code strong"))
    parts += [_word(612, 66 + 34 * number, *word) for number, word in enumerate(words)]
    parts += [
        _word(285, 36, "time steps"),
        '<rect class="red" x="520" y="282" width="184" height="110" rx="10"/>',
        '<path class="line medium dashed red-line" d="M534 302H690"/>',
        _word(612, 336, "forbidden"),
        _word(612, 372, "aaabbb → ab", "code"),
    ]
    return _LATTICE.format(look=look, parts="\n".join(f"  {part}" for part in parts))


def schematics() -> dict[Path, str]:
    """Each file in book/schematics as it should be."""
    look = _LOOK.search((FOLDER / "pipeline.svg").read_text("utf-8"))[0]
    texts = {path: _LOOK.sub(lambda _: look, path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.svg"))}
    return texts | {FOLDER / "ctc_lattice.svg": ctc_lattice(look)}


if __name__ == "__main__":
    for path, text in schematics().items():
        path.write_text(text, "utf-8")
