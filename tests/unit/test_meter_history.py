"""A meter's history: what may follow, what may not, and that one mistake does not block what is right."""

import contextlib
import json
import math
import os
import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrbook.meters import History, Profile, Reading

ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=8,
)
NAMES = [*History.__dataclass_fields__, *Profile.__dataclass_fields__]
RIGHT = {
    "max_rate": 5,
    "kind": "drum",
    "window": [[0, 0], [90, 0], [90, 30], [0, 30]],
    "size": [100, 100],
    "digits": 5,
}
PROFILE_NEEDS = {name: RIGHT[name] for name in ("kind", "window", "size", "digits")}
HOSTILE = st.builds(
    lambda base, change: base | change,
    st.sampled_from([PROFILE_NEEDS, {"max_rate": 5}]),
    st.dictionaries(st.sampled_from(NAMES), ANY, max_size=2),
)


def reading(value, accepted=True):
    return Reading(f"{value:g}", value, 0.99, accepted)


def feed(history, values, start=0):
    return [history.add(start + time, reading(value)) for time, value in enumerate(values)]


def test_readings_that_rise_slowly_are_accepted():
    history = History(max_rate=5)
    assert all(each.accepted for each in feed(history, [10, 10, 12, 17, 17.5]))
    assert history.total == 7.5


def test_falling_and_racing_readings_are_rejected_with_the_reason():
    history = History(max_rate=5)
    answers = feed(history, [100, 90, 102, 140])
    assert [each.accepted for each in answers] == [True, False, True, False]
    assert answers[1].reason == "lower than 100 before"
    assert answers[3].reason == "rises by 38 in 1, the meter can do 5"
    assert history.total == 2


def test_what_the_reader_rejected_changes_nothing():
    history = History(max_rate=5)
    feed(history, [100])
    unsure = reading(150, accepted=False)
    assert history.add(1, unsure) is unsure
    assert history.accepted == [(0, 100)]


def test_within_the_dead_band_the_last_value_holds():
    history = History(max_rate=5, dead_band=0.2)
    answers = feed(history, [100, 99.9, 100.1, 99.7])
    assert [each.value for each in answers] == [100, 100, 100.1, 99.7]
    assert [each.accepted for each in answers] == [True, True, True, False]
    assert answers[1].reason == "within the dead band"


def test_a_full_display_begins_again_at_zero():
    history = History(max_rate=5, digits=5)
    assert all(each.accepted for each in feed(history, [99_997, 99_999, 2, 4]))
    assert history.total == 7
    history = History(max_rate=5, digits=5, decimals=2)
    assert all(each.accepted for each in feed(history, [999.5, 1.25]))
    assert history.total == pytest.approx(1.75)


def test_one_false_high_value_does_not_block_what_follows():
    history = History(max_rate=5)
    answers = feed(history, [100, 104.9, 101, 102, 103, 104])
    assert [each.accepted for each in answers] == [True, True, False, False, True, True]
    assert answers[4].reason == "taken back: 104.9"
    assert history.total == 4 and not history.changes


def test_a_changed_meter_begins_a_new_series_and_the_sum_goes_on():
    history = History(max_rate=5)
    answers = feed(history, [100, 104, 3, 4, 6, 8])
    assert [each.accepted for each in answers] == [True, True, False, False, True, True]
    assert "new series" in answers[4].reason
    assert history.changes == [2] and history.total == 4 + 5


def test_scattered_mistakes_never_begin_a_new_series():
    history = History(max_rate=5)
    answers = feed(history, [100, 900, 50, 700, 20, 101, 850, 102])
    assert [each.accepted for each in answers] == [True, False, False, False, False, True, False, True]
    assert not history.changes


def test_time_must_go_on_and_settings_must_make_sense():
    history = History(max_rate=5)
    feed(history, [100, 90])
    with pytest.raises(ValueError, match="in the order of time"):
        history.add(1, reading(101))
    for wrong in ({"max_rate": 0}, {"max_rate": 1, "dead_band": -1}, {"max_rate": 1, "confirm": 1},
                  {"max_rate": 1, "digits": 2, "decimals": 3}):  # fmt: skip
        with pytest.raises(ValueError, match="a history"):
            History(**wrong)


