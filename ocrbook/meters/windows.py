"""Reading a whole window: where its positions are, what each shows, and what that means together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np

from ocrbook.meters import digits as positions
from ocrbook.meters.digits import BLANK
from ocrbook.meters.inputs import WINDOW_HEIGHT, fit_window, normalized
from ocrbook.meters.models import run
from ocrbook.meters.reading import Reading, checked, rejected, too_small
from ocrbook.render.meters.scene import ARRIVED

SEEN = 0.3
"""How sure the network must be of the middle of a position."""

ROOM = {"drum": (1.25, 1.2), "lcd": (1.3, 1.25)}
"""How many times as wide and high as a position the crop is from which it is read."""

ACCEPT = {"drum": 0.85, "lcd": 0.85}
"""The confidence from which on a window is accepted."""

TRUST, DOUBT = 0.8, 1e-3
"""The power to which a drum's probabilities are raised before they are weighed, and what is added to each."""

GEARED, PLAY = 0.15, 0.07
"""How likely it is that all drums turn steadily; and how far, in digits, they are off together."""

MISFIT = 0.05
"""Below this share of the likeliest place no drum is believed to stand."""

GHOST, LIT = 0.5, 0.8
"""Unlit segments have less than the first share of the contrast of lit ones; an 8 has more than the second."""

MOST = 12
"""Positions that a window may have."""


def resolve(places: Sequence[float], *, geared: bool | None = None, arrived: float = ARRIVED) -> tuple[str, float]:
    """The digits that a counter shows, from how far its drums have turned.

    The last drum turns steadily. Each other one stands on a digit, and moves on while its lower neighbour goes from 9
    to 0; in some counters, as with pointers, all turn steadily. So from right to left: take away from each drum what
    its neighbour says it has gone, and what is left is a digit. Of the two ways to move, the one that leaves less over
    is taken. What all drums are off together is the crop's fault, and taken away. A last drum that has all but arrived
    counts as arrived.

    Parameters
    ----------
    places : sequence of float in [0, 10), from the left to the right
    geared : bool, optional
        Whether all turn steadily, as pointers do. None finds out.
    arrived : float
        The share of its way from which on the last one counts as arrived; 1 for pointers.

    Returns
    -------
    (digits, float)
        The float says how far the drums are off what a counter can show, at worst, in digits: 0 to 0.5.
    """
    places = np.asarray(places, float)
    count = len(places)
    best: tuple[float, float, str] | None = None
    for way in (False, True) if geared is None else (geared,):
        _, off = _from_the_right(places, way)
        shifts = (0.0, float(np.clip(np.median(off[:-1]), -0.15, 0.15))) if count > 3 else (0.0,)
        for shift in shifts:
            digits, off = _from_the_right((places - shift) % 10 % 10, way)  # twice: -1e-20 % 10 is 10
            loss = float(np.abs(off).sum()) + count * (0.3 * abs(shift) + 0.05 * way)
            if best is None or loss < best[0]:
                carry = (places[-1] - shift) % 1 >= arrived
                number = (int("".join(map(str, digits))) + carry) % 10**count
                best = loss, float(np.abs(off).max()), f"{number:0{count}d}"
    return best[2], best[1]


def _from_the_right(places: np.ndarray, geared: bool) -> tuple[list[int], np.ndarray]:
    """The digits of drums, the last one rounded down, and how far each is off them."""
    lower = float(places[-1])
    digits, off = [int(lower) % 10], [0.0]
    for place in places[-2::-1]:
        # `lower` is where the neighbour stands as resolved: at 0 and not at 9.98, if it has no reason to move
        gone = lower / 10 if geared else max(0.0, lower - 9)
        if not geared and gone < 0.15 and abs(place - round(place)) < abs(place - gone - round(place - gone)):
            gone = 0.0  # the neighbour stands at 9, give or take its play
        digit = round(place - gone)
        digits.append(digit % 10)
        off.append(float(place - gone - digit))
        lower = digit % 10 + gone
    return digits[::-1], np.array(off[::-1])


