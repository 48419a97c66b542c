"""Labelling effort, on cases small enough to count by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrbook.labels.effort import SECONDS, Effort, effort
from ocrbook.page import TextLine


def line(text, x=0, y=0, width=100, height=20):
    return TextLine([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], text)


def test_an_empty_page_costs_looking_and_two_keys():
    assert effort([], []) == Effort(keys=2, thoughts=1)
    assert effort([], []).seconds == pytest.approx(2 * SECONDS["keys"] + SECONDS["thoughts"])


def test_a_line_from_empty_is_drawn_with_two_corners_and_typed():
    counted = effort([], [line("1234")])
    assert counted == Effort(lines=1, added=1, characters=4, keys=2 + 2 + 4, points=2, buttons=4, hands=2, thoughts=1)


def test_a_slanted_line_needs_all_its_corners():
    slanted = TextLine([[0, 0], [100, 80], [90, 95], [-10, 15]], "a")
    assert effort([], [slanted]).points == 4


def test_a_right_proposal_costs_one_look():
    truth = [line("1234"), line("56", y=50)]
    assert effort(truth, truth) == Effort(lines=2, checked=2, keys=2, thoughts=2)


def test_a_wrong_character_is_deleted_and_typed_at_its_place():
    counted = effort([line("12X4 567")], [line("1234 567")])
    assert (counted.texts, counted.characters, counted.points, counted.keys) == (1, 2, 1, 2 + 2)


def test_a_text_that_is_all_wrong_is_typed_anew():
    counted = effort([line("a1b2c3d4e5")], [line("z1y2x3w4v5")])
    assert (counted.points, counted.characters) == (1, 10)


def test_a_missed_line_is_drawn_and_a_needless_box_deleted():
    counted = effort([line("?", x=500)], [line("12")])
    assert (counted.added, counted.deleted, counted.checked) == (1, 1, 1)


def test_corners_are_dragged_until_the_box_fits():
    assert effort([line("a", width=50)], [line("a")]).corners == 1  # IoU 0.75 with one
    assert effort([line("a", width=32)], [line("a")]).corners == 2
    assert effort([line("a", width=32)], [line("a")]).thoughts == 2  # looking at the line, and at its box
    assert effort([line("a", width=90)], [line("a")]).corners == 0


@given(st.lists(st.tuples(st.text(max_size=8), st.integers(0, 9)), max_size=6))
def test_proposals_that_are_right_never_cost_more_than_labelling_from_empty(rows):
    truth = [line(text, y=40 * i) for i, (text, _) in enumerate(rows)]
    assert effort(truth, truth).seconds <= effort([], truth).seconds
    total = sum((effort(truth, truth) for _ in range(3)), Effort())
    assert total.lines == 3 * len(truth) and np.isclose(total.seconds, 3 * effort(truth, truth).seconds)
