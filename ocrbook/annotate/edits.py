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

    Examples
    --------
    >>> from ocrbook.annotate import to_rectangle
    >>> from ocrbook.labels import Label
    >>> to_rectangle(Label([[10, 20], [60, 25], [58, 45], [8, 40]])).points.tolist()
    [[8.0, 20.0], [60.0, 20.0], [60.0, 45.0], [8.0, 45.0]]
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
    >>> from ocrbook.annotate import move
    >>> from ocrbook.labels import Label
    >>> move(Label([[0, 0], [9, 0], [9, 5]]), 1, 2, corner=2).points.tolist()
    [[0.0, 0.0], [9.0, 0.0], [10.0, 7.0]]
    """
    points = label.points.copy()
    points[slice(None) if corner is None else corner] += (dx, dy)
    return replace(label, points=points)


def duplicate(label: Label, dx: float = 10) -> list[Label]:
    """The label and a copy of it, `dx` pixels to the right.

    Examples
    --------
    >>> from ocrbook.annotate import duplicate
    >>> from ocrbook.labels import Label
    >>> [label.box for label in duplicate(Label([[0, 0], [9, 0], [9, 5]], "same"))]
    [(0.0, 0.0, 9.0, 5.0), (10.0, 0.0, 19.0, 5.0)]
    """
    return [label, move(label, dx, 0)]


def in_reading_order(labels: Sequence[Label]) -> list[Label]:
    """Labels row by row, from left to right.

    A row is made of boxes whose middles lie less than half a height below the middle of the row's first; of the two
    heights the larger one counts.

    Examples
    --------
    >>> from ocrbook.annotate import in_reading_order
    >>> from ocrbook.labels import Label
    >>> def at(x, y, text):
    ...     return Label([[x, y], [x + 80, y], [x + 80, y + 20], [x, y + 20]], text)
    >>> [label.text for label in in_reading_order([at(0, 40, "third"), at(100, 4, "second"), at(0, 0, "first")])]
    ['first', 'second', 'third']
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
    >>> import numpy as np
    >>> from ocrbook.annotate import recognise
    >>> from ocrbook.labels import Label
    >>> class Reader:  # in place of TextRecognition(**local_models("text_recognition"))
    ...     def predict(self, crop):
    ...         return [{"rec_text": f"{crop.shape[1]} pixels", "rec_score": 0.5}]
    >>> image = np.zeros((50, 100, 3), np.uint8)
    >>> recognise(Reader(), image, [Label([[10, 10], [70, 10], [70, 30], [10, 30]])])[0].text
    '60 pixels'
    """
    read = [recogniser.predict(crop(image, label.points, turn_tall=False))[0] for label in labels]
    return [
        replace(label, text=str(result["rec_text"]), score=float(result["rec_score"]))
        for label, result in zip(labels, read, strict=True)
    ]