def decode(probability: np.ndarray) -> tuple[str, float, float]:
    """The digits that a counter shows, from all that is thought of its drums.

    `resolve` takes the likeliest place of each drum and stays with it. Here every place is tried at which the last drum
    may stand, with both ways to move and with all drums a little higher or lower; each tells where the other drums
    may stand, from right to left, and how likely that is. What leads to the same digits is added up.

    Parameters
    ----------
    probability : (N, 100), tenths of N drums from the left to the right, as `digits.probabilities` gives them

    Returns
    -------
    (digits, float, float)
        The posterior probability of these digits; and for the drum that fits worst, how likely the place is at which it
        would have to stand, as a share of its likeliest one.
    """
    count = len(probability)
    tenths = probability**TRUST / (probability**TRUST).sum(axis=1, keepdims=True) + DOUBT
    halves = (tenths + np.roll(tenths, -1, axis=1)) / 2
    likely = np.stack([tenths, halves], axis=2).reshape(count, 200)  # of each twentieth of a digit
    peaks = likely.max(axis=1)
    geared, shift = np.array([False, True])[:, None, None], np.arange(-2, 3)[:, None] / 20
    last = np.arange(200) / 20

    def at(drum: int, place: np.ndarray) -> np.ndarray:
        return likely[drum][np.rint((place + shift) * 20).astype(int) % 200]

    best = np.log(np.where(geared, GEARED, 1 - GEARED)) - (shift / PLAY) ** 2 / 2 + np.log(at(count - 1, last))
    every, worst = best, at(count - 1, last) / peaks[-1] + 0 * best
    lower, number = last, np.floor(last)
    for drum in range(count - 2, -1, -1):
        gone = np.where(geared, lower / 10, np.maximum(0, lower - 9))
        each = np.stack([at(drum, digit + gone) for digit in range(10)])
        digit, most = each.argmax(axis=0), each.max(axis=0)
        best, every, worst = (
            best + np.log(most),
            every + np.log(each.sum(axis=0)),
            np.minimum(worst, most / peaks[drum]),
        )
        lower, number = digit + gone, number + digit * 10.0 ** (count - 1 - drum)
    number = (number + (last % 1 > ARRIVED - 1e-6)) % 10**count
    numbers, which = np.unique(np.broadcast_to(number, best.shape), return_inverse=True)
    shares = np.bincount(which.ravel(), np.exp(best - every.max()).ravel())
    winner = int(shares.argmax())
    fits = worst.ravel()[np.where(which.ravel() == winner, best.ravel(), -np.inf).argmax()]
    return f"{int(numbers[winner]):0{count}d}", float(shares[winner] / np.exp(every - every.max()).sum()), float(fits)


