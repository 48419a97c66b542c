"""The vocabulary of the whole book: a text line, and the page it stands on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ocrbook import strict_json

__all__ = ["Page", "TextLine"]


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
        If `points` is not a finite (N, 2) array with at least three corners, `text` is no string, or `score` is not
        within 0 and 1.

    Examples
    --------
    >>> from ocrbook.page import TextLine
    >>> TextLine([[3, 1], [9, 2], [8, 6], [2, 5]], "total", 0.9).box
    (2.0, 1.0, 9.0, 6.0)
    """

    points: np.ndarray
    text: str = ""
    score: float = 1.0

    def __post_init__(self) -> None:
        points = np.array(self.points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3 or not np.isfinite(points).all():
            raise ValueError(f"points must be finite and of shape (N, 2) with N >= 3, got shape {points.shape}")
        if not isinstance(self.text, str):
            raise ValueError(f"text must be a string, got {type(self.text).__name__}")
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

    Examples
    --------
    >>> from ocrbook.page import Page, TextLine
    >>> page = Page("a.png", [TextLine([[0, 0], [9, 0], [9, 5], [0, 5]], "total")])
    >>> page.texts
    ['total']
    >>> Page.from_json(page.to_json()) == page
    True
    """

    image: str = ""
    lines: list[TextLine] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The text of each line."""
        return [line.text for line in self.lines]

    @classmethod
    def from_paddle(cls, result: Mapping[str, Any], size: tuple[int, int] | None = None) -> Page:
        """Read one result of `PaddleOCR.predict` or `TextDetection.predict` (PaddleOCR 3.x).

        The points are those of the image that PaddleOCR was given: where it turned the page first, they are turned
        back. A detection result has no texts; its lines get empty texts and the detector's scores.

        Parameters
        ----------
        result : mapping
            As `predict` gives it, or as its JSON (`result.json`, or a file of `save_to_json`) says it.
        size : (int, int), optional
            Width and height of the image in pixels. JSON of a page that was turned doesn't hold it.

        Raises
        ------
        ValueError
            If the result has neither `rec_polys` nor `dt_polys`: it comes from another kind of module. If it lacks
            other parts. If the places can't be brought back: the page was unwarped, or turned and nothing tells its
            size, or has a side of more than 32,767 pixels, where PaddleOCR's 16 bits end.

        Examples
        --------
        >>> from ocrbook.page import Page
        >>> lines = {"rec_polys": [[[5, 70], [45, 70], [45, 90], [5, 90]]], "rec_texts": ["x"], "rec_scores": [0.9]}
        >>> turned = {"doc_preprocessor_res": {"angle": 90}}
        >>> Page.from_paddle(lines | turned, size=(100, 50)).lines[0].points.tolist()
        [[30.0, 5.0], [30.0, 45.0], [10.0, 45.0], [10.0, 5.0]]
        """
        try:
            return cls._from_paddle(result, size)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not a result of PaddleOCR 3: {type(error).__name__} {error}") from None

    @classmethod
    def _from_paddle(cls, result: Mapping[str, Any], size: tuple[int, int] | None) -> Page:
        if set(result) == {"res"}:  # `result.json`; the file has what is in it
            result = result["res"]
        if "rec_polys" in result:
            keys = ("rec_polys", "rec_texts", "rec_scores")
            rows = zip(*(result[key] for key in keys), strict=True)
        elif "dt_polys" in result:
            scores = result.get("dt_scores", [1.0] * len(result["dt_polys"]))
            rows = ((points, "", score) for points, score in zip(result["dt_polys"], scores, strict=True))
        else:
            raise ValueError(f"not a text detection or OCR result: no rec_polys or dt_polys among {sorted(result)}")
        back = _way_back(result, size)
        lines = [TextLine(back(np.array(points, np.float64)), text, score) for points, text, score in rows]
        return cls(str(result.get("input_path") or ""), lines)

    def to_paddle(self) -> dict[str, Any]:
        """Write the page in the shape of a PaddleOCR 3.x result: `rec_texts`, `rec_polys`, `rec_boxes`, ...

        `rec_polys` are int16 (N, 2) arrays and `rec_boxes` an int16 (lines, 4) array, as PaddleOCR makes them, so
        points are rounded to whole pixels. Where a point doesn't fit, all of them are int32, or int64.

        Raises
        ------
        ValueError
            If a point doesn't fit into 64 bits.

        Examples
        --------
        >>> from ocrbook.page import Page, TextLine
        >>> page = Page("a.png", [TextLine([[0, 0], [9.6, 0], [9.6, 5]], "x")])
        >>> page.to_paddle()["rec_boxes"].tolist()
        [[0, 0, 10, 5]]
        """
        points = [np.rint(line.points) for line in self.lines]
        most = max((float(np.abs(each).max()) for each in points), default=0.0)
        kind = next((kind for kind in (np.int16, np.int32, np.int64) if most < np.iinfo(kind).max), None)
        if kind is None:
            raise ValueError(f"a point of the page is {most:g} pixels away; that can't be written as a whole number")
        polys = [each.astype(kind) for each in points]
        boxes = np.array([[*each.min(axis=0), *each.max(axis=0)] for each in polys], kind).reshape(-1, 4)
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
        try:
            data = strict_json.parse(text)
        except ValueError as error:
            raise ValueError(f"not a page: {error}") from None
        if not isinstance(data, dict) or set(data) != {"image", "lines"} or not isinstance(data["lines"], list):
            raise ValueError("not a page: expected an object with 'image' and 'lines'")
        if not isinstance(data["image"], str):
            raise ValueError("not a page: image must be a text")
        lines = []
        for number, line in enumerate(data["lines"], 1):
            try:
                lines.append(TextLine(**line))
            except (TypeError, ValueError) as error:
                raise ValueError(f"line {number} of the page: {error}") from None
        return cls(data["image"], lines)


def _way_back(result: Mapping[str, Any], size: tuple[int, int] | None) -> Callable[[np.ndarray], np.ndarray]:
    """From places in the image that PaddleOCR read to places in the one that it was given.

    Before it reads a page, PaddleOCR may turn it (anticlockwise, by 90, 180 or 270 degrees) and unwarp it; the result
    says so in `doc_preprocessor_res`, and holds the image that was read, unless it comes from JSON.
    """
    done = result.get("doc_preprocessor_res") or {}
    settings = (result.get("model_settings") or {}, done.get("model_settings") or {})
    if any(each.get("use_doc_unwarping") for each in settings):
        raise ValueError(
            "PaddleOCR unwarped this page before it read it, so its polygons are not places in the image it was given;"
            " read it with use_doc_unwarping=False"
        )
    if settings[0].get("use_doc_preprocessor") and "angle" not in done:
        raise ValueError("the result says that PaddleOCR prepared the page first, but not how (doc_preprocessor_res)")
    angle = done.get("angle", 0)
    if angle not in (-1, 0, 90, 180, 270):
        raise ValueError(f"a page is turned by 0, 90, 180 or 270 degrees, not by {angle!r}; -1 stands for not asked")
    read = done.get("output_img", result.get("input_img"))
    if read is not None:
        size = read.shape[:2] if angle in (90, 270) else read.shape[1::-1]
    if size is not None and max(size) > 32_767:
        raise ValueError(
            f"the image has {size[0]} x {size[1]} pixels, and PaddleOCR's places end at 32,767; read it in parts"
        )
    if angle in (-1, 0):
        return lambda points: points
    if size is None:
        raise ValueError(
            f"PaddleOCR turned this page by {angle} degrees before it read it, and JSON does not hold the image's size;"
            " give it as size=(width, height), or read with use_doc_orientation_classify=False"
        )
    width, height = size
    if angle == 90:
        return lambda points: np.stack([width - points[:, 1], points[:, 0]], axis=1)
    if angle == 180:
        return lambda points: np.array([width, height]) - points
    return lambda points: np.stack([points[:, 1], height - points[:, 0]], axis=1)
