"""Reading what a profile says where to find: a window, or windows and dials that are one number together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from ocrbook.meters.counters import Way, resolve, ways
from ocrbook.meters.cuts import MARGIN, cut_out
from ocrbook.meters.dials import read_dial
from ocrbook.meters.places import Corners, DialPlace, WindowPlace
from ocrbook.meters.profile import Profile
from ocrbook.meters.reading import Reading, rejected
from ocrbook.meters.windows import find_positions, read_positions, read_window

ASPECT = 0.02
"""How much the ratio of a photograph's sides may differ from that of a profile's photographs, or else two pixels."""

BESIDE = 1.3
"""What is looked at beside the digits of a display whose first positions are blank, in widths of a position."""

AROUND = 0.08
"""What is cut out around a dial, in its heights."""

MOVED = 0.5
"""How far digits may be from where a profile has them, in widths of a position."""

CONTRADICT = 0.25
"""How far a pointer may be off what follows it, in digits."""


def read_with(profile: Profile, image: np.ndarray, second: bool) -> Reading:
    """The number that the windows and dials of a profile show."""
    height, width = image.shape[:2]
    right_height = width * profile.size[1] / profile.size[0]
    if abs(height - right_height) > max(2, ASPECT * right_height):
        wanted = f"{profile.size[0]} x {profile.size[1]}"
        return rejected(f"the photograph is {width} x {height}, not like those of the profile, {wanted}")
    scale = np.array([width / profile.size[0], height / profile.size[1]])
    readings: list[Reading] = []
    found: list[Way | None] = []
    for place in reversed(profile.row):  # the finest first: it says where the others must stand
        lower = found[0].first if found and found[0] else None
        if isinstance(place, DialPlace):
            reading, way = _read_dial(place, image, scale, lower)
        else:
            told = {"arrived": 1.0 if found else place.arrived, "lower": lower, "steady": place.steady}
            reading, way = _read_window(place, image, scale, second, told)
        readings.insert(0, reading)
        found.insert(0, way)
    return readings[0] if len(readings) == 1 else _joined(profile.row, readings, found)


def _joined(row: Sequence[WindowPlace | DialPlace], readings: list[Reading], found: list[Way | None]) -> Reading:
    """What readings of windows and dials are together."""
    named = [
        f"{'dial' if isinstance(place, DialPlace) else 'window'} x{place.weights[1]:g}: {reading.reason}"
        for place, reading in zip(row, readings, strict=True)
        if not reading.accepted
    ]
    if not all(found):
        return rejected("; ".join(named), tuple(readings))
    texts = [way.text for way in found]
    many, number = sum(map(len, texts)), int("".join(texts)) + found[-1].over * 10 ** len(texts[-1])
    digits = iter(f"{number % 10**many:0{many}d}")
    texts = ["".join(islice(digits, len(text))) for text in texts]
    windows = [text for text, place in zip(texts, row, strict=True) if isinstance(place, WindowPlace)]
    step, last = row[-1].weights[1], row[-1]
    value = int("".join(texts)) + (found[-1].first % 1 if isinstance(last, DialPlace) else 0)  # more than its digit
    value = round(value * step, max(0, 2 - round(math.log10(step))))
    confidence = float(np.prod([each.confidence for each in readings]))
    return Reading("".join(windows or texts), value, confidence, not named, "; ".join(named), tuple(readings))


def _two_ways(place: WindowPlace, reading: Reading, told: dict) -> bool:
    """Whether the last digit of drums depends on whether the last drum turns steadily, which nobody has told."""
    if place.kind == "lcd" or told["lower"] is None or place.steady is not None:
        return False
    places = [part.value for part in reading.parts]
    return len({resolve(places, **told | {"steady": steady})[0] for steady in (False, True)}) > 1


def _way_of(place: WindowPlace, reading: Reading, told: dict) -> Way | None:
    """What a window was taken to show; None if it wasn't read."""
    if not reading.text:
        return None
    if place.kind == "drum":
        return ways([part.value for part in reading.parts], None, **told)[0]
    text = reading.text.zfill(place.digits)
    return Way(text, 0.0, 0.0, 0.0, 0, float(text[0]), False)


