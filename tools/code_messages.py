"""Find the comments and docstrings of a code cell, and put others in their place.

A message is a comment (whole lines below each other are one), or a paragraph of the docstring of a function or class.
Everything else stays as it is: code, pragmas, doctests, magics, and docstrings that aren't one plain string.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tools.markdown_messages import has_words

WIDTH = 88  # columns of a code cell
_MAGIC = re.compile(r"^([ \t]*)[%!].*", re.MULTILINE)
_PRAGMA = re.compile(r"#+\s*(fmt:|isort:|mypy:|noqa\b|pragma:|pylint:|ruff:|type:|%%|!|@)")
_DOCSTRING = re.compile(r"([rRuU]?)(\"\"\"|'''|\"|')(.*)\2", re.DOTALL)
_DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# What a line may be broken between: wide characters with their punctuation, and words.
_ATOM = re.compile(
    r"\s*(?:`[^`]*`|[^\s⺀-￯`]|`)+[，。、；：！？）》”’…]*"
    r"|\s*[（《“‘]*[⺀-￯][，。、；：！？）》”’…]*|\s*[（《“‘]+|\s+"
)


class Span(NamedTuple):
    """source[start:end] is the message, broken into lines that begin with `prefix`; `width` is for each line's text."""

    start: int
    end: int
    message: str
    prefix: str
    width: int | None


def columns(text: str) -> int:
    """How wide a text is in a typeface of one width, where a Chinese character takes two columns."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _wrap(text: str, width: int | None) -> list[str]:
    if width is None:
        return [text]
    lines = [""]
    for atom in _ATOM.findall(text):
        if lines[-1] and columns(lines[-1] + atom) > width:
            lines.append(atom.strip())
        else:
            lines[-1] += atom
    return lines


def _comments(tokens: list[tokenize.TokenInfo], offset: Callable[[tuple[int, int]], int]) -> Iterator[Span]:
    block: list[tokenize.TokenInfo] = []

    def finished() -> Iterator[Span]:
        if block:
            indentation, first = block[0].start[1], block[0].string
            text = " ".join(token.string.lstrip("#").strip() for token in block)
            start = offset(block[0].start) + len(first) - len(first.lstrip("#").lstrip())
            whole = not block[0].line[:indentation].strip()
            prefix = block[0].line[:indentation] + "# "
            yield Span(start, offset(block[-1].end), text, prefix, WIDTH - len(prefix) if whole else None)
            block.clear()

    for token in tokens:
        if token.type != tokenize.COMMENT:
            continue
        row, column = token.start
        if block and (row, column) != (block[-1].start[0] + 1, block[-1].start[1]):
            yield from finished()
        if not has_words(token.string) or _PRAGMA.match(token.string):
            yield from finished()
        elif token.line[:column].strip():
            yield from finished()
            block.append(token)
            yield from finished()
        else:
            block.append(token)
    yield from finished()


def _paragraphs(string: str, start: int, column: int) -> Iterator[Span]:
    match = _DOCSTRING.fullmatch(string)
    if not match:
        return
    margin = " " * column
    width = WIDTH - column - 3 if len(match[2]) == 3 else None
    block: list[tuple[int, int, str, int]] = []  # start, end, text, indentation

    def finished() -> Iterator[Span]:
        text = " ".join(line for _, _, line, _ in block)
        if has_words(text):
            indentation = block[0][3]
            fits = width and width - max(indentation - column, 0)
            yield Span(block[0][0], block[-1][1], text, " " * indentation, fits)
        block.clear()

    position, doctest = start + match.start(3), False
    for number, line in enumerate(match[3].split("\n")):
        text = line.strip()
        doctest = bool(text) and (doctest or text.startswith(">>>"))
        begin = position + len(line) - len(line.lstrip())
        indentation = len(margin) if number == 0 else len(line) - len(line.lstrip())
        if not text or doctest or (block and indentation != block[-1][3]):
            yield from finished()
        if text and not doctest:
            block.append((begin, begin + len(text), text, indentation))
        position += len(line) + 1
    yield from finished()


def spans(source: str) -> list[Span]:
    """All messages of a cell, in order; none where the cell isn't Python."""
    python = _MAGIC.sub(lambda match: match[1] + "0".ljust(len(match[0]) - len(match[1])), source)
    try:
        tree = ast.parse(python)
        tokens = list(tokenize.generate_tokens(io.StringIO(python).readline))
    except (SyntaxError, tokenize.TokenError):
        return []
    lines = python.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)

    def offset(place: tuple[int, int]) -> int:
        return starts[place[0] - 1] + place[1]

    def place(row: int, byte: int) -> tuple[int, int]:
        return row, len(lines[row - 1].encode()[:byte].decode())

    bodies = [node.body[0] for node in ast.walk(tree) if isinstance(node, _DOCUMENTED) and ast.get_docstring(node)]
    docstrings = {(place(b.lineno, b.col_offset), place(b.end_lineno, b.end_col_offset)) for b in bodies}
    found = list(_comments(tokens, offset))
    for token in tokens:
        if (token.start, token.end) in docstrings:
            found += _paragraphs(token.string, offset(token.start), token.start[1])
    return sorted(found)


def messages(source: str) -> list[str]:
    """The messages of a cell, in order, each once."""
    return list(dict.fromkeys(span.message for span in spans(source)))


def syntax(source: str) -> str:
    """The syntax tree of a cell apart from its docstrings, as a text; of what isn't Python, the source."""
    try:
        tree = ast.parse(_MAGIC.sub(r"\g<1>0", source))
    except SyntaxError:
        return source
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Pass()
    return ast.dump(tree)


def translate(source: str, translation: Callable[[str], str]) -> str:
    """The cell with every message replaced.

    Raises
    ------
    ValueError
        If that would change more than comments and docstrings, as quotes in a docstring can.
    """
    parts, cursor = [], 0
    for span in spans(source):
        text = translation(span.message)
        if text != span.message:
            lines = _wrap(text, span.width)
            parts += [source[cursor : span.start], f"\n{span.prefix}".join(lines)]
            cursor = span.end
    translated = "".join([*parts, source[cursor:]])
    if syntax(translated) != syntax(source):
        raise ValueError(f"a translation breaks the code:\n{translated}")
    return translated
