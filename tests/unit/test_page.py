import json

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
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
        ("[" * 100_000, "nested too deeply"),
        (
            '{"image": "a", "lines": [{"points": [[0, 0], [1, 0], [0, 1]], "text": 5}]}',
            "line 1 of the page: text must be",
        ),
        ("[]", "not a page"),
        ('{"image": "a"}', "not a page"),
        ('{"image": null, "lines": []}', "image must be a text"),
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


# places in the image that was given, not in the one that was read


def result_of(image, angle, polygons, unwarped=False):
    """What PaddleOCR gives for a page that it turned by an angle first, or -1 if it was not to look at that."""
    from paddlex.inference.pipelines.components import rotate_image
    from paddlex.inference.pipelines.doc_preprocessor.result import DocPreprocessorResult
    from paddlex.inference.pipelines.ocr.result import OCRResult

    turned = rotate_image(image, angle) if angle > 0 else image
    prepared = {
        "input_path": "a.png",
        "page_index": None,
        "input_img": image,
        "model_settings": {"use_doc_orientation_classify": angle >= 0, "use_doc_unwarping": unwarped},
        "angle": angle,
        "rot_img": turned,
        "output_img": turned,
    }
    return OCRResult(
        {
            "input_path": "a.png",
            "page_index": None,
            "doc_preprocessor_res": DocPreprocessorResult(prepared),
            "dt_polys": polygons,
            "model_settings": {"use_doc_preprocessor": True, "use_textline_orientation": False},
            "text_det_params": {},
            "text_type": "general",
            "text_rec_score_thresh": 0.0,
            "return_word_box": False,
            "rec_texts": ["x"] * len(polygons),
            "rec_scores": [0.9] * len(polygons),
            "rec_polys": polygons,
            "rec_boxes": np.array([]),
        }
    )


def outline(image):
    """The corners of what is white in an image, clockwise from the top left, int16."""
    left, top, width, height = cv2.boundingRect((image[..., 0] > 127).astype(np.uint8))
    corners = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
    return np.array(corners, np.int16)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([-1, 0, 90, 180, 270]),
    st.integers(8, 60),
    st.integers(8, 60),
    st.tuples(*[st.floats(0, 1)] * 4),
)
def test_lines_of_a_turned_page_stand_where_they_are_in_the_image(angle, width, height, where):
    image = np.zeros((height, width, 3), np.uint8)
    left, right = sorted((int(where[0] * (width - 4)) + 1, int(where[1] * (width - 4)) + 2))
    top, bottom = sorted((int(where[2] * (height - 4)) + 1, int(where[3] * (height - 4)) + 2))
    image[top : bottom + 1, left : right + 1] = 255
    from paddlex.inference.pipelines.components import rotate_image

    seen = outline(rotate_image(image, max(angle, 0)))
    result = result_of(image, angle, [seen])
    from_json = json.loads(json.dumps(result.json))
    pages = Page.from_paddle(result), Page.from_paddle(from_json, (width, height))
    pages += (Page.from_paddle(from_json["res"], size=(width, height)),)
    for page in pages:
        # PaddleOCR's turned images lie one pixel off where a pixel's middle would be turned to: at most one pixel
        assert np.abs(np.array(page.lines[0].box) - (left, top, right + 1, bottom + 1)).max() <= 1
        assert page.lines[0].text == "x" and page.image == "a.png"
    start = page.lines[0].points[0]  # the corner where the text begins stays the first
    expected = {90: (right, top), 180: (right, bottom), 270: (left, bottom)}.get(angle, (left, top))
    assert np.abs(start - expected).max() <= 1


@given(st.sampled_from([90, 180, 270]), hnp.arrays(np.float64, (4, 2), elements=coordinates))
def test_points_come_back_exactly_from_a_turn(angle, points):
    width, height = 300, 200
    turned = {
        90: lambda x, y: (y, width - x),
        180: lambda x, y: (width - x, height - y),
        270: lambda x, y: (height - y, x),
    }[angle](*points.T)
    result = {"rec_polys": [np.stack(turned, axis=1)], "rec_texts": [""], "rec_scores": [1.0]}
    page = Page.from_paddle(result | {"doc_preprocessor_res": {"angle": angle}}, (width, height))
    assert np.abs(page.lines[0].points - points).max() < 1e-9


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (
            {"doc_preprocessor_res": {"angle": 90}},
            r"JSON does not hold the image's size; give it as size=\(width, height\)",
        ),
        (
            {"doc_preprocessor_res": {"angle": 0, "model_settings": {"use_doc_unwarping": True}}},
            "use_doc_unwarping=False",
        ),
        ({"model_settings": {"use_doc_unwarping": True}}, "use_doc_unwarping=False"),
        ({"model_settings": {"use_doc_preprocessor": True}}, "but not how"),
        ({"doc_preprocessor_res": {"angle": 45}}, "not by 45"),
        ({"doc_preprocessor_res": {"angle": "90"}}, "not by '90'"),
        ({"input_img": np.zeros((40_000, 2, 3), np.uint8)}, "2 x 40000 pixels, and PaddleOCR's places end at 32,767"),
    ],
)
def test_places_that_can_not_be_brought_back_are_refused(extra, reason):
    result = {"rec_polys": [[[0, 0], [9, 0], [9, 5], [0, 5]]], "rec_texts": ["x"], "rec_scores": [1.0]}
    for given_result in (result | extra, {"res": result | extra}):
        with pytest.raises(ValueError, match=reason):
            Page.from_paddle(given_result)


def test_an_unwarped_page_is_refused_as_paddleocr_gives_it():
    result = result_of(np.zeros((20, 30, 3), np.uint8), 0, [np.zeros((4, 2), np.int16)], unwarped=True)
    for each in (result, result.json, result.json["res"]):
        with pytest.raises(ValueError, match="unwarped this page"):
            Page.from_paddle(each)


@given(hnp.arrays(np.float64, (4, 2), elements=st.floats(-1e17, 1e17)))
def test_points_are_written_without_wrapping_around(points):
    result = Page("a", [TextLine(points)]).to_paddle()
    assert np.array_equal(result["rec_polys"][0].astype(float), np.rint(points))
    assert result["rec_boxes"][0].astype(float).tolist() == [*np.rint(points.min(axis=0)), *np.rint(points.max(axis=0))]
    assert (result["rec_boxes"].dtype == np.int16) == (np.abs(np.rint(points)).max() < 32_767)


def test_a_point_that_is_no_whole_number_of_64_bits_is_refused():
    with pytest.raises(ValueError, match="1e\\+30 pixels away"):
        Page("a", [TextLine([[0, 0], [1e30, 0], [0, 1]])]).to_paddle()


@pytest.mark.parametrize(
    "wrong",
    [
        {"rec_texts": None},
        {"rec_polys": None},
        {"model_settings": [1]},
        {"doc_preprocessor_res": [1]},
        {"doc_preprocessor_res": {"angle": 90, "output_img": "a.png"}},
    ],
)
def test_results_with_parts_of_another_kind_are_refused(wrong):
    whole = {"rec_polys": [[[5, 7], [9, 7], [9, 9]]], "rec_texts": ["x"], "rec_scores": [0.9]}
    for result in (whole | wrong, {"res": whole | wrong}, {"res": None}, dict(list(whole.items())[:-1])):
        with pytest.raises(ValueError, match="not a result of PaddleOCR 3"):
            Page.from_paddle(result)
