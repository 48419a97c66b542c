"""Windows and dials that are one number together: profiles, how they are joined, and drawn photographs of them."""

import json
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrbook.labels import Label
from ocrbook.meters import DialPlace, Profile, Reading, WindowPlace, joined, read_photo, resolve
from ocrbook.meters.counters import ways
from ocrbook.render.meters import draw_dial, draw_drums, invented_face, photograph

CORNERS = ((100, 80), (300, 80), (300, 130), (100, 130))
RED = ((310, 80), (400, 80), (400, 130), (310, 130))


def dials(count, first=0.1):
    return tuple(DialPlace.around(60 + 110 * index, 250, 50, multiplier=first / 10**index) for index in range(count))


# -- profiles


def test_a_joined_profile_survives_its_file(tmp_path):
    red = WindowPlace("drum", RED, 2, 2, arrived=1, steady=False)
    profile = Profile("drum", CORNERS, (640, 480), 5, unit="m3", steady=True, more=(red,), dials=dials(2, 0.001))
    profile.save(tmp_path / "p.json")
    assert Profile.load(tmp_path / "p.json") == profile
    weights = [step for place in profile.row for step in place.weights]
    assert weights == pytest.approx([1e4, 1, 0.1, 0.01, 1e-3, 1e-3, 1e-4, 1e-4])
    only = Profile("dial", (), (640, 480), 0, dials=dials(4, 1000.0))
    only.save(tmp_path / "p.json")
    assert Profile.load(tmp_path / "p.json") == only and not only.windows


def test_a_profile_from_before_there_were_more_windows_is_read(tmp_path):
    content = {"kind": "drum", "window": CORNERS, "size": [640, 480], "digits": 5, "decimals": 2, "unit": "m3"}
    (tmp_path / "p.json").write_text(json.dumps(content | {"positions": []}))
    profile = Profile.load(tmp_path / "p.json")
    assert profile == Profile("drum", CORNERS, (640, 480), 5, 2, "m3")
    assert len(profile.row) == 1 and profile.row[0].window == CORNERS


