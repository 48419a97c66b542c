"""Reading one position: a drum in tenths, or a digit of a display."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence

import cv2
import numpy as np

from ocrbook.meters.inputs import DIGIT_SIZE, fit_photo, gray, normalized
from ocrbook.meters.models import circular_mean, run, softmax
from ocrbook.meters.reading import Reading, checked, rejected, too_small

KINDS = ("drum", "lcd")
BLANK = 10
"""The class of a display's position that shows no digit."""

SOFT = 0.98
"""What the network for displays was taught to say where it is certain."""

ENOUGH = 512
"""Pixels of a crop's longer side; a larger one is made smaller before it is looked at."""

ACCEPT = {"drum": 0.8, "lcd": 0.8}
"""The confidence from which on a single position is accepted."""

PLAINEST = 2.5
"""Gray levels that what a crop shows deviates by at least. Digits of real meters: from 5; what is none: up to 2.3."""


def check_kind(kind: str) -> None:
    """Raise ValueError if there is no such kind of meter."""
    if kind not in KINDS:
        raise ValueError(f'kind must be "drum" or "lcd", got {reprlib.repr(kind)}')


VIEWS = ((1.0, 0.0), (1.15, 0.0), (1.3, 0.0), (1.15, 0.06), (1.15, -0.06))
"""How a crop is looked at: how many times enlarged, and moved sideways by which share of its width."""


def probabilities(crops: Sequence[np.ndarray], kind: str) -> np.ndarray:
    """What the network thinks of crops of any size: (N, 100) tenths of drums, or (N, 11) digits and `BLANK`.

    The geometric mean of several views of each crop, most of them a little smaller than the crop: people and detectors
    cut too much more often than too little.
    """
    crops = [fit_photo(crop, ENOUGH)[0] if max(crop.shape[:2]) > ENOUGH else crop for crop in crops]
    images = np.stack([_view(crop, zoom, aside) for zoom, aside in VIEWS for crop in crops])
    each = np.log(softmax(run(kind, normalized(gray(images) if kind == "lcd" else images))) + 1e-6)
    return softmax(each.reshape(len(VIEWS), len(crops), -1).mean(axis=0))


def _view(crop: np.ndarray, zoom: float, aside: float) -> np.ndarray:
    """The middle of a crop, or what lies beside it, at the size of the network's input."""
    height, width = crop.shape[:2]
    sx, sy = width / zoom / DIGIT_SIZE[1], height / zoom / DIGIT_SIZE[0]
    if max(sx, sy) > 1.3:
        crop = cv2.GaussianBlur(crop, (0, 0), 0.4 * max(sx, sy))
    left, top = width * (1 - 1 / zoom) / 2 + aside * width, height * (1 - 1 / zoom) / 2
    matrix = np.float32([[sx, 0, left + sx / 2 - 0.5], [0, sy, top + sy / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(crop, matrix, DIGIT_SIZE[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)


def plain(crop: np.ndarray) -> bool:
    """Whether a crop shows no more than noise, a slope, or straight edges that run through it, as of an empty frame.

    What each row and each column have in common is taken away, and what is finer than a stroke.
    """
    size = DIGIT_SIZE[::-1]
    left = cv2.resize(crop, size, interpolation=cv2.INTER_AREA).mean(axis=2, dtype=np.float32)
    left = left - left.mean(axis=0) - left.mean(axis=1, keepdims=True) + left.mean()
    return bool(cv2.GaussianBlur(left, (0, 0), size[0] / 20).std() < PLAINEST)


def shown(value: float) -> int:
    """The digit of which a drum shows most."""
    return int(np.floor(value + 0.5)) % 10


def readings(probability: np.ndarray, kind: str) -> list[Reading]:
    """Readings of single positions.

    The confidence of a drum is the share of all answers for which the same digit shows most; of a display, that of the
    digit.
    """
    if kind == "lcd":
        found = []
        for each in probability:
            digit, sure = int(each.argmax()), min(1.0, float(each.max()) / SOFT)
            if digit == BLANK:
                found.append(Reading("", None, sure, False, "blank"))
            else:
                enough = sure >= ACCEPT[kind]
                found.append(Reading(str(digit), float(digit), sure, enough, "" if enough else "uncertain"))
        return found
    digit_of_class = np.floor(np.arange(100) / 10 + 0.5).astype(int) % 10
    found = []
    for each, place in zip(probability, circular_mean(probability), strict=True):
        value = float(10 * place) % 10
        sure = float(each[digit_of_class == shown(value)].sum())
        enough = sure >= ACCEPT[kind]
        found.append(
            Reading(str(shown(value)), value, sure, enough, "" if enough else "between two digits or illegible")
        )
    return found


def read_digit(image: np.ndarray, kind: str = "drum") -> Reading:
    """Read one position of a meter.

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR
        The position, cut out with a little room around it.
    kind : "drum" or "lcd"

    Returns
    -------
    Reading
        Of a drum, `value` is in [0, 10) with tenths, 3.4 for a 3 on its way to the 4, and `text` the digit that shows
        most. Of a display, a digit; a blank position is rejected.

    Raises
    ------
    TypeError, ValueError
        If the image is none that can be read (see `ocrbook.meters.reading.checked`), or the kind unknown.

    Examples
    --------
    >>> from ocrbook import images
    >>> from ocrbook.meters import find_positions, read_digit
    >>> window = images.read("datasets/meter-lcd/lcd_000.jpg")
    >>> left, top, right, bottom = find_positions(window)[0][0].astype(int)
    >>> read_digit(window[top:bottom, left:right], "lcd").text
    '9'
    """
    check_kind(kind)
    if too_small(checked(image)):
        return rejected("too small to be read")
    if plain(image):
        return rejected("blank")
    return readings(probabilities([image], kind), kind)[0]
