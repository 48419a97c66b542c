"""The vocabulary of the whole book: a text line, and the page it stands on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class TextLine:
    """One line of text and where it stands.

    Parameters
    ----------
    points : array_like, shape (N, 2), N >= 3
        Corners in pixels, x to the right and y down, clockwise from the top left. Kept as float64.
    text : str
        What the line says; empty when only its place is known.
    score : float
        Confidence between 0 and 1; 1 for ground truth.

    Raises
    ------
    ValueError
        If `points` is not a finite (N, 2) array with at least three corners, or `score` is not within 0 and 1.
    """

    points: np.ndarray
    text: str = ""
    score: float = 1.0

    def __post_init__(self) -> None:
        points = np.array(self.points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all():
            raise ValueError(f"points must be finite and of shape (N, 2) with N >= 3, got shape {points.shape}")
        if not 0 <= self.score <= 1:
            raise ValueError(f"score must be within 0 and 1, got {self.score}")
        points.setflags(write=False)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "score", float(self.score))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TextLine):
            return NotImplemented
        return (self.text, self.score) == (other.text, other.score) and np.array_equal(self.points, other.points)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The upright rectangle around the points: left, top, right, bottom, in pixels."""
        return (*self.points.min(axis=0).tolist(), *self.points.max(axis=0).tolist())


@dataclass
class Page:
    """The text lines of one image.

    Parameters
    ----------
    image : str
        Name or path of the image file; empty for an image that is only in memory.
    lines : list of TextLine
        In reading order where it is known.
    """

    image: str = ""
    lines: list[TextLine] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The text of each line."""
        return [line.text for line in self.lines]

    @classmethod
    def from_paddle(cls, result: Mapping[str, Any]) -> Page:
        """Read one result of `PaddleOCR.predict` or `TextDetection.predict` (PaddleOCR 3.x).

        A detection result has no texts; its lines get empty texts and the detector's scores.

        Raises
        ------
        ValueError
            If the result has neither `rec_polys` nor `dt_polys`: it comes from another kind of module.
        """
        if "rec_polys" in result:
            keys = ("rec_polys", "rec_texts", "rec_scores")
            rows = zip(*(result[key] for key in keys), strict=True)
        elif "dt_polys" in result:
            scores = result.get("dt_scores", [1.0] * len(result["dt_polys"]))
            rows = ((points, "", score) for points, score in zip(result["dt_polys"], scores, strict=True))
        else:
            raise ValueError(f"not a text detection or OCR result: no rec_polys or dt_polys among {sorted(result)}")
        return cls(str(result.get("input_path") or ""), [TextLine(*row) for row in rows])

    def to_paddle(self) -> dict[str, Any]:
        """Write the page in the shape of a PaddleOCR 3.x result: `rec_texts`, `rec_polys`, `rec_boxes`, ...

        `rec_polys` are int16 (N, 2) arrays and `rec_boxes` an int16 (lines, 4) array, as PaddleOCR makes them, so
        points are rounded to whole pixels.
        """
        polys = [np.rint(line.points).astype(np.int16) for line in self.lines]
        boxes = np.array([np.rint(line.box) for line in self.lines], dtype=np.int16).reshape(-1, 4)
        return {
            "input_path": self.image or None,
            "dt_polys": polys,
            "rec_texts": self.texts,
            "rec_scores": [line.score for line in self.lines],
            "rec_polys": polys,
            "rec_boxes": boxes,
        }

    def to_json(self) -> str:
        """Write the page as one line of JSON; `from_json` reads it back without loss."""
        lines = [{"points": line.points.tolist(), "text": line.text, "score": line.score} for line in self.lines]
        return json.dumps({"image": self.image, "lines": lines}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Page:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            If the text is not JSON, or not a page; the message says which line is wrong and why.
        """
        data = json.loads(text)
        if not isinstance(data, dict) or set(data) != {"image", "lines"} or not isinstance(data["lines"], list):
            raise ValueError("not a page: expected an object with 'image' and 'lines'")
        lines = []
        for number, line in enumerate(data["lines"], 1):
            try:
                lines.append(TextLine(**line))
            except (TypeError, ValueError) as error:
                raise ValueError(f"line {number} of the page: {error}") from None
        return cls(str(data["image"]), lines)
