"""How the Chinese edition is written: the lengths of its sentences, its terms, its typography, its numbers.

    python -m tools.chinese [PO files]        a line for each file and for each fault; all files of the book without any
    python -m tools.chinese --worst 200       and the shortest sentences, most common faults of a translation

A *sentence* is a run of text up to 。, ！ or ？ within one message. Code in backticks, formulas, roles and link targets
are taken out, and its length is the number of letters and digits that are left, each Han character being a letter
(`用 OCR 读 3 页` has 7). Text that no such mark ends isn't a sentence: most headings, table cells, captions, words of
figures and comments of code. A heading that ends with a question mark is one.

Terms are in book/locale/terms.yml: the term to `use`, what is `not` to be written (regular expressions), `except` in
which surroundings it is right, and `when` (a regular expression over the English) the rule applies at all. A number
that the English writes in digits is in the Chinese in digits, too; digits of names (PP-OCRv6) are not looked at.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from babel.messages.pofile import read_po
from markdown_it import MarkdownIt

from tools.book_files import ROOT

LOCALE = ROOT / "book" / "locale" / "zh_CN" / "LC_MESSAGES"
TERMS = ROOT / "book" / "locale" / "terms.yml"
SHORT, BRIEF = 8, 12
"""Sentences of at most so many letters are counted."""
SHORT_SHARE, BRIEF_SHARE = 0.03, 0.09
"""The shares of such sentences that a book written in Chinese stays below."""

_MARKDOWN = MarkdownIt()
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_LINK_TARGET = re.compile(r"(?<=\])\([^()\s]*\)")
_ROLE = re.compile(r"\{[\w:-]+\}(?=`)")
_CODE = re.compile(r"`+[^`]*`+|(?<![\\$])\$[^$]+\$")
_ROLE_TEXT = re.compile(r"\{[\w:-]+\}`([^`<]*)(?:<[^`]*>)?`")
_GONE = "\ufffc"  # stands for code where its place matters

_TYPOGRAPHY = {
    "percent is written as in 7%": r"\d\s+%|％|百分之[\d一二三四五六七八九十几](?![圈秒])",
    "full-width brackets around Chinese": rf"\([^()]*[{_HAN}][^()]*\)",
    "full-width punctuation after Chinese": rf"[{_HAN}）”》][,;:?!]|[{_HAN}）”》]\.(?![\w.])",
    "full-width punctuation before Chinese": rf"[A-Za-z0-9)][,;?!](?=[{_HAN}])",
    "Chinese quotation marks around Chinese": rf'"[^"]*[{_HAN}][^"]*"',
    "no space after full-width punctuation": r"[，。！？；：、（）《》“”](?:\*\*)?[ \t]+(?=\S)",
    "no space before full-width punctuation": r"[ \t]+(?:\*\*)?[，。！？；：、（）《》“”]",
    "no space between Chinese characters": rf"[{_HAN}](?:\*\*)?[ \t]+(?:\*\*)?[{_HAN}]",
    "等 and not et al.": r"\bet al\b",
}


@dataclass(frozen=True)
class Message:
    """A message of a PO file: its English and its Chinese."""

    english: str
    chinese: str


@dataclass(frozen=True)
class Lengths:
    """How many sentences there are, and how many of them have at most SHORT and BRIEF letters."""

    sentences: int = 0
    short: int = 0
    brief: int = 0

    def __add__(self, other: Lengths) -> Lengths:
        return Lengths(self.sentences + other.sentences, self.short + other.short, self.brief + other.brief)

    def too_many(self) -> bool:
        """Whether there are too many short sentences; two, or three brief ones, are allowed however short the text."""
        return self.short >= max(3, SHORT_SHARE * self.sentences) or self.brief >= max(4, BRIEF_SHARE * self.sentences)

    def __str__(self) -> str:
        short, brief = (100 * count / max(1, self.sentences) for count in (self.short, self.brief))
        return f"{self.sentences:5} sentences, {short:5.1f} % up to {SHORT} letters, {brief:5.1f} % up to {BRIEF}"


def length(sentence: str) -> int:
    """The number of letters, Han characters and digits."""
    return sum(character.isalnum() for character in sentence)


def sentences(chinese: str) -> list[str]:
    """The sentences of a message, without their full stops."""
    text = _CODE.sub("", _ROLE.sub("", _LINK_TARGET.sub("", chinese)))
    *ended, _ = re.split("[。！？]", text)
    return [sentence.strip() for sentence in ended if length(sentence)]


def lengths(messages: list[Message]) -> Lengths:
    """Count the sentences of messages, and the short ones among them."""
    found = [length(sentence) for message in messages for sentence in sentences(message.chinese)]
    return Lengths(len(found), sum(n <= SHORT for n in found), sum(n <= BRIEF for n in found))


def _prose(chinese: str) -> str:
    """A message without code and link targets; the words of roles stay."""
    return _CODE.sub(_GONE, _ROLE_TEXT.sub(r"\1", _LINK_TARGET.sub("", chinese)))


def _excerpt(text: str, start: int, end: int) -> str:
    return text[max(0, start - 12) : end + 12].replace("\n", " ").replace(_GONE, "`…`")


@cache
def _terms() -> list[dict]:
    rules = yaml.safe_load(TERMS.read_text("utf-8"))
    for rule in rules:
        for key in ("not", "except", "when"):
            rule[key] = re.compile(rule[key], re.IGNORECASE | re.DOTALL) if key in rule else None
    return rules


def wording(message: Message) -> list[str]:
    """Where a message uses a word that the table of terms forbids, a line each."""
    text, found = _prose(message.chinese), []
    for rule in _terms():
        if rule["when"] and not rule["when"].search(message.english):
            continue
        right = [match.span() for match in rule["except"].finditer(text)] if rule["except"] else []
        found += [
            f"{match[0]} -> {rule['use']}: {_excerpt(text, *match.span())}"
            for match in rule["not"].finditer(text)
            if not any(start <= match.start() and match.end() <= end for start, end in right)
        ]
    return found


def _slanted(chinese: str) -> list[str]:
    """Emphasised texts with Han in them; there are no italics in Chinese."""
    if not re.search(r"[*_]", chinese):
        return []
    (block,) = _MARKDOWN.parseInline(chinese)
    depth, found = 0, []
    for token in block.children:
        depth += {"em_open": 1, "em_close": -1}.get(token.type, 0)
        if depth and token.type == "text" and re.search(f"[{_HAN}]", token.content):
            found.append(token.content)
    return found


def typography(chinese: str) -> list[str]:
    """Where a message isn't set as Chinese text is, a line each."""
    text = _prose(chinese)
    found = [f"bold and not slanted: {words}" for words in _slanted(chinese)]
    for rule, pattern in _TYPOGRAPHY.items():
        found += [f"{rule}: {_excerpt(text, *match.span())}" for match in re.finditer(pattern, text)]
    return found


