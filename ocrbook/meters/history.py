"""What a meter may show next, and what it may not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from ocrbook.meters import stored
from ocrbook.meters.reading import HUGE, Reading, counts, number, whole

KEPT = 500
"""Accepted readings that are kept once there are more than twice as many; `total` counts all."""

LOGGED = 1_000
"""Changes of the meter, and readings taken back, that are kept, the latest ones."""

ASIDE = 2
"""How many times `confirm` readings are kept aside, for right ones to be found among wrong ones."""


@dataclass
class History:
    """Readings of one meter, in the order of time.

    A reading must not fall faster than the meter runs backwards, nor rise faster than the meter can. One that does, or
    whose time lies before the last one, is rejected, and kept aside: when `confirm` rejected readings agree among
    themselves, and none between them was accepted, it was something before them that was wrong. If what was accepted
    last can be taken back so that they fit, it is (a false high value or a wrong time must not block what follows). If
    only the clock has been set back, the series goes on. Otherwise the meter is taken to have been changed, and a new
    series begins.

    Attributes
    ----------
    max_rate : float
        The most that the value can rise in a unit of time; in an hour, where times are datetimes.
    dead_band : float
        How far a value may lie below the last one without meaning anything: a drum's play, the last digit misread.
    digits, decimals : int or None
        Positions of the display, from which the value starts again at 0 after it is full. None: it never does.
    confirm : int
        2 to 100.
    max_fall : float
        The most that it can fall in a unit of time: 0 for most meters, above 0 for one that runs backwards while a
        solar roof feeds in.

    Raises
    ------
    ValueError
        If one of them can't be, or what the history remembers contradicts itself.

    Examples
    --------
    >>> history = History(max_rate=5)
    >>> [history.add(hour, Reading(str(v), v, 0.9, True)).accepted for hour, v in enumerate([100, 104, 900, 107])]
    [True, True, False, True]
    >>> history.total
    7.0
    """

    max_rate: float
    dead_band: float = 0.0
    digits: int | None = None
    decimals: int = 0
    confirm: int = 3
    max_fall: float = 0.0
    accepted: list[tuple[float, float]] = field(default_factory=list)
    """Time and value of each of the latest accepted readings of the present series, up to 1,000."""
    consumed: float = 0.0
    """What was counted before those; see `total`."""
    changes: list[float] = field(default_factory=list)
    """Times at which the meter was taken to have been changed."""
    taken_back: list[tuple[float, float]] = field(default_factory=list)
    """Time and value of each reading that was accepted first, and that later ones have shown to be wrong."""
    aside: list[tuple[float, float]] = field(default_factory=list)
    """Time and value of the latest rejected readings since the last accepted one."""

    def __post_init__(self) -> None:
        try:
            self.max_rate, self.dead_band = number("max_rate", self.max_rate), number("dead_band", self.dead_band, 0)
            self.max_fall = number("max_fall", self.max_fall, 0)
            if not self.max_rate > 0:
                raise ValueError(f"max_rate must be above 0, got {self.max_rate:g}")
            self.digits, self.decimals = counts(self.digits, self.decimals)
            self.confirm = whole("confirm", self.confirm, 2, 100)
            self.consumed = number("consumed", self.consumed, -HUGE if self.max_fall else 0)
            self.accepted = self._pairs("accepted", self.accepted, 2 * KEPT)
            if any(a[0] >= b[0] for a, b in pairwise(self.accepted)):
                raise ValueError("accepted: readings are in the order of time")
            self.aside = self._pairs("aside", self.aside, ASIDE * self.confirm)
            self.taken_back = self._pairs("taken_back", self.taken_back, LOGGED)
            self.changes = [number("changes", time) for time in _list("changes", self.changes, LOGGED)]
        except ValueError as error:
            raise ValueError(f"a history can't be like this: {error}") from None

    def _pairs(self, name: str, value: Any, most: int) -> list[tuple[float, float]]:
        """Pairs of a time and a value, checked."""
        pairs = [_list(name, pair, 2) for pair in _list(name, value, most)]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError(f"{name}: each is a time and a value")
        pairs = [(number(name, time), number(name, each, 0)) for time, each in pairs]
        if any(each >= self._full for _, each in pairs):
            raise ValueError(f"{name}: {self.digits} digits can't show all of these values")
        return pairs

    @property
    def _full(self) -> float:
        """The value at which the display starts again at 0."""
        return HUGE if self.digits is None else 10.0 ** (self.digits - self.decimals)

    @property
    def total(self) -> float:
        """What was counted from the first accepted reading to the last, over roll-overs and changed meters.

        What a meter counts backwards, where `max_fall` allows that, is taken off.
        """
        return self.consumed + self._counted(self.accepted)

    def _counted(self, series: list[tuple[float, float]]) -> float:
        rises = [self._rise(*pair) for pair in pairwise(series)]
        return sum(rises) if self.max_fall else sum(max(0.0, rise) for rise in rises)

    def _count(self, rise: float) -> None:
        self.consumed = max(-HUGE, min(HUGE, self.consumed + rise))

    def _lowest(self, time: float) -> float:
        """How far the value may have risen at least; below 0, since it may have fallen."""
        return -self.dead_band - self.max_fall * time

    def _rise(self, old: tuple[float, float], new: tuple[float, float]) -> float:
        """How far the value has risen; a full display starts again at 0, and may fall back behind that."""
        rise = new[1] - old[1]
        if self.digits is not None and rise < -self._full / 2:
            rise += self._full
        elif self.digits is not None and rise > self._full / 2 and rise - self._full >= self._lowest(new[0] - old[0]):
            rise -= self._full
        return rise

    def _why_not(self, old: tuple[float, float], new: tuple[float, float]) -> str:
        """Why one reading can't follow another; "" if it can."""
        rise, time = self._rise(old, new), new[0] - old[0]
        if time <= 0:
            return f"its time is {-time:g} before that of the last one" if time else "its time is that of the last one"
        if rise < self._lowest(time) - 1e-9:
            return f"falls by {-rise:g} in {time:g}" if self.max_fall else f"lower than {old[1]:g} before"
        if rise > self.max_rate * time + self.dead_band + 1e-9:
            return f"rises by {rise:g} in {time:g}, the meter can do {self.max_rate * time:g}"
        return ""

    def add(self, time: float | datetime, reading: Reading) -> Reading:
        """Judge a reading, and remember it.

        Parameters
        ----------
        time : float or datetime
            Later than all before, if the clock is right. A datetime has a time zone, and is kept as hours since 1970
            (UTC): summer time changes nothing.
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
            If the time is no finite number, a datetime without a time zone, or that of the reading before, or if the
            value is no finite number. Nothing has changed then.
        """
        time = hours(time) if isinstance(time, datetime) else number("time", time)
        if not reading.accepted or reading.value is None:
            return reading
        new = (time, number("value", reading.value))
        if not 0 <= new[1] < self._full:
            return replace(reading, accepted=False, reason=f"no meter like this shows {new[1]:g}")
        before = (self.aside or self.accepted)[-1:]
        if before and time == before[0][0]:
            raise ValueError("readings come in the order of time: this one has that of the one before")
        if not self.accepted:
            self.accepted.append(new)
            return reading
        why = self._why_not(self.accepted[-1], new)
        if not why:
            self.aside = []
            if not self.max_fall and self._rise(self.accepted[-1], new) < 0:
                reading = replace(reading, value=self.accepted[-1][1], reason="within the dead band")
                new = (time, self.accepted[-1][1])
            self._go_on([new])
            return reading
        self.aside = [*self.aside, new][-ASIDE * self.confirm :]
        agreeing = self._agreeing()
        if len(agreeing) < self.confirm:
            return replace(reading, accepted=False, reason=why)
        remarkable = self._begin_again(agreeing)
        return replace(reading, reason=remarkable)

    def _agreeing(self) -> list[tuple[float, float]]:
        """Of the readings that were set aside, the last one and those before it that go with it and one another."""
        chain = self.aside[-1:]
        for each in reversed(self.aside[:-1]):
            if not self._why_not(each, chain[0]):
                chain.insert(0, each)
        return chain

    def _begin_again(self, agreeing: list[tuple[float, float]]) -> str:
        """Go on from readings that confirm one another, without what contradicts them; and say how."""
        first, self.aside = agreeing[0], []
        for back in range(1, min(self.confirm, len(self.accepted) - 1) + 1):
            if not self._why_not(self.accepted[-back - 1], first):
                taken = self.accepted[-back:]
                del self.accepted[-back:]
                self.taken_back = [*self.taken_back, *taken][-LOGGED:]
                self._go_on(agreeing)
                return f"taken back: {', '.join(f'{value:g}' for _, value in taken)}"
        last = self.accepted[-1]
        self._count(self._counted(self.accepted))
        self.accepted = agreeing
        # how long ago the last one was isn't known; no longer than it took to confirm that the clock is another
        then = (2 * first[0] - agreeing[-1][0], last[1])
        if first[0] <= last[0] and not self._why_not(then, first):
            self._count(self._counted([then, first]))
            return "the clock was set back"
        self.changes = [*self.changes, first[0]][-LOGGED:]
        return "a new series: has the meter been changed?"

    def _go_on(self, readings: list[tuple[float, float]]) -> None:
        """Add to the series; once it is long, count what is old, and forget it."""
        self.accepted += readings
        if len(self.accepted) > 2 * KEPT:
            self._count(self._counted(self.accepted[: -KEPT + 1]))
            self.accepted = self.accepted[-KEPT:]

    def save(self, path: str | Path) -> None:
        """Write all of it as JSON, whole or not at all.

        Raises
        ------
        OSError
            If it can't be written.
        """
        stored.save(path, asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> History:
        """Read it from JSON.

        Raises
        ------
        FileNotFoundError, OSError, ValueError
            If there is no such file, it can't be opened, or it is no history; the message says what is wrong.
        """
        fields = stored.load(path, "history", cls.__dataclass_fields__, ("max_rate",))
        try:
            return cls(**fields)
        except ValueError as error:
            raise ValueError(f"{path} is no history: {error}") from None


def _list(name: str, value: Any, most: int) -> Sequence[Any]:
    """A list or tuple with no more than so many; ValueError otherwise."""
    if not isinstance(value, (list, tuple)) or len(value) > most:
        raise ValueError(f"{name} must be a list of {most:,} at most")
    return value


def hours(time: datetime) -> float:
    """Hours since 1970 (UTC).

    Raises
    ------
    ValueError
        If the datetime has no time zone: it could be any of 26 hours then, and one hour of autumn comes twice.

    Examples
    --------
    >>> from datetime import timezone
    >>> hours(datetime(1970, 1, 2, 3, 30, tzinfo=timezone.utc))
    27.5
    """
    if time.utcoffset() is None:
        raise ValueError(f"{time} has no time zone: datetime.now(timezone.utc) has one")
    return time.timestamp() / 3600
