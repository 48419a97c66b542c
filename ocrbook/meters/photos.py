"""Reading a photograph: which window shows the reading, and what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ocrbook.meters.cuts import cut_out
from ocrbook.meters.digits import check_kind
from ocrbook.meters.finding import LOOSE, Found, area, find_windows, same_place, upside_down
from ocrbook.meters.joined import read_with
from ocrbook.meters.lines import installed
from ocrbook.meters.marks import row_in
from ocrbook.meters.places import Corners
from ocrbook.meters.profile import Profile
from ocrbook.meters.reading import Reading, checked, counts, rejected
from ocrbook.meters.windows import read_window

TURNS = tuple(range(-150, 181, 30))
"""By how many degrees a photograph is turned to be looked at where nothing certain is read as it stands."""

CUTS = ((0.6, 0.15), (0.3, 0.1), (1.0, 0.22))
"""What is cut out around a window, beside it and above in its heights, for its digits to be read three times."""

ACCEPT = 0.8
"""The confidence from which on a photograph is accepted."""

CLEAR = 0.98
"""The confidence from which on PP-OCRv6 isn't asked about drums that all cuts agree on."""

SURELY = 0.65
"""How sure the network is of a window; print that can be read as well is found with less."""

RIVAL, AS_LARGE, PARALLEL = 0.1, 0.8, 0.9
"""The confidence from which on another window could be the reading; the share of the other's sides that its own have at
least; and the cosine of the angle between registers of one meter: they could be it whether or not they can be read."""

UPRIGHT = 20
"""How many degrees a window may be turned to be accepted if that is more certain than upside down; one that is turned
further must be twice as certain."""

FEWEST = {"drum": 4, "lcd": 2}
"""Digits that a reading has at least; displays leave out leading zeros."""


def read_photo(
    image: np.ndarray,
    profile: Profile | None = None,
    *,
    kind: str | None = None,
    digits: int | None = None,
    decimals: int = 0,
    second: bool | None = None,
) -> Reading:
    """Read the meter in a photograph.

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR
        Turned by any angle; beyond some twenty degrees it takes longer, and is refused more often.
        Digits that can be read both ways up, such as 01189 and 68110, are taken as they stand in the photograph.
    profile : Profile, optional
        For a camera that stays. Photographs of another size are taken to be the same view, enlarged or made smaller.
    kind, digits, decimals : optional
        What is known of the meter where there is no profile; see `read_window`.
    second : bool, optional
        Whether PP-OCRv6 reads, too; see `read_window`.

    Returns
    -------
    Reading
        Of the window that is taken to show the reading; its `place` is in the photograph. `parts` are the windows that
        were read, three at most, that one first. With a profile, `text` has the digits of its windows, `value` those of
        its dials, too, and `parts` are both, from the highest digits to the lowest; of one window alone, its positions.

    Raises
    ------
    TypeError, ValueError
        If the image is none that can be read, what is known of the meter can't be, or a profile is given with it.
    FileNotFoundError
        If PP-OCRv6 is to be asked and its weights are missing.

    Examples
    --------
    >>> from ocrbook import images
    >>> read_photo(images.read("datasets/meter-photo/drum_000.jpg"), decimals=3).value
    20702.441
    """
    checked(image)
    if profile is not None and (kind, digits, decimals) != (None, None, 0):
        raise ValueError("kind, digits and decimals are in the profile already")
    if kind is not None:
        check_kind(kind)
    digits, decimals = counts(digits, decimals)
    if min(image.shape[:2]) < 32:
        return rejected("too small to be a photograph of a meter")
    if profile is not None:
        return read_with(profile, image, second)
    known = (kind, digits, decimals, installed() if second is None else second)
    best = _look(image, find_windows(image), known)
    if best.confidence >= ACCEPT:
        return best
    return max(best, _look(image, find_windows(image, TURNS), known), key=lambda reading: reading.confidence)


def _look(image: np.ndarray, windows: list[Found], known: tuple) -> Reading:
    """The reading of a photograph in which windows were found."""
    places = _places(image, windows)
    if not places:
        return rejected("no window of a meter found")
    looked = [_surest([(way, _read_found(image, way, *known)) for way in ways]) for ways in places[:3]]
    looked.sort(key=lambda ways: _rank(*ways[0]), reverse=True)
    if len(looked[0]) == 1:
        below = upside_down(image, looked[0][0][0])
        looked[0] = _surest([*looked[0], (below, _read_found(image, below, *known))])
    (window, best), (below, other) = looked[0]
    more_upright = abs(_angle(below)) < abs(_angle(window))  # as meters are in most photographs
    if more_upright and other.confidence > best.confidence / 2:
        window, best, other = below, other, best
    if best.accepted and other.confidence > best.confidence * (0.5 if abs(_angle(window)) > UPRIGHT else 1):
        best = replace(best, accepted=False, reason="it can be read upside down, too")
    others = [ways[0] for ways in looked[1:]]
    unread = [(ways[0], rejected("")) for ways in places[3:]]
    if best.accepted and any(_could_be(window, best, *each) for each in others + unread):
        best = replace(best, accepted=False, reason="another window could be the reading, too")
    return replace(best, parts=(best, *(reading for _, reading in others)))


