import cv2
import numpy as np
import pandas as pd
import pytest

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
