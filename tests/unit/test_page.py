import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ocrbook.page import Page, TextLine

coordinates = st.floats(-1e4, 1e4)
lines = st.builds(
    TextLine,
    points=hnp.arrays(np.float64, st.tuples(st.integers(3, 8), st.just(2)), elements=coordinates),
    text=st.text(),
    score=st.floats(0, 1),
)
pages = st.builds(Page, image=st.text(), lines=st.lists(lines, max_size=4))


@given(pages)
def test_json_round_trip_loses_nothing(page):
    assert Page.from_json(page.to_json()) == page


@given(pages)
def test_json_is_one_line(page):
    assert "\n" not in page.to_json()


@given(pages)
def test_paddle_round_trip_rounds_points_and_keeps_the_rest(page):
    again = Page.from_paddle(page.to_paddle())
    assert again.image == page.image
    assert again.texts == page.texts
    for line, other in zip(page.lines, again.lines, strict=True):
        assert line.score == other.score
        assert np.array_equal(np.rint(line.points), other.points)


@pytest.mark.parametrize(
    "points", [[], [[0, 0], [1, 1]], [[0, 0, 0]] * 4, [[0, 0], [1, 0], [np.nan, 1]], [[0, 0], [1, 0], [np.inf, 1]]]
)
def test_points_that_are_no_polygon_are_refused(points):
    with pytest.raises(ValueError, match="points must be finite"):
        TextLine(points)


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_score_outside_0_and_1_is_refused(score):
    with pytest.raises(ValueError, match="score must be within 0 and 1"):
        TextLine([[0, 0], [1, 0], [1, 1]], score=score)


def test_box_is_the_upright_rectangle():
    assert TextLine([[3, 1], [9, 2], [8, 6], [2, 5]]).box == (2, 1, 9, 6)


def test_points_can_not_be_changed_behind_the_back_of_a_line():
    given_points = np.zeros((4, 2))
    line = TextLine(given_points)
    given_points += 5
    assert not line.points.any()
    with pytest.raises(ValueError, match="read-only"):
        line.points[0] = 1


def test_detection_result_becomes_lines_without_text():
    page = Page.from_paddle({"input_path": "a.png", "dt_polys": [np.zeros((4, 2))], "dt_scores": [0.5]})
    assert page == Page("a.png", [TextLine(np.zeros((4, 2)), "", 0.5)])


def test_result_of_another_module_is_refused():
    with pytest.raises(ValueError, match="no rec_polys or dt_polys"):
        Page.from_paddle({"class_ids": [1]})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "not a page"),
        ('{"image": "a"}', "not a page"),
        ('{"image": "a", "lines": [{"points": [[0, 0]], "text": "a", "score": 1}]}', "line 1 of the page: points"),
        ('{"image": "a", "lines": [{"points": 1, "oops": 2}]}', "line 1 of the page: .*oops"),
        ("{", "Expecting"),
    ],
)
def test_bad_json_names_what_is_wrong(text, reason):
    with pytest.raises(ValueError, match=reason):
        Page.from_json(text)


def test_real_result_of_paddleocr_is_read(ocr, clean_page):
    image, truth = clean_page
    result = ocr.predict(image)[0]
    page = Page.from_paddle(result)
    assert page.texts == list(result["rec_texts"]) == truth.texts
    again = page.to_paddle()
    for key in ("rec_texts", "rec_scores", "rec_polys", "rec_boxes"):
        assert np.array_equal(np.array(again[key]), np.array(result[key])), key
    assert again["rec_boxes"].dtype == result["rec_boxes"].dtype