DIAL = {"dial": [[10, 200], [110, 200], [110, 300], [10, 300]], "multiplier": 0.1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dials": 7}, "dials must be a list"),
        ({"dials": [7] * 13}, "dials must be a list of up to 12"),
        ({"dials": [7]}, "dials 1 must have the fields of a DialPlace"),
        ({"dials": [DIAL | {"colour": 1}]}, "dials 1 must have the fields"),
        ({"dials": [{"multiplier": 1}]}, "dials 1 must have the fields"),
        ({"dials": [DIAL, DIAL]}, "follow each other by tens"),
        ({"dials": [DIAL | {"multiplier": 0.01}]}, "below 1 is 0.1, not 0.01"),
        ({"dials": [DIAL | {"multiplier": 1e400}]}, "dials 1: multiplier must be"),
        ({"dials": [DIAL | {"multiplier": True}]}, "dials 1: multiplier must be"),
        ({"dials": [DIAL | {"high": 0}]}, "dials 1: high must be above low"),
        ({"dials": [DIAL | {"low": -10, "high": 0}]}, "begins at 0, not at -10"),
        ({"dials": [DIAL | {"clockwise": 1}]}, "dials 1: clockwise must be"),
        ({"dials": [DIAL | {"zero": 720}]}, "dials 1: zero must be"),
        ({"dials": [DIAL | {"dial": [[0, 0], [2, 0], [2, 2], [0, 2]]}]}, "dials 1: dial: it is too small"),
        ({"dials": [DIAL | {"dial": [[900, 0], [990, 0], [990, 90], [900, 90]]}]}, "dial: it lies outside"),
        ({"more": [{"kind": "dial", "window": RED, "digits": 1}]}, 'more 1: kind must be "drum" or "lcd"'),
        ({"more": [{"kind": "drum", "window": RED, "digits": 3, "decimals": 2}]}, "follow each other by tens"),
        ({"more": [{"kind": "drum", "window": RED, "digits": 11, "decimals": 11}]}, "more than 15 digits"),
        ({"steady": 1}, "steady must be"),
        ({"arrived": 0.2}, "arrived must be"),
        ({"arrived": None}, "arrived must be"),
        ({"kind": "dial"}, "has dials and no window"),
        ({"kind": "dial", "dials": [DIAL]}, "has dials and no window"),
        ({"kind": "dial", "dials": [DIAL], "window": []}, "digits, decimals, arrived and steady are of windows"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_what_makes_no_number_together_is_refused_with_the_file_s_name(tmp_path, change, said):
    content = {"kind": "drum", "window": CORNERS, "size": [640, 480], "digits": 5} | change
    (tmp_path / "p.json").write_text(json.dumps(content).replace("Infinity", "1e400"))
    with pytest.raises(ValueError, match=said.replace(".", r"\.")) as error:
        Profile.load(tmp_path / "p.json")
    assert "p.json" in str(error.value) and "\n" not in str(error.value) and len(str(error.value)) < 300


def box(text, kind, left, top=80, width=90):
    return Label([[left, top], [left + width, top], [left + width, top + 40], [left, top + 40]], text, key_cls=kind)


def test_boxes_of_the_annotator_make_a_profile():
    image = np.zeros((480, 640, 3), np.uint8)
    labels = [box("x0,001 ccw", "dial", 300, 200), box(",45", "drum", 300), box("00123", "drum", 100, width=190)]
    profile = Profile.from_labels(image, labels, unit="m3", steady=False)
    assert (profile.kind, profile.digits, profile.size, profile.steady) == ("drum", 5, (640, 480), False)
    assert (profile.more[0].digits, profile.more[0].decimals) == (2, 2)
    assert (profile.dials[0].multiplier, profile.dials[0].clockwise) == (0.001, False)
    assert Profile.from_labels(image, [box("12345.6", "lcd", 100)]).decimals == 1
    assert Profile.from_labels(image, [box("x1", "dial", 100), box("×0.1", "dial", 300)]).kind == "dial"
    wrong = [("12a", "drum"), ("", "lcd"), (".", "drum"), ("1.2.3", "lcd"), ("x", "dial"), ("12", None), ("٣", "drum")]
    for text, kind in wrong:
        with pytest.raises(ValueError, match=r"text of a|kind must be"):
            Profile.from_labels(image, [box(text, kind, 100)])


# -- what windows and dials mean together

VECTORS = [
    # Recognised places of drums and pointers, and the reading that they must give: facts from the unit tests of
    # AI-on-the-edge-device (github.com/jomjol/AI-on-the-edge-device, code/test/components/jomjol-flowcontroll/
    # test_flowpostprocessing.cpp; MIT License, Copyright (c) 2020 jomjol), and, from the last comment on, of its fork
    # github.com/Slider0007/AI-on-the-edge-device. Where they set "analog-digital transition start" to 7.7, which says
    # that the last drum turns with the pointer, `steady` is True. The digit that they name "extended resolution" is the
    # last one of a reading with pointers.
    ([1.2, 6.7], [9.5, 8.4], "16.984", None),
    ([3.0, 7.0, 6.0, 5.0, 2.5, 9.6], [6.4], "376529.64", None),
    ([1.1, 6.0, 7.0, 7.0, 3.0, 4.6], [6.2], "167734.62", None),
    ([5.0, 8.6], [9.8, 6.7, 8.9, 8.6, 9.8], "58.968898", None),
    ([2.9, 7.0, 6.8, 9.9, 8.0, 3.9], [9.7], "377083.97", None),
    ([1.1, 9.0, 4.0], [6.1, 2.6, 6.25, 9.7], "194.62597", None),
    ([1.1, 9.0, 4.0], [8.1, 2.6, 6.25, 9.7], "194.82597", None),
    ([1.1, 9.0, 4.0], [9.1, 2.6, 6.25, 9.7], "194.92597", None),
    ([1.0, 9.0, 9.0], [7.1, 4.8, 8.3], "199.7483", None),
    ([0.0, 2.9, 3.0, 2.9, 3.5, 9.5], [], "033339", None),
    ([9.9, 2.8, 2.9, 2.9, 3.7, 9.7], [], "033339", None),
    ([0.0, 9.9, 6.8, 9.9, 3.7, 0.8, 6.9, 8.7], [], "00704178", None),
    ([9.9, 6.8, 1.1, 4.7, 2.7, 6.0, 9.0, 2.8], [], "07153692", None),
    ([1.0, 9.0, 4.3], [8.9, 0.7, 8.9, 9.4], "194.90894", None),
    ([2.9, 7.0, 7.0, 9.1, 8.1, 8.5], [4.1], "377988.41", None),
    ([0.0, 0.0, 7.0, 8.9], [0.1, 0.1, 0.1, 9.6], "0078.99996", None),
    ([3.1, 9.1, 5.7], [8.8, 6.1, 3.0, 2.0], "395.86320", None),
    ([3.0, 2.0, 2.0, 8.0, 9.0, 4.0, 1.7, 9.8], [], "32289419", None),
    ([0.0, 0.0, 7.9, 3.8], [0.0, 9.4, 4.1, 0.1], "0083.99401", None),
    ([0.0, 0.0, 1.0, 2.0, 2.8, 1.9, 2.8, 5.6], [], "00123235", None),
    ([3.0, 2.0, 4.1, 9.0, 4.0, 6.3, 9.2], [], "3249469", None),
    ([0.0, 2.0, 6.1, 9.2], [9.0, 2.5, 2.9, 7.2], "0269.92272", None),
    ([1.1, 6.0, 9.1, 3.0, 5.3, 9.4], [3.5], "169359.35", None),
    ([9.8, 9.8, 1.9, 0.9, 0.9, 9.9, 2.9, 4.8], [5.5], "00211035.55", None),
    ([2.2, 4.5, 5.9], [9.4, 3.8, 8.6], "245.9386", None),
    ([2.0, 4.0, 6.8], [2.2, 0.1, 4.5], "247.2045", None),
    ([1.0, 4.0, 2.0], [9.2, 2.5, 6.8, 9.0], "142.92690", None),
    ([1.2, 6.8, 0.0, 0.0, 5.0, 2.8], [8.7], "170052.87", True),
    ([0.0, 0.0, 9.0, 1.0], [9.0, 8.0, 1.8, 7.4], "0091.88174", None),
    ([0.0, 0.0, 9.0, 1.9], [3.6, 8.2, 3.2, 2.0], "0092.38320", None),
    ([7.0, 4.0, 7.0, 2.0, 7.0, 5.4, 9.4], [], "7472759", None),
    ([4.9, 6.9, 6.8], [8.6, 6.2, 5.0, 9.0], "577.86490", None),
    ([2.0, 1.0, 1.0, 0.0, 3.0, 4.8], [8.0], "211035.80", None),
    ([1.0, 1.9, 6.0], [9.3, 2.3, 3.1], "126.9231", None),
    ([3.0, 8.1, 5.9, 0.0, 5.0, 6.7], [7.2], "386056.72", None),
    ([1.2, 7.0, 1.2, 2.0, 4.0, 1.8], [7.8], "171241.78", True),
    ([0.0, 0.0, 6.9, 1.0, 6.6], [9.9, 1.8, 6.6, 5.8], "00717.01658", None),
    # of the fork
    ([9.9, 2.8, 2.9, 2.9, 3.7, 0.1], [], "033340", None),
    ([1.0, 0.0, 9.8], [9.9, 9.4], "099.994", None),
    ([1.0, 9.9, 9.8], [9.9, 9.4], "099.994", None),
    ([0.9, 0.0, 9.8], [9.9, 9.4], "099.994", None),
    ([1.0, 0.0, 9.9], [9.9, 0.1], "100.001", None),
]


def read_places(profile, drums, pointers):
    """What `read_photo` makes of places; the images stand for no picture, but for the places of windows and dials."""
    given_drums, given_pointers = list(drums), list(pointers)

    def window(_, kind, digits, decimals, *, second, **told):
        places = [given_drums.pop() for _ in range(digits)][::-1]
        way, *others = ways(places, None, **told)
        rival = next((other.loss - way.loss for other in others if other.text != way.text), 9.0)
        sure = float(np.clip(1.75 - 5 * way.off, 0, 1) / (1 + np.exp(-rival / 0.2)))
        parts = tuple(Reading("", place, 1.0, True) for place in places)
        reason = "" if sure > 0.8 else "uncertain"
        return Reading(way.text, float(way.text), sure, not reason, reason, parts)

    def dial(*_):
        return Reading("", given_pointers.pop() / 10, 0.99, True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joined, "read_window", window)
        patch.setattr(joined, "read_dial", dial)
        patch.setattr(joined, "cut_out", lambda image, quad, *_: (image, quad))
        return read_photo(np.zeros((480, 640, 3), np.uint8), profile)


@pytest.mark.parametrize(("drums", "pointers", "wanted", "steady"), VECTORS, ids=[vector[2] for vector in VECTORS])
def test_the_public_vectors_of_drums_and_pointers_are_resolved(drums, pointers, wanted, steady):
    profile = Profile("drum", CORNERS, (640, 480), len(drums), arrived=1, steady=steady, dials=dials(len(pointers)))
    reading = read_places(profile, drums, pointers)
    assert reading.text == wanted.partition(".")[0]
    assert reading.value == pytest.approx(float(wanted), abs=10.0 ** -(len(pointers) + 1) if pointers else 0)


def test_the_public_vectors_of_single_positions_are_resolved():
    # of test_PointerEvalAnalogToDigitNew.cpp in the same place: a drum, the pointer after it, whether it is steady
    single = [(4.8, 8.0, 5, None), (9.6, 6.8, 9, None), (4.6, 6.2, 4, None), (6.8, 8.6, 7, None), (6.8, 1.0, 7, None),
              (3.9, 9.7, 3, None), (4.0, 9.1, 4, None), (9.8, 9.99, 9, None), (5.9, 9.4, 5, True),
              (1.8, 7.8, 1, True)]  # fmt: skip
    for drum, pointer, digit, steady in single:
        assert resolve([drum], lower=pointer, steady=steady)[0] == str(digit), (drum, pointer)


def places_of(number, digits, pointers, steady):
    """Where the drums and pointers of a meter stand; the last pointer's digit is that of the units of `number`."""
    row, lower = [], None
    for index in range(digits + pointers):
        place = number / 10**index % 10
        if index >= pointers:
            gone = lower / 10 if steady and index == pointers else max(0, lower - 9)
            place = number // 10**index % 10 + gone
        row.append(place)
        lower = place
    return row[::-1][:digits], row[::-1][digits:]


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 7), st.integers(1, 5), st.booleans(), st.booleans(), st.data())
def test_any_state_of_a_meter_is_read_in_spite_of_play(digits, pointers, steady, told, data):
    number = data.draw(st.integers(0, 10 ** (digits + pointers) - 1)) + data.draw(st.floats(0, 0.99))
    drums, hands = places_of(number, digits, pointers, steady)
    play = st.floats(-0.1, 0.1)
    drums, hands = ([(place + data.draw(play)) % 10 % 10 for place in each] for each in (drums, hands))
    profile = Profile("drum", CORNERS, (640, 480), digits, steady=steady if told else None, dials=dials(pointers))
    reading = read_places(profile, drums, hands)
    apart = abs(reading.value * 10**pointers - number)
    right = min(apart, 10 ** (digits + pointers) - apart) < 0.11
    assert right or not (told or reading.accepted)
    assert len(reading.parts) == 1 + pointers and len(reading.text) == digits
    if right and not reading.accepted and not told:
        assert "tell the profile" in reading.reason or reading.reason.endswith("uncertain")


