"""How good is it? Scores for texts, for boxes, and for both together.

Texts are compared as they are. Call `normalize` first where the width of a character or a space should not count.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely import STRtree
from shapely.geometry import Polygon

from ocrbook.page import Page

__all__ = [
    "Score",
    "cer",
    "detection",
    "end_to_end",
    "exact_match",
    "iou",
    "match",
    "normalize",
    "normalized_edit_distance",
    "page_edits",
]


def normalize(text: str) -> str:
    """Make texts comparable: full-width forms become half-width (Unicode NFKC), white space goes.

    `normalize("Ｎｏ．１２ ３")` is `"No.123"`.

    Examples
    --------
    >>> from ocrbook.metrics import normalize
    >>> normalize("Ｎｏ．１２ ３")
    'No.123'
    """
    joined = "".join(unicodedata.normalize("NFKC", text).split())
    return unicodedata.normalize("NFKC", joined)  # a lone accent becomes a space and an accent, and now finds a letter


def _pairs(truths: Sequence[str], predictions: Sequence[str]) -> list[tuple[str, str]]:
    if isinstance(truths, str) or isinstance(predictions, str):
        raise TypeError("expected two lists of texts, got a single text: put it in a list")
    if len(truths) != len(predictions):
        raise ValueError(f"{len(truths)} truths but {len(predictions)} predictions: give one prediction per truth")
    if not truths:
        raise ValueError("no texts to compare")
    return list(zip(truths, predictions, strict=True))


def exact_match(truths: Sequence[str], predictions: Sequence[str]) -> float:
    """Share of texts that are right to the last character, between 0 and 1.

    Raises
    ------
    ValueError
        If the lists are empty or of different length.
    TypeError
        If a single text is given instead of a list.

    Examples
    --------
    >>> from ocrbook.metrics import exact_match
    >>> exact_match(["ABC", "12", "3"], ["ABC", "12", "8"]) == 2 / 3
    True
    """
    return float(np.mean([truth == prediction for truth, prediction in _pairs(truths, predictions)]))


def cer(truths: Sequence[str], predictions: Sequence[str]) -> float:
    """Character error rate: edits needed over characters in the truth, summed over all texts.

    An edit is an insertion, a deletion or a substitution (Levenshtein, 1966). The rate is at least 0 and may exceed 1,
    when a prediction is longer than its truth.

    Raises
    ------
    ValueError
        If the lists are empty, of different length, or the truth has no character at all.
    TypeError
        If a single text is given instead of a list.

    Examples
    --------
    >>> from ocrbook.metrics import cer
    >>> cer(["abcd", "efghij"], ["abcd", "efgh1"])  # one character is wrong and one missing, of ten
    0.2
    """
    pairs = _pairs(truths, predictions)
    characters = sum(len(truth) for truth, _ in pairs)
    if not characters:
        raise ValueError("the truth has no character: the error rate is not defined")
    return sum(Levenshtein.distance(truth, prediction) for truth, prediction in pairs) / characters


def normalized_edit_distance(truths: Sequence[str], predictions: Sequence[str]) -> float:
    """Mean over the texts of edits / length of the longer text, between 0 (all equal) and 1.

    PaddleOCR prints 1 minus this number as `norm_edit_dis`; ICDAR 2019 LSVT ranks by it as 1-NED.

    Raises
    ------
    ValueError
        If the lists are empty or of different length.
    TypeError
        If a single text is given instead of a list.

    Examples
    --------
    >>> from ocrbook.metrics import normalized_edit_distance
    >>> normalized_edit_distance(["abcd", "ef"], ["abcd", "eg"])
    0.25
    """
    return float(np.mean([Levenshtein.normalized_distance(*pair) for pair in _pairs(truths, predictions)]))


@dataclass(frozen=True)
class Score:
    """Counts of a matching task. Scores of several pages are added: `sum(scores, Score())`.

    Examples
    --------
    >>> from ocrbook.metrics import Score
    >>> score = Score(matched=3, truths=4, predictions=3) + Score(matched=0, truths=0, predictions=1)
    >>> score.precision, score.recall, score.hmean
    (0.75, 0.75, 0.75)
    """

    matched: int = 0
    truths: int = 0
    predictions: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.matched + other.matched, self.truths + other.truths, self.predictions + other.predictions)

    @property
    def precision(self) -> float:
        """Matched over predicted; 1 when nothing was predicted and nothing was there, 0 when something was."""
        return self.matched / self.predictions if self.predictions else float(self.truths == 0)

    @property
    def recall(self) -> float:
        """Matched over truths; 1 when nothing was there and nothing was predicted, 0 when something was."""
        return self.matched / self.truths if self.truths else float(self.predictions == 0)

    @property
    def hmean(self) -> float:
        """Harmonic mean of precision and recall (F1)."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def _polygon(points: np.ndarray) -> Polygon:
    polygon = Polygon(points)
    return polygon if polygon.is_valid else polygon.buffer(0)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two polygons, points of shape (N, 2) and (M, 2), between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.metrics import iou
    >>> square = np.array([[0, 0], [10, 0], [10, 10], [0, 10]])
    >>> round(iou(square, square + [5, 0]), 3)  # 50 of 150 pixels
    0.333
    """
    first, second = _polygon(a), _polygon(b)
    union = first.union(second).area
    return first.intersection(second).area / union if union else 0.0


def match(truth: Page, predicted: Page, threshold: float = 0.5) -> list[tuple[int, int]]:
    """Pair each true line with at most one predicted line.

    Pairs have an IoU of at least `threshold`; among all such pairings the one with the most pairs, then the largest
    summed IoU, is taken (assignment problem), so that the order of the lines does not matter.

    Returns
    -------
    list of (index in truth.lines, index in predicted.lines), ascending.

    Examples
    --------
    >>> from ocrbook.metrics import match
    >>> from ocrbook.page import Page, TextLine
    >>> low = TextLine([[0, 50], [90, 50], [90, 70], [0, 70]])
    >>> high = TextLine([[0, 0], [90, 0], [90, 20], [0, 20]])
    >>> match(Page(lines=[high, low]), Page(lines=[low]))
    [(1, 0)]
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, got {threshold}")
    if not truth.lines or not predicted.lines:
        return []
    polygons = [_polygon(line.points) for line in predicted.lines]
    tree, gain = STRtree(polygons), np.zeros((len(truth.lines), len(polygons)))
    for row, line in enumerate(truth.lines):
        for column in tree.query(_polygon(line.points)):
            overlap = iou(line.points, predicted.lines[column].points)
            gain[row, column] = len(polygons) + overlap if overlap >= threshold else 0
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if gain[row, column]]


