"""A network that learns one meter: what it gains, what it leaves alone, and how it is used."""

import numpy as np
import pytest

from ocrbook.meters import digits, models, read_window
from ocrbook.meters.adapt import adapt
from ocrbook.render.meters import display_style, draw_display, draw_drums, invented_face, photograph

TEXTS = ["10428", "21530", "36719", "40861", "57102", "68243", "71594", "80675", "91386", "12947"]


def drums(text, face, seed):
    """A window of a counter at rest, always of the same make, under another light."""
    window = draw_drums(list(map(float, text)), list(map(int, text)), [face], np.random.default_rng(5), decimals=0)
    return photograph(window.image, np.random.default_rng(seed), hard=0.2)


@pytest.fixture(scope="module")
def swapped():
    """A meter that nobody has seen: its typeface has taken the 2 of another one for its 7, and the 7 for its 2."""
    face = invented_face(3)
    face = face[[0, 1, 7, 3, 4, 5, 6, 2, 8, 9]]
    return [drums(text, face, seed) for seed, text in enumerate(TEXTS)]


def test_a_meter_whose_digits_look_otherwise_is_learned_and_other_networks_stay(swapped, tmp_path):
    done = adapt(swapped, TEXTS, tmp_path)
    assert done.path == tmp_path / "drum" / "inference.onnx" and done.positions == 39
    assert done.before <= 33 and done.after >= 38
    before = [read_window(window, digits=5, second=False).text for window in swapped]
    with models.own_networks(tmp_path):
        after = [read_window(window, digits=5, second=False).text for window in swapped]
        assert models.path_of("lcd").parents[1] == models.FOLDER
    assert sum(a == b for a, b in zip(before, TEXTS, strict=True)) <= 4
    assert sum(a[:4] == b[:4] for a, b in zip(after, TEXTS, strict=True)) >= 9
    assert [read_window(window, digits=5, second=False).text for window in swapped] == before


def test_where_nothing_is_gained_nothing_is_written(tmp_path):
    style = display_style(np.random.default_rng(1))
    windows = []
    for seed, text in enumerate(TEXTS[:4]):
        window = draw_display(list(map(int, text)), style, np.random.default_rng(2))
        windows.append(photograph(window.image, np.random.default_rng(seed), hard=0.1))
    done = adapt(windows, TEXTS[:4], tmp_path, "lcd")
    assert done.before == done.after == done.positions == 20
    assert done.path is None and not list(tmp_path.iterdir())


def test_what_can_not_be_learned_from_is_said(swapped, tmp_path):
    with pytest.raises(ValueError, match="2 windows have positions that go with their texts; 4 are the fewest"):
        adapt(swapped[:3], [*TEXTS[:2], "1"], tmp_path)
    with pytest.raises(ValueError, match="kind must be"):
        adapt(swapped, TEXTS, tmp_path, "dial")
    with pytest.raises(ValueError):
        adapt(swapped, TEXTS[:3], tmp_path)


def test_views_of_a_crop_are_put_together_as_before():
    crops = [np.full((60, 40, 3), value, np.uint8) for value in (10, 200)]
    crops[1][20:40, 10:30] = 0
    each = models.softmax(models.run("drum", digits.views(crops, "drum")))
    assert each.shape == (10, 100)
    np.testing.assert_allclose(digits.together(each), digits.probabilities(crops, "drum"))
    one = np.log(each[1::2] + 1e-6).mean(axis=0)
    np.testing.assert_allclose(digits.together(each)[1], models.softmax(one), rtol=1e-5)
