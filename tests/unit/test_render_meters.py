import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from ocrbook.fonts import font_path
from ocrbook.render.meters import (
    ARRIVED,
    BLANK,
    METER_STYLES,
    MINUS,
    counter_positions,
    display_style,
    draw_dial,
    draw_display,
    draw_drums,
    drum_positions,
    drums,
    held_out_faces,
    invented_face,
    render_meter,
    render_photo,
    seen,
    seen_dial,
    training_faces,
    typeface,
)
from ocrbook.render.meters.faces import HEIGHT


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


def test_invented_faces_have_ten_different_digits_that_fill_their_height():
    for seed in range(60):
        face = invented_face(seed)
        assert face.dtype == np.uint8 and face.shape[:2] == (10, HEIGHT)
        assert (face[:, :2].max(axis=(1, 2)) > 0).all() and (face[:, -2:].max(axis=(1, 2)) > 0).all(), seed
        flat = face.reshape(10, -1).astype(int)
        apart = np.abs(flat[:, None] - flat[None]).mean(axis=2) + 255 * np.eye(10)
        assert apart.min() > 2, seed


def test_no_held_out_face_is_among_those_of_training():
    training = {face.tobytes() for face in training_faces(invented=200)}
    assert not training & {face.tobytes() for face in held_out_faces()}


def test_digits_of_a_typeface_fill_the_height():
    face = typeface(font_path("dejavu-sans"))
    assert face.shape[:2] == (10, HEIGHT) and (face[:, [0, -1]].max(axis=2) > 0).all()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 8), st.sampled_from(["counter", "settled", "geared", None]))
def test_drums_stand_near_the_digits_that_they_are_read_as(seed, count, mode):
    places, digits = drum_positions(count, np.random.default_rng(seed), mode)
    assert len(places) == len(digits) == count and (places >= 0).all() and (places < 10).all()
    gone = (places - np.array(digits) + 0.2) % 10
    assert (gone < 1.35).all() or (gone[gone >= 1.35] > 9).all(), (places, digits)


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 999_999.8), st.integers(2, 6))
def test_a_counter_at_a_number_is_read_as_that_number(reading, count):
    places, digits = counter_positions(reading, count)
    assert "".join(map(str, digits)) == f"{int(reading + 1 - ARRIVED + 1e-9) % 10**count:0{count}d}"
    assert abs((places[-1] - reading + 5) % 10 - 5) < 1e-6


def test_lamps_mirrored_in_drums_are_lines_at_one_height_and_change_nothing_else(monkeypatch):
    def draw(seed):
        rng = np.random.default_rng(seed)
        return draw_drums(*drum_positions(5, rng), held_out_faces(), rng)

    windows = [draw(seed) for seed in range(60)]
    monkeypatch.setattr(drums, "_mirror_lamps", lambda slots, rng: None)
    mirrored = 0
    for seed, window in enumerate(windows):
        light = (window.image - draw(seed).image).sum(axis=2)
        assert light.min() > -0.1
        if light.max() > 1:
            mirrored += 1
            rows = [light[:, int(box[:, 0].min()) : int(box[:, 0].max())].sum(axis=1) for box in window.boxes]
            assert np.corrcoef(rows).min() > 0.8, seed
    assert 8 <= mirrored <= 22


@pytest.mark.parametrize("held_out", [False, True])
def test_windows_hold_their_positions_inside(held_out):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        faces = held_out_faces() if held_out else training_faces(invented=20)
        digits = [MINUS, BLANK, *rng.integers(0, 10, 4).tolist()]
        drawn = (
            draw_drums(*drum_positions(6, rng), faces, rng),
            draw_display(digits, display_style(rng, held_out=held_out), rng, decimals=2),
        )
        for window in drawn:
            assert window.image.shape[0] == 64 and window.image.dtype == np.float32
            assert (window.boxes[..., 0] > -8).all() and (window.boxes[..., 0] < window.image.shape[1] + 8).all()
            photo = seen(window, rng, height=48)
            assert photo.image.dtype == np.uint8 and photo.boxes.shape == (6, 4, 2)
            assert np.array_equal(photo.positions, window.positions) and photo.text == window.text
        assert drawn[1].text == "".join(map(str, digits[2:]))