def _without_ignored(truth: Page, predicted: Page, ignore: Sequence[int], threshold: float) -> tuple[Page, Page]:
    """Drop the ignored truths, and the predictions that lie mostly (> 0.5 of their area) inside one of them.

    A prediction that is matched with a counted line stays.
    """
    dropped = set(ignore)
    counted = Page(truth.image, [line for index, line in enumerate(truth.lines) if index not in dropped])
    regions = [_polygon(truth.lines[index].points) for index in dropped]
    used = {column for _, column in match(counted, predicted, threshold)}

    def excused(index: int) -> bool:
        polygon = _polygon(predicted.lines[index].points)
        return index not in used and any(polygon.intersection(region).area > polygon.area / 2 for region in regions)

    kept = [line for index, line in enumerate(predicted.lines) if not excused(index)]
    return counted, Page(predicted.image, kept)


def detection(truth: Page, predicted: Page, threshold: float = 0.5, ignore: Sequence[int] = ()) -> Score:
    """Boxes found, whatever they say.

    Parameters
    ----------
    threshold : float
        A pair counts from this IoU on.
    ignore : sequence of int
        Indices of true lines that count neither as found nor as missed (illegible text, say). Predictions that lie
        by more than half inside one of them are not counted either.

    References
    ----------
    ICDAR 2015 Robust Reading, task 4.1: IoU 0.5, "do not care" regions.

    Examples
    --------
    >>> from ocrbook.metrics import detection
    >>> from ocrbook.page import Page, TextLine
    >>> box = [[0, 0], [90, 0], [90, 20], [0, 20]]
    >>> detection(Page(lines=[TextLine(box, "Total")]), Page(lines=[TextLine(box, "Tota1")])).hmean
    1.0
    """
    truth, predicted = _without_ignored(truth, predicted, ignore, threshold)
    return Score(len(match(truth, predicted, threshold)), len(truth.lines), len(predicted.lines))