def _numbers(text: str) -> set[str]:
    return {number.replace(",", "").rstrip(".") for number in re.findall(r"(?<![A-Za-z\d,.])\d[\d,.]*", _prose(text))}


def lost_numbers(message: Message) -> list[str]:
    """The numbers of the English that are not in the Chinese, a line each."""
    lost = sorted(_numbers(message.english) - _numbers(message.chinese))
    return [f"the English says {number}: {message.chinese[:40]}" for number in lost]


def faults(message: Message) -> list[str]:
    """Everything that is wrong with a message, a line each."""
    return wording(message) + typography(message.chinese) + lost_numbers(message)


def catalogs() -> list[Path]:
    """The PO files of the book."""
    return sorted(LOCALE.rglob("*.po"))


def read(path: Path) -> list[Message]:
    """The messages of a PO file."""
    with path.open("rb") as file:
        return [Message(entry.id, entry.string) for entry in read_po(file) if entry.id]


def main() -> int:
    """Print what there is to say on PO files; fails if a term, the typography or a number is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="PO file")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="print the N shortest sentences, too")
    arguments = parser.parse_args()
    paths = arguments.files or [Path(os.path.relpath(path)) for path in catalogs()]
    files = {path: read(path) for path in paths}
    found = [f"{path}: {line}" for path, messages in files.items() for each in messages for line in faults(each)]
    short = [
        (length(sentence), str(path), sentence)
        for path, messages in files.items()
        for message in messages
        for sentence in sentences(message.chinese)
    ]
    for count, path, sentence in sorted(short)[: arguments.worst]:
        print(f"{path}: {count} letters: {sentence}")
    for path, messages in files.items():
        print(f"{lengths(messages)}: {path}{' (too many)' if lengths(messages).too_many() else ''}")
    for line in found:
        print(line)
    print(f"{sum(map(lengths, files.values()), Lengths())}: all; {len(found)} faults")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
