"""Reading a display: by small networks, position by position, and by PP-OCRv6, as a line; and both put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ocrbook.meters.digits import BLANK, probabilities, readings
from ocrbook.meters.lines import likeliest, overexposed
from ocrbook.meters.positions import ROOM, SEEN, SURE, crops_of, evenness, placed
from ocrbook.meters.reading import Reading, judged, rejected

ACCEPT = 0.75
"""The confidence from which on a display is accepted that the small networks have read."""

CERTAIN = {"told": 0.65, "not told": 0.75}
"""How certain PP-OCRv6 must be of all the digits of a display, with and without being told how many they are: without,
a faint last digit may be missed, and nothing shows it."""

ALONE = {"told": 0.95, "not told": 0.99}
"""How certain the small networks must be of a display that PP-OCRv6 reads otherwise."""

LIKELY = 0.3
"""How certain it must be to support what the small networks accept."""

GHOST, LIT = 0.5, 0.8
"""Unlit segments have less than the first share of the contrast of lit ones; an 8 has more than the second."""


def digits_of(image: np.ndarray, boxes: np.ndarray, scores: np.ndarray, digits: int | None, decimals: int) -> Reading:
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
    parts = placed(found, boxes)
    if digits is not None and len(parts) != digits:
        return rejected(f"{len(parts)} positions found, not {digits}", parts)
    text = "".join(part.text for part in parts)
    if not text:
        return rejected("no digits found", parts)
    lit = [bool(part.text) for part in parts]
    if not all(lit[lit.index(True) :]):
        return Reading(text, None, 0.0, False, "a blank position between digits", parts)
    certain = np.prod([part.confidence for part in parts]) * np.prod(np.minimum(1, scores / SURE)[lit])
    return judged(text, decimals, float(certain * evenness(boxes)), ACCEPT, parts)


def put_together(image: np.ndarray, own: Reading, seen: list[np.ndarray], digits: int | None, decimals: int) -> Reading:
    """A display that the small networks and PP-OCRv6 have read."""
    text, certain = likeliest(seen, digits)
    if digits is not None and 0 < len(own.text) < digits:  # displays leave out leading zeros
        shorter, sure = likeliest(seen, len(own.text))
        if shorter == own.text and sure > certain:
            text, certain = shorter, sure
    if not own.text and (not text or certain < LIKELY):
        return own
    known = "not told" if digits is None else "told"
    if not text or (own.text != text and own.confidence > max(certain, ALONE[known])):
        confidence = min(own.confidence, 1 - certain)
        return replace(own, confidence=confidence, accepted=False, reason=own.reason or "uncertain")
    whole = len(text) == digits
    enough = certain >= CERTAIN["told" if whole else "not told"]
    if own.text == text:
        enough |= (
            own.accepted
            and certain >= LIKELY
            and (whole or (digits is not None and own.confidence > ALONE["not told"]))
        )
        certain = max(certain, own.confidence)
    elif certain <= own.confidence:
        enough, certain = False, min(certain, 1 - own.confidence)
    reason = own.reason if own.reason.startswith("these look") else "" if enough else "uncertain"
    if decimals > len(text):
        reason = "fewer digits than decimals"
    elif enough and overexposed(image):
        reason = "so bright beside the digits that one may be lost"
    parts = own.parts if own.text == text else ()
    return Reading(text, int(text) / 10**decimals, float(certain), enough and not reason, reason, parts)


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
