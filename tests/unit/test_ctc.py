"""The likeliest text of a CTC network, against the sum over all paths."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrbook.ctc import best_text, log_softmax

CHARACTERS = "ab"


def collapsed(path):
    return "".join(CHARACTERS[key - 1] for key, _ in itertools.groupby(path) if key)


def all_texts(steps):
    """The probability of every text, path by path."""
    total = {}
    for path in itertools.product(range(steps.shape[1]), repeat=len(steps)):
        text = collapsed(path)
        total[text] = total.get(text, 0.0) + float(np.prod(np.exp(steps)[range(len(steps)), path]))
    return total


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_it_is_the_likeliest_of_all_texts_of_any_and_of_each_length(seed, count):
    steps = log_softmax(np.random.default_rng(seed).normal(0, 2, (count, 3)))
    total = all_texts(steps)
    text, likely = best_text(steps, CHARACTERS, width=100, floor=-100)
    assert likely == pytest.approx(np.log(max(total.values()))) and total[text] == pytest.approx(max(total.values()))
    for length in range(count + 2):
        known = [share for each, share in total.items() if len(each) == length]
        text, likely = best_text(steps, CHARACTERS, length, width=100, floor=-100)
        if known:
            assert len(text) == length and likely == pytest.approx(np.log(max(known)))
        else:
            assert (text, likely) == ("", -np.inf)


def test_a_known_length_is_found_however_unlikely_it_is():
    steps = np.log(np.full((30, 3), [0.98, 0.01, 0.01]))
    assert best_text(steps, CHARACTERS)[0] == ""
    assert len(best_text(steps, CHARACTERS, 4)[0]) == 4


def test_classes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="2 characters and a blank don't fit"):
        best_text(np.zeros((4, 5)), CHARACTERS)
