"""Reading a photograph: which window shows the reading, and what."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ocrbook.meters.cuts import cut_out
from ocrbook.meters.digits import KINDS, check_kind
from ocrbook.meters.inputs import PHOTO_SIZE, fit_photo
from ocrbook.meters.joined import read_with
from ocrbook.meters.models import run
from ocrbook.meters.profile import Profile
from ocrbook.meters.reading import Reading, checked, counts, rejected
from ocrbook.meters.windows import find_positions, read_window

FOUND = 0.4
"""How sure the network must be that something is a window."""

CERTAIN = 0.7
"""How sure it must be for a second, closer look not to be needed."""

CUTS = ((0.6, 0.15), (0.3, 0.1), (1.0, 0.22))
"""The same around a window that was found, for its digits to be read three times."""

LOOSE = (0.8, 0.3)
"""The same for a first look, which finds out where the digits are."""

ACCEPT = 0.85
"""The confidence from which on a photograph is accepted."""

RIVAL, SURELY, AS_LARGE = 0.1, 0.65, 0.8
"""The confidence from which on another window could be the reading; how sure the network is that it is a window if it
could be whether or not it can be read; and the share of the other's sides that its own have at least."""

SAME = 0.5
"""Share of the smaller one that two windows have in common if they are one, found twice."""

FEWEST = {"drum": 3, "lcd": 2}
"""Digits that a reading has at least; displays leave out leading zeros."""


@dataclass(frozen=True)
class Found:
    """A window that was found: its kind, its corners (4, 2) clockwise from the top left, and how sure that is.

    Examples
    --------
    >>> Found("drum", np.array([[0, 0], [90, 0], [90, 20], [0, 20]]), 0.97).kind
    'drum'
    """

    kind: str
    quad: np.ndarray
    score: float


def find_windows(image: np.ndarray) -> list[Found]:
    """The windows of meters in a photograph, the largest of the certain ones first.

    It is looked at with 320 pixels on its longer side; where nothing certain is found, with 640, for small windows.
    What is found roughly is drawn tight around the digits in it, where there are three or more.

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR

    Returns
    -------
    list of Found

    Examples
    --------
    >>> from ocrbook import images
    >>> [found.kind for found in find_windows(images.read("datasets/meter-photo/drum_000.jpg"))]
    ['drum']
    """
    found = _find(image, PHOTO_SIZE[0])
    if max(image.shape[:2]) > 1.5 * PHOTO_SIZE[0] and max((each.score for each in found), default=0) < CERTAIN:
        found = max(found, _find(image, 2 * PHOTO_SIZE[0]), key=lambda each: max((f.score for f in each), default=0))
    found = [_refined(image, _refined(image, each)) for each in found]
    found.sort(key=lambda each: -(min(1.0, each.score / CERTAIN) ** 2) * np.sqrt(_area(each.quad)))
    distinct: list[Found] = []
    for each in found:
        if all(_in_common(each.quad, other.quad) < SAME for other in distinct):
            distinct.append(each)
    return distinct


