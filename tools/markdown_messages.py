"""Find the sentences of a MyST Markdown text, and put others in their place.

A message is the inline text of one block: a paragraph, a heading, a list item, a table cell, a definition, the title
or an option of a directive. Everything else (code, targets, front matter, options that are not shown) stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from markdown_it import MarkdownIt
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin

PARSER = (
    MarkdownIt("commonmark")
    .enable("table")
    .use(front_matter_plugin)
    .use(myst_block_plugin)
    .use(dollarmath_plugin)
    .use(colon_fence_plugin)
    .use(deflist_plugin)
)

# Directives whose body is text, and those whose first line is a title.
_TITLED = {"admonition", "card", "dropdown", "exercise", "grid-item-card", "quiz", "tab-item", "table", "list-table"}
_PROSE = _TITLED | {
    "button-ref", "figure", "glossary", "grid", "grid-item", "important", "margin", "note", "once", "seealso",
    "solution", "tab-set", "tip", "warning",
}  # fmt: skip
_SHOWN_OPTIONS = {"alt", "caption", "how", "img-alt"}
_BOX = re.compile(r"\[[x ]\] +")  # before an answer of a quiz

# What has no words: code, formulas, links without a text of their own, tags, numbers.
_WORDLESS = re.compile(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)|\{\w[\w:-]*\}|<[^>]*>")

Span = tuple[int, int, str]
"""Start, end and message; source[start:end] is the message before its line breaks became spaces."""


def has_words(message: str) -> bool:
    """Whether there is something to translate in a message."""
    return any(character.isalpha() for character in _WORDLESS.sub("", message))


def _line_starts(source: str) -> list[int]:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _locate(source: str, content: str, start: int, end: int) -> tuple[int, int]:
    """Where an inline text stands. Each of its lines may be indented or quoted in the source."""
    first, *rest = content.split("\n")
    begin = source.find(first, start, end)
    finish = begin + len(first)
    for line in rest:
        found = source.find(line.strip(), finish, end)
        finish = found + len(line.strip()) if found >= 0 else -1
    if begin < 0 or finish < begin:
        raise ValueError(f"can't find {first!r} in its own block: write it without escapes that the parser removes")
    return begin, finish


def _directive_spans(source: str, info: str, start: int, end: int) -> Iterator[Span]:
    """Spans in a directive that begins at `start` (its fence) and whose closing fence begins at `end`."""
    name, argument = re.match(r"\{([\w:-]+)\}\s*(.*)", info).groups()
    if name not in _PROSE:
        return
    if argument and name in _TITLED:
        begin = source.index(argument, start)
        yield begin, begin + len(argument), argument
    body = source.index("\n", start) + 1
    while option := re.compile(r":([\w-]+):[ \t]*(.*)\n").match(source, body, end):
        if option[1] in _SHOWN_OPTIONS:
            yield option.start(2), option.end(2), option[2]
        body = option.end()
    if name == "glossary":
        yield from _glossary_spans(source, body, end)
    else:
        for first, last, message in spans(source[body:end]):
            box = _BOX.match(message) if name == "quiz" else None
            skipped = box.end() if box else 0
            yield body + first + skipped, body + last, message[skipped:]


def _glossary_spans(source: str, start: int, end: int) -> Iterator[Span]:
    """Terms stand at the left margin, their explanations indented below."""
    for block in re.compile(r"^(\S.*)$|^[ \t]+(\S.*(?:\n[ \t]+\S.*)*)$", re.MULTILINE).finditer(source, start, end):
        group = block.lastindex
        yield block.start(group), block.end(group), re.sub(r"\s*\n\s*", " ", block[group])


def spans(source: str) -> Iterator[Span]:
    """All inline texts, in order: the messages, and what has no words, such as a number in a table.

    Raises
    ------
    ValueError
        If a message can't be found back in the source, or a directive is indented.
    """
    starts = _line_starts(source)
    cursor = 0
    for token in PARSER.parse(source):
        if token.type == "inline" and token.content:
            first, last = token.map
            begin, finish = _locate(source, token.content, max(cursor, starts[first]), starts[last])
            cursor = finish
            yield begin, finish, re.sub(r"\s*\n\s*", " ", token.content)
        elif token.type in ("fence", "colon_fence") and token.info.strip().startswith("{"):
            first, last = token.map
            line = source[starts[first] : starts[first + 1]]
            if line[:1].isspace():
                raise ValueError(f"indented directive {line.strip()!r}: move it to the left margin")
            yield from _directive_spans(source, token.info.strip(), starts[first], starts[last - 1])
            cursor = starts[last]


def messages(source: str) -> list[str]:
    """The messages of a text, in order, each once."""
    return list(dict.fromkeys(message for _, _, message in spans(source) if has_words(message)))


def translate(source: str, translation: Callable[[str], str]) -> str:
    """The text with every message replaced."""
    parts, cursor = [], 0
    for start, end, message in spans(source):
        if has_words(message):
            parts += [source[cursor:start], translation(message)]
            cursor = end
    return "".join([*parts, source[cursor:]])