def test_blank_positions_are_dark_and_a_minus_is_one_bar():
    style = replace(display_style(np.random.default_rng(1)), dots=False, ghost=0.0, slant=0.0)
    shares = []
    for digit in (BLANK, MINUS, 8):
        window = draw_display([digit] * 4, style, np.random.default_rng(3), decimals=0)
        gray = window.image.mean(axis=2)
        (left, top), (right, bottom) = np.rint(window.boxes[1][[0, 2]]).astype(int)
        shares.append(np.mean(np.abs(gray[top:bottom, left:right] - np.median(gray[:, :3])) > 10))
    assert shares[0] == 0 < shares[1] < shares[2] / 3


@pytest.mark.parametrize("held_out", [False, True])
def test_styles_of_displays_and_needles_are_either_for_training_or_held_out(held_out):
    for seed in range(60):
        style = display_style(np.random.default_rng(seed), held_out=held_out)
        thin_and_round = style.shape == 2 and style.weight < 0.13
        assert (thin_and_round or (style.shape == 1 and style.slant > 0.1)) == held_out


def test_a_dial_knows_its_value_in_either_direction():
    rng = np.random.default_rng(0)
    assert draw_dial(0.25, rng, clockwise=True).value == 2.5
    assert draw_dial(0.25, rng, clockwise=False).value == 7.5
    dial = draw_dial(0.6, rng)
    photo = seen_dial(dial, rng, size=80)
    assert photo.image.shape == (80, 80, 3) and (photo.turn, photo.clockwise) == (dial.turn, dial.clockwise)


def test_the_needle_is_drawn_where_the_dial_says():
    """Two dials that differ in nothing but the turn differ along the two needles."""
    for turn in (0.0, 0.25, 0.5, 0.75):
        one, other = (draw_dial(t, np.random.default_rng(6), clockwise=True).image for t in (turn, turn + 0.13))
        changed = np.abs(one - other).sum(axis=2) > 60
        rows, columns = np.nonzero(changed)
        angles = np.arctan2(columns - 63.5, 63.5 - rows) / (2 * np.pi) % 1
        near = [np.mean(np.abs((angles - way + 0.5) % 1 - 0.5) < 0.07) for way in (turn, turn + 0.13)]
        assert sum(near) > 0.6 and min(near) > 0.15, (turn, near)


@pytest.mark.parametrize("kind", ["drum", "lcd", None])
def test_photographs_show_their_window_whole(kind):
    for seed in range(8):
        photo = render_photo(seed, kind=kind, faces=training_faces(invented=20))
        height, width = photo.image.shape[:2]
        for window in photo.windows:
            assert (window.quad >= 0).all() and (window.quad <= [width, height]).all()
            assert kind in (None, window.kind)
        assert photo.reading == photo.windows[0].text and len(photo.serial) >= 6
    again = render_photo(7, kind=kind, faces=training_faces(invented=20))
    assert np.array_equal(photo.image, again.image)
    with pytest.raises(ValueError, match='"drum" or "lcd"'):
        render_photo(0, kind="dial")


@pytest.mark.parametrize("kind", ["drum", "lcd"])
def test_a_camera_that_stays_sees_the_same_meter_at_another_reading(kind):
    one, other = (render_photo(11, kind=kind, held_out=True, reading=r, light=5) for r in (1234.0, 1299.0))
    assert np.array_equal(one.windows[0].quad, other.windows[0].quad) and one.serial == other.serial
    size = len(one.reading)
    assert [one.reading, other.reading] == ["0001234"[-size:], "0001299"[-size:]]
    changed = np.nonzero(np.abs(one.image.astype(int) - other.image).max(axis=2) > 90)
    low, high = one.windows[0].quad.min(axis=0) - 12, one.windows[0].quad.max(axis=0) + 12
    assert (changed[1] >= low[0]).all() and (changed[1] <= high[0]).all()
    assert (changed[0] >= low[1]).all() and (changed[0] <= high[1]).all()
    darker = render_photo(11, kind=kind, held_out=True, reading=1234.0, light=6)
    assert darker.reading == one.reading and not np.array_equal(darker.image, one.image)