def test_black_and_red_windows_and_pointers_are_one_number():
    red = WindowPlace("drum", RED, 3, 3)
    profile = Profile("drum", CORNERS, (640, 480), 4, steady=False, more=(red,), dials=dials(1, 0.0001))
    drums, hands = places_of(1239996.4, 7, 1, steady=False)
    reading = read_places(profile, drums, hands)
    assert (reading.text, reading.value, reading.accepted) == ("0123999", 123.99964, True)
    assert [len(part.place) for part in reading.parts] == [4, 4, 4]
    alone = replace(profile, dials=())
    assert read_places(alone, [0, 1, 2, 3.3, 9.3, 9.3, 9.3], []).text == "0123999"
    assert read_places(alone, [0, 1, 2, 3.9, 9.9, 9.9, 9.9], []).value == 124.0


def test_dials_alone_are_a_number_and_a_single_one_is_what_its_scale_says():
    many = Profile("dial", (), (640, 480), 0, dials=dials(4, 1000.0))
    reading = read_places(many, [], [4.5, 5.2, 1.9, 9.3])
    assert (reading.text, reading.value, reading.accepted) == ("4519", 4519.3, True)
    gauge = DialPlace.around(60, 250, 50, low=-1, high=15, multiplier=10, zero=90)
    reading = read_places(Profile("dial", (), (640, 480), 0, dials=(gauge,)), [], [5])
    assert (reading.text, reading.value) == ("3.00", 30.0)