def test_the_dead_band_reaches_across_the_roll_over():
    history = History(max_rate=5, dead_band=1, digits=5)
    answers = feed(history, [99_999, 99_998.5, 0.5, 99_999.8, 1, 99_997])
    assert [each.value for each in answers[:5]] == [99_999, 99_999, 0.5, 0.5, 1]
    assert [each.accepted for each in answers] == [True] * 5 + [False]
    assert answers[3].reason == "within the dead band" and history.total == 2


def test_a_meter_that_may_run_backwards_counts_what_is_left():
    history = History(max_rate=5, max_fall=3, dead_band=0.5, digits=5)
    answers = feed(history, [1, 4, 2, 99_999, 99_990, 99_998, 3])
    assert [each.accepted for each in answers] == [True, True, True, True, False, True, True]
    assert [each.value for each in answers if each.accepted] == [1, 4, 2, 99_999, 99_998, 3]
    assert answers[4].reason == "falls by 9 in 1"
    assert history.total == 2
    feed(history, [1, 99_999], start=8)
    assert history.total == -2 and stored_and_read(history) == history


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-2.99, 4.99), min_size=1, max_size=40), st.integers(0, 99_999))
def test_a_true_meter_that_runs_both_ways_is_never_rejected(rises, start):
    history, value = History(max_rate=5, max_fall=3, digits=5), float(start)
    history.add(0, reading(value))
    for time, rise in enumerate(rises, 1):
        value = (value + rise) % 1e5
        assert history.add(time, reading(min(value, 99_999.999))).accepted
    assert history.total == pytest.approx(sum(rises), abs=0.002)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 4.99), min_size=1, max_size=40), st.integers(0, 99_999))
def test_a_true_meter_is_never_rejected(rises, start):
    history, value, sum_of_rises = History(max_rate=5, digits=5), float(start), 0.0
    history.add(0, reading(value))
    for time, rise in enumerate(rises, 1):
        value = (value + rise) % 1e5
        sum_of_rises += rise
        assert history.add(time, reading(value)).accepted
    assert history.total == pytest.approx(sum_of_rises, abs=1e-6)


# -- wrong inputs, and what is remembered

FAULTS = {
    "future": lambda r, time, value, k: (time + 10 ** r.randrange(1, 7) + k, value),
    "1970": lambda r, time, value, k: (k, value),
    "back": lambda r, time, value, k: (time - r.randrange(1, 60), value),
    "same time": lambda r, time, value, k: (time - 1, value),
    "high": lambda r, time, value, k: (time, (value + r.choice([2, 7, 30, 5_000, 50_000])) % 100_000),
    "low": lambda r, time, value, k: (time, max(0, value - r.choice([2, 50, 3_000, 40_000]))),
    "beyond": lambda r, time, value, k: (time, 100_000 + value),
    "no number": lambda r, time, value, k: (time, math.nan),
}


def after_faults(seed, kinds, bursts):
    """A true meter with bursts of faults; the history, how many good readings in a row it refused at most, and how far
    its total is off."""
    r = random.Random(seed)
    history = History(max_rate=9, dead_band=1, digits=5, confirm=r.choice([2, 3, 4]))
    value, time, used, worst = r.choice([0, 40_510, 99_900]), 1_000, 0, 0
    begun = refused = 0

    def goes_on():
        nonlocal value, time, used, begun
        rise = r.randrange(9)
        value, time, used, begun = (value + rise) % 100_000, time + 1, used + rise * begun, 1

    for burst in range(bursts + 1):
        for _ in range(r.choice([0, 3, 20]) if burst < bursts else 10):
            goes_on()
            try:
                accepted = history.add(time, reading(value)).accepted
            except ValueError:  # at the same time as a wrong one before
                accepted = False
            refused = 0 if accepted else refused + 1
            worst = max(worst, refused)
        kind = r.choice(kinds)
        for k in range(r.randrange(1, history.confirm + 1) if burst < bursts else 0):
            goes_on()
            refused = 0
            with contextlib.suppress(ValueError):
                history.add(*given_by(FAULTS[kind](r, time, value, k)))
    return history, worst, history.total - used


