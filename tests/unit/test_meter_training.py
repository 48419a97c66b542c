"""What the networks of meters are trained with: targets say what the drawings show."""

import cv2
import numpy as np
import paddle
import pytest

from ocrbook.meters.export import to_onnx
from ocrbook.meters.inputs import WINDOW_HEIGHT, fit_photo, fit_window, normalized
from ocrbook.meters.models import circular_mean
from ocrbook.meters.training import (
    RECIPES,
    _beside,
    circular_target,
    cut,
    dial_batch,
    draw_dials,
    draw_photos,
    draw_windows,
    photo_batch,
    random_window,
    window_batch,
)
from ocrbook.render.meters import training_faces
from tools.weights import batches_of

FACES = training_faces(invented=12)


def test_soft_targets_add_up_and_go_around_the_circle():
    target = circular_target(np.array([0.0, 0.5, 0.998]), 0.008)
    assert np.allclose(target.sum(axis=1), 1) and target.argmax(axis=1).tolist() == [0, 50, 0]
    assert np.isclose(target[0, 1], target[0, 99]) and target[2, 99] > target[2, 1]


def test_the_mean_on_a_circle_undoes_the_target():
    values = np.linspace(0, 0.9999, 77)
    off = (circular_mean(circular_target(values, 0.008)) - values + 0.5) % 1 - 0.5
    assert np.abs(off).max() < 1e-3


def test_normalised_images_forget_light_but_not_colour():
    image = np.random.default_rng(0).integers(60, 120, (1, 48, 32, 3)).astype(np.uint8)
    assert np.abs(normalized(image) - normalized(2 * image)).max() < 0.4
    x = normalized(image)
    assert x.shape == (1, 3, 48, 32) and abs(x.mean()) < 1e-5
    red = np.zeros_like(image)
    red[..., 2] = 200
    assert (normalized(red)[0, 2] > normalized(red)[0, 0]).all()


def test_images_are_made_to_fit_and_the_scale_is_true():
    window, scale = fit_window(np.zeros((31, 200, 3), np.uint8))
    assert window.shape[0] == WINDOW_HEIGHT and scale == WINDOW_HEIGHT / 31
    wide, _ = fit_window(np.zeros((10, 4000, 3), np.uint8))
    assert wide.shape[1] <= 640
    photo, scale = fit_photo(np.zeros((600, 1200, 3), np.uint8))
    assert photo.shape == (160, 320, 3) and np.isclose(scale, 320 / 1200)


def test_a_position_is_cut_where_its_box_is():
    image = np.zeros((60, 200, 3), np.uint8)
    image[20:40, 90:110] = 255
    box = np.array([[90, 20], [110, 20], [110, 40], [90, 40]], float)
    crop = cut(image, box, np.random.default_rng(0), (1.0, 1.0), (1.0, 1.0), 0.0)
    assert crop.shape == (48, 32, 3) and crop.mean() > 220
    larger = cut(image, box, np.random.default_rng(0), (2.0, 2.0), (2.0, 2.0), 0.0)
    assert 0.15 < larger.mean() / 255 < 0.35


def test_turned_and_mirrored_dials_carry_their_needle_along():
    """A bright bar instead of a needle, whose direction can be measured."""
    image = np.full((1, 64, 64, 3), 40, np.uint8)
    cv2.line(image[0], (31, 31), (31, 8), (255, 255, 255), 5)
    for seed in range(12):
        x, target = dial_batch(image, np.zeros(1, np.float32), np.random.default_rng(seed))
        gray = cv2.GaussianBlur(x[0].mean(axis=0), (0, 0), 1.5)
        gray = gray if gray[32, 32] > np.median(gray) else -gray
        angles = np.linspace(0, 1, 360, endpoint=False)
        rim = [gray[round(31.5 - 18 * np.cos(2 * np.pi * a)), round(31.5 + 18 * np.sin(2 * np.pi * a))] for a in angles]
        off = (angles[int(np.argmax(rim))] - circular_mean(target)[0] + 0.5) % 1 - 0.5
        assert abs(off) < 0.03, seed


def test_a_place_beside_the_digits_of_a_display_is_in_the_image_and_shows_none():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(60):
        window = random_window("lcd", FACES, rng)
        box, middles = _beside(window, rng), window.boxes[:, :, 0].mean(axis=1)
        if box is not None:
            middle = box[:, 0].mean()
            assert 0 < middle < window.image.shape[1]
            assert np.abs(middles - middle).min() > 0.7 * np.abs(np.diff(middles)).mean()
            found += 1
    assert found >= 10


