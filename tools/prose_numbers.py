"""Numbers in the prose of a chapter that nothing above them computes.

    python -m tools.prose_numbers notebooks/x/y.ipynb   print each unexplained number with its sentence
    python -m tools.prose_numbers                       count the numbers of all chapters, by what explains them

A number in prose is explained by, in this order:

- `once`: it stands in a directive `once`; `references`: under the heading "References"; `before`: in the
  table of "Before you start", whose figures are those of the status page;
- `computed`: an output of a cell above it holds it: printed text, tables, the texts of a figure (of its SVG, but
  for those of the axes, and its titles, both in the data or the metadata of the output);
- `setting`: the code of a cell above it or of the next cell below it holds it, as a number or inside a string; comments
  and docstrings are prose.

What is computed may be rounded: 0.957 explains 0.96, and 95.7 % explains 96 %; 1390 explains 1,400, because a number
from 1,000 on that ends in zeros may be rounded to two digits. A percentage is explained by a number up to 1 (0.957), or
by any number of an output that has a percent sign; a bare 96 does not explain it. What is set must be the same number;
0.05 is 5 % there, too.

Not looked at are: code, formulas, links, roles and alternative texts; whole numbers below 13, unless a percent sign or
the word "percent" follows them, because a lone 2 is found nearly everywhere; numbers that belong to a name (PP-OCRv6,
Python 3.11, 3.x, 1.23.2, UTF-8, 32-bit); dates, and years from 1900 to 2099 (other numbers above 999 have a comma in
this book); right angles in degrees; the 100 of "95 of 100".

A match may be chance: of numbers moved by 7 to 30 percent, one in six finds something that explains it. The tool finds
what has no source; whether a source is the right one, the author knows.
"""

from __future__ import annotations

import argparse
import io
import itertools
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode

from tools.book_files import ROOT, notebooks
from tools.markdown_messages import spans

