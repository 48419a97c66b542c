import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrbook import metrics
from ocrbook.metrics import Score
from ocrbook.page import Page, TextLine

texts = st.text(alphabet="ab电表0 ", max_size=8)
text_pairs = st.lists(st.tuples(texts.filter(bool), texts), min_size=1, max_size=6)


def box(left, top, right, bottom, text=""):
    return TextLine([[left, top], [right, top], [right, bottom], [left, bottom]], text)


def rows_of(tops, text="电表"):
    """Lines below each other that do not touch."""
    return Page(lines=[box(0, 40 * top, 200, 40 * top + 30, text) for top in tops])


boxes = st.tuples(*[st.integers(0, 60)] * 4).map(lambda b: box(b[0], b[1], b[0] + b[2] + 1, b[1] + b[3] + 1, "a"))
pages = st.lists(boxes, max_size=5).map(lambda lines: Page(lines=lines))


@pytest.mark.parametrize(
    ("truth", "reading", "cer", "ned"),
    [
        ("1024.5", "1024.5", 0, 0),
        ("1024.5", "10245", 1 / 6, 1 / 6),
        ("1024.5", "1O24.55", 2 / 6, 2 / 7),
        ("ab", "", 1, 1),
        ("ab", "xyzw", 2, 1),
        ("电能表", "电表", 1 / 3, 1 / 3),
    ],
)
def test_rates_equal_hand_computed_ones(truth, reading, cer, ned):
    assert metrics.cer([truth], [reading]) == pytest.approx(cer)
    assert metrics.normalized_edit_distance([truth], [reading]) == pytest.approx(ned)


def test_cer_sums_over_texts_and_ned_takes_the_mean():
    truths, readings = ["No", "0123456789"], ["??", "0123456789"]
    assert metrics.cer(truths, readings) == pytest.approx(2 / 12)
    assert metrics.normalized_edit_distance(truths, readings) == pytest.approx(0.5)
    assert metrics.exact_match(truths, readings) == 0.5


@given(text_pairs)
def test_rates_are_zero_exactly_when_all_is_right(pairs):
    truths, readings = map(list, zip(*pairs, strict=True))
    right = truths == readings
    assert (metrics.cer(truths, readings) == 0) is right
    assert (metrics.normalized_edit_distance(truths, readings) == 0) is right
    assert (metrics.exact_match(truths, readings) == 1) is right


@given(text_pairs)
def test_normalized_distance_is_symmetric_and_within_0_and_1(pairs):
    truths, readings = map(list, zip(*pairs, strict=True))
    distance = metrics.normalized_edit_distance(truths, readings)
    assert 0 <= distance <= 1
    assert distance == pytest.approx(metrics.normalized_edit_distance(readings, truths))


@pytest.mark.parametrize("rate", [metrics.cer, metrics.normalized_edit_distance, metrics.exact_match])
def test_bad_lists_are_refused(rate):
    with pytest.raises(ValueError, match="2 truths but 1 predictions"):
        rate(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="no texts"):
        rate([], [])
    with pytest.raises(TypeError, match="put it in a list"):
        rate("ab", "ab")


def test_cer_of_empty_truth_is_not_defined():
    with pytest.raises(ValueError, match="no character"):
        metrics.cer([""], ["a"])


def test_normalize_makes_width_and_spaces_equal():
    assert metrics.normalize("Ｎｏ．１２ ３：　A") == "No.123:A"


@given(st.text())
def test_normalize_is_idempotent(text):
    assert metrics.normalize(metrics.normalize(text)) == metrics.normalize(text)


@pytest.mark.parametrize(
    ("a", "b", "iou"),
    [
        ((0, 0, 90, 30), (30, 0, 120, 30), 0.5),
        ((0, 0, 10, 10), (10, 0, 20, 10), 0),
        ((0, 0, 10, 10), (0, 0, 10, 10), 1),
        ((0, 0, 10, 10), (2, 2, 8, 8), 0.36),
    ],
)
def test_iou_of_rectangles(a, b, iou):
    assert metrics.iou(box(*a).points, box(*b).points) == pytest.approx(iou)


def test_iou_of_a_turned_square():
    diamond = np.array([[5, 0], [10, 5], [5, 10], [0, 5]])
    assert metrics.iou(box(0, 0, 10, 10).points, diamond) == pytest.approx(0.5)


def test_polygon_that_crosses_itself_does_not_raise():
    bow_tie = np.array([[0, 0], [10, 10], [10, 0], [0, 10]])
    assert 0 < metrics.iou(box(0, 0, 10, 10).points, bow_tie) < 1


@given(boxes, boxes)
def test_iou_is_symmetric_and_within_0_and_1(a, b):
    value = metrics.iou(a.points, b.points)
    assert 0 <= value <= 1 + 1e-9
    assert value == pytest.approx(metrics.iou(b.points, a.points))