def test_the_map_of_a_window_has_a_peak_and_a_shape_at_each_position_wherever_it_was_moved():
    """White rectangles instead of digits, which can be found again."""
    _, sizes, boxes, displays = draw_windows(24, 0, FACES)
    large = np.flatnonzero(boxes[:, 0, 2] > 14)  # the peaks of smaller ones run together
    sizes, boxes, displays = sizes[large], boxes[large], displays[large]
    images = np.zeros((len(large), 48, 320, 3), np.uint8)
    for image, (height, width), shown in zip(images, sizes, boxes, strict=True):
        image[:height, :width] = 60
        for cx, cy, w, h in shown[shown[:, 2] > 0]:
            corners = np.rint([cx - 0.4 * w, cy - h / 2, cx + 0.4 * w, cy + h / 2]).astype(int).tolist()
            cv2.rectangle(image[:height, :width], corners[:2], corners[2:], (255, 255, 255), -1)
    x, target = window_batch(images, sizes, boxes, displays, np.random.default_rng(0))
    assert x.shape == (len(large), 3, 48, 320) and target.shape == (len(large), 6, 80)
    assert 0 < displays.sum() < len(large) and (target[:, 4].max(axis=1) == displays).all()
    for number in range(len(large)):
        heat = np.pad(target[number, 0], 1)
        peaks = np.flatnonzero((heat[1:-1] >= heat[:-2]) & (heat[1:-1] > heat[2:]) & (heat[1:-1] > 0.7))
        assert len(peaks) == (boxes[number, :, 2] > 0).sum()
        marked = np.zeros((48, 320), bool)
        for column in peaks:
            w, h = 48 * np.exp(target[number, 1:3, column])
            cx, cy = 4 * column + 2, 24 + 48 * target[number, 3, column]
            rows, columns = (
                slice(max(0, round(m - half)), round(m + half)) for m, half in ((cy, h / 2), (cx, 0.4 * w))
            )
            marked[rows, columns] = True
        inside = x[number].any(axis=0)
        gray = x[number].mean(axis=0)[inside]  # some are negatives
        assert abs(np.corrcoef(gray, marked[inside])[0, 1]) > 0.75, number
        assert not x[number][:, sizes[number, 0] :].any()


def test_the_map_of_a_photograph_points_to_the_corners_wherever_it_was_moved():
    _, quads, kinds = draw_photos(4, 0, FACES)
    kinds[:, 1] = -1
    images = np.full((4, 320, 320, 3), 30, np.uint8)
    for image, quad in zip(images, quads, strict=True):
        cv2.fillConvexPoly(image, np.rint(quad[0]).astype(np.int32), (255, 255, 255))
    x, target = photo_batch(images, quads, kinds, np.random.default_rng(0))
    assert x.shape == (4, 3, 320, 320) and target.shape == (4, 11, 80, 80)
    for number in range(4):
        rows, columns = np.nonzero(target[number, int(kinds[number, 0])])
        middles = np.stack([columns, rows], axis=1) * 4 + 1.5
        corners = middles[:, None] + 64 * target[number, 2:10, rows, columns].reshape(-1, 4, 2)
        assert len(rows) and np.ptp(corners, axis=0).max() < 0.01
        inside = cv2.fillConvexPoly(np.zeros((320, 320), np.uint8), np.rint(corners[0]).astype(np.int32), 1) == 1
        bright = x[number].mean(axis=0) > 0
        assert (bright & inside).sum() / (bright | inside).sum() > 0.8


def test_photographs_that_lie_need_no_square():
    images, quads, kinds = draw_photos(12, 0, FACES)
    stand = RECIPES["windows"].extent(images, quads, kinds)
    assert 0 < stand.sum() < 12
    for which, shape in ((stand, (320, 256)), (~stand, (256, 320))):
        x, target = photo_batch(images[which], quads[which], kinds[which], np.random.default_rng(0))
        assert x.shape[2:] == shape and target.shape[2:] == (shape[0] // 4, shape[1] // 4)
        assert target[:, :2].any(axis=(1, 2, 3)).all()


def test_batches_hold_each_row_once_and_alike_ones_together():
    extent = np.random.default_rng(1).integers(0, 1000, 16 * 16 + 5)
    plain, alike = (batches_of(len(extent), 16, np.random.default_rng(0), each) for each in (None, extent))
    for batches in (plain, alike):
        assert batches.shape == (16, 16) and len(set(batches.ravel().tolist())) == 256
    spread = [np.ptp(extent[batches], axis=1).mean() for batches in (plain, alike)]
    assert spread[1] < 0.2 * spread[0]


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_trains_and_can_be_exported(name, tmp_path):
    recipe = RECIPES[name]
    arrays = recipe.draw(16, 0, FACES)
    paddle.seed(0)
    net = recipe.network()
    optimizer = paddle.optimizer.Adam(3e-3, parameters=net.parameters())
    batch = recipe.batch(*(array[:8] for array in arrays), np.random.default_rng(0))
    losses = []
    for _ in range(8):
        loss = recipe.loss(net, *map(paddle.to_tensor, batch))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(float(loss))
    assert np.isfinite(losses).all() and losses[-1] < 0.9 * losses[0]
    path = to_onnx(net, recipe.inputs, tmp_path / "net" / "inference.onnx")
    assert path.stat().st_size < 2_000_000


def test_same_seed_same_drawings():
    for first, second in zip(draw_dials(3, 5), draw_dials(3, 5), strict=True):
        assert np.array_equal(first, second)
