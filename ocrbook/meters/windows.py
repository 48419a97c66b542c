"""Reading a whole window: what its positions show, what that means together, and what PP-OCRv6 makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from ocrbook.crops import around
from ocrbook.meters.counters import Way, ways
from ocrbook.meters.digits import BLANK, check_kind, probabilities, readings
from ocrbook.meters.lines import installed, likeliest, look, overexposed
from ocrbook.meters.positions import SEEN, SURE, find_positions
from ocrbook.meters.reading import MOST, Reading, checked, counts, rejected, too_small
from ocrbook.render.meters.scene import ARRIVED

ROOM = {"drum": (1.1, 1.1), "lcd": (1.3, 1.25)}
"""How many times as wide and high as a position the crop is from which it is read."""

ACCEPT = {"drum": 0.8, "lcd": 0.75}
"""The confidence from which on a window is accepted that the small networks have read."""

CERTAIN = {"told": 0.65, "not told": 0.75}
"""How certain PP-OCRv6 must be of all the digits of a display, with and without being told how many they are: without,
a faint last digit may be missed, and nothing shows it."""

ALONE = 0.99
"""How certain the small networks must be of a display that PP-OCRv6 reads otherwise."""

LIKELY = 0.3
"""How certain it must be to support what the small networks accept, or to doubt them."""

BLURRED, UNLEVELLED = 0.06, 0.3
"""How far a last drum must be from where its digit changes for that digit to be certain; and where no other drum stands
still, so that none shows at which level they stand."""

AGREED = 0.6
"""How much of the doubt of drums is gone once PP-OCRv6 has read the same digits."""

CLOSE = 0.2
"""How much more the drums must be off in the next likely way to understand a counter, for the likeliest to be clear."""

GHOST, LIT = 0.5, 0.8
"""Unlit segments have less than the first share of the contrast of lit ones; an 8 has more than the second."""


def crops_of(image: np.ndarray, boxes: np.ndarray, room: tuple[float, float]) -> list[np.ndarray]:
    """The positions, each with room around it; the edge of the image is repeated outside.

    None is much larger than the image, whatever the network sees in what is no window.
    """
    crops = []
    for left, top, right, bottom in boxes:
        size = np.minimum(np.array([right - left, bottom - top]) * room, 1.5 * np.array(image.shape[1::-1]))
        x, y = (left + right) / 2, (top + bottom) / 2
        width, height = (max(2, round(v)) for v in size)
        near, (first_x, first_y) = around(image, np.array([[x, y] - size / 2, [x, y] + size / 2]))
        matrix = np.float32([[1, 0, width / 2 - (x - first_x) - 0.5], [0, 1, height / 2 - (y - first_y) - 0.5]])
        crops.append(cv2.warpAffine(near, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))
    return crops


def read_window(
    image: np.ndarray,
    kind: str | None = "drum",
    digits: int | None = None,
    decimals: int = 0,
    *,
    second: bool | None = None,
    arrived: float = ARRIVED,
    lower: float | None = None,
    steady: bool | None = None,
) -> Reading:
    """Read the window of a meter.

    Small networks find and read the positions, and PP-OCRv6, tuned on drawn windows, reads all of them as a line (see
    `ocrbook.meters.lines`). Of a display, the more certain of both is taken, and where they contradict each other
    nothing is accepted. Of drums only the small networks tell how far each has turned; PP-OCRv6 makes what they read
    more certain, or doubtful.

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR
        The window, upright, with little around it.
    kind : "drum", "lcd" or None
        None tells it from what the positions look like.
    digits : int, optional
        How many positions there are. None finds that out.
    decimals : int
        How many of the digits are decimals.
    second : bool, optional
        Whether PP-OCRv6 reads, too. None: if its official weights are there.
    arrived, lower, steady
        See `resolve`.

    Returns
    -------
    Reading
        `text` has the digits from the left to the right without a separator, drums resolved from right to left (see
        `resolve`); `value` the number after `decimals` is applied; `parts` each position, with its `place`, none where
        PP-OCRv6 alone has read the digits.

    Raises
    ------
    TypeError, ValueError
        If the image is none that can be read, the kind unknown, or `digits` or `decimals` can't be.
    FileNotFoundError
        If PP-OCRv6 is to read and its weights are missing.

    Examples
    --------
    >>> from ocrbook import images
    >>> window = images.read("datasets/meter-lcd/lcd_000.jpg")
    >>> read_window(window, "lcd", second=False).text
    '904815'
    >>> read_window(window, "lcd", digits=3).reason
    '6 positions found, not 3'
    """
    if kind is not None:
        check_kind(kind)
    digits, decimals = counts(digits, decimals)
    if too_small(checked(image)):
        return rejected("too small to be read")
    seen = look(image) if (installed() if second is None else second) else []
    boxes, scores, looks = find_positions(image, digits, kind)
    if len(boxes) and kind not in (None, looks):
        own = rejected(f'these look like digits of the kind "{looks}", not "{kind}"')
        return _display(image, own, seen, digits, decimals) if seen and kind == "lcd" else own
    if seen and digits is None and looks == "drum":
        boxes, scores = _as_many(image, boxes, scores, seen)
    return read_positions(image, looks, boxes, scores, digits, decimals, seen, arrived, lower, steady)


def _as_many(
    image: np.ndarray, boxes: np.ndarray, scores: np.ndarray, seen: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The positions of drums, as many as PP-OCRv6 has read digits if it is certain and they are found."""
    text, certain = likeliest(seen)
    if 0 < len(text) <= MOST and len(text) != len(boxes):
        others, sure, _ = find_positions(image, len(text), "drum")
        if certain > LIKELY and len(others) == len(text):
            return others, sure
    return boxes, scores


