"""Lines cut out of images that are too long for OpenCV to warp."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrbook import show
from ocrbook.crops import around, crop, smallest_rectangle
from ocrbook.images import MOST_SIDE
from ocrbook.meters.positions import crops_of
from ocrbook.page import Page, TextLine

LENGTH = 34_000
SHORT = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (300, 60, 3), np.uint8), (0, 0), 3)


def strip(first):
    """A long image with the short one in it, from row `first` on; its edges go on outside."""
    rows = np.clip(np.arange(LENGTH) - first, 0, len(SHORT) - 1)
    return SHORT[rows]


STRIPS = {first: strip(first) for first in (0, 33_000, LENGTH - len(SHORT))}
LYING = {first: np.ascontiguousarray(image.swapaxes(0, 1)) for first, image in STRIPS.items()}


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(sorted(STRIPS)),
    st.tuples(st.floats(-20, 80), st.floats(-40, 340)),
    st.tuples(st.floats(4, 90), st.floats(4, 90)),
    st.floats(0, 360),
)
def test_a_line_is_cut_out_of_a_long_strip_as_out_of_a_short_one(first, middle, size, angle):
    quad = smallest_rectangle(cv2.boxPoints((middle, size, angle))).astype(np.float64)
    quad = np.round(quad * 64) / 64  # single precision holds this on the long strip, too
    expected = crop(SHORT, quad).astype(int)
    assert np.abs(crop(STRIPS[first], quad + np.array([0, first])) - expected).max() <= 3
    mirrored = crop(LYING[first], np.stack([quad[:, 1] + first, quad[:, 0]], axis=1), turn_tall=False)
    assert np.abs(mirrored - crop(SHORT, quad, turn_tall=False).astype(int)).max() <= 3


def test_an_image_that_can_be_warped_is_not_touched():
    view, begins = around(SHORT, [[5, 5], [9, 9]])
    assert view is SHORT and begins.tolist() == [0, 0]


@pytest.mark.parametrize("points", [[[-50, -90]], [[900, 99_999]], [[0, 0], [59, 20]], [[59.5, LENGTH - 0.5]]])
def test_a_part_is_never_empty_and_lies_inside(points):
    view, (left, top) = around(STRIPS[0], points)
    assert view.size and 0 <= left < 60 and 0 <= top < LENGTH and max(view.shape[:2]) <= MOST_SIDE
    assert np.shares_memory(view, STRIPS[0])


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ([[0, 0], [33_000, 0], [33_000, 9], [0, 9]], "a crop of 33000 x 9 pixels is too large"),
        ([[0, 0], [30_000, 0], [30_000, 30_000], [0, 30_000]], "a crop of 30000 x 30000 pixels"),
        ([[0, 0], [np.inf, 0], [9, 9], [0, 9]], "no finite number"),
        ([[0, 0], [np.nan, 0], [9, 9]], "no finite number"),
    ],
)
def test_what_is_too_large_to_be_cut_out_is_refused(points, reason):
    with pytest.raises(ValueError, match=reason):
        crop(SHORT, points)
    with pytest.raises(ValueError, match=r"too large to be warped|no finite"):
        around(
            STRIPS[0],
            np.array(points)[:, ::-1] + np.array([0, 500]) if reason.startswith("a crop of 33") else [[0, np.nan]],
        )


def test_positions_of_a_meter_are_cut_out_of_a_long_strip():
    box = np.array([[10.0, 20.0, 40.0, 70.0]])
    expected = crops_of(SHORT, box, (1.2, 1.1))
    seen = crops_of(STRIPS[33_000], box + np.array([0, 33_000, 0, 33_000]), (1.2, 1.1))
    assert np.array_equal(seen[0], expected[0])


def test_texts_are_drawn_beside_a_long_page():
    quad = np.array([[5.0, 20.0], [50.0, 20.0], [50.0, 40.0], [5.0, 40.0]])
    drawn = show.draw_page(STRIPS[33_000], Page("", [TextLine(quad + np.array([0, 33_000]), "low")]))
    expected = show.draw_page(SHORT, Page("", [TextLine(quad, "low")]))
    assert np.abs(drawn[33_010:33_050, 70:].astype(int) - expected[10:50, 70:]).max() <= 2
    assert (drawn[33_020:33_040, 70:] < 200).any()