def _read_dial(
    place: DialPlace, image: np.ndarray, scale: np.ndarray, lower: float | None
) -> tuple[Reading, Way | None]:
    """A dial, together with what follows it."""
    quad = np.array(place.dial) * scale
    reading = read_dial(cut_out(image, quad, (AROUND, AROUND))[0], 0, 1, place.clockwise)
    reading = replace(reading, place=_corners(quad))
    if reading.value is None:
        return reading, None
    turn = (reading.value + place.zero / (-360 if place.clockwise else 360)) % 1 % 1
    shown = place.low + (place.high - place.low) * turn
    way = ways([10 * turn], True, 1.0, lower)[0]
    if way.off > CONTRADICT:
        reading = replace(reading, accepted=False, reason="contradicts what follows")
    return replace(reading, text=f"{shown:.2f}", value=shown * place.multiplier), way


def _read_window(
    place: WindowPlace, image: np.ndarray, scale: np.ndarray, second: bool, told: dict
) -> tuple[Reading, Way | None]:
    """A window, together with what follows it."""
    quad = np.array(place.window) * scale
    straight, _ = cut_out(image, quad)
    if place.positions:
        reading = _read_positions(straight, place, second, told)
    else:
        reading = read_window(straight, place.kind, place.digits, place.decimals, second=second, **told)
        if reading.accepted and len(reading.text) < place.digits and _goes_on(image, quad, place, reading.text):
            reading = replace(reading, accepted=False, reason="the digits go on outside of the profile's window")
    if reading.reason == "uncertain" and _two_ways(place, reading, told):
        reading = replace(reading, reason="uncertain; tell the profile whether the last drum is steady")
    return replace(reading, place=_corners(quad)), _way_of(place, reading, told)


def _corners(quad: np.ndarray) -> Corners:
    return tuple((float(x), float(y)) for x, y in quad)


def _read_positions(straight: np.ndarray, place: WindowPlace, second: bool, told: dict) -> Reading:
    """A window whose positions the profile has."""
    # the profile's window has no margin, the one cut out has
    height = straight.shape[0] / (1 + 2 * MARGIN[1])
    side, top = MARGIN[0] * height, MARGIN[1] * height
    edges = side + np.array(place.positions) * (straight.shape[1] - 2 * side)
    bottom = straight.shape[0] - top
    boxes = np.stack([edges[:, 0], np.full(len(edges), top), edges[:, 1], np.full(len(edges), bottom)], axis=1)
    if reason := _contradiction(straight, place, boxes):
        return rejected(reason)
    return read_positions(
        straight, place.kind, boxes, np.ones(len(boxes)), place.digits, place.decimals, second, **told
    )


def _contradiction(straight: np.ndarray, place: WindowPlace, boxes: np.ndarray) -> str:
    """What is plainly seen otherwise than a profile with positions has it; "" if nothing is."""
    seen, _, looks = find_positions(straight, place.digits, place.kind)
    if not len(seen):
        return ""
    if looks != place.kind:
        return f'these look like digits of the kind "{looks}", not "{place.kind}"'
    if len(seen) > place.digits:
        return f"{len(seen)} positions found, not {place.digits}"
    if len(seen) < place.digits:
        return ""
    off = np.abs(seen - boxes)[:, [0, 2]].mean(axis=1) / (boxes[:, 2] - boxes[:, 0])
    return "the digits are not where the profile has them" if np.median(off) > MOVED else ""


def _goes_on(image: np.ndarray, quad: np.ndarray, place: WindowPlace, text: str) -> bool:
    """Whether a wider look at a display shows more digits: then the camera has moved, and not the first are blank."""
    across, down = (quad[1] - quad[0] + quad[2] - quad[3]) / 2, (quad[3] - quad[0] + quad[2] - quad[1]) / 2
    pitch = np.linalg.norm(across) / place.digits / max(1.0, np.linalg.norm(down))
    wider, _ = cut_out(image, quad, (MARGIN[0] + BESIDE * pitch, MARGIN[1]))
    seen = read_window(wider, place.kind)
    return len(seen.text) > len(text) and text in seen.text