def test_parts_that_contradict_each_other_are_named():
    profile = Profile("drum", CORNERS, (640, 480), 3, steady=False, dials=dials(3))
    reading = read_places(profile, [1, 2, 3.0], [2.75, 3.0, 0.0])
    assert not reading.accepted and reading.reason == "dial x0.1: contradicts what follows"
    reading = read_places(profile, [1, 2, 3.5], [2.3, 3.0, 0.0])
    assert not reading.accepted and reading.reason.startswith("window x1: ")


# -- drawn photographs


def drawn_meter(seed, digits=5, pointers=3):
    """A photograph of black drums with pointers below them, its profile, and the number, in units of the last drum."""
    rng = np.random.default_rng(seed)
    number = rng.uniform(0, 10 ** (digits + pointers))
    drums, hands = places_of(number, digits, pointers, steady=False)
    window = draw_drums(drums, [int(each) for each in drums], [invented_face(seed % 50)], rng, decimals=0)
    image = np.full((480, 640, 3), rng.uniform(150, 230), np.float32)
    image[90 : 90 + 64, 120 : 120 + window.image.shape[1]] = window.image
    clockwise = bool(rng.random() < 0.7)
    places = []
    for index, place in enumerate(hands):
        dial = draw_dial(place / 10 if clockwise else -place / 10 % 1, rng, clockwise=clockwise)
        left = 60 + 170 * index
        image[230 : 230 + 128, left : left + 128] = dial.image
        centre = (left + 64, 230 + 64)
        places.append(DialPlace.around(*centre, 64, multiplier=10.0 ** (-1 - index), clockwise=clockwise))
    quad = window.quad + np.array([120, 90])
    photo = photograph(image, rng, hard=0.2)
    return photo, Profile.from_corners(photo, quad, "drum", digits, steady=False, dials=tuple(places)), number