def end_to_end(truth: Page, predicted: Page, threshold: float = 0.5, ignore: Sequence[int] = ()) -> Score:
    """Lines found *and* read without an error. Parameters as in `detection`; texts are compared as they are.

    Examples
    --------
    >>> from ocrbook.metrics import end_to_end
    >>> from ocrbook.page import Page, TextLine
    >>> box = [[0, 0], [90, 0], [90, 20], [0, 20]]
    >>> end_to_end(Page(lines=[TextLine(box, "Total")]), Page(lines=[TextLine(box, "Tota1")])).hmean
    0.0
    """
    truth, predicted = _without_ignored(truth, predicted, ignore, threshold)
    pairs = match(truth, predicted, threshold)
    right = sum(truth.lines[row].text == predicted.lines[column].text for row, column in pairs)
    return Score(right, len(truth.lines), len(predicted.lines))


def _reading_order(members: list[tuple[int, np.ndarray]]) -> list[int]:
    """Numbers of lines, row by row and along each row, as seen from the first line.

    The first two points of a line run along its writing direction; rows are as high as the first line.
    """
    points = members[0][1]
    along, across = points[1] - points[0], points[-1] - points[0]
    height = max(float(np.linalg.norm(across)), 1e-9)

    def place(member: tuple[int, np.ndarray]) -> tuple[int, float]:
        offset = member[1].mean(axis=0) - points.mean(axis=0)
        return round(float(np.dot(offset, across)) / height**2), float(np.dot(offset, along))

    return [number for number, _ in sorted(members, key=place)]


def page_edits(truth: Page, predicted: Page) -> tuple[int, int]:
    """Edits needed to turn the predicted page into the true one, and characters in the truth.

    Programs cut lines differently: one returns "Total 42", another "Total" and "42". So lines are grouped first: a
    true and a predicted line belong together when they share more than half the area of the smaller one. In each
    group the texts of either side are joined in reading order and compared; what belongs to no group costs
    its length. Texts go through `normalize`. `edits / characters`, summed over pages, is the character error rate of
    an engine.

    Examples
    --------
    >>> from ocrbook.metrics import page_edits
    >>> from ocrbook.page import Page, TextLine
    >>> whole = TextLine([[0, 0], [90, 0], [90, 20], [0, 20]], "Total 42")
    >>> left = TextLine([[0, 0], [60, 0], [60, 20], [0, 20]], "Tota1")
    >>> right = TextLine([[65, 0], [90, 0], [90, 20], [65, 20]], "42")
    >>> page_edits(Page(lines=[whole]), Page(lines=[right, left]))
    (1, 7)
    """
    lines = [*truth.lines, *predicted.lines]
    if not lines:
        return 0, 0
    shapes = [_polygon(line.points) for line in lines]
    first, second = STRtree(shapes).query(shapes)  # pairs whose bounding boxes meet
    linked = [
        (i, j)
        for i, j in zip(first.tolist(), second.tolist(), strict=True)
        if i < len(truth.lines) <= j
        and shapes[i].intersection(shapes[j]).area > min(shapes[i].area, shapes[j].area) / 2
    ]
    graph = coo_array((np.ones(len(linked)), tuple(np.array(linked, dtype=int).reshape(-1, 2).T)), (len(lines),) * 2)
    _, groups = connected_components(graph, directed=False)

    edits = 0
    for group in np.unique(groups):
        members = _reading_order([(int(i), lines[i].points) for i in np.flatnonzero(groups == group)])
        true = "".join(normalize(lines[i].text) for i in members if i < len(truth.lines))
        read = "".join(normalize(lines[i].text) for i in members if i >= len(truth.lines))
        edits += Levenshtein.distance(true, read)
    return edits, sum(len(normalize(line.text)) for line in truth.lines)
