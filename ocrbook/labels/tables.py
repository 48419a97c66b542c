"""`gt.txt` of PPOCRLabel's table mode: in each row the structure and the cells of one table, as in PubTabNet.

Structure and contents are apart: `html.structure.tokens` are the tags of an HTML table, `html.cells` what stands in
each `<td>`, in the same order. Format: https://github.com/ibm-aur-nlp/PubTabNet
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from ocrbook.files import write_atomically
from ocrbook.labels.files import rows

_SPAN = re.compile(r' (colspan|rowspan)="(\d+)"')
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
        for number, row in enumerate(self.rows):
            if number == self.header and number:
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
    """Write tables as PPOCRLabel does; nothing is lost."""
    write_atomically(Path(path), "".join(f"{_dump(table)}\n" for table in tables).encode())


def _dump(table: Table) -> str:
    cells = []
    for cell in table.cells:
        box = {} if cell.points is None else {"bbox": [list(point) for point in cell.points]}
        cells.append({"tokens": list(cell.tokens)} | box)
    html = {"structure": {"tokens": table.structure()}, "cells": cells}
    return json.dumps({"filename": table.image, "html": html, "gt": table.html()}, ensure_ascii=False)


def read(path: str | Path) -> list[Table]:
    """Read a gt.txt. Boxes of four numbers (PubTabNet) become four corners.

    Raises
    ------
    ValueError
        If a row can't be read, or has another number of cells than its structure; with file, line number and reason.
    """
    path = Path(path)
    tables = []
    for number, row in rows(path):
        try:
            tables.append(_load(row))
        except KeyError as error:
            raise ValueError(f"{path}, line {number}: no {error}") from None
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
    return tables


def _load(row: str) -> Table:
    content = json.loads(row)
    tokens, contents = content["html"]["structure"]["tokens"], content["html"]["cells"]
    table = Table(content["filename"])
    found = 0
    for kind, spans in _parse(tokens):
        if kind == "</thead>":
            table.header = len(table.rows)
        elif kind == "<tr>":
            table.rows.append([])
        else:
            if not table.rows:
                raise ValueError("a cell before the first row")
            if found < len(contents):
                table.rows[-1].append(_cell(contents[found], spans, found + 1))
            found += 1
    if found != len(contents):
        raise ValueError(f"the structure has {found} cells, but {len(contents)} are given")
    return table


def _parse(tokens: Sequence[str]) -> Iterator[tuple[str, dict[str, int]]]:
    spans: dict[str, int] | None = None  # not None between "<td" and ">"
    for token in tokens:
        found = _SPAN.fullmatch(token)
        if spans is not None and found:
            spans[found[1]] = int(found[2])
        elif spans is not None and token == ">":
            yield "<td>", spans
            spans = None
        elif spans is None and token == "<td":
            spans = {}
        elif spans is None and token in ("<tr>", "<td>", "</thead>"):
            yield token, {}
        elif spans is not None or token not in _GROUPS:
            raise ValueError(f"unknown token {token!r} in the structure")


def _cell(content: dict, spans: dict[str, int], number: int) -> Cell:
    tokens, box = content["tokens"], content.get("bbox")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise ValueError(f"cell {number}: tokens must be a list of texts")
    if box is not None:
        if len(box) == 4 and all(isinstance(value, int | float) for value in box):
            left, top, right, bottom = box
            box = [[left, top], [right, top], [right, bottom], [left, bottom]]
        if not all(isinstance(point, list) and [type(v) in (int, float) for v in point] == [True] * 2 for point in box):
            raise ValueError(f"cell {number}: {box!r} is neither corners nor left, top, right, bottom")
    return Cell(tuple(tokens), None if box is None else tuple(map(tuple, box)), **spans)
