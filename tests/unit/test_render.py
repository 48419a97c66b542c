import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon

from ocrbook.page import Page
from ocrbook.render import DEGRADATIONS, FAMILIES, KINDS, degrade, render_document, render_family, render_line
from ocrbook.render.texts import LANGUAGES, sentences

everything = pytest.mark.parametrize("name", DEGRADATIONS)


def ink_outside(image, page):
    """Dark pixels that no polygon covers."""
    covered = np.zeros(image.shape[:2], np.uint8)
    for line in page.lines:
        cv2.fillPoly(covered, [np.rint(line.points).astype(np.int32)], 1)
    return int(((image.max(axis=2) < 128) & (covered == 0)).sum())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_a_document_lies_inside_it_and_covers_its_ink(kind, language):
    for seed in range(4):
        image, page = render_document(seed, language=language, kind=kind)
        height, width = image.shape[:2]
        assert len(page.lines) >= 3
        for line in page.lines:
            left, top, right, bottom = line.box
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height
            assert line.text == line.text.strip() != ""
        if kind == "letter":  # forms and receipts have rules, which are no text
            assert ink_outside(image, page) == 0


def test_same_seed_same_pixels_other_seed_other_pixels():
    first, second, other = (render_document(seed)[0] for seed in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("family", FAMILIES)
def test_family_is_reproducible_and_bgr_uint8(family):
    (image, page), (again, same) = render_family(family, 2), render_family(family, 2)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert np.array_equal(image, again)
    assert page == same


def test_mixed_family_has_chinese_and_latin_in_its_lines():
    _, page = render_family("mixed", 0)
    both = [text for text in page.texts if any(c > "\u3400" for c in text) and any(c.isascii() for c in text)]
    assert len(both) >= 3


def test_line_is_cut_close_and_its_polygon_covers_the_ink():
    image, line = render_line("Ägypten 电能表 gjpqy", size=40)
    assert ink_outside(image, Page(lines=[line])) == 0
    left, top, right, bottom = line.box
    assert 0 <= left <= 6
    assert 0 <= top <= 6
    assert right <= image.shape[1]
    assert bottom <= image.shape[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: render_document(language="fr"), "no texts in 'fr'; there are en, zh, mixed"),
        (lambda: render_document(kind="poem"), "no kind of document called 'poem'"),
        (lambda: render_family("hard", 0), "no family called 'hard'"),
        (lambda: render_family("clean", -1), "must not be negative"),
        (lambda: render_line("  "), "nothing to draw"),
        (lambda: render_line("a", face="comic"), "no font called 'comic'"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@given(st.sampled_from(LANGUAGES), st.integers(0, 10**6))
def test_sentences_are_filled_completely(language, seed):
    for text in sentences(language, 20, np.random.default_rng(seed)):
        assert "{" not in text
        assert "}" not in text


@everything
def test_strength_zero_changes_nothing(name):
    image, page = render_document(1)
    spoiled, moved = degrade(image, page, name, 0)
    assert np.array_equal(spoiled, image)
    assert moved == page
    assert spoiled is not image


@everything
def test_more_strength_moves_pixels_or_points_further_from_the_original(name):
    image, page = render_document(1)
    distances = []
    for strength in (0.1, 0.4, 1):
        spoiled, moved = degrade(image, page, name, strength)
        if name in ("perspective", "rotation"):
            corners = [[line.points[1] - line.points[0] for line in each.lines] for each in (page, moved)]
            distances.append(np.abs(np.subtract(*corners)).mean())
        else:
            distances.append(np.abs(spoiled.astype(int) - image).mean())
    assert 0 < distances[0] < distances[1] < distances[2]


@everything
@pytest.mark.parametrize("strength", [0.3, 1])
def test_degradation_is_seeded_and_leaves_its_input_alone(name, strength):
    image, page = render_document(2)
    before = image.copy()
    first, second = degrade(image, page, name, strength, seed=5), degrade(image, page, name, strength, seed=5)
    assert np.array_equal(first[0], second[0])
    assert first[1] == second[1]
    assert np.array_equal(image, before)
    assert first[0].dtype == np.uint8


@pytest.mark.parametrize("name", ["rotation", "perspective"])
def test_moved_polygons_still_cover_the_ink(name):
    image, page = render_document(1)
    for seed in range(4):
        spoiled, moved = degrade(image, page, name, 0.6, seed)
        assert ink_outside(spoiled, moved) == 0
        assert moved.texts == page.texts


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 1), st.integers(0, 1000))
def test_rotation_keeps_lengths_and_areas(strength, seed):
    image, page = render_document(1)
    _, moved = degrade(image, page, "rotation", strength, seed)
    for line, other in zip(page.lines, moved.lines, strict=True):
        before, after = (np.linalg.norm(each.points[1] - each.points[0]) for each in (line, other))
        assert after == pytest.approx(before, rel=1e-6)
        assert Polygon(other.points).area == pytest.approx(Polygon(line.points).area, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("melt", 0.5), "no degradation called 'melt'"),
        (("blur", -0.1), "strength must be within 0 and 1"),
        (("blur", 1.1), "strength must be within 0 and 1"),
    ],
)
def test_impossible_degradations_are_refused(arguments, message):
    image, page = render_document(0)
    with pytest.raises(ValueError, match=message):
        degrade(image, page, *arguments)


@pytest.mark.parametrize("image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), np.zeros((9, 9, 4), np.uint8)])
def test_images_of_another_kind_are_refused(image):
    with pytest.raises(ValueError, match="expected a BGR uint8 image"):
        degrade(image, Page(), "blur", 0.5)
