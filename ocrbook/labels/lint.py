"""What is wrong, or probably wrong, with labels, before a training learns it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from shapely import STRtree, area, bounds, buffer, is_valid
from shapely.geometry import Polygon

from ocrbook.labels.ppocrlabel import Label
from ocrbook.metrics import iou

LEFTOVERS = ("TEMPORARY", "待识别", "NULL", "无法识别")
"""Texts that PPOCRLabel writes where nobody has typed one yet, or nothing could be read."""


@dataclass(frozen=True)
class Finding:
    """Something to look at: the number of the label (from 1), a rule's name, and a sentence.

    >>> print(Finding(3, "empty-text", "the text is empty"))
    label 3: the text is empty
    """

    label: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"label {self.label}: {self.message}"


def lint(
    labels: Sequence[Label],
    shape: tuple[int, int],
    *,
    pattern: str | None = None,
    patterns: dict[str, str] | None = None,
    alphabet: str | None = None,
    least_side: float = 3,
    overlap: float = 0.9,
) -> list[Finding]:
    """Check the labels of one image.

    Parameters
    ----------
    labels : sequence of Label
    shape : (height, width) of the image in pixels
    pattern : str, optional
        Regular expression that every text must match as a whole.
    patterns : dict of str to str, optional
        The same for each KIE class.
    alphabet : str, optional
        All characters that a text may have.
    least_side : float
        Boxes with a shorter side, in pixels, are reported.
    overlap : float
        Two labels whose boxes have at least this IoU are reported as one drawn twice.

    Returns
    -------
    list of Finding, by label. Rules: empty-text, leftover, space, pattern, alphabet, tiny, outside, order, crossing,
    duplicate, upright.

    Examples
    --------
    >>> box = Label([[0, 0], [9, 0], [9, 5], [0, 5]], "7 ")
    >>> [str(finding) for finding in lint([box], (20, 20))]
    ["label 1: '7 ' has spaces at an end, or two in a row"]
    """
    height, width = shape
    found: list[Finding] = []
    twice = _drawn_twice([label.points for label in labels], overlap)
    for number, label in enumerate(labels, 1):
        for rule, message in (
            *_text_problems(label, pattern, (patterns or {}).get(label.key_cls or ""), alphabet),
            *_box_problems(label, height, width, least_side),
        ):
            found.append(Finding(number, rule, message))
        for other in twice.get(number - 1, ()):
            message = f"lies on label {other + 1} ({labels[other].text!r}, {label.text!r}): drawn twice?"
            found.append(Finding(number, "duplicate", message))
    return found


def _drawn_twice(boxes: Sequence[np.ndarray], overlap: float) -> dict[int, list[int]]:
    """For each box, those before it with at least this IoU. An overlap of 0 or less holds for every pair."""
    if overlap <= 0:
        return {number: list(range(number)) for number in range(len(boxes))}
    found: dict[int, list[int]] = {}
    shapes = np.array([Polygon(points) for points in boxes], object)
    crossing = ~is_valid(shapes)
    shapes[crossing] = buffer(shapes[crossing], 0)  # as `iou` does
    later, earlier = STRtree(shapes).query(shapes)  # pairs whose upright rectangles meet
    later, earlier = later[later > earlier], earlier[later > earlier]
    first, second = bounds(shapes)[later], bounds(shapes)[earlier]
    sides = np.minimum(first[:, 2:], second[:, 2:]) - np.maximum(first[:, :2], second[:, :2])
    areas = area(shapes)[later], area(shapes)[earlier]
    shared = np.minimum(sides.prod(axis=1), np.minimum(*areas))  # at most
    likely = shared >= (overlap - 1e-6) * (sum(areas) - shared)
    for number, other in sorted(zip(later[likely].tolist(), earlier[likely].tolist(), strict=True)):
        if iou(boxes[number], boxes[other]) >= overlap:
            found.setdefault(number, []).append(other)
    return found


def _text_problems(label: Label, *patterns_and_alphabet: str | None):
    *patterns, alphabet = patterns_and_alphabet
    text = label.text
    if not text.strip():
        yield "empty-text", "the text is empty"
        return
    if text in LEFTOVERS:
        yield "leftover", f"the text is {text!r}, which PPOCRLabel writes where nobody has typed one"
        return
    if text != text.strip() or "  " in text:
        yield "space", f"{text!r} has spaces at an end, or two in a row"
    for pattern in filter(None, patterns):
        if not re.fullmatch(pattern, text):
            yield "pattern", f"{text!r} does not match {pattern}"
    if alphabet is not None and (unknown := sorted(set(text) - set(alphabet))):
        yield "alphabet", f"{text!r} has characters outside the alphabet: {' '.join(unknown)}"


def _box_problems(label: Label, height: int, width: int, least_side: float):
    points, polygon = label.points, Polygon(label.points)
    if not polygon.is_valid or polygon.area == 0:
        yield "crossing", "the sides cross each other, or enclose nothing"
        return
    outside = [point for point in points if not (0 <= point[0] <= width and 0 <= point[1] <= height)]
    if outside:
        x, y = outside[0]
        yield "outside", f"corner ({x:.0f}, {y:.0f}) lies outside the image of {width} x {height}"
    box_width, box_height = _sides(points)
    if min(box_width, box_height) < least_side:
        yield "tiny", f"{box_width:.0f} x {box_height:.0f} pixels"
    if not polygon.exterior.is_ccw:  # y points down: clockwise for the eye is counterclockwise in numbers
        yield "order", "the corners run counterclockwise; they should run clockwise from the top left"
        return
    if len(points) == 4 and int(np.argmin(points.sum(axis=1))) != 0 and _angle(points) > 45:
        yield "order", "the first corner is not the top left one: the crop would be turned"
        return
    if box_height >= 1.5 * box_width and len(label.text) > 0:
        yield (
            "upright",
            (f"{box_height / box_width:.1f} times as high as wide: PaddleOCR turns such crops by 90 degrees"),
        )


def _sides(points: np.ndarray) -> tuple[float, float]:
    """Width and height, as PaddleOCR's cropping measures them; for n-gons, of the upright rectangle."""
    if len(points) != 4:
        width, height = points.max(axis=0) - points.min(axis=0)
        return float(width), float(height)
    sides = np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1)
    return float(max(sides[0], sides[2])), float(max(sides[1], sides[3]))


def _angle(points: np.ndarray) -> float:
    """How far the first side is from pointing to the right, in degrees."""
    x, y = points[1] - points[0]
    return float(abs(np.degrees(np.arctan2(y, x))))
