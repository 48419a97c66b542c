"""A meter's history: what may follow, what may not, and that one mistake does not block what is right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrbook.meters import History, Reading


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