@given(pages, pages, st.floats(0.05, 1))
def test_match_pairs_each_line_at_most_once_and_above_the_threshold(truth, predicted, threshold):
    pairs = metrics.match(truth, predicted, threshold)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    for i, j in pairs:
        assert metrics.iou(truth.lines[i].points, predicted.lines[j].points) >= threshold


@given(pages, st.randoms())
def test_order_of_lines_does_not_change_scores(page, random):
    other = Page(lines=random.sample(page.lines, len(page.lines)))
    assert metrics.detection(page, other) == Score(*[len(page.lines)] * 3)
    assert metrics.end_to_end(page, other) == Score(*[len(page.lines)] * 3)


def test_most_pairs_win_over_the_best_single_pair():
    # The first truth overlaps both predictions; taking its better one would leave the second truth alone.
    truth = Page(lines=[box(0, 0, 100, 10), box(30, 0, 130, 10)])
    predicted = Page(lines=[box(25, 0, 125, 10), box(-25, 0, 75, 10)])
    assert metrics.match(truth, predicted) == [(0, 1), (1, 0)]


def test_detection_counts_by_hand():
    truth, found = rows_of([0, 1, 2]), rows_of([0, 1, 7, 8])
    score = metrics.detection(truth, found)
    assert score == Score(matched=2, truths=3, predictions=4)
    assert (score.precision, score.recall) == (0.5, pytest.approx(2 / 3))
    assert score.hmean == pytest.approx(2 * 0.5 * (2 / 3) / (0.5 + 2 / 3))


def test_empty_page_found_empty_is_perfect_and_anything_else_is_zero():
    assert metrics.detection(Page(), Page()).hmean == 1
    assert metrics.detection(Page(), rows_of([0])).hmean == 0
    assert metrics.detection(rows_of([0]), Page()).hmean == 0


def test_ignored_lines_count_neither_as_missed_nor_as_found():
    truth, found = rows_of([0, 1]), rows_of([0, 1])
    assert metrics.detection(truth, found, ignore=[1]) == Score(1, 1, 1)
    assert metrics.detection(truth, rows_of([0]), ignore=[1]) == Score(1, 1, 1)
    assert metrics.detection(truth, rows_of([0, 5]), ignore=[1]) == Score(1, 1, 2)


def test_prediction_that_matches_a_counted_line_is_not_excused_by_an_ignored_one():
    truth = Page(lines=[box(0, 0, 100, 30), box(0, 0, 100, 40)])
    assert metrics.detection(truth, Page(lines=[box(0, 0, 100, 30)]), ignore=[1]) == Score(1, 1, 1)


def test_end_to_end_needs_the_place_and_the_text():
    truth, read = rows_of([0, 1]), rows_of([0, 1])
    read.lines[1] = box(0, 40, 200, 70, "电丧")
    assert metrics.end_to_end(truth, read) == Score(1, 2, 2)


@pytest.mark.parametrize("threshold", [0, -1, 1.01])
def test_impossible_threshold_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        metrics.match(rows_of([0]), rows_of([0]), threshold)


def test_page_edits_do_not_punish_other_line_breaks():
    truth = Page(lines=[box(0, 0, 200, 30, "Total 42.00"), box(0, 40, 90, 70, "Name"), box(100, 40, 200, 70, "Li")])
    split = Page(lines=[box(110, 2, 200, 28, "42.00"), box(0, 2, 100, 28, "Total"), box(0, 40, 200, 70, "Name Li")])
    assert metrics.page_edits(truth, split) == (0, 16)


def test_page_edits_read_a_box_over_several_rows_row_by_row():
    truth = Page(
        lines=[box(0, 0, 90, 30, "a"), box(100, 2, 200, 32, "b"), box(0, 40, 90, 70, "c"), box(9, 80, 90, 110, "d")]
    )
    assert metrics.page_edits(truth, Page(lines=[box(0, 0, 200, 110, "a b\nc d")])) == (0, 4)


def test_page_edits_count_missing_and_spurious_lines():
    assert metrics.page_edits(rows_of([0, 1]), rows_of([0, 9], "电表")) == (4, 4)
    assert metrics.page_edits(rows_of([0]), Page()) == (2, 2)
    assert metrics.page_edits(Page(), rows_of([0])) == (2, 0)
    assert metrics.page_edits(Page(), Page()) == (0, 0)


def test_page_edits_follow_the_writing_direction_of_a_turned_line():
    down = TextLine([[30, 0], [30, 200], [0, 200], [0, 0]], "ab")  # turned by 90 degrees: it runs downwards
    upper, lower = box(0, 0, 30, 95, "a"), box(0, 105, 30, 200, "b")
    assert metrics.page_edits(Page(lines=[down]), Page(lines=[lower, upper])) == (0, 2)


@given(pages)
def test_page_needs_no_edits_to_become_itself(page):
    edits, characters = metrics.page_edits(page, page)
    assert edits == 0
    assert characters == len(page.lines)
