"""Reading a whole window: where its positions are, what each shows, and what that means together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np

from ocrbook.crops import around
from ocrbook.meters import digits as positions
from ocrbook.meters.counters import Way, ways
from ocrbook.meters.digits import BLANK
from ocrbook.meters.inputs import BESIDE, WINDOW_HEIGHT, fit_window, normalized
from ocrbook.meters.models import run
from ocrbook.meters.reading import MOST, Reading, checked, counts, rejected, too_small
from ocrbook.meters.second import digits_by_ppocr
from ocrbook.render.meters.scene import ARRIVED

SEEN, FAINT, SURE = 0.3, 0.06, 0.5
"""How sure the network must be of the middle of a position; where it is known how many drums there are; and for no
doubt to be left."""

ROOM = {"drum": (1.25, 1.2), "lcd": (1.3, 1.25)}
"""How many times as wide and high as a position the crop is from which it is read."""

ACCEPT = {"drum": 0.8, "lcd": 0.75}
"""The confidence from which on a window is accepted."""

BLURRED, UNLEVELLED = 0.06, 0.3
"""How far a last drum must be from where its digit changes for that digit to be certain; and where no other drum stands
still, so that none shows at which level they stand."""

AGREED = 0.6
"""How much of the doubt is gone once PP-OCRv6 has read the same digits."""

CLEAR = 0.98
"""The confidence from which on it isn't asked."""

CLOSE = 0.2
"""How much more the drums must be off in the next likely way to understand a counter, for the likeliest to be clear."""

GHOST, LIT = 0.5, 0.8
"""Unlit segments have less than the first share of the contrast of lit ones; an 8 has more than the second."""

EDGE = 0.1
"""How far inside the window the middle of a position lies at least, in widths."""

NARROW, LEFT, TALLER = 0.21, 0.25, 0.9
"""The share of the height of a window below which positions are too narrow; then they are looked for again in their
rows alone and so much of their height above and below, if these are less than the last share of the window."""

CLEARLY = 0.7
"""How much more of what is seen must look like the other kind, from -1 to 1, to contradict the one that was told."""


def find_positions(
    image: np.ndarray, count: int | None = None, kind: str | None = None
) -> tuple[np.ndarray, np.ndarray, str]:
    """Where the digits of a window are.

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR
    count : int, optional
        How many there are; blank ones count. Where more are plainly seen, they are returned.
    kind : "drum" or "lcd", optional
        What they are; None tells it from what they look like.

    Returns
    -------
    (float64 (N, 4) of left, top, right, bottom in pixels; float64 (N,) of how sure the network is of each, and, without
    a count, that there is no other one beside the first and the last; the kind, which is not the one that was told if
    they plainly look like the other one)

    Raises
    ------
    TypeError, ValueError
        If the image is none that can be read, or count or kind can't be.

    Examples
    --------
    >>> from ocrbook import images
    >>> boxes, sure, kind = find_positions(images.read("datasets/meter-lcd/lcd_000.jpg"))
    >>> boxes.shape, kind
    ((6, 4), 'lcd')
    """
    checked(image)
    count, _ = counts(count, 0)
    if kind is not None:
        positions.check_kind(kind)
    boxes, *rest = _find(image, count, kind)
    if len(boxes) and np.median(boxes[:, 2] - boxes[:, 0]) < NARROW * image.shape[0]:
        room = LEFT * np.median(boxes[:, 3] - boxes[:, 1])
        top, bottom = max(0, int(boxes[:, 1].min() - room)), int(np.ceil(boxes[:, 3].max() + room))
        if bottom - top < TALLER * image.shape[0]:
            closer, *again = _find(image[top:bottom], count, kind)
            if len(closer):
                return closer + np.array([0, top, 0, top]), *again
    return boxes, *rest


