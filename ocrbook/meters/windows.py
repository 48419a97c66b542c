"""Reading a whole window: what its positions show, what that means together, and what PP-OCRv6 makes of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocrbook.meters.counters import Way, ways
from ocrbook.meters.digits import check_kind, probabilities, readings
from ocrbook.meters.displays import digits_of, put_together
from ocrbook.meters.lines import installed, likeliest, look
from ocrbook.meters.positions import ROOM, SURE, crops_of, evenness, find_positions, placed
from ocrbook.meters.reading import MOST, Reading, checked, counts, judged, rejected, too_small
from ocrbook.render.meters.scene import ARRIVED

ACCEPT = 0.8
"""The confidence from which on a row of drums is accepted."""

THERE = 0.3
"""How certain PP-OCRv6 must be of the digits of drums for as many to be looked for."""

BLURRED, UNLEVELLED = 0.06, 0.3
"""How far a last drum must be from where its digit changes for that digit to be certain; and where no other drum stands
still, so that none shows at which level they stand."""

AGREED = 0.6
"""How much of the doubt of drums is gone once PP-OCRv6 has read the same digits."""

CLOSE = 0.2
"""How much more the drums must be off in the next likely way to understand a counter, for the likeliest to be clear."""


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
    if kind == "drum" and not len(boxes):
        return rejected("no digits found")
    if len(boxes) and kind not in (None, looks):
        own = rejected(f'these look like digits of the kind "{looks}", not "{kind}"')
        return put_together(image, own, seen, digits, decimals) if seen and kind == "lcd" else own
    if seen and digits is None and looks == "drum":
        boxes, scores = _as_many(image, boxes, scores, seen)
    reading = read_positions(image, looks, boxes, scores, digits, decimals, seen, arrived, lower, steady)
    if reading.accepted and looks == "drum" and digits is not None:
        free = read_positions(
            image, looks, *find_positions(image, None, looks)[:2], None, 0, [], arrived, lower, steady
        )
        if len(free.text) > digits and reading.text in free.text:
            return rejected(f"{len(free.text)} positions found, not {digits}", free.parts)
    return reading


def _as_many(
    image: np.ndarray, boxes: np.ndarray, scores: np.ndarray, seen: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The positions of drums, as many as PP-OCRv6 has read digits if it is certain and they are found."""
    text, certain = likeliest(seen)
    if 0 < len(text) <= MOST and len(text) != len(boxes):
        others, sure, _ = find_positions(image, len(text), "drum")
        if certain > THERE and len(others) == len(text):
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
        own = digits_of(image, boxes, scores, digits, decimals)
        return put_together(image, own, seen, digits, decimals) if seen else own
    if not len(boxes):
        return rejected("no digits found")
    probability = probabilities(crops_of(image, boxes, ROOM[kind]), kind)
    parts = placed(readings(probability, kind), boxes)
    if digits is not None and len(parts) != digits:
        return rejected(f"{len(parts)} positions found, not {digits}", parts)
    way, *others = ways([part.value for part in parts], None, arrived, lower, steady)
    *sure, last = _sure_of_drums(probability, way, parts, arrived if lower is None else None)
    last *= next((1 / (1 + np.exp((way.loss - other.loss) / CLOSE)) for other in others if other.text != way.text), 1)
    row = float(np.prod(sure) * np.prod(np.minimum(1, scores / SURE)) * evenness(boxes))
    if seen:  # how far a last drum has turned, PP-OCRv6 can't tell
        text, certain = likeliest(seen, len(parts))
        row = 1 - (1 - row) * (1 - AGREED) if text[:-1] == way.text[:-1] else min(row, 1 - certain)
    confidence = float(row * last)
    value = int(way.text) / 10**decimals
    if way.off > 0.35:
        wrong = "drums that no counter shows together" + ("" if lower is None else " with what follows")
        return Reading(way.text, value, min(confidence, 0.5), False, wrong, parts)
    return judged(way.text, decimals, confidence * float(np.clip(1.75 - 5 * way.off, 0, 1)), ACCEPT, parts)


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