def find_positions(image: np.ndarray, count: int | None = None) -> tuple[np.ndarray, np.ndarray, str]:
    """Where the digits of a window are.

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR
    count : int, optional
        How many there are; blank ones count.

    Returns
    -------
    (float64 (N, 4) of left, top, right, bottom in pixels; float64 (N,) of how sure the network is of each, and, without
    a count, that there is no other one beside the first and the last; whether they look like "drum" or "lcd")
    """
    fitted, scale = fit_window(image)
    height, width = fitted.shape[:2]
    inputs = np.zeros((1, 3, WINDOW_HEIGHT, -(-width // 4) * 4), np.float32)
    inputs[:, :, :height, :width] = normalized(fitted[None])
    heat, wide, tall, below, display = run("positions", inputs)[0]
    heat = 1 / (1 + np.exp(-heat))
    kind = positions.KINDS[int((heat * np.tanh(display)).sum() > 0)]
    padded = np.pad(heat, 1)
    peaks = np.flatnonzero((heat >= padded[:-2]) & (heat > padded[2:]) & (heat >= (SEEN if count is None else 0.06)))
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
        if not 0.25 * widths[index] < middles[index] < width - 0.25 * widths[index]:
            continue  # more than a quarter of it would lie outside
        if all(abs(middles[index] - middles[other]) > 0.7 * min(widths[index], widths[other]) for other in keep):
            keep.append(int(index))
    if not keep:
        return np.zeros((0, 4)), np.zeros(0), kind
    keep = _regular(middles, scores, keep, count) if count is not None else keep[:MOST]
    keep.sort(key=lambda index: middles[index])
    shape = np.stack([middles, widths, heights, levels, scores], axis=1)[keep]
    if count is None:
        shape = _fill_gaps(_without_strangers(shape))
        shape[[0, -1], 4] *= _nothing_beside(shape, heat)
    elif 2 <= len(shape) < count:
        shape = _fill(shape, count, width)
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
        factors.append(max(0.0, 1 - 2 * heat[low : high + 1].max(initial=0)))
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


def _regular(middles, scores, candidates: list[int], count: int) -> list[int]:
    """The `count` candidates that stand most evenly and are most certain."""
    if len(candidates) <= count:
        return candidates
    order = sorted(candidates, key=lambda index: middles[index])
    best, chosen = -np.inf, order[:count]
    for start in range(len(order) - count + 1):
        for end in range(start + count - 1, len(order)):
            if count == 1:
                wanted = middles[[order[start]]]
            else:
                wanted = np.linspace(middles[order[start]], middles[order[end]], count)
            picked = [min(order, key=lambda index, at=at: abs(middles[index] - at)) for at in wanted]
            if len(set(picked)) < count:
                continue
            pitch = max(1.0, (wanted[-1] - wanted[0]) / max(1, count - 1))
            uneven = np.abs(middles[picked] - wanted).mean() / pitch
            value = scores[picked].sum() - 3 * uneven
            if value > best:
                best, chosen = value, picked
    return chosen


def _fill(shape: np.ndarray, count: int, width: int) -> np.ndarray:
    """Add positions that show nothing, in gaps and at the ends, until there are `count`."""
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
    filled[np.abs(places - middles[near]) >= 0.3 * pitch, 4] = 0.5
    filled[:, 0] = places
    return filled


def crops_of(image: np.ndarray, boxes: np.ndarray, room: tuple[float, float]) -> list[np.ndarray]:
    """The positions, each with room around it; the edge of the image is repeated outside."""
    crops = []
    for left, top, right, bottom in boxes:
        size = np.array([right - left, bottom - top]) * room
        x, y = (left + right) / 2, (top + bottom) / 2
        width, height = (max(2, round(v)) for v in size)
        matrix = np.float32([[1, 0, width / 2 - x - 0.5], [0, 1, height / 2 - y - 0.5]])
        crops.append(cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))
    return crops


def read_window(image: np.ndarray, kind: str | None = "drum", digits: int | None = None, decimals: int = 0) -> Reading:
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

    Returns
    -------
    Reading
        `text` has the digits from the left to the right without a separator, drums resolved from right to left (see
        `resolve`); `value` the number after `decimals` is applied; `parts` each position, with its `place`.

    Raises
    ------
    TypeError, ValueError
        If the image is none that can be read, the kind unknown, or `digits` or `decimals` can't be.
    """
    if kind is not None:
        positions.check_kind(kind)
    if digits is not None and not 1 <= digits <= MOST:
        raise ValueError(f"digits must be from 1 to {MOST}, got {digits}")
    if decimals < 0 or (digits is not None and decimals > digits):
        raise ValueError(f"decimals must be from 0 to the number of digits, got {decimals}")
    if too_small(checked(image)):
        return rejected("too small to be read")
    boxes, scores, looks = find_positions(image, digits)
    return read_positions(image, kind or looks, boxes, scores, digits, decimals)


def read_positions(
    image: np.ndarray, kind: str, boxes: np.ndarray, scores: np.ndarray, digits: int | None, decimals: int
) -> Reading:
    """Read a window whose positions are known; see `read_window` and `find_positions`."""
    if not len(boxes):
        return rejected("no digits found")
    crops = crops_of(image, boxes, ROOM[kind])
    probability = positions.probabilities(crops, kind)
    found = positions.readings(probability, kind)
    if kind == "lcd":
        found = _by_contrast(found, probability, crops)
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
        text, sure, fits = decode(probability)
    else:
        text, sure, fits = (
            "".join(part.text for part in parts),
            float(np.prod([part.confidence for part in parts])),
            1.0,
        )
        shown = [bool(part.text) for part in parts]
        if not any(shown):
            return rejected("no digits found", parts)
        if not all(shown[shown.index(True) :]):
            return Reading(text, None, 0.0, False, "a blank position between digits", parts)
    seen = np.minimum(1, scores / 0.6)[[part.reason != "blank" for part in parts]]
    confidence = float(sure * np.prod(seen) * _evenness(boxes))
    value = int(text) / 10**decimals
    if fits < MISFIT:
        return Reading(text, value, min(confidence, 0.5), False, "drums that no counter shows together", parts)
    if decimals > len(text):
        return Reading(text, value, confidence, False, "fewer digits than decimals", parts)
    enough = confidence >= ACCEPT[kind]
    return Reading(text, value, confidence, enough, "" if enough else "uncertain", parts)


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


def _evenness(boxes: np.ndarray) -> float:
    """1 for positions at equal distances, less where one seems to be missing."""
    if len(boxes) < 3:
        return 1.0
    gaps = np.diff((boxes[:, 0] + boxes[:, 2]) / 2)
    worst = np.abs(gaps / np.median(gaps) - 1).max()
    return float(np.clip(1.6 - 2 * worst, 0.1, 1)) if worst > 0.3 else 1.0
