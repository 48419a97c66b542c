"""What the annotator's buttons do, as plain calls on labels. Each returns new labels and leaves its arguments alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from ocrbook.crops import crop
from ocrbook.labels import Label


class Recogniser(Protocol):
    """What `recognise` needs of PaddleOCR's TextRecognition."""

    def predict(self, image: np.ndarray) -> Sequence[Any]:
        """Results with `rec_text` and `rec_score` for a crop."""


def to_rectangle(label: Label) -> Label:
    """The label with the upright rectangle around its points.

    >>> to_rectangle(Label([[0, 1], [9, 0], [9, 5]], "a")).points.tolist()
    [[0.0, 0.0], [9.0, 0.0], [9.0, 5.0], [0.0, 5.0]]
    """
    left, top, right, bottom = label.box
    return replace(label, points=np.array([[left, top], [right, top], [right, bottom], [left, bottom]]))


def move(label: Label, dx: float, dy: float, corner: int | None = None) -> Label:
    """The label moved by (dx, dy) pixels, or one of its corners; numbers of corners begin with 0.

    Raises
    ------
    IndexError
        If there is no such corner.

    Examples
    --------
    >>> move(Label([[0, 0], [9, 0], [9, 5]], "a"), 1, 2, corner=2).points.tolist()
    [[0.0, 0.0], [9.0, 0.0], [10.0, 7.0]]
    """
    points = label.points.copy()
    points[slice(None) if corner is None else corner] += (dx, dy)
    return replace(label, points=points)


def duplicate(label: Label, dx: float = 10) -> list[Label]:
    """The label and a copy of it, `dx` pixels to the right.

    >>> [label.box for label in duplicate(Label([[0, 0], [9, 0], [9, 5]], "a"))]
    [(0.0, 0.0, 9.0, 5.0), (10.0, 0.0, 19.0, 5.0)]
    """
    return [label, move(label, dx, 0)]


def in_reading_order(labels: Sequence[Label]) -> list[Label]:
    """Labels row by row, from left to right.

    A row is made of boxes whose middles lie less than half a height below the middle of the row's first; of the two
    heights the larger one counts.

    >>> right, left = (Label([[x, 0], [x + 9, 0], [x + 9, 5]], str(x)) for x in (20, 0))
    >>> [label.text for label in in_reading_order([right, left])]
    ['0', '20']
    """
    boxes = [label.box for label in labels]
    middles = [(top + bottom) / 2 for _, top, _, bottom in boxes]
    heights = [bottom - top for _, top, _, bottom in boxes]
    rows: list[list[int]] = []
    for i in sorted(range(len(labels)), key=lambda i: (middles[i], boxes[i][0], i)):
        first = rows[-1][0] if rows else None
        if first is not None and middles[i] - middles[first] < max(heights[first], heights[i]) / 2:
            rows[-1].append(i)
        else:
            rows.append([i])
    return [labels[i] for row in rows for i in sorted(row, key=lambda i: (boxes[i][0], i))]


def recognise(recogniser: Recogniser, image: np.ndarray, labels: Sequence[Label]) -> list[Label]:
    """Read the boxes again: the labels with new texts and scores.

    Parameters
    ----------
    recogniser : TextRecognition, or any object whose `predict(crop)` returns a list with one result of that kind
    image : uint8 array, shape (H, W, 3), BGR
    labels : sequence of Label

    Examples
    --------
    >>> class Reader:
    ...     def predict(self, image):
    ...         return [{"rec_text": f"{image.shape[1]} pixels wide", "rec_score": 0.5}]
    >>> box = Label([[0, 0], [9, 0], [9, 5], [0, 5]], "?")
    >>> recognise(Reader(), np.zeros((20, 20, 3), np.uint8), [box])[0].text
    '9 pixels wide'
    """
    read = [recogniser.predict(crop(image, label.points, turn_tall=False))[0] for label in labels]
    return [
        replace(label, text=str(result["rec_text"]), score=float(result["rec_score"]))
        for label, result in zip(labels, read, strict=True)
    ]
