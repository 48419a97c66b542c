"""Reading a photograph: which window shows the reading, and what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ocrbook.meters.cuts import cut_out
from ocrbook.meters.digits import check_kind
from ocrbook.meters.finding import LOOSE, Found, area, find_windows, upside_down
from ocrbook.meters.joined import read_with
from ocrbook.meters.marks import row_in
from ocrbook.meters.profile import Profile
from ocrbook.meters.places import Corners
from ocrbook.meters.reading import Reading, checked, counts, rejected
from ocrbook.meters.windows import read_window

TURNS = tuple(range(-150, 181, 30))
"""By how many degrees a photograph is turned to be looked at where nothing certain is read as it stands."""

CUTS = ((0.6, 0.15), (0.3, 0.1), (1.0, 0.22))
"""What is cut out around a window, beside it and above in its heights, for its digits to be read three times."""

ACCEPT = 0.8
"""The confidence from which on a photograph is accepted."""

SURELY = 0.65
"""How sure the network is of a window; print that can be read as well is found with less."""

RIVAL, AS_LARGE, PARALLEL = 0.1, 0.8, 0.9
"""The confidence from which on another window could be the reading; the share of the other's sides that its own have at
least; and the cosine of the angle between registers of one meter: they could be it whether or not they can be read."""

UPRIGHT = 20
"""How many degrees a window may be turned to be taken as upright if that is the surer way to read it; one that is turned
further must be twice as sure as upside down."""

FEWEST = {"drum": 3, "lcd": 2}
"""Digits that a reading has at least; displays leave out leading zeros."""


def read_photo(
    image: np.ndarray,
    profile: Profile | None = None,
    *,
    kind: str | None = None,
    digits: int | None = None,
    decimals: int = 0,
    second: bool = True,
) -> Reading:
    """Read the meter in a photograph.

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR
        Turned by any angle; one that lies on its side or upside down takes longer, and is refused more often.
    profile : Profile, optional
        For a camera that stays. Photographs of another size are taken to be the same view, enlarged or made smaller.
    kind, digits, decimals : optional
        What is known of the meter where there is no profile; see `read_window`.
    second : bool
        Whether PP-OCRv6 is asked, too; see `read_window`.

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
    known = (kind, digits, decimals, second)
    windows = _likeliest(image, find_windows(image))
    best = _chosen([(window, _read_found(image, window, *known)) for window in windows])
    if best.confidence >= ACCEPT:
        window = next(each for each in windows if _place(each) == best.place)
        below = upside_down(image, window)
        again = _upright((window, replace(best, parts=())), (below, _read_found(image, below, *known)))[1]
        if again.text == best.text:
            return replace(again, parts=(again, *best.parts[1:]))
    both = ((each, upside_down(image, each)) for each in _likeliest(image, find_windows(image, TURNS), turned=True))
    return _chosen([_upright(*((way, _read_found(image, way, *known)) for way in ways)) for ways in both])


def _upright(*ways: tuple[Found, Reading]) -> tuple[Found, Reading]:
    """Of a window and the same one upside down the one that is read more surely; accepted if it is plainly upright."""
    (window, best), (_, other) = sorted(ways, key=lambda way: -way[1].confidence)
    across, down = window.quad[1] - window.quad[0]
    turned = abs(np.degrees(np.arctan2(down, across))) > UPRIGHT
    if turned and best.accepted and other.confidence > best.confidence / 2:
        best = replace(best, accepted=False, reason="it can be read upside down, too")
    return window, best


def _rank(window: Found, reading: Reading) -> float:
    """Of windows that can be read the largest one is the reading; print that looks like a window can't be read well."""
    return float(np.sqrt(area(window.quad)) * (0.1 + reading.confidence))


def _likeliest(image: np.ndarray, windows: list[Found], turned: bool = False) -> list[Found]:
    """The three windows that a first look can read best, upright or, where they may be turned, upside down."""
    if len(windows) <= 3:
        return windows

    def rank(window: Found) -> float:
        cut = cut_out(image, window.quad, CUTS[0])[0]
        return max(_rank(window, read_window(each, None)) for each in (cut, cut[::-1, ::-1])[: 1 + turned])

    return sorted(windows, key=rank, reverse=True)[:3]


def _chosen(looked: Sequence[tuple[Found, Reading]]) -> Reading:
    """The reading of the window that ranks first; not accepted if another one could be the reading as well."""
    if not looked:
        return rejected("no window of a meter found")
    (window, best), *others = sorted(looked, key=lambda each: _rank(*each), reverse=True)
    along = window.quad[1] - window.quad[0]
    for other, reading in others:
        way = other.quad[1] - other.quad[0]
        if along @ way > PARALLEL * np.linalg.norm(along) * np.linalg.norm(way):
            rival = reading.confidence > RIVAL or other.score > SURELY
        else:  # no register of the same meter; the same one upside down, if anything
            rival = reading.confidence > best.confidence / 2
        alike = other.kind == window.kind
        as_large = area(other.quad) > AS_LARGE**2 * area(window.quad)
        if best.accepted and rival and alike and as_large and reading.text != best.text:
            best = replace(best, accepted=False, reason="another window could be the reading, too")
    return replace(best, parts=(best, *(reading for _, reading in others[:2])))


def _read_found(
    image: np.ndarray, window: Found, kind: str | None, digits: int | None, decimals: int, second: bool
) -> Reading:
    """One window of a photograph, cut out more and less widely; what all cuts agree on is certain."""
    cuts = [cut_out(image, window.quad, margin)[0] for margin in CUTS]
    seen = ""
    if second:
        seen, *row = row_in(cut_out(image, window.quad, LOOSE)[0])
        cuts = [_part(cut, margin, np.array(row)) for cut, margin in zip(cuts, CUTS, strict=True)]
    readings = [read_window(cut, kind, digits, decimals, second=second) for cut in cuts]
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
    elif text and text in seen and text != seen:
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