def read_positions(
    image: np.ndarray,
    kind: str,
    boxes: np.ndarray,
    scores: np.ndarray,
    digits: int | None,
    decimals: int,
    seen: list[np.ndarray],
    arrived: float = ARRIVED,
    lower: float | None = None,
    steady: bool | None = None,
) -> Reading:
    """Read a window whose positions are known; see `read_window`, `find_positions` and `ocrbook.meters.lines.look`."""
    if kind == "lcd":
        own = _digits_of(image, boxes, scores, digits, decimals)
        return _display(image, own, seen, digits, decimals) if seen else own
    if not len(boxes):
        return rejected("no digits found")
    probability = probabilities(crops_of(image, boxes, ROOM[kind]), kind)
    parts = _placed(readings(probability, kind), boxes)
    if digits is not None and len(parts) != digits:
        return rejected(f"{len(parts)} positions found, not {digits}", parts)
    way, *others = ways([part.value for part in parts], None, arrived, lower, steady)
    *sure, last = _sure_of_drums(probability, way, parts, arrived if lower is None else None)
    last *= next((1 / (1 + np.exp((way.loss - other.loss) / CLOSE)) for other in others if other.text != way.text), 1)
    row = float(np.prod(sure) * np.prod(np.minimum(1, scores / SURE)) * _evenness(boxes))
    if seen:  # how far a last drum has turned, PP-OCRv6 can't tell
        text, certain = likeliest(seen, len(parts))
        if text[:-1] == way.text[:-1]:
            row = 1 - (1 - row) * (1 - AGREED)
        else:
            row = min(row, 1 - certain)
    confidence = float(row * last)
    value = int(way.text) / 10**decimals
    if way.off > 0.35:
        wrong = "drums that no counter shows together" + ("" if lower is None else " with what follows")
        return Reading(way.text, value, min(confidence, 0.5), False, wrong, parts)
    return _judged(way.text, decimals, confidence * float(np.clip(1.75 - 5 * way.off, 0, 1)), "drum", parts)


def _digits_of(image: np.ndarray, boxes: np.ndarray, scores: np.ndarray, digits: int | None, decimals: int) -> Reading:
    """What the small networks read on a display."""
    if not len(boxes):
        return rejected("no digits found")
    crops = crops_of(image, boxes, ROOM["lcd"])
    probability = probabilities(crops, "lcd")
    found = _by_contrast(readings(probability, "lcd"), probability, crops)
    if digits is None:  # a position found by itself that shows nothing is none
        kept = [index for index, part in enumerate(found) if part.reason != "blank"]
        found, scores, boxes = [found[i] for i in kept], scores[kept], boxes[kept]
    else:  # what was added is blank, whatever unlit segments look like
        blank = Reading("", None, 1.0, False, "blank")
        found = [part if score >= SEEN else blank for part, score in zip(found, scores, strict=True)]
        inside = _without_blank_ends(found, scores, digits)
        found, scores, boxes = found[inside], scores[inside], boxes[inside]
    parts = _placed(found, boxes)
    if digits is not None and len(parts) != digits:
        return rejected(f"{len(parts)} positions found, not {digits}", parts)
    text = "".join(part.text for part in parts)
    if not text:
        return rejected("no digits found", parts)
    lit = [bool(part.text) for part in parts]
    if not all(lit[lit.index(True) :]):
        return Reading(text, None, 0.0, False, "a blank position between digits", parts)
    certain = np.prod([part.confidence for part in parts]) * np.prod(np.minimum(1, scores / SURE)[lit])
    return _judged(text, decimals, float(certain * _evenness(boxes)), "lcd", parts)


