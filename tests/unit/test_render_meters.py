import re

import numpy as np
import pytest
from shapely.geometry import Polygon

from ocrbook.render.meters import METER_STYLES, render_meter


@pytest.mark.parametrize("style", [None, *METER_STYLES])
def test_same_seed_same_meter(style):
    first, second = render_meter(7, style=style), render_meter(7, style=style)
    assert np.array_equal(first[0], second[0]) and first[1] == second[1]
    assert not np.array_equal(first[0], render_meter(8, style=style)[0])


@pytest.mark.parametrize("seed", range(40))
def test_lines_lie_in_the_image_and_apart(seed):
    image, meter = render_meter(seed)
    assert image.shape == (288, 384, 3) and image.dtype == np.uint8
    assert re.fullmatch(r"\d{5,7}", meter.reading.text) and re.search(r"\d{7,10}$", meter.serial.text)
    lines = meter.page.lines
    assert len(lines) == len(meter.print) + 2
    shapes = [Polygon(line.points) for line in lines]
    for number, (line, polygon) in enumerate(zip(lines, shapes, strict=True)):
        assert polygon.is_valid and (line.points >= 0).all() and (line.points <= [384, 288]).all(), line.text
        assert polygon.exterior.is_ccw, line.text  # clockwise for the eye: y points down
        overlaps = [lines[i].text for i in range(number) if polygon.intersection(shapes[i]).area > 0.1 * polygon.area]
        assert not overlaps, (line.text, overlaps)


def test_larger_photographs_can_be_asked_for():
    image, meter = render_meter(3, shape=(480, 640), style="lcd")
    assert image.shape == (480, 640, 3)
    points = np.concatenate([line.points for line in meter.page.lines])
    assert (points >= 0).all() and (points <= [640, 480]).all() and (points.max(axis=0) > [240, 180]).all()


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="no style called 'dial'; there are drum, lcd"):
        render_meter(0, style="dial")
    with pytest.raises(ValueError, match="240 x 240 pixels, got 100 x 384"):
        render_meter(0, shape=(100, 384))