_INLINE = MarkdownIt("commonmark").use(dollarmath_plugin)
_NUMBER = re.compile(r"(?<![\w.^])(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:e[+-]?\d+)?|(?<![\w.])\.\d+")
_BETWEEN = re.compile(r"(?<=\d)_(?=\d)|(?<=\d)x(?=\d)")  # 1_000 in code is one number, 640x480 are two
_PERCENT = re.compile(r"(?:\s?(?:-|–|to|and|or)\s?[\d.,]+)?\s?(?:%|percent)")
_NAMES = (
    r"Paddle\w* PPOCRLabel Studio X-AnyLabeling rapidocr [Tt]esseract onnxruntime Runtime Python OpenCV NumPy Mono C# "
    r"Debian Ubuntu Windows Android Unicode Apache [Vv]ersions? ICDAR ISO GB UTF HTTP SHA"
)
_NAME = re.compile(
    rf"\b(?:{_NAMES.replace(' ', '|')})[ -]?\d+(?:\.\d+)*|\d+(?:\.\d+){{2,}}|\d+\.x\b|\d+[ -]bits?\b|"
    r"\d{4}-\d\d-\d\d|\b(?:19|20)\d\d\b(?![,.]\d)|\b(?:90|180|270|360) degrees|\b(?:of|in) 100\b"
)
_ONCE = re.compile(r"^(:{3,}|`{3,})\{once\}.*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
_SMALL = 13

KINDS = ("computed", "setting", "once", "references", "before", "open")
"""What explains a number; `open` is what nothing explains."""


@dataclass(frozen=True)
class Number:
    """A number in prose: as it is written, its sentence, and what explains it (one of `KINDS`)."""

    written: str
    sentence: str
    kind: str


def _value(written: str) -> float:
    return float(written.replace(",", ""))


def _values(text: str) -> set[float]:
    found = _NUMBER.findall(_BETWEEN.sub(lambda match: " " if match[0] == "x" else "", text))
    parts = [part for written in found if "," in written for part in written.split(",")]  # a list without spaces
    return {_value(written) for written in [*found, *parts]}


def _shares(text: str) -> set[float]:
    """What a text gives in percent: numbers up to 1, and all where it has a percent sign."""
    values = _values(text)
    return {100 * value for value in values if value <= 1} | (values if re.search("%|percent", text) else set())


def _shown_text(output: NotebookNode) -> Iterator[str]:
    """The texts of an output that a reader sees; metadata hold those of pictures: titles, and a chart's SVG."""
    yield output.get("text", "")
    data = output.get("data", {})
    plain = data.get("text/plain", "")
    yield "" if plain.startswith("<") else plain
    page = re.sub(r"<(script|style)\b.*?</\1>", " ", data.get("text/html", ""), flags=re.DOTALL)
    yield unescape(re.sub(r"<[^>]*>", " ", page))
    for text in _strings([data.get("image/svg+xml", ""), output.get("metadata", {})]):
        yield " ".join(_svg_texts(ElementTree.fromstring(text))) if "<svg" in text else text


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _svg_texts(element: ElementTree.Element) -> Iterator[str]:
    """The texts of a chart but those of its axes, which are no results."""
    if element.tag.endswith("}text"):
        yield "".join(element.itertext())
    elif not re.match(r"[xy]tick_\d", element.get("id", "")):
        for part in element:
            yield from _svg_texts(part)


def _set_in(code: str) -> set[float]:
    """The numbers of a piece of code: its literals, and those inside its strings; not those of comments, docstrings."""
    found: set[float] = set()
    before = tokenize.INDENT
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        docstring = token.type == tokenize.STRING and before in (tokenize.INDENT, tokenize.NEWLINE)
        if token.type != tokenize.COMMENT and not docstring:
            found |= _values(token.string)
        before = token.type
    return found


def _explains(known: float, written: str) -> bool:
    """Whether a computed number is what is written, rounded."""
    digits = written.split("e")[0].replace(",", "")
    if "." in digits:
        unit = 10 ** -len(digits.split(".")[1])
    else:
        unit = 10 ** min(len(digits) - len(digits.rstrip("0")), max(len(digits) - 2, 0)) if len(digits) > 3 else 1
    return abs(known - _value(written)) <= 0.5 * unit * (1 + 1e-9)


def _sentences(message: str) -> Iterator[str]:
    """The sentences of a message, without code, formulas, links and alternative texts."""
    (block,) = _INLINE.parseInline(message)
    parts, links = [], 0
    for token in block.children:
        links += token.nesting if token.type.startswith("link_") else 0
        if token.type in ("text", "softbreak"):
            parts.append("…" if links else token.content or " ")
        elif token.type not in ("em_open", "em_close", "strong_open", "strong_close"):
            parts.append("…")
    yield from re.split(r"(?<=[.!?:;])\s+(?=[A-Z…\"])", "".join(parts))


def _numbers_of(sentence: str) -> Iterator[tuple[str, bool]]:
    """Each number that is looked at, and whether it is a percentage."""
    kept = _BETWEEN.sub(" ", _NAME.sub(lambda match: "n" * len(match[0]), sentence))
    for match in _NUMBER.finditer(kept):
        percent = bool(_PERCENT.match(kept, match.end()))
        if percent or not match[0].isdigit() or int(match[0]) >= _SMALL:
            yield match[0], percent


def _passages(source: str, section: str) -> Iterator[tuple[str, str, str]]:
    """Each text of a cell that begins in a section, the section it is in, and the kind that its place gives it."""
    headings = [(match.start(), match[1]) for match in _HEADING.finditer(source)]
    marked = [match.span() for match in _ONCE.finditer(source)]
    for start, _, message in spans(source):
        here = next((name for place, name in reversed(headings) if place <= start), section)
        kind = ""
        if any(first <= start < last for first, last in marked):
            kind = "once"
        elif here == "References":
            kind = "references"
        elif here == "Before you start" and source[source.rfind("\n", 0, start) + 1] == "|":
            kind = "before"
        yield message, here, kind


def explain(notebook: NotebookNode) -> list[Number]:
    """Every number in the prose of a chapter, in order, with what explains it."""
    printed: set[float] = set()
    shares: set[float] = set()
    settings: set[float] = set()
    found: list[Number] = []
    section = ""  # the heading above
    codes = [_set_in(cell.source) if cell.cell_type == "code" else set() for cell in notebook.cells] + [set()]
    for cell, code, below in zip(notebook.cells, codes, codes[1:], strict=False):
        if cell.cell_type == "code":
            settings |= code
            for text in itertools.chain.from_iterable(map(_shown_text, cell.outputs)):
                printed |= _values(text)
                shares |= _shares(text)
            continue
        for message, here, place in _passages(cell.source, section):
            section = here
            for sentence in _sentences(message):
                for written, percent in _numbers_of(sentence):
                    known, value = (shares, _value(written) / 100) if percent else (printed, _value(written))
                    kind = place or "open"
                    if not place and any(_explains(number, written) for number in known):
                        kind = "computed"
                    elif not place and value in settings | below:
                        kind = "setting"
                    found.append(Number(f"{written} %" if percent else written, sentence, kind))
    return found


def main() -> int:
    """Print what is unexplained in the given notebooks, or the counts of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path, help="print the unexplained numbers of these")
    paths = parser.parse_args().notebooks
    for path in paths:
        unexplained = [number for number in explain(nbformat.read(path, as_version=4)) if number.kind == "open"]
        for number in unexplained:
            print(f"{number.written:>10}  {number.sentence}")
        print(f"{path}: {len(unexplained)} unexplained")
    if not paths:
        print(f"{'':45}{'found':>11}" + "".join(f"{kind:>11}" for kind in KINDS))
        total: Counter[str] = Counter()
        for path in notebooks():
            counts = Counter(number.kind for number in explain(nbformat.read(ROOT / path, as_version=4)))
            total += counts
            print(f"{path.as_posix():45}{counts.total():>11}" + "".join(f"{counts[kind]:>11}" for kind in KINDS))
        print(f"{'all':45}{total.total():>11}" + "".join(f"{total[kind]:>11}" for kind in KINDS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
