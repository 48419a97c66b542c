import numpy as np
import pytest
from paddlex.inference.pipelines.components.common.crop_image_regions import CropByPolys

from ocrbook.crops import crop
from ocrbook.metrics import iou
from ocrbook.render import CODE_CHARACTERS, CODE_STYLES, render_code, render_package


@pytest.mark.parametrize("style", CODE_STYLES)
def test_a_code_is_reproducible_and_its_polygon_lies_inside(style):
    for seed in range(40):
        image, line = render_code(seed, style=style)
        again, _ = render_code(seed, style=style)
        height, width = image.shape[:2]
        left, top, right, bottom = line.box
        assert np.array_equal(image, again) and set(line.text) <= {*CODE_CHARACTERS, " "}
        assert left >= 0 and top >= 0 and right <= width and bottom <= height


def test_a_given_text_is_printed_and_an_unknown_character_is_refused():
    assert render_code(0, text="LOT 12")[1].text == "LOT 12"
    for text in ("", " ", "lot", "\u7535"):
        with pytest.raises(ValueError, match="can't print"):
            render_code(0, text=text)
    with pytest.raises(ValueError, match="no style"):
        render_code(0, style="neon")


def test_the_codes_of_a_package_do_not_overlap_and_lie_inside():
    for seed in range(30):
        image, page = render_package(seed)
        assert image.shape == (256, 256, 3) and 1 <= len(page.lines) <= 5
        for index, line in enumerate(page.lines):
            assert line.points.min() >= 0 and line.points.max() <= 256
            assert all(iou(line.points, other.points) == 0 for other in page.lines[:index])
    with pytest.raises(ValueError, match="128"):
        render_package(0, shape=(64, 256))


def test_a_crop_equals_the_one_of_paddlex():
    image, page = render_package(3)
    for line in page.lines:
        points = np.rint(line.points).astype(np.float32)
        assert np.array_equal(crop(image, points), CropByPolys().get_rotate_crop_image(image, points))
    tall = np.array([[10, 10], [30, 10], [30, 100], [10, 100]], np.float32)
    assert crop(image, tall).shape[:2] == (20, 90) and crop(image, tall, turn_tall=False).shape[:2] == (90, 20)
    with pytest.raises(ValueError, match="at least 3"):
        crop(image, tall[:2])
