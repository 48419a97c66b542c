"""The tables of all chapters, on the start page and in both READMEs, and the feet of the start page's cards.

`python -m tools.chapters` writes them anew.

Each fact has one source. Titles and minutes are in the chapters, levels and what one learns in the index.md of their
folder, and the Chinese of all of it in the PO files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools import translate
from tools.book_files import ROOT, notebooks, toc, write_if_changed

START = Path("book/index.md")
_BEGIN, _END = "begin: made by tools/chapters.py", "end"
_CARD = re.compile(
    r"^(:::\{grid-item-card\}.*\n:link: \.\./(\S+)\n(?:(?!\+\+\+|:::).*\n)+)(?:\+\+\+\n.*\n)?:::$", re.MULTILINE
)
_MINUTES = re.compile(r"^\| Time \| (\d+) minutes to read", re.MULTILINE)


@dataclass(frozen=True)
class Chapter:
    """What the tables say about a chapter."""

    path: Path
    title: str
    minutes: int
    level: str
    learn: str
    part: str


def chapters() -> list[Chapter]:
    """All chapters, in the order of the table of contents.

    Raises
    ------
    ValueError
        If a chapter does not say how many minutes it takes, or the index of its folder has no line for it.
    """
    parts = {entry["file"]: part["caption"] for part in toc()["parts"] for entry in part["chapters"]}
    found = []
    for path in notebooks():
        cells = json.loads((ROOT / path).read_text("utf-8"))["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        index = (ROOT / path.parent / "index.md").read_text("utf-8")
        minutes = _MINUTES.search(text)
        row = re.search(rf"^\| \[\]\({re.escape(path.name)}\) \| (.+?) \| (.+?) \| .+ \|$", index, re.MULTILINE)
        if not minutes or not row:
            raise ValueError(f"{path}: no minutes to read, or no line in the index.md beside it")
        title = text.removeprefix("# ").split("\n")[0]
        part = parts[path.with_suffix("").as_posix()]
        found.append(Chapter(path, title, int(minutes[1]), row[1], row[2], part))
    return found


def start_page_table() -> str:
    """Chapters by part, with minutes and level; Sphinx puts the titles into the links."""
    rows = ["| Part | Chapter | Minutes | Level |", "|---|---|--:|---|"]
    before = None
    for each in chapters():
        part = each.part if each.part != before else ""
        rows.append(f"| {part} | [](../{each.path.with_suffix('').as_posix()}) | {each.minutes} | {each.level} |")
        before = each.part
    return "\n".join(rows)


def readme_table(head: str, say: Callable[[Path, str], str], address: Callable[[Path], str]) -> str:
    """Chapters with minutes and what one learns in them."""
    rows = [head, "|---|--:|---|"]
    for each in chapters():
        title, learn = say(each.path, each.title), say(each.path.parent / "index.md", each.learn)
        rows.append(f"| [{title}]({address(each.path)}) | {each.minutes} | {learn} |")
    return "\n".join(rows)


def put_in(text: str, table: str, marks: tuple[str, str]) -> str:
    """A text with the table in place of the one between the two marks."""
    begin, end = marks
    before, rest = text.split(begin)
    return f"{before}{begin}\n\n{table}\n\n{end}{rest.split(end, 1)[1]}"


def with_feet(text: str) -> str:
    """The start page with minutes and level at the foot of each card."""
    feet = {each.path.with_suffix("").as_posix(): f"{each.minutes} minutes, {each.level}" for each in chapters()}
    return _CARD.sub(lambda card: f"{card[1]}+++\n{feet[card[2]]}\n:::", text)


def pages() -> dict[Path, str]:
    """The three files with the tables, as they should be."""
    english_edition = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["html"]["baseurl"]
    online = translate.to_chinese_edition(english_edition)
    comment = f"<!-- {_BEGIN} -->", f"<!-- {_END} -->"
    english = readme_table("| Chapter | Minutes | You learn |", lambda _, message: message, Path.as_posix)
    chinese = readme_table(
        "| 章节 | 分钟 | 你将学到 |",
        lambda document, message: translate.translation_of(document)(message),
        lambda path: f"{online}{path.with_suffix('.html').as_posix()}",
    )
    made = {
        "book/index.md": (start_page_table(), (f"% {_BEGIN}", f"% {_END}")),
        "README.md": (english, comment),
        "README.zh-CN.md": (chinese, comment),
    }
    found = {Path(name): put_in((ROOT / name).read_text("utf-8"), *what) for name, what in made.items()}
    return found | {START: with_feet(found[START])}


if __name__ == "__main__":
    for path, text in pages().items():
        write_if_changed(ROOT / path, text.encode("utf-8"))