def given_by(pair):
    return pair[0], reading(pair[1])


@pytest.mark.parametrize("kind", FAULTS)
def test_a_history_recovers_from_every_kind_of_fault_and_counts_right_to_what_was_lost(kind):
    for seed in range(150):
        history, worst, off = after_faults(seed, [kind], bursts=2)
        assert worst < history.confirm, seed
        assert -9 * 9 <= off <= 9 * 4, seed  # what the meter can do while something is wrong


def test_a_history_recovers_from_faults_of_all_kinds_one_after_the_other():
    for seed in range(300):
        history, worst, _ = after_faults(seed, list(FAULTS), bursts=6)
        assert worst < history.confirm, seed


def test_what_was_taken_back_is_known(monkeypatch):
    monkeypatch.setattr("ocrbook.meters.history.LOGGED", 2)
    history = History(max_rate=5)
    for day in range(0, 1_000, 100):
        feed(history, [day, day + 4.9, day + 1, day + 2, day + 3], start=day)
    assert history.taken_back == [(801, 804.9), (901, 904.9)]
    assert stored_and_read(history) == history


# -- clocks

UTC = timezone.utc


def at(start, values, hours=1.0):
    """Readings an hour apart, with their times."""
    return [(start + timedelta(hours=hours * n), reading(value)) for n, value in enumerate(values)]


def test_times_with_a_zone_count_in_hours_whatever_the_zone_and_the_season():
    history = History(max_rate=5)
    berlin = ZoneInfo("Europe/Berlin")
    night = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)  # in Berlin it is twice half past two then
    for n in range(4):
        zone = [berlin, UTC, timezone(timedelta(hours=14)), ZoneInfo("America/New_York")][n]
        assert history.add((night + timedelta(hours=n)).astimezone(zone), reading(100 + 5 * n)).accepted
    assert not history.add(night + timedelta(hours=4), reading(121)).accepted
    assert history.total == 15
    first = night.astimezone(berlin)
    assert datetime.fromtimestamp(history.accepted[0][0] * 3600, UTC) == first


@pytest.mark.parametrize("naive", [datetime(2026, 1, 1), datetime.min, datetime.max])
def test_a_time_without_a_zone_is_refused_in_a_line(naive):
    history = History(max_rate=5)
    with pytest.raises(ValueError, match=r"has no time zone: datetime\.now\(timezone\.utc\) has one") as error:
        history.add(naive, reading(1))
    assert "\n" not in str(error.value) and not history.accepted


@pytest.mark.parametrize("extreme", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_first_and_the_last_of_all_times_block_nothing(extreme):
    history, now = History(max_rate=5), datetime(2026, 1, 1, tzinfo=UTC)
    for time, each in [(extreme, reading(100)), *at(now, range(101, 106))]:
        answer = history.add(time, each)
    assert answer.accepted and history.total in (4, 5)


def test_a_device_that_starts_in_1970_after_each_power_cut_goes_on_counting():
    history, value = History(max_rate=5, confirm=3), 100
    history.add(datetime(2026, 1, 1, tzinfo=UTC), reading(value))
    for day in range(10, 60, 10):
        for start in (datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)):
            for time, each in at(start, range(value + 1, value + 6)):
                answer = history.add(time, each)
            assert answer.accepted
            value += 5
    assert history.total == value - 100 and not history.changes


@pytest.mark.parametrize("ahead", [timedelta(minutes=90), timedelta(hours=30), timedelta(days=9_000)])
@pytest.mark.parametrize("length", [1, 3, 50])
def test_a_clock_that_is_set_ahead_for_a_while_and_back_loses_nothing(ahead, length):
    history, start, refused = History(max_rate=5), datetime(2026, 1, 1, tzinfo=UTC), 0
    for n in range(200):
        wrong = 50 <= n < 50 + length
        answer = history.add(start + timedelta(hours=n) + ahead * wrong, reading(100 + 2 * n))
        refused += not answer.accepted
    assert refused < history.confirm and history.total == 398 and not history.changes


