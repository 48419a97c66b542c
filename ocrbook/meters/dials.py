"""Reading a pointer dial."""

from __future__ import annotations

import cv2
import numpy as np

from ocrbook.meters.inputs import DIAL_SIZE, normalized
from ocrbook.meters.models import circular_mean, run, softmax
from ocrbook.meters.reading import Reading, checked, number, rejected, too_faint, too_small

ACCEPT = 0.8
"""The confidence from which on a dial is accepted."""


def read_turn(image: np.ndarray) -> tuple[float, float]:
    """The turn of a needle clockwise from the top, in [0, 1), and the share of answers within a fiftieth of it.

    The geometric mean of eight looks at the dial: in each of four quarter turns, and in a mirror.
    """
    fitted = cv2.resize(image, DIAL_SIZE[::-1], interpolation=cv2.INTER_AREA)
    looks = [np.rot90(seen, -quarters) for seen in (fitted, fitted[:, ::-1]) for quarters in range(4)]
    each = np.log(softmax(run("dial", normalized(np.stack(looks)))) + 1e-6)
    upright = np.stack([np.roll(answer, -25 * (number % 4)) for number, answer in enumerate(each)])
    upright[4:] = np.roll(upright[4:, ::-1], 1, axis=1)  # the turn -t for t
    probability = softmax(upright.mean(axis=0))
    turn = float(circular_mean(probability[None])[0])
    off = np.abs((np.arange(100) / 100 - turn + 0.5) % 1 - 0.5)
    return turn, float(probability[off <= 0.02].sum())


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