def _find(image: np.ndarray, count: int | None, kind: str | None) -> tuple[np.ndarray, np.ndarray, str]:
    """As `find_positions`, at the size that the image has."""
    fitted, scale = fit_window(image)
    height, width = fitted.shape[:2]
    inputs = np.zeros((1, 3, WINDOW_HEIGHT, -(-width // 4) * 4 + BESIDE), np.float32)
    inputs[:, :, :height, :width] = normalized(fitted[None])
    heat, wide, tall, below, display = run("positions", inputs)[0]
    heat = 1 / (1 + np.exp(-heat))
    looks = (heat * np.tanh(display)).sum() / heat.sum()  # from -1, drums, to 1, a display
    if kind is None or abs(looks) > CLEARLY:
        kind = positions.KINDS[int(looks > 0)]
    padded = np.pad(heat, 1)
    weak = count is not None and kind == "drum"  # a drum always shows something, a blank position nothing
    peaks = np.flatnonzero((heat >= padded[:-2]) & (heat > padded[2:]) & (heat >= (FAINT if weak else SEEN)))
    if not len(peaks):
        return np.zeros((0, 4)), np.zeros(0), kind
    near = padded[peaks[:, None] + np.arange(3)] ** 2
    middles = (peaks + (near * [-1, 0, 1]).sum(axis=1) / near.sum(axis=1)) * 4 + 2
    widths = WINDOW_HEIGHT * np.exp(np.clip(wide[peaks], -4, 2))
    heights = WINDOW_HEIGHT * np.exp(np.clip(tall[peaks], -4, 1))
    levels = WINDOW_HEIGHT * (0.5 + below[peaks])
    scores = heat[peaks]
    keep: list[int] = []
    for index in np.argsort(-scores):
        if not EDGE * widths[index] < middles[index] < width - EDGE * widths[index]:
            continue  # nearly half of it or more would lie outside
        if all(abs(middles[index] - middles[other]) > 0.7 * min(widths[index], widths[other]) for other in keep):
            keep.append(int(index))
    if not keep:
        return np.zeros((0, 4)), np.zeros(0), kind
    keep = sorted(keep[:MOST], key=lambda index: middles[index])
    shape = np.stack([middles, widths, heights, levels, scores], axis=1)[keep]
    plain = _fill_gaps(_without_strangers(shape[shape[:, 4] >= (SURE if weak else SEEN)]))
    if count is None:
        shape = plain
        shape[[0, -1], 4] *= _nothing_beside(shape, heat)
    elif len(plain) > count:
        shape = plain
    else:
        shape = _regular(shape if weak else plain, count)
        if 2 <= len(shape) < count:
            shape = _fill(shape, count, width, heat if kind == "lcd" else None)
    middles, widths, heights, levels, scores = shape.T
    wide, tall = np.median(widths), np.median(heights)
    if len(shape) > 2:  # digits stand in a row; a single one that jumps is a mistake
        levels = _line(middles, levels)
        heights = np.where(heights < 0.85 * tall, np.maximum(heights, 0.6 * tall), tall)  # small decimals are small
    boxes = np.stack([middles - wide / 2, levels - heights / 2, middles + wide / 2, levels + heights / 2], axis=1)
    return boxes / scale, scores, kind


def _line(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The line through points that most pairs of them agree on (Theil and Sen), at x."""
    a, b = np.triu_indices(len(x), 1)
    slope = np.median((y[a] - y[b]) / (x[a] - x[b]))
    return np.median(y - slope * x) + slope * x


def _without_strangers(shape: np.ndarray) -> np.ndarray:
    """Positions (N, 5: middle, width, height, level, score) without those at the ends that don't belong to the row.

    Units and signs beside the digits are smaller, or stand at another distance.
    """
    while len(shape) > 3:
        gaps = np.diff(shape[:, 0])
        pitch, tall = np.median(gaps), np.median(shape[:, 2])
        for end, gap in ((-1, gaps[-1]), (0, gaps[0])):
            apart = min(abs(gap / pitch - 1), abs(gap / (2 * pitch) - 1) + 0.1)  # one may be missing between
            lower = shape[end, 2] / tall
            small = lower < 0.6 or (lower < 0.8 and apart > 0.15)  # small decimals stand as evenly as the others
            if (small and shape[end, 4] < 0.9) or (apart > 0.4 and shape[end, 4] < 0.65):
                shape = shape[:-1] if end else shape[1:]
                break
        else:
            break
    return shape


def _nothing_beside(shape: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """For the first and the last position, from 1 down to 0 the more it seems that another one stands beside it."""
    if len(shape) < 2:
        return np.ones(2)
    pitch = np.median(np.diff(shape[:, 0]))
    factors = []
    for place in (shape[0, 0] - pitch, shape[-1, 0] + pitch):
        low, high = (int(np.clip((place + by * pitch - 2) / 4, 0, len(heat))) for by in (-0.3, 0.3))
        factors.append(max(0.0, 1 - 1.5 * heat[low : high + 1].max(initial=0)))
    return np.array(factors)


def _fill_gaps(shape: np.ndarray) -> np.ndarray:
    """Positions with one more where a gap is twice as wide as the others."""
    if len(shape) < 3:
        return shape
    gaps = np.diff(shape[:, 0])
    pitch = np.median(gaps)
    more = [(shape[i] + shape[i + 1]) / 2 for i in np.flatnonzero((gaps > 1.6 * pitch) & (gaps < 2.4 * pitch))]
    if not more or len(shape) + len(more) > MOST:
        return shape
    both = np.concatenate([shape, np.array(more) * [1, 1, 1, 1, 0.9]])
    return both[np.argsort(both[:, 0])]


def _regular(shape: np.ndarray, count: int) -> np.ndarray:
    """The `count` positions, from the left to the right, that stand most evenly and are most certain."""
    if len(shape) <= count:
        return shape
    middles, scores = shape[:, 0], shape[:, 4]
    best, chosen = -np.inf, np.arange(count)
    for start in range(len(shape) - count + 1):
        for end in range(start + count - 1, len(shape)):
            wanted = np.linspace(middles[start], middles[end], count)
            picked = np.abs(wanted[:, None] - middles).argmin(axis=1)
            if len(set(picked)) < count:
                continue
            pitch = max(1.0, (wanted[-1] - wanted[0]) / max(1, count - 1))
            uneven = np.abs(middles[picked] - wanted).mean() / pitch
            value = scores[picked].sum() - 3 * uneven
            if value > best:
                best, chosen = value, picked
    return shape[chosen]


def _fill(shape: np.ndarray, count: int, width: int, heat: np.ndarray | None) -> np.ndarray:
    """Add positions, in gaps and at the ends, until there are `count`; as sure as the heat, or half sure without it."""
    middles = shape[:, 0]
    gaps = np.diff(middles)
    single = gaps[gaps < 1.5 * np.median(gaps)]
    pitch = single.mean()
    places = list(middles)
    for left, right in pairwise(middles):
        missing = round((right - left) / pitch) - 1
        places += list(np.linspace(left, right, missing + 2)[1:-1])
    places.sort()
    while len(places) < count:  # displays leave out leading zeros: to the left first, as long as there is room
        if places[0] - pitch > 0.3 * pitch or places[-1] + pitch > width - 0.3 * pitch:
            places.insert(0, places[0] - pitch)
        else:
            places.append(places[-1] + pitch)
    places = np.array(places[-count:])
    near = np.abs(places[:, None] - middles).argmin(axis=1)
    filled = shape[near].copy()
    added = np.abs(places - middles[near]) >= 0.3 * pitch
    filled[added, 4] = SURE / 2 if heat is None else _heat_near(heat, places[added])
    filled[:, 0] = places
    return filled


def _heat_near(heat: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The highest heat within a column of each place; none outside the window."""
    columns = np.clip(np.round(places / 4 - 0.5).astype(int), -2, len(heat) + 1)
    return np.pad(heat, 3)[columns[:, None] + np.arange(2, 5)].max(axis=1)


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
    second: bool = False,
    arrived: float = ARRIVED,
    lower: float | None = None,
    steady: bool | None = None,
) -> Reading:
    """Read the window of a meter.

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
    second : bool
        Whether PP-OCRv6 is asked, too, where a window isn't clear. It changes no digit; where both read the same, the
        reading is more certain. Takes a recognition more.

    Returns
    -------
    Reading
        `text` has the digits from the left to the right without a separator, drums resolved from right to left (see
        `resolve`); `value` the number after `decimals` is applied; `parts` each position, with its `place`.

    Raises
    ------
    TypeError, ValueError
        If the image is none that can be read, the kind unknown, or `digits` or `decimals` can't be.
    FileNotFoundError
        If PP-OCRv6 is to be asked and its weights are missing.

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
        positions.check_kind(kind)
    digits, decimals = counts(digits, decimals)
    if too_small(checked(image)):
        return rejected("too small to be read")
    boxes, scores, looks = find_positions(image, digits, kind)
    if len(boxes) and kind not in (None, looks):
        return rejected(f'these look like digits of the kind "{looks}", not "{kind}"')
    return read_positions(image, looks, boxes, scores, digits, decimals, second, arrived, lower, steady)


def read_positions(
    image: np.ndarray,
    kind: str,
    boxes: np.ndarray,
    scores: np.ndarray,
    digits: int | None,
    decimals: int,
    second: bool = False,
    arrived: float = ARRIVED,
    lower: float | None = None,
    steady: bool | None = None,
) -> Reading:
    """Read a window whose positions are known; see `read_window` and `find_positions`."""
    if not len(boxes):
        return rejected("no digits found")
    crops = crops_of(image, boxes, ROOM[kind])
    probability = positions.probabilities(crops, kind)
    found = positions.readings(probability, kind)
    if kind == "lcd":
        found = _by_contrast(found, probability, crops)
        if digits is not None:  # what was added is blank, whatever unlit segments look like
            blank = Reading("", None, 1.0, False, "blank")
            found = [part if score >= SEEN else blank for part, score in zip(found, scores, strict=True)]
            inside = _without_blank_ends(found, scores, digits)
            found, scores, boxes = found[inside], scores[inside], boxes[inside]
    parts = []
    for part, (left, top, right, bottom) in zip(found, boxes.tolist(), strict=True):
        parts.append(replace(part, place=((left, top), (right, top), (right, bottom), (left, bottom))))
    if kind == "lcd" and digits is None:  # a position found by itself that shows nothing is none
        kept = [index for index, part in enumerate(parts) if part.reason != "blank"]
        parts, scores, boxes = [parts[i] for i in kept], scores[kept], boxes[kept]
        if not parts:
            return rejected("no digits found")
    parts = tuple(parts)
    if digits is not None and len(parts) != digits:
        return rejected(f"{len(parts)} positions found, not {digits}", parts)
    if kind == "drum":
        way, *others = ways([part.value for part in parts], None, arrived, lower, steady)
        text, off = way.text, way.off
        sure = _sure_of_drums(probability, way, parts, arrived if lower is None else None)
        sure += [1 / (1 + np.exp((way.loss - other.loss) / CLOSE)) for other in others if other.text != text][:1]
    else:
        text, off = "".join(part.text for part in parts), 0.0
        sure = [part.confidence for part in parts]
        shown = [bool(part.text) for part in parts]
        if not any(shown):
            return rejected("no digits found", parts)
        if not all(shown[shown.index(True) :]):
            return Reading(text, None, 0.0, False, "a blank position between digits", parts)
    seen = np.minimum(1, scores / SURE)[[part.reason != "blank" for part in parts]]
    row = float(np.prod(seen) * _evenness(boxes))
    if second and np.prod(sure) * row < CLEAR:
        other, rolling = digits_by_ppocr(image, boxes), int(kind == "drum")  # it can't tell the tenths of a last drum
        if len(other) == len(text) and other[: len(text) - rolling] == text[: len(text) - rolling]:
            told = len(parts) - rolling
            sure = [1 - (1 - each) * (1 - AGREED) for each in sure[:told]] + sure[told:]
            row = 1 - (1 - row) * (1 - AGREED)
    confidence = float(np.prod(sure) * row)
    value = int(text) / 10**decimals
    if off > 0.35:
        wrong = "drums that no counter shows together" + ("" if lower is None else " with what follows")
        return Reading(text, value, min(confidence, 0.5), False, wrong, parts)
    confidence *= float(np.clip(1.75 - 5 * off, 0, 1))  # 1 up to 0.15
    if decimals > len(text):
        return Reading(text, value, confidence, False, "fewer digits than decimals", parts)
    enough = confidence >= ACCEPT[kind]
    return Reading(text, value, confidence, enough, "" if enough else "uncertain", parts)


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