def test_ten_years_of_readings_with_all_kinds_of_faults_fit_into_a_small_file(tmp_path):
    history, worst, _ = after_faults(0, list(FAULTS), bursts=2_000)
    assert worst < history.confirm and history.taken_back
    history.save(tmp_path / "h.json")
    assert (tmp_path / "h.json").stat().st_size < 200_000


def test_right_readings_among_wrong_ones_are_enough():
    history = History(max_rate=5, digits=5)
    feed(history, [100, 104])
    history.add(1_000_000, reading(105))
    accepted = [history.add(time, reading(value if time % 2 else 7_000 * time)).accepted
                for time, value in enumerate(range(105, 125), 2)]  # fmt: skip
    assert sum(accepted) >= 7 and history.total == 124 - 100


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, True, "5", None, 1e31, 1j])
def test_what_is_no_number_is_refused_and_changes_nothing(wrong):
    history = History(max_rate=5)
    feed(history, [100, 101])
    before = replace(history)
    with pytest.raises(ValueError, match=r"time must be finite") as error:
        history.add(wrong, reading(102))
    assert "\n" not in str(error.value)
    if wrong is not None:  # nothing was read then
        with pytest.raises(ValueError, match="value must be finite"):
            history.add(2, Reading("", wrong, 0.9, True))
    for name in ("max_rate", "max_fall", "dead_band", "confirm", "consumed"):
        with pytest.raises(ValueError, match=name):
            History(**{"max_rate": 5, name: wrong})
    assert history == before


@pytest.mark.parametrize("value", [-1, 100_000, 1e20])
def test_what_the_display_can_not_show_is_rejected(value):
    history = History(max_rate=5, digits=5)
    feed(history, [100, 101])
    assert not history.add(2, reading(value)).accepted and not history.aside
    assert history.add(3, reading(102)).accepted


def test_what_is_old_is_counted_and_forgotten(monkeypatch):
    monkeypatch.setattr("ocrbook.meters.history.KEPT", 10)
    history = History(max_rate=5)
    feed(history, range(100))
    assert len(history.accepted) <= 20 and history.total == 99


def stored_and_read(history):
    with TemporaryDirectory() as folder:
        history.save(Path(folder) / "h.json")
        return History.load(Path(folder) / "h.json")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 5))
def test_a_history_survives_its_file(seed, bursts):
    history, *_ = after_faults(seed, list(FAULTS), bursts)
    again = stored_and_read(history)
    assert again == history and again.total == history.total


def test_a_history_that_is_as_long_or_has_counted_as_much_as_it_can_survives_its_file(monkeypatch):
    monkeypatch.setattr("ocrbook.meters.history.KEPT", 10)
    history = History(max_rate=5)
    feed(history, [*range(19), 22, 20, 21, 22])
    assert stored_and_read(history) == history and history.total == 22
    history = History(max_rate=9e29)
    feed(history, ([0] * 4 + [8e29] * 4) * 4)
    assert history.consumed == 1e30 and stored_and_read(history) == history


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=60), HOSTILE.map(lambda value: json.dumps(value).encode())))
def test_any_bytes_are_a_history_and_a_profile_or_a_line_that_says_why_not(content):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.json"
        path.write_bytes(content)
        for load in (History.load, Profile.load):
            try:
                load(path)
            except ValueError as error:
                assert "file.json" in str(error) and "\n" not in str(error)


def test_a_profile_with_a_byte_order_mark_is_read_and_a_long_field_is_not_repeated(tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(PROFILE_NEEDS).encode())
    assert Profile.load(path) == Profile(**PROFILE_NEEDS)
    for name in Profile.__dataclass_fields__:
        path.write_text(json.dumps(PROFILE_NEEDS | {name: "x" * 10_000}))
        with pytest.raises(ValueError, match="is no profile") as error:
            Profile.load(path)
        assert len(str(error.value)) < len(str(path)) + 200


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "h.json")
    with pytest.raises(ValueError, match="it is no file"):
        History.load(tmp_path / "h.json")