def _angle(window: Found) -> float:
    """By how many degrees a window is turned clockwise, -180 to 180."""
    across, down = window.quad[1] - window.quad[0]
    return float(np.degrees(np.arctan2(down, across)))


def _surest(ways: list[tuple[Found, Reading]]) -> list[tuple[Found, Reading]]:
    """The ways to read a window, the surest one first."""
    return sorted(ways, key=lambda way: way[1].confidence, reverse=True)


def _rank(window: Found, reading: Reading) -> float:
    """Of windows that can be read the largest one is the reading; print that looks like a window can't be read well."""
    return float(np.sqrt(area(window.quad)) * (0.1 + reading.confidence) ** 2)


def _places(image: np.ndarray, windows: list[Found]) -> list[list[Found]]:
    """The places of windows, those first that a first look can read best: each as it was found, maybe both ways up."""
    if len(windows) > 3:
        cuts = [cut_out(image, window.quad, CUTS[0])[0] for window in windows]
        first = [read_window(cut, None, second=False) for cut in cuts]
        looks = [_rank(*each) for each in zip(windows, first, strict=True)]
        windows = [windows[index] for index in np.argsort(looks)[::-1]]
    places: list[list[Found]] = []
    for window in windows:
        place = next((ways for ways in places if same_place(ways[0], window)), [])
        if not place:
            places.append(place)
        if len(place) < 2:
            place.append(window)
    return places


def _could_be(window: Found, best: Reading, other: Found, reading: Reading) -> bool:
    """Whether another window than the chosen one could be the reading as well."""
    along, way = window.quad[1] - window.quad[0], other.quad[1] - other.quad[0]
    if abs(along @ way) > PARALLEL * np.linalg.norm(along) * np.linalg.norm(way):
        rival = other.kind == window.kind and (reading.confidence > RIVAL or other.score > SURELY)
    else:  # no register of the same meter
        rival = reading.confidence > best.confidence / 2
    return rival and area(other.quad) > AS_LARGE**2 * area(window.quad) and reading.text != best.text


def _read_found(
    image: np.ndarray, window: Found, kind: str | None, digits: int | None, decimals: int, second: bool
) -> Reading:
    """One window of a photograph, cut out more and less widely; what all cuts agree on is certain."""
    cuts = [cut_out(image, window.quad, margin)[0] for margin in CUTS]
    seen = ""
    if second:
        seen, *row = row_in(cut_out(image, window.quad, LOOSE)[0])
        cuts = [_part(cut, margin, np.array(row)) for cut, margin in zip(cuts, CUTS, strict=True)]
    readings = [read_window(cut, kind, digits, decimals, second=False) for cut in cuts]
    doubtful = len({each.text for each in readings}) > 1 or min(each.confidence for each in readings) < CLEAR
    if second and (doubtful or window.kind == "lcd"):
        readings = [read_window(cut, kind, digits, decimals, second=True) for cut in cuts]
    weights: dict[str, float] = {}
    for each in readings:
        weights[each.text] = weights.get(each.text, 0.0) + each.confidence + 1e-3
    text = max(weights, key=lambda each: weights[each])
    same = [each for each in readings if each.text == text]
    reading = max(same, key=lambda each: each.confidence)
    confidence = float(np.mean([each.confidence for each in same])) * min(1.0, window.score / SURELY) ** 2
    confidence *= (weights[text] / sum(weights.values())) ** 1.5
    reason = reading.reason.replace("uncertain", "")  # of all three cuts together is more certain than of one
    if 0 < len(text) < FEWEST[window.kind]:
        confidence, reason = 0.0, f"fewer than {FEWEST[window.kind]} digits"
    elif window.kind == "drum" and text and text in seen and text != seen:  # beside a display it takes the frame for 1
        reason = "PP-OCRv6 sees more digits beside these"
    elif not reason and confidence < ACCEPT:
        reason = "uncertain"
    return replace(reading, confidence=confidence, accepted=not reason, reason=reason, place=_place(window))


def _place(window: Found) -> Corners:
    return tuple((float(x), float(y)) for x, y in window.quad)


def _part(cut: np.ndarray, margin: tuple[float, float], row: np.ndarray) -> np.ndarray:
    """A window, cut out with a margin, from where a row begins to where it ends in one that is cut out loosely."""
    height = cut.shape[0] / (1 + 2 * margin[1])
    length = cut.shape[1] - 2 * margin[0] * height
    left, right = row * (length + 2 * LOOSE[0] * height) + (margin[0] - LOOSE[0]) * height
    return cut[:, max(0, round(left)) : max(1, round(right))]