def _find(image: np.ndarray, side: int) -> list[Found]:
    """The windows in a photograph whose longer side is made `side` pixels long."""
    fitted, scale = fit_photo(image, side)
    height, width = fitted.shape[:2]
    inputs = np.zeros((1, 3, -(-height // 32) * 32, -(-width // 32) * 32), np.float32)
    inputs[0, :, :height, :width] = (fitted.transpose(2, 0, 1).astype(np.float32) - 127.5) / 127.5
    if inputs.shape[2] > height:
        inputs[0, :, height:] = -1.0
    if inputs.shape[3] > width:
        inputs[0, :, :, width:] = -1.0
    maps = run("windows", inputs)[0]
    scores = 1 / (1 + np.exp(-maps[:2]))
    inside = scores.max(axis=0)
    count, labels = cv2.connectedComponents((inside > FOUND).astype(np.uint8))
    found = []
    for label in range(1, count):
        rows, columns = np.nonzero(labels == label)
        weights = inside[rows, columns]
        middles = np.stack([columns, rows], axis=1) * 4 + 1.5
        corners = middles[:, None] + 64 * maps[2:, rows, columns].T.reshape(-1, 4, 2)
        rough = np.average(corners, axis=0, weights=weights)
        # each corner as the blocks near it see it: the far end of a long window is a guess
        reach = 0.25 * np.linalg.norm(rough[1] - rough[0]) + 4
        quad = np.empty((4, 2))
        for place in range(4):
            away = np.linalg.norm(middles - rough[place], axis=1)
            quad[place] = np.average(corners[:, place], axis=0, weights=weights * np.exp(-(away - away.min()) / reach))
        if _area(quad) < 24 or not cv2.isContourConvex(quad.astype(np.float32)):
            continue
        kind = KINDS[int(scores[:, labels == label].sum(axis=1).argmax())]
        found.append(Found(kind, quad / scale, float(np.sort(weights)[-min(4, len(weights)) :].mean())))
    return found


def _area(quad: np.ndarray) -> float:
    return cv2.contourArea(quad.astype(np.float32))


def _in_common(a: np.ndarray, b: np.ndarray) -> float:
    """What two windows have in common, as a share of the smaller one."""
    common, _ = cv2.intersectConvexConvex(a.astype(np.float32), b.astype(np.float32))
    return common / max(1e-6, min(_area(a), _area(b)))


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
        Upright, up to some fifteen degrees.
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
        were read, three at most, that one first; with a profile, the positions of its window.

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
    windows = find_windows(image)
    if not windows:
        return rejected("no window of a meter found")
    readings = [_read_found(image, window, kind, digits, decimals, second) for window in windows[:3]]
    # of two that can be read the larger one is the reading; print that looks like a window can't be read well
    sides = np.sqrt([_area(window.quad) for window in windows])
    order = np.argsort(-sides[:3] * [0.1 + each.confidence for each in readings])
    first = order[0]
    best = readings[first]
    readable = {i for i, each in enumerate(readings) if len(each.text) > 2 and each.confidence > RIVAL}
    certain = {i for i, window in enumerate(windows) if window.score > SURELY}
    as_large = {i for i, side in enumerate(sides) if side > AS_LARGE * sides[first]}
    if best.accepted and as_large & (readable | certain) - {first}:
        best = replace(best, accepted=False, reason="another window could be the reading, too")
    return replace(best, parts=tuple(readings[i] for i in order))


def _refined(image: np.ndarray, window: Found) -> Found:
    """The window tight around its digits and of the kind they look like, as far as they can be found.

    On the left of a display's digits there may be blank positions, as many as the window has room for.
    """
    straight, corners = cut_out(image, window.quad, LOOSE)
    boxes, _, kind = find_positions(straight)
    if len(boxes) < 3:
        return window
    middles, levels = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    slope = (levels[-1] - levels[0]) / (middles[-1] - middles[0])
    half = np.median(boxes[:, 3] - boxes[:, 1]) / 2
    ends = np.array([boxes[0, 0], boxes[-1, 2]])
    if kind == "lcd":
        pitch = np.median(np.diff(middles))
        edge = LOOSE[0] * straight.shape[0] / (1 + 2 * LOOSE[1])  # where the rough window begins
        ends[0] -= pitch * max(0, round((ends[0] - edge) / pitch))
    line = levels[0] + slope * (ends - middles[0])
    lean = np.array([-slope, 1.0]) / np.hypot(slope, 1) * half
    a, b = np.stack([ends, line], axis=1)
    found = np.array([a - lean, b - lean, b + lean, a + lean])
    height, width = straight.shape[:2]
    inside = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    matrix = cv2.getPerspectiveTransform(inside, corners.astype(np.float32))
    return replace(window, kind=kind, quad=cv2.perspectiveTransform(found[None], matrix)[0])


def _read_found(
    image: np.ndarray, window: Found, kind: str | None, digits: int | None, decimals: int, second: bool
) -> Reading:
    """One window of a photograph, cut out more and less widely; what all cuts agree on is certain."""
    cuts = [cut_out(image, window.quad, margin)[0] for margin in CUTS]
    readings = [read_window(cut, kind, digits, decimals, second=second) for cut in cuts]
    weights: dict[str, float] = {}
    for each in readings:
        weights[each.text] = weights.get(each.text, 0.0) + each.confidence + 1e-3
    text = max(weights, key=lambda each: weights[each])
    same = [each for each in readings if each.text == text]
    reading = max(same, key=lambda each: each.confidence)
    confidence = float(np.mean([each.confidence for each in same])) * min(1.0, window.score / 0.8)
    confidence *= (weights[text] / sum(weights.values())) ** 1.5
    place = tuple((float(x), float(y)) for x, y in window.quad)
    reason = reading.reason.replace("uncertain", "")  # of all three cuts together is more certain than of one
    enough = not reason and confidence >= ACCEPT
    reason = reason or ("" if enough else "uncertain")
    if 0 < len(reading.text) < FEWEST[window.kind]:
        enough, reason = False, f"fewer than {FEWEST[window.kind]} digits"
    return replace(reading, confidence=confidence, accepted=enough, reason=reason, place=place)
