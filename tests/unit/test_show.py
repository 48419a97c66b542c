import itertools

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from ocrbook import show
from ocrbook.page import Page, TextLine


def decode(picture):
    return cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR)


def line(text, points=((20, 20), (180, 20), (180, 60), (20, 60))):
    return TextLine(points, text)


BLANK = np.full((100, 200, 3), 255, np.uint8)


def test_page_is_drawn_beside_its_image_without_touching_it():
    image = BLANK.copy()
    drawn = show.draw_page(image, Page(lines=[line("电能表")]))
    assert drawn.shape == (100, 408, 3)
    assert np.array_equal(image, BLANK)
    assert (drawn[:, :200] < 255).any()


def test_chinese_is_drawn_with_glyphs_of_its_own():
    sheets = [show.draw_page(BLANK, Page(lines=[line(text)])) for text in ("电", "表", "\u0378")]
    assert not np.array_equal(sheets[0], sheets[1])  # a font without Chinese would draw the same box for both
    assert not np.array_equal(sheets[0], sheets[2])


def test_text_stays_inside_its_polygon():
    drawn = show.draw_page(BLANK, Page(lines=[line("A very long text that must be squeezed" * 3)]))[:, 208:]
    outside = drawn.copy()
    outside[18:63, 18:183] = 255
    assert (outside == 255).all()


@pytest.mark.parametrize(
    "points",
    [
        ((20, 60), (100, 20), (110, 40), (30, 80)),
        ((20, 20), (60, 15), (100, 20), (100, 50), (60, 45), (20, 50)),
        ((20, 20), (20, 20), (20, 20), (20, 20)),
        ((-50, -50), (500, -50), (500, 300), (-50, 300)),
    ],
)
def test_any_polygon_can_be_drawn(points):
    assert show.draw_page(BLANK, Page(lines=[line("text", points)])).shape == (100, 408, 3)


def test_empty_page_and_gray_image_can_be_drawn():
    assert show.draw_page(BLANK[..., 0], Page()).shape == (100, 408, 3)


@pytest.mark.parametrize("image", [BLANK.astype(float), np.zeros(5, np.uint8)])
def test_image_of_another_kind_is_refused(image):
    with pytest.raises(ValueError, match="expected a uint8 image"):
        show.draw_page(image, Page())


def test_wide_picture_is_shrunk_and_narrow_one_kept():
    assert decode(show.picture(np.zeros((100, 3000, 3), np.uint8))).shape == (29, 880, 3)
    assert decode(show.picture(BLANK)).shape == BLANK.shape


def test_grid_puts_images_in_rows_of_equal_cells():
    sheet = decode(show.grid([BLANK, BLANK, BLANK], ["一", "b", "c"], columns=2, width=400))
    assert sheet.shape[1] == 400
    assert sheet.shape[0] == 2 * (96 + show.TITLE_HEIGHT + 8)


def test_grid_needs_images_and_a_title_for_each():
    with pytest.raises(ValueError, match="no images"):
        show.grid([])
    with pytest.raises(ValueError, match="2 images but 1 titles"):
        show.grid([BLANK, BLANK], ["a"])


def test_bars_show_every_row_and_column():
    figure = show.bars(pd.DataFrame({"a": [0.1, 0.2], "b": [0.3, 0.4]}, index=["x", "y"]), "title", "unit")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["x", "y"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    assert sorted(text.get_text() for text in axes.texts) == ["0.10", "0.20", "0.30", "0.40"]


def labels_of(table, **options):
    (axes,) = show.bars(pd.DataFrame(table), **options).axes
    return [text.get_text() for text in axes.texts]


def test_numbers_on_bars_are_written_by_their_kind():
    assert labels_of({"lines": [1110, 99]}) == ["1,110", "99"]
    assert labels_of({"share": [0.5, 0.987]}) == ["0.50", "0.99"]
    assert labels_of({"minutes": [43.25, 9.75]}) == ["43.2", "9.8"]
    assert labels_of({"seconds": [1234.5, 2]}) == ["1,234", "2"]
    assert labels_of({"known": [0.5, np.nan]}) == ["0.50", ""]


def test_programs_have_their_colours_in_every_chart_and_no_two_columns_share_one():
    table = pd.DataFrame({"a": [1], "tesseract": [1], "PaddleOCR": [1], "stock": [1], "b": [1]})
    (axes,) = show.bars(table).axes
    colours = [to_hex(container[0].get_facecolor(), keep_alpha=False).upper() for container in axes.containers]
    assert colours[1:3] == [show.COLOURS["tesseract"], show.COLOURS["PaddleOCR"]]
    assert show.COLOURS["PaddleOCR"] == show.COLOURS["stock"]
    assert len(set(colours)) == 5


def test_labels_of_bars_do_not_overlap():
    names = ["from empty", "with proposals", "tightened boxes", "convention repaired", "letters", "forms"]
    table = pd.DataFrame(np.full((6, 3), 0.95), index=names, columns=["PP-OCRv6 small", "ours", "tesseract"])
    figure = show.bars(table, "28 pages", "lines right", (0, 1.15))
    figure.draw_without_rendering()
    (axes,), (legend,) = figure.axes, figure.legends
    for texts in (axes.texts, legend.get_texts()):
        boxes = [text.get_window_extent() for text in texts]
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    assert not legend.get_window_extent().overlaps(axes.title.get_window_extent())


def test_style_is_readable_on_a_telephone_and_has_the_colours_of_the_programs():
    with plt.style.context("ocrbook.book"):
        pixels = 360 / plt.rcParams["figure.figsize"][0] / 72  # of a point, where a chart is 360 pixels wide
        assert min(plt.rcParams[f"{part}.labelsize"] for part in ("axes", "xtick", "ytick")) * pixels > 8.5
        cycle = {each["color"].upper() for each in plt.rcParams["axes.prop_cycle"]}
    assert set(show.COLOURS.values()) <= cycle


def test_title_that_is_too_wide_is_made_smaller():
    sheet = decode(show.grid([BLANK, BLANK], ["A very long title that is as wide as three columns", ""], width=400))
    assert (sheet[: show.TITLE_HEIGHT, :200] < 128).any()
    assert (sheet[: show.TITLE_HEIGHT, 200:] > 200).all()