def test_drawn_photographs_of_drums_and_pointers_are_read():
    right = accepted = 0
    for seed in range(700, 712):
        image, profile, number = drawn_meter(seed)
        reading = read_photo(image, profile, second=False)
        good = reading.value is not None and abs(reading.value * 1000 - number) < 2
        right += good
        accepted += reading.accepted
        assert good or not reading.accepted, (seed, reading)
        assert len(reading.parts) == 4 and all(len(part.place) == 4 for part in reading.parts)
    assert right >= 10 and accepted >= 7


def test_a_dial_that_is_turned_in_the_photograph_is_read():
    dial = draw_dial(0.32, np.random.default_rng(3), clockwise=True).image
    image = cv2.cvtColor(np.full((480, 640), 180, np.uint8), cv2.COLOR_GRAY2BGR)
    turned = cv2.warpAffine(
        dial, cv2.getRotationMatrix2D((63.5, 63.5), -40, 1), (128, 128), borderMode=cv2.BORDER_REPLICATE
    )
    image[100:228, 100:228] = np.clip(turned, 0, 255)
    place = DialPlace.around(164, 164, 64, zero=40)
    reading = read_photo(image, Profile("dial", (), (640, 480), 0, dials=(place,)))
    assert abs(reading.value - 3.2) < 0.2


def test_a_profile_with_positions_refuses_what_plainly_looks_otherwise():
    rng = np.random.default_rng(5)
    window = draw_drums([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [invented_face(7)], rng, decimals=0)
    image = np.full((480, 640, 3), 200, np.float32)
    image[90 : 90 + 64, 120 : 120 + window.image.shape[1]] = window.image
    photo = photograph(image, rng, hard=0)
    edges = np.linspace(0, 1, 6).tolist()
    even = tuple(pairwise(edges))
    profile = Profile.from_corners(photo, window.quad + np.array([120, 90]), "drum", 5, positions=even)
    assert read_photo(photo, profile, second=False).text == "12345"
    said = {
        "look like digits": replace(profile, kind="lcd"),
        "5 positions": replace(profile, digits=3, positions=even[:3]),
    }
    moved = tuple((0.04 + 0.5 * left, 0.04 + 0.5 * right) for left, right in even)
    said["not where the profile has them"] = replace(profile, positions=moved)
    for reason, wrong in said.items():
        reading = read_photo(photo, wrong, second=False)
        assert not reading.accepted and reason in reading.reason
