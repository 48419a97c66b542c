"""`gt.txt` of PPOCRLabel's table mode: in each row the structure and the cells of one table, as in PubTabNet.

Structure and contents are apart: `html.structure.tokens` are the tags of an HTML table, `html.cells` what stands in
each `<td>`, in the same order. Format: https://github.com/ibm-aur-nlp/PubTabNet
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from ocrbook import strict_json
from ocrbook.files import write_atomically
from ocrbook.labels.files import Parsed, at, check_text, member, number, rows, shown

_SPAN = re.compile(r' (colspan|rowspan)="([1-9]\d{0,3})"', re.ASCII)
_ATTRIBUTE = re.compile(r' ([\w-]+)="[^"]*"')
_GROUPS = ("<thead>", "</thead>", "<tbody>", "</tbody>", "</tr>", "</td>")


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Parameters
    ----------
    tokens : tuple of str
        Its characters; tags such as "<b>" are tokens of their own.
    points : tuple of (x, y), optional
        Corners in pixels; None for an empty cell.
    colspan, rowspan : int
        How many columns and rows it covers.
    """

    tokens: tuple[str, ...] = ()
    points: tuple[tuple[float, float], ...] | None = None
    colspan: int = 1
    rowspan: int = 1

    @property
    def text(self) -> str:
        """The text without tags."""
        return "".join(token for token in self.tokens if len(token) == 1)


@dataclass
class Table:
    """A table: the image's file name, and its rows; the first `header` rows are its head."""

    image: str
    rows: list[list[Cell]] = field(default_factory=list)
    header: int = 0

    @property
    def cells(self) -> list[Cell]:
        """All cells, row by row."""
        return [cell for row in self.rows for cell in row]

    def structure(self) -> list[str]:
        """The tags as tokens; those of a `<td>` with a span are cut in pieces, as in PubTabNet."""
        tokens = ["<thead>"] if self.header else ["<tbody>"]
        for index, row in enumerate(self.rows):
            if index == self.header and index:
                tokens += ["</thead>", "<tbody>"]
            tokens += ["<tr>", *(token for cell in row for token in _opened(cell)), "</tr>"]
        return [*tokens, "</thead>" if self.header >= len(self.rows) and self.header else "</tbody>"]

    def html(self) -> str:
        """The table as a piece of HTML."""
        cells = iter(self.cells)
        parts = []
        for token in self.structure():
            parts.append(_SPAN.sub(r" \1=\2", token))
            if token in ("<td>", ">"):
                parts += [escape(t) if len(t) == 1 else t for t in next(cells).tokens]
        return f"<html><body><table>{''.join(parts)}</table></body></html>"


def _opened(cell: Cell) -> list[str]:
    spans = [
        f' {name}="{value}"' for name, value in (("colspan", cell.colspan), ("rowspan", cell.rowspan)) if value > 1
    ]
    return ["<td", *spans, ">", "</td>"] if spans else ["<td>", "</td>"]


def write(path: str | Path, tables: Iterable[Table]) -> None:
    """Write tables as PPOCRLabel does; nothing is lost.

    Raises
    ------
    ValueError
        If a file can't hold a table, and `read` would refuse it; the message says which, and why.
    """
    content = []
    for index, table in enumerate(tables, 1):
        with at(f"table {index}"):
            row = _dump(table)
            if _load(row, Counter()) != table:
                raise ValueError("would not be read as it is: the head has more rows than the table, or a span is < 1")
        content.append(f"{row}\n")
    write_atomically(Path(path), "".join(content).encode())


def _dump(table: Table) -> str:
    cells = []
    for cell in table.cells:
        box = {} if cell.points is None else {"bbox": [list(point) for point in cell.points]}
        cells.append({"tokens": list(cell.tokens)} | box)
    html = {"structure": {"tokens": table.structure()}, "cells": cells}
    return json.dumps({"filename": table.image, "html": html, "gt": table.html()}, ensure_ascii=False)


def read(path: str | Path) -> Parsed[Table]:
    """Read a gt.txt. Boxes of four numbers (PubTabNet) become four corners.

    Returns
    -------
    Parsed list of Table. `passed_over` counts attributes of cells that are no spans, by their name, such as "style".

    Raises
    ------
    ValueError
        If a row can't be read, or has another number of cells than its structure; with file, line number and reason.
    """
    path = Path(path)
    tables: Parsed[Table] = Parsed()
    for index, row in rows(path):
        with at(f"{path}, line {index}"):
            tables.append(_load(row, tables.passed_over))
    return tables


def _load(row: str, passed_over: Counter[str]) -> Table:
    content = strict_json.parse(row)
    html = member(content, "html", dict)
    tokens = member(member(html, "structure", dict), "tokens", list)
    contents = member(html, "cells", list)
    table = Table(member(content, "filename", str))
    check_text(table.image, "filename")
    found = 0
    for kind, spans in _parse(tokens, passed_over):
        if kind == "</thead>":
            table.header = len(table.rows)
        elif kind == "<tr>":
            table.rows.append([])
        else:
            if not table.rows:
                raise ValueError("a cell before the first row")
            if found < len(contents):
                with at(f"cell {found + 1}"):
                    table.rows[-1].append(_cell(contents[found], spans))
            found += 1
    if found != len(contents):
        raise ValueError(f"the structure has {found} cells, but {len(contents)} are given")
    return table


def _parse(tokens: Sequence[Any], passed_over: Counter[str]) -> Iterator[tuple[str, dict[str, int]]]:
    spans: dict[str, int] | None = None  # not None between "<td" and ">"
    for token in tokens:
        text = token if isinstance(token, str) else ""
        span, attribute = _SPAN.fullmatch(text), _ATTRIBUTE.fullmatch(text)
        if spans is not None and span:
            spans[span[1]] = int(span[2])
        elif spans is not None and attribute and attribute[1] not in ("colspan", "rowspan"):
            passed_over[attribute[1]] += 1
        elif spans is not None and text == ">":
            yield "<td>", spans
            spans = None
        elif spans is None and text == "<td":
            spans = {}
        elif spans is None and text in ("<tr>", "<td>", "</thead>"):
            yield text, {}
        elif spans is not None or text not in _GROUPS:
            raise ValueError(f"unknown token {shown(token)} in the structure")


def _cell(content: Any, spans: dict[str, int]) -> Cell:
    tokens = member(content, "tokens", list)
    if not all(isinstance(token, str) for token in tokens):
        raise ValueError("tokens must be a list of texts")
    check_text("".join(tokens))
    box = content.get("bbox")
    if box is None:
        return Cell(tuple(tokens), **spans)
    if isinstance(box, list) and len(box) == 4 and not isinstance(box[0], list):
        left, top, right, bottom = box
        box = [[left, top], [right, top], [right, bottom], [left, bottom]]
    if not isinstance(box, list) or not all(isinstance(point, list) and len(point) == 2 for point in box):
        raise ValueError(f"{shown(box)} is neither corners nor left, top, right, bottom")
    corners = tuple((number(x, "a coordinate"), number(y, "a coordinate")) for x, y in box)
    return Cell(tuple(tokens), corners, **spans)