def _display(image: np.ndarray, own: Reading, seen: list[np.ndarray], digits: int | None, decimals: int) -> Reading:
    """A display that the small networks and PP-OCRv6 have read."""
    text, certain = likeliest(seen, digits)
    if digits is not None and 0 < len(own.text) < digits:  # displays leave out leading zeros
        shorter, sure = likeliest(seen, len(own.text))
        if shorter == own.text and sure > certain:
            text, certain = shorter, sure
    if not own.text and (not text or certain < LIKELY):
        return own
    if not text or (own.text != text and own.confidence > max(certain, ALONE)):
        return replace(own, accepted=False, reason=own.reason or "uncertain")
    whole = len(text) == digits
    enough = certain >= CERTAIN["told" if whole else "not told"]
    if own.text == text:
        enough |= own.accepted and certain >= LIKELY and (whole or (digits is not None and own.confidence > ALONE))
        certain = max(certain, own.confidence)
    else:
        enough &= certain > own.confidence
    reason = own.reason if own.reason.startswith("these look") else "" if enough else "uncertain"
    if decimals > len(text):
        reason = "fewer digits than decimals"
    elif enough and overexposed(image):
        reason = "so bright beside the digits that one may be lost"
    parts = own.parts if own.text == text else ()
    return Reading(text, int(text) / 10**decimals, float(certain), enough and not reason, reason, parts)


def _judged(text: str, decimals: int, confidence: float, kind: str, parts: tuple[Reading, ...]) -> Reading:
    """What the small networks have read, with whether it is certain enough."""
    reason = "" if confidence >= ACCEPT[kind] else "uncertain"
    if decimals > len(text):
        reason = "fewer digits than decimals"
    return Reading(text, int(text) / 10**decimals, confidence, not reason, reason, parts)


def _placed(found: Sequence[Reading], boxes: np.ndarray) -> tuple[Reading, ...]:
    """Readings of positions, each with its corners."""
    corners = [((x, y), (right, y), (right, bottom), (x, bottom)) for x, y, right, bottom in boxes.tolist()]
    return tuple(replace(part, place=place) for part, place in zip(found, corners, strict=True))


def _without_blank_ends(found: Sequence[Reading], scores: np.ndarray, count: int) -> slice:
    """The positions without blank ones at the ends, the less certain one first, until no more than `count` are left."""
    first, end = 0, len(found)
    while end - first > count:
        blank = [place for place in (first, end - 1) if found[place].reason == "blank"]
        if not blank:
            break
        if min(blank, key=lambda place: scores[place]) == first:
            first += 1
        else:
            end -= 1
    return slice(first, end)


def _by_contrast(found: list[Reading], probability: np.ndarray, crops: Sequence[np.ndarray]) -> list[Reading]:
    """An 8 and unlit segments look alike by themselves; beside other digits, their contrast tells them apart.

    A leading 8 with less than half the contrast of the other digits is none, and a blank position with as much as they
    have, which could be an 8, is one.
    """
    contrast = np.array([crop.astype(np.float32).mean(axis=2).std() for crop in crops])
    lit = np.array([part.reason != "blank" for part in found])
    first = next((index for index, part in enumerate(found) if part.text not in ("8", "")), len(found))
    if not lit[first:].any():
        return found
    usual = np.median(contrast[first:][lit[first:]])
    result = []
    for index, (part, each) in enumerate(zip(found, probability, strict=True)):
        if index < first and part.text == "8" and contrast[index] < GHOST * usual:
            part = replace(part, text="", value=None, accepted=False, reason="blank")
        elif part.reason == "blank" and each[:BLANK].argmax() == 8 and contrast[index] > LIT * usual:
            part = Reading("8", 8.0, 0.5, False, "uncertain")
        result.append(part)
    return result


def _sure_of_drums(
    probability: np.ndarray, way: Way, parts: Sequence[Reading], arrived: float | None = ARRIVED
) -> list[float]:
    """For each drum, the share of answers that would give the same digit; `arrived` is None where something follows."""
    classes = np.arange(100) / 10
    blurred = max(BLURRED, UNLEVELLED / (1 + way.telling))
    shares = []
    for index, (each, part) in enumerate(zip(probability, parts, strict=True)):
        off = np.abs((classes - part.value + 5) % 10 - 5)
        last = index == len(parts) - 1
        if last and arrived is not None:  # any place that is resolved to the digit that was read
            past = (classes - way.shift - int(way.text[-1]) + 5) % 10 - 5
            inside = 0.5 - np.abs(past - (arrived - 0.5))
            same = np.clip(0.5 + inside / (2 * blurred), 0, 1)
        else:
            same = off <= 0.45
        shares.append(float((each * same).sum()))
    return shares


def _evenness(boxes: np.ndarray) -> float:
    """1 for positions at equal distances, less where one seems to be missing."""
    if len(boxes) < 3:
        return 1.0
    gaps = np.diff((boxes[:, 0] + boxes[:, 2]) / 2)
    worst = np.abs(gaps / np.median(gaps) - 1).max()
    return float(np.clip(1.6 - 2 * worst, 0.1, 1)) if worst > 0.3 else 1.0
