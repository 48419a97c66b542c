"""Reading a pointer dial."""

from __future__ import annotations

import cv2
import numpy as np

from ocrbook.meters.inputs import DIAL_SIZE, normalized
from ocrbook.meters.models import circular_mean, run, softmax
from ocrbook.meters.reading import Reading, checked, number, rejected, too_faint, too_small

ACCEPT = 0.85
"""The confidence from which on a dial is accepted."""

COARSE = (40, 40)
"""A dial is read at so many rows and columns: in finer details, photographs differ most from drawings."""

NEAR = 0.05
"""In turns: answers that are no farther apart mean the same needle, read more or less exactly."""


def look(image: np.ndarray, tenths: int, mirrored: bool) -> np.ndarray:
    """A dial turned clockwise about its middle, and then mirrored; by tenths the marks of its scale stay in place."""
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -36 * tenths, 1)
    turned = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return turned[:, ::-1] if mirrored else turned


def read_turn(image: np.ndarray) -> tuple[float, float]:
    """The turn of a needle clockwise from the top, in [0, 1), and the share of answers `NEAR` it.

    The mean of twenty looks at the dial: turned by each tenth, and in a mirror.
    """
    coarse = cv2.resize(image, COARSE[::-1], interpolation=cv2.INTER_AREA)
    fitted = cv2.resize(coarse, DIAL_SIZE[::-1], interpolation=cv2.INTER_LINEAR)
    looks = [look(fitted, tenths, mirrored) for mirrored in (False, True) for tenths in range(10)]
    each = softmax(run("dial", normalized(np.stack(looks))))
    each[10:] = np.roll(each[10:, ::-1], 1, axis=1)  # the turn -t for t
    probability = np.mean([np.roll(answer, -10 * number) for number, answer in enumerate(each)], axis=0)
    turn = float(circular_mean(probability[None])[0])
    off = np.abs((np.arange(100) / 100 - turn + 0.5) % 1 - 0.5)
    return turn, float(probability[off <= NEAR].sum())


def read_dial(image: np.ndarray, low: float = 0, high: float = 10, clockwise: bool = True) -> Reading:
    """Read one pointer.

    Parameters
    ----------
    image : uint8 (H, W, 3), BGR
        The dial, upright, its hub near the middle, and little around it.
    low, high : float
        What a full turn goes from and to; `low` is at the top.
    clockwise : bool
        The way the numbers run.

    Returns
    -------
    Reading
        `text` is the value with two decimals.

    Raises
    ------
    TypeError, ValueError
        If the image is none that can be read, or `low` and `high` are no finite numbers, `high` above `low`.

    Examples
    --------
    >>> from ocrbook import images
    >>> from ocrbook.meters import read_dial
    >>> reading = read_dial(images.read("datasets/meter-dial/dial_000.jpg"), clockwise=False)
    >>> abs(reading.value - 1.95) < 0.2
    True
    """
    low, high = number("low", low), number("high", high)
    if not high > low:
        raise ValueError(f"high must be above low, got {low} and {high}")
    if too_small(checked(image)):
        return rejected("too small to be read")
    if too_faint(image):
        return rejected("no needle found")
    turn, sure = read_turn(image)
    value = low + (high - low) * (turn if clockwise else -turn % 1)
    enough = sure >= ACCEPT
    return Reading(f"{value:.2f}", value, sure, enough, "" if enough else "uncertain")
