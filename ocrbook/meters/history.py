"""What a meter may show next, and what it may not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

from ocrbook.meters.reading import Reading


@dataclass
class History:
    """Readings of one meter, in the order of time.

    A reading must not fall, nor rise faster than the meter can. One that does is rejected, and kept aside: when
    `confirm` rejected readings in a row agree among themselves, it was something before them that was wrong. If what
    was accepted last can be taken back so that they fit, it is (a false high value must not block what follows);
    otherwise the meter is taken to have been changed, and a new series begins.

    Attributes
    ----------
    max_rate : float
        The most that the value can rise in a unit of time.
    dead_band : float
        How far a value may lie below the last one without meaning anything: a drum's play, the last digit misread.
    digits, decimals : int or None
        Positions of the display, from which the value starts again at 0 after it is full. None: it never does.
    confirm : int
    """

    max_rate: float
    dead_band: float = 0.0
    digits: int | None = None
    decimals: int = 0
    confirm: int = 3
    accepted: list[tuple[float, float]] = field(default_factory=list)
    """Time and value of each accepted reading of the present series."""
    consumed: float = 0.0
    """What earlier series have counted; see `total`."""
    changes: list[float] = field(default_factory=list)
    """Times at which the meter was taken to have been changed."""
    _aside: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.max_rate > 0 or self.dead_band < 0 or self.confirm < 2:
            raise ValueError("a history needs max_rate > 0, dead_band >= 0 and confirm >= 2")
        if self.digits is not None and not 0 <= self.decimals <= self.digits:
            raise ValueError("a history has no more decimals than digits")

    @property
    def total(self) -> float:
        """What was counted from the first accepted reading to the last, over roll-overs and changed meters."""
        return self.consumed + self._counted(self.accepted)

    def _counted(self, series: list[tuple[float, float]]) -> float:
        return sum(max(0.0, self._rise(a[1], b[1])) for a, b in pairwise(series))

    def _rise(self, old: float, new: float) -> float:
        """How far the value has risen; a full display starts again at 0."""
        rise = new - old
        if self.digits is not None:
            full = 10 ** (self.digits - self.decimals)
            if rise < -full / 2:
                rise += full
        return rise

    def _why_not(self, old: tuple[float, float], new: tuple[float, float]) -> str:
        """Why one reading can't follow another; "" if it can."""
        rise, time = self._rise(old[1], new[1]), new[0] - old[0]
        if rise < -self.dead_band - 1e-9:
            return f"lower than {old[1]:g} before"
        if rise > self.max_rate * time + self.dead_band + 1e-9:
            return f"rises by {rise:g} in {time:g}, the meter can do {self.max_rate * time:g}"
        return ""

    def add(self, time: float, reading: Reading) -> Reading:
        """Judge a reading, and remember it.

        Parameters
        ----------
        time : float
            In the unit of `max_rate`; later than all before.
        reading : Reading
            One that is not accepted changes nothing.

        Returns
        -------
        Reading
            The same; or rejected, with the reason; or accepted with what is remarkable about it as `reason`. Within the
            dead band, its value is the last one.

        Raises
        ------
        ValueError
            If the time is not later than that of the reading before.
        """
        latest = max((t for t, _ in (*self.accepted[-1:], *self._aside[-1:])), default=None)
        if latest is not None and not time > latest:
            raise ValueError(f"readings come in the order of time: {time:g} is not after {latest:g}")
        if not reading.accepted or reading.value is None:
            return reading
        new = (time, reading.value)
        if not self.accepted:
            self.accepted.append(new)
            return reading
        why = self._why_not(self.accepted[-1], new)
        if not why:
            self._aside.clear()
            if self._rise(self.accepted[-1][1], new[1]) < 0:
                reading = replace(reading, value=self.accepted[-1][1], reason="within the dead band")
                new = (time, self.accepted[-1][1])
            self.accepted.append(new)
            return reading
        if self._aside and self._why_not(self._aside[-1], new):
            self._aside.clear()
        self._aside.append(new)
        if len(self._aside) < self.confirm:
            return replace(reading, accepted=False, reason=why)
        return self._begin_again(reading)

    def _begin_again(self, reading: Reading) -> Reading:
        """What was set aside has been confirmed: take back what does not go with it, or begin a new series."""
        first = self._aside[0]
        for back in range(1, min(self.confirm, len(self.accepted) - 1) + 1):
            if not self._why_not(self.accepted[-back - 1], first):
                taken = self.accepted[-back:]
                self.accepted[-back:] = self._aside
                self._aside = []
                values = ", ".join(f"{value:g}" for _, value in taken)
                return replace(reading, reason=f"taken back: {values}")
        self.consumed += self._counted(self.accepted)
        self.changes.append(first[0])
        self.accepted, self._aside = self._aside, []
        return replace(reading, reason="a new series: has the meter been changed?")
