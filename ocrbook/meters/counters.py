"""What the drums or pointers of a counter mean together: the digits that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocrbook.render.meters.scene import ARRIVED

PLAY, STIFF = 0.1, 4.0
"""How far a drum may be off the others, in digits, to count in full for their line; what holds back its slope."""

LATE, LATER = 0.15, 0.3
"""How far past 9 a drum's neighbour may stand while the drum itself hasn't begun to move; and a pointer."""

HANG, STEADY = 0.25, 0.1
"""A drum that is less off what follows it may well hang or lead; what a row is unlikelier whose last drum follows a
pointer steadily, for few do."""


def resolve(
    places: Sequence[float],
    *,
    geared: bool | None = None,
    arrived: float = ARRIVED,
    lower: float | None = None,
    steady: bool | None = None,
) -> tuple[str, float]:
    """The digits that a counter shows, from how far its drums have turned.

    The last drum turns steadily. Each other one stands on a digit, and moves on while its lower neighbour goes from 9
    to 0; in some counters, as with pointers, all turn steadily. So from right to left: take away from each drum what
    its neighbour says it has gone, and what is left is a digit. Of the ways to move, the one that leaves least over
    is taken. What four or more drums are off together, along a line, is the crop's fault, and taken away; pointers have
    no crop in common. A last drum that has all but arrived counts as arrived, unless something follows that tells.

    Parameters
    ----------
    places : sequence of float in [0, 10), from the left to the right
    geared : bool, optional
        Whether all turn steadily, as pointers do. None finds out.
    arrived : float
        The share of its way from which on the last one counts as arrived; 1 for pointers.
    lower : float in [0, 10), optional
        Where the pointer or drum stands that follows on the last one, itself resolved.
    steady : bool, optional
        Whether the last one turns steadily with what follows, or only while that goes from 9 to 0. None finds out.

    Returns
    -------
    (digits, float)
        The float says how far the drums are off what a counter can show, at worst, in digits: 0 to 0.5.

    Examples
    --------
    >>> resolve([3.0, 9.02, 6.5])[0]  # the second one has all but reached 9
    '396'
    >>> resolve([1.0, 9.0, 8.9], lower=9.6)[0]  # a pointer says that the last one is on its way from 8 to 9
    '198'
    """
    best = ways(places, geared, arrived, lower, steady)[0]
    return best.text, best.off


@dataclass(frozen=True)
class Way:
    """What drums can be taken to show: the digits; how far off they are then at worst, the last one together with the
    others, and in all; how many of them tell at which level they stand; where the first one stands; and whether they
    count as 0 again, because the last one has all but arrived there."""

    text: str
    off: float
    shift: float
    loss: float
    telling: int
    first: float
    over: bool


def ways(
    places: Sequence[float],
    geared: bool | None = None,
    arrived: float = ARRIVED,
    lower: float | None = None,
    steady: bool | None = None,
) -> list[Way]:
    """The ways to understand a counter, the likeliest first; see `resolve`."""
    places = np.asarray(places, float)
    count, alone = len(places), lower is None
    found = []
    for whole in (False, True) if geared is None else (geared,):
        for last in (True,) if alone or whole else (False, True) if steady is None else (steady,):
            turning = [whole] * (count - 1) + [last]
            _, off, telling, _ = _from_the_right(places, turning, lower)
            crop = count > 3 and (arrived < 1 or not alone)
            shift = _together(off, telling) if crop else np.zeros(count)
            moved = (places - shift) % 10 % 10  # twice: -1e-20 % 10 is 10
            digits, off, telling, first = _from_the_right(moved, turning, lower)
            loss = float(np.abs(off[:-1]).sum() + 0.3 * np.abs(shift).sum()) + 0.05 * count * whole
            loss += off[-1] ** 2 / (2 * HANG) + STEADY * (last and not alone)
            carry = alone and moved[-1] % 1 >= arrived
            over, number = divmod(int("".join(map(str, digits))) + carry, 10**count)
            worst, shifted = float(np.abs(off).max()), float(shift[-1])
            found.append(Way(f"{number:0{count}d}", worst, shifted, loss, int(telling.sum()), first, bool(over)))
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


def _from_the_right(
    places: np.ndarray, turning: Sequence[bool], lower: float | None
) -> tuple[list[int], np.ndarray, np.ndarray, float]:
    """The digits of drums, of which some turn steadily; how far each is off them; whether that tells at which level
    they stand: the last doesn't, and a drum that is carried is off as much as the one that carries it; and where the
    first one stands. The last one is rounded down if nothing follows."""
    digits, off, telling = [], [], []
    late = LATER
    for place, steadily in zip(places[::-1], turning[::-1], strict=True):
        if lower is None:
            gone = place % 1
        else:
            # `lower` is where the neighbour stands as resolved: at 0 and not at 9.98, if it has no reason to move
            gone = lower / 10 if steadily else max(0.0, lower - 9)
            if not steadily and gone < late and abs(place - round(place)) < abs(place - gone - round(place - gone)):
                gone = 0.0  # the neighbour stands at 9, give or take its play
        digit = round(place - gone)
        digits.append(digit % 10)
        off.append(float(place - gone - digit))
        telling.append(bool(digits[1:]) and (steadily or gone == 0))
        lower, late = digit % 10 + gone, LATE
    return digits[::-1], np.array(off[::-1]), np.array(telling[::-1]), float(lower)
