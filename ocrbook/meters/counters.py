"""What the drums or pointers of a counter mean together: the digits that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocrbook.render.meters.scene import ARRIVED

PLAY, STIFF = 0.1, 4.0
"""How far a drum may be off the others, in digits, to count in full for their line; what holds back its slope."""


def resolve(places: Sequence[float], *, geared: bool | None = None, arrived: float = ARRIVED) -> tuple[str, float]:
    """The digits that a counter shows, from how far its drums have turned.

    The last drum turns steadily. Each other one stands on a digit, and moves on while its lower neighbour goes from 9
    to 0; in some counters, as with pointers, all turn steadily. So from right to left: take away from each drum what
    its neighbour says it has gone, and what is left is a digit. Of the two ways to move, the one that leaves less over
    is taken. What four or more drums are off together, along a line, is the crop's fault, and taken away; pointers have
    no crop in common. A last drum that has all but arrived counts as arrived.

    Parameters
    ----------
    places : sequence of float in [0, 10), from the left to the right
    geared : bool, optional
        Whether all turn steadily, as pointers do. None finds out.
    arrived : float
        The share of its way from which on the last one counts as arrived; 1 for pointers.

    Returns
    -------
    (digits, float)
        The float says how far the drums are off what a counter can show, at worst, in digits: 0 to 0.5.

    Examples
    --------
    >>> resolve([3.0, 9.02, 6.5])[0]  # the second one has all but reached 9
    '396'
    """
    best = ways(places, (False, True) if geared is None else (geared,), arrived)[0]
    return best.text, best.off


@dataclass(frozen=True)
class Way:
    """What drums can be taken to show: the digits; how far off they are then at worst, the last one together with the
    others, and in all; and how many of them tell at which level they stand."""

    text: str
    off: float
    shift: float
    loss: float
    telling: int


def ways(places: Sequence[float], kinds: Sequence[bool] = (False, True), arrived: float = ARRIVED) -> list[Way]:
    """The ways to understand a counter, geared or not, the likeliest first; see `resolve`."""
    places = np.asarray(places, float)
    count = len(places)
    found = []
    for geared in kinds:
        _, off, telling = _from_the_right(places, geared)
        shift = _together(off, telling) if count > 3 and arrived < 1 else np.zeros(count)
        moved = (places - shift) % 10 % 10  # twice: -1e-20 % 10 is 10
        digits, off, telling = _from_the_right(moved, geared)
        loss = float(np.abs(off).sum() + 0.3 * np.abs(shift).sum()) + 0.05 * count * geared
        carry = moved[-1] % 1 >= arrived
        number = (int("".join(map(str, digits))) + carry) % 10**count
        found.append(Way(f"{number:0{count}d}", float(np.abs(off).max()), float(shift[-1]), loss, int(telling.sum())))
    return sorted(found, key=lambda way: way.loss)


def _together(off: np.ndarray, telling: np.ndarray) -> np.ndarray:
    """What drums are off together: a line along the row, through those that tell.

    Least squares, with the slope held back (ridge regression) and none taken to be far off the median.
    """
    if not telling.any():
        return np.zeros(len(off))
    places = np.arange(len(off)) - np.flatnonzero(telling).mean()
    x, off = places[telling], off[telling]
    off = np.clip(off, *(np.median(off) + np.array([-PLAY, PLAY])))
    slope = (off * x).sum() / ((x**2).sum() + STIFF)
    return np.clip(off.mean() + slope * places, -0.25, 0.25)


def _from_the_right(places: np.ndarray, geared: bool) -> tuple[list[int], np.ndarray, np.ndarray]:
    """The digits of drums, the last one rounded down; how far each is off them; and whether that tells at which level
    they stand: a drum that is carried is off as much as the one that carries it."""
    lower = float(places[-1])
    digits, off, telling = [int(lower) % 10], [0.0], [False]
    for place in places[-2::-1]:
        # `lower` is where the neighbour stands as resolved: at 0 and not at 9.98, if it has no reason to move
        gone = lower / 10 if geared else max(0.0, lower - 9)
        if not geared and gone < 0.15 and abs(place - round(place)) < abs(place - gone - round(place - gone)):
            gone = 0.0  # the neighbour stands at 9, give or take its play
        digit = round(place - gone)
        digits.append(digit % 10)
        off.append(float(place - gone - digit))
        telling.append(geared or gone == 0)
        lower = digit % 10 + gone
    return digits[::-1], np.array(off[::-1]), np.array(telling[::-1])
