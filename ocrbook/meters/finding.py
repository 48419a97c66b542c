"""Finding the windows of meters in a photograph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ocrbook.meters.cuts import cut_out
from ocrbook.meters.digits import KINDS
from ocrbook.meters.inputs import PHOTO_SIZE, fit_photo
from ocrbook.meters.models import run
from ocrbook.meters.positions import find_positions

FOUND = 0.4
"""How sure the network must be that something is a window."""

CERTAIN = 0.7
"""How sure it must be for a second, closer look not to be needed."""

LOOSE = (0.8, 0.3)
"""What is cut out around a window, beside it and above in its heights, to find out where the digits in it are."""

AROUND = 2.0
"""What is seen above and below a window in its heights where it is looked at once more."""

SAME = 0.5
"""Share of the smaller one that two windows have in common if they are one, found twice."""


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


def find_windows(image: np.ndarray, turns: Sequence[float] = (0,)) -> list[Found]:
    """The windows of meters in a photograph, the largest of the certain ones first.

    It is looked at with 320 pixels on its longer side; where nothing certain is found, with 640 and, unless it was
    turned, with 1,280. What is found roughly is looked at once more, straightened, and drawn tight around the digits in
    it, where there are three or more.

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR
    turns : sequence of float
        By how many degrees it is turned, counter-clockwise, before it is looked at. Windows that then stand upright,
        up to some twenty degrees, are found.

    Returns
    -------
    list of Found
        With corners in the image as it was given.

    Examples
    --------
    >>> from ocrbook import images
    >>> [found.kind for found in find_windows(images.read("datasets/meter-photo/drum_000.jpg"))]
    ['drum']
    """
    found: list[Found] = []
    for turn in turns:
        each_turn = [_refined(image, _refined(image, _again(image, each))) for each in _turned(image, turn)]
        found += _distinct(each_turn, _worth)
    return sorted(_distinct(found, lambda each: each.score), key=_worth, reverse=True)


def _worth(window: Found) -> float:
    """Of windows that are found with certainty the larger one is the better."""
    return min(1.0, window.score / CERTAIN) ** 2 * float(np.sqrt(area(window.quad)))


def _distinct(found: Sequence[Found], worth: Callable[[Found], float]) -> list[Found]:
    """The windows without those that are found twice, the best of each; upside down a window is another one."""
    distinct: list[Found] = []
    for each in sorted(found, key=worth, reverse=True):
        if not any(same_place(each, other) and _alike(each, other) for other in distinct):
            distinct.append(each)
    return distinct


def _turned(image: np.ndarray, turn: float) -> list[Found]:
    """The windows in a photograph after it was turned; their corners before that."""
    if not turn:
        return _closer(image, PHOTO_SIZE[0], 4 * PHOTO_SIZE[0])
    fitted, scale = fit_photo(image, 2 * PHOTO_SIZE[0])
    size = np.array(fitted.shape[1::-1])
    matrix = cv2.getRotationMatrix2D((size / 2).tolist(), turn, 1.0)
    whole = np.abs(matrix[:, :2]) @ size
    matrix[:, 2] += (whole - size) / 2
    view = cv2.warpAffine(fitted, matrix, np.rint(whole).astype(int).tolist())
    back = cv2.invertAffineTransform(matrix)
    side = round(max(whole) / 2)
    found = _closer(view, side, 2 * side)
    return [replace(each, quad=(each.quad @ back[:, :2].T + back[:, 2]) / scale) for each in found]


def _closer(image: np.ndarray, side: int, most: int) -> list[Found]:
    """The windows in a photograph, looked at ever closer until something certain is found: where that is surest."""
    looks = [_find(image, side)]
    while _surest(looks[-1]) < CERTAIN and side < min(most, max(image.shape[:2])):
        side *= 2
        looks.append(_find(image, side))
    return max(looks, key=_surest)


def _surest(found: Sequence[Found]) -> float:
    return max((each.score for each in found), default=0.0)


def _find(image: np.ndarray, side: int) -> list[Found]:
    """The windows in a photograph whose longer side is made `side` pixels long."""
    fitted, scale = fit_photo(image, side)
    height, width = fitted.shape[:2]
    inputs = np.full((1, 3, -(-height // 32) * 32, -(-width // 32) * 32), -1, np.float32)
    inputs[0, :, :height, :width] = (fitted.transpose(2, 0, 1).astype(np.float32) - 127.5) / 127.5
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
        if area(quad) < 24 or not cv2.isContourConvex(quad.astype(np.float32)):
            continue
        kind = KINDS[int(scores[:, labels == label].sum(axis=1).argmax())]
        found.append(Found(kind, quad / scale, float(np.sort(weights)[-min(4, len(weights)) :].mean())))
    return found


def area(quad: np.ndarray) -> float:
    """Of a window, in pixels."""
    return cv2.contourArea(quad.astype(np.float32))


def same_place(a: Found, b: Found) -> bool:
    """Whether two windows have so much of the smaller one in common that they are one, maybe upside down."""
    common, _ = cv2.intersectConvexConvex(a.quad.astype(np.float32), b.quad.astype(np.float32))
    return common >= SAME * min(area(a.quad), area(b.quad))


def _alike(a: Found, b: Found) -> bool:
    """Whether two windows stand upright nearly the same way."""
    return (a.quad[1] - a.quad[0]) @ (b.quad[1] - b.quad[0]) > 0


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
    return replace(window, kind=kind, quad=_put_back(found, straight, corners))


def upside_down(image: np.ndarray, window: Found) -> Found:
    """The window as it is found where it stands upside down."""
    turned = replace(window, quad=np.roll(window.quad, 2, axis=0))
    return _refined(image, _refined(image, turned))


def _again(image: np.ndarray, window: Found) -> Found:
    """The window as it is found where it stands upright and is half as wide as the view, if that is surer."""
    aspect = np.linalg.norm(window.quad[1] - window.quad[0]) / (np.linalg.norm(window.quad[3] - window.quad[0]) + 1e-9)
    straight, corners = cut_out(image, window.quad, (aspect / 2, AROUND))
    seen = (replace(each, quad=_put_back(each.quad, straight, corners)) for each in _find(straight, PHOTO_SIZE[0]))
    same = (each for each in seen if same_place(each, window))
    return max((window, *same), key=lambda each: each.score)


def _put_back(quad: np.ndarray, straight: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Corners in what was cut out, as they lie in the image."""
    height, width = straight.shape[:2]
    inside = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    matrix = cv2.getPerspectiveTransform(inside, corners.astype(np.float32))
    return cv2.perspectiveTransform(quad[None], matrix)[0]
