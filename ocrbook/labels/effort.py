"""How much work a page of labels takes, from nothing or from proposals, counted in keys, clicks and drags.

The seconds are those of the keystroke-level model: Card, Moran and Newell, *The Keystroke-Level Model for User
Performance Time with Interactive Systems*, 1980. It describes a practised person who makes no mistakes; it compares
ways of working, and is no stopwatch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from rapidfuzz.distance import Levenshtein

from ocrbook.metrics import iou, match
from ocrbook.page import Page, TextLine

__all__ = [
    "SECONDS",
    "Effort",
    "effort",
]

SECONDS = {"keys": 0.28, "points": 1.1, "buttons": 0.1, "hands": 0.4, "thoughts": 1.35}
"""Of a key for an average typist (K), pointing (P), a mouse button pressed or released (B), moving a hand between
keyboard and mouse (H), and making up one's mind (M)."""

_FOUND = 0.3  # boxes with this IoU are about the same line
_GOOD = 0.7  # boxes with this IoU are left as they are


@dataclass(frozen=True)
class Effort:
    """Counts of what a person does; they can be added.

    Attributes
    ----------
    lines : int
        Lines that the page has in the end.
    checked, added, deleted, corners, texts, characters : int
        Proposals looked at; boxes drawn; boxes deleted; corners dragged; texts corrected; characters typed or deleted.
    keys, points, buttons, hands, thoughts : int
        Operations of the keystroke-level model: K, P, B, H and M.

    Examples
    --------
    >>> from ocrbook.labels.effort import Effort
    >>> total = Effort(lines=1, keys=10) + Effort(lines=1, thoughts=1)
    >>> total.lines, round(total.seconds, 2)
    (2, 4.15)
    """

    lines: int = 0
    checked: int = 0
    added: int = 0
    deleted: int = 0
    corners: int = 0
    texts: int = 0
    characters: int = 0
    keys: int = 0
    points: int = 0
    buttons: int = 0
    hands: int = 0
    thoughts: int = 0

    def __add__(self, other: Effort) -> Effort:
        return Effort(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def seconds(self) -> float:
        """Seconds of a practised person, by the keystroke-level model."""
        return sum(getattr(self, name) * seconds for name, seconds in SECONDS.items())


def effort(proposal: Sequence[TextLine], truth: Sequence[TextLine]) -> Effort:
    """What it takes to turn a proposal into the truth in the annotator; without a proposal, to label from empty.

    A line that was not proposed is drawn (two corners for an upright box, else each) and typed. A proposal on no line
    is deleted. Of the others, corners are dragged, the worst first, until the IoU is at least 0.7, and the text is
    corrected at the places where it differs, or typed anew where that takes fewer operations. Each proposed line costs
    one thought for looking at it, right or wrong; so do each box and each text that is corrected, and an empty page.

    Parameters
    ----------
    proposal, truth : sequence of TextLine

    Examples
    --------
    >>> from ocrbook.labels.effort import effort
    >>> from ocrbook.page import TextLine
    >>> box = [[0, 0], [90, 0], [90, 20], [0, 20]]
    >>> truth = [TextLine(box, "Total 42")]
    >>> corrected, typed = effort([TextLine(box, "Tota1 42")], truth), effort([], truth)
    >>> corrected.texts, corrected.added, typed.added, corrected.seconds < typed.seconds
    (1, 0, 1, True)
    """
    pairs = match(Page(lines=list(truth)), Page(lines=list(proposal)), _FOUND)
    total = Effort(lines=len(truth), keys=2, thoughts=0 if truth or proposal else 1)  # Ctrl+Enter
    drawn = [line for i, line in enumerate(truth) if i not in {i for i, _ in pairs}]
    for line in drawn:
        corners = 2 if iou(_upright(line.points), line.points) >= _GOOD else len(line.points)
        typed = len(line.text)
        total += Effort(
            added=1, characters=typed, keys=2 + typed, points=corners, buttons=2 * corners, hands=2, thoughts=1
        )
    needless = len(proposal) - len(pairs)
    total += Effort(checked=len(proposal), thoughts=len(proposal))
    total += Effort(deleted=needless, keys=needless, points=needless, buttons=2 * needless, hands=2 * needless)
    for i, j in pairs:
        total += _corners(proposal[j].points, truth[i].points) + _text(proposal[j].text, truth[i].text)
    return total


def _corners(proposed: np.ndarray, true: np.ndarray) -> Effort:
    if len(proposed) != len(true):
        return Effort() if iou(proposed, true) >= _GOOD else _dragged(len(true))
    points, count = proposed.copy(), 0
    while iou(points, true) < _GOOD:
        worst = int(np.argmax(np.linalg.norm(points - true, axis=1)))
        points[worst] = true[worst]
        count += 1
    return _dragged(count)


def _dragged(corners: int) -> Effort:
    return Effort(corners=corners, points=2 * corners, buttons=4 * corners, thoughts=min(corners, 1))


def _text(proposed: str, true: str) -> Effort:
    """Correct a text in its field: click at each place, delete and type; or select all and type."""
    if proposed == true:
        return Effort()
    places = [each for each in Levenshtein.opcodes(proposed, true) if each.tag != "equal"]
    characters = sum(each.src_end - each.src_start + each.dest_end - each.dest_start for each in places)
    shared = Effort(texts=1, thoughts=1)
    corrected = shared + Effort(
        characters=characters,
        keys=characters,
        points=len(places),
        buttons=2 * len(places),
        hands=2 * len(places),
    )
    anew = shared + Effort(characters=len(true), keys=2 + max(1, len(true)), points=1, buttons=2, hands=2)
    return min(corrected, anew, key=lambda each: each.seconds)


def _upright(points: np.ndarray) -> np.ndarray:
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
