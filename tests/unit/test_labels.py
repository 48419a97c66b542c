import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocrbook.labels import read_folder, write_folder
from ocrbook.page import Page, TextLine

points = st.lists(st.tuples(st.integers(-50, 9000), st.integers(-50, 9000)), min_size=4, max_size=7)
texts = st.text(st.characters(codec="utf-8"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(points, texts), min_size=1, max_size=4))
def test_round_trip_loses_nothing(tmp_path, rows):
    page = Page("a b 电.jpg", [TextLine(np.array(corners), text) for corners, text in rows])
    write_folder(tmp_path, [page])
    (again,) = read_folder(tmp_path)
    assert again.lines == page.lines
    assert again.image == (tmp_path / "a b 电.jpg").as_posix()


def test_every_image_has_a_state_and_only_labelled_ones_a_label(tmp_path):
    line = TextLine([[0, 0], [9, 0], [9, 9], [0, 9]], '😀 true \\ " \u2028')
    write_folder(tmp_path, [Page("a.jpg", [line]), Page("blank.jpg")])
    key = tmp_path.name
    assert (tmp_path / "fileState.txt").read_text() == f"{key}/a.jpg\t1\n{key}/blank.jpg\t1\n"
    label = (tmp_path / "Label.txt").read_text("utf-8")
    assert label.startswith(f"{key}/a.jpg\t[")
    assert "😀" in label  # escaped surrogates would truncate the file when PPOCRLabel saves
    assert read_folder(tmp_path)[0].lines == [line]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.jpg []", "no tab"),
        ("a.jpg\t[{]", "Expecting"),
        ('a.jpg\t[{"points": [[0, 0], [1, 0], [1, 1]]}]', "no transcription"),
        ('a.jpg\t[{"transcription": 7, "points": [[0, 0], [1, 0], [1, 1]]}]', "expected a text"),
        ('a.jpg\t[{"transcription": "a", "points": [[0, 0]]}]', "three corners"),
        ("a.jpg\t__import__('os').system('touch /tmp/pwned')", "Expecting"),
    ],
)
def test_bad_row_is_named_by_file_and_line(tmp_path, row, reason):
    good = json.dumps([{"transcription": "a", "points": [[0, 0], [1, 0], [1, 1]], "difficult": False}])
    (tmp_path / "Label.txt").write_text(f"x/good.jpg\t{good}\n\n{row}\n", "utf-8")
    with pytest.raises(ValueError, match=rf"Label.txt, line 3: .*{reason}"):
        read_folder(tmp_path)


def test_byte_order_mark_windows_line_ends_and_moved_folders_are_understood(tmp_path):
    row = 'C:/old/place/a.jpg\t[{"transcription": "a", "points": [[0, 0], [1, 0], [1, 1]], "difficult": false}]\r\n'
    (tmp_path / "Label.txt").write_bytes(b"\xef\xbb\xbf" + row.encode() + b"\r\n")
    (page,) = read_folder(tmp_path)
    assert page.image == (tmp_path / "a.jpg").as_posix()
    assert page.texts == ["a"]


def test_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_folder(tmp_path)


def test_an_image_is_found_as_another_system_spells_it(tmp_path):
    rows = ["C:\\photos\\IMG_1.JPG", "photos/images\\2.png", "photos/none.png"]
    for name in ("img_1.jpg", "images\\2.png"):
        (tmp_path / name).touch()
    entry = json.dumps([{"transcription": "a", "points": [[0, 0], [1, 0], [1, 1]]}])
    (tmp_path / "Label.txt").write_text("".join(f"{key}\t{entry}\n" for key in rows))
    assert [page.image for page in read_folder(tmp_path)] == [
        (tmp_path / name).as_posix() for name in ("img_1.jpg", "images\\2.png", "none.png")
    ]


LINE = TextLine([[0, 0], [9, 0], [9, 9]], "a")


@pytest.mark.parametrize(
    "pages",
    [
        [Page("a\tb.jpg", [LINE])],
        [Page("\udcff.jpg", [LINE])],
        [Page("a.jpg", [LINE]), Page("b/a.jpg")],
        [Page("a.jpg", [TextLine(LINE.points, "\ud83d")])],
        [Page("a.jpg", [TextLine(LINE.points * 1e200, "a")])],
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(tmp_path, pages):
    with pytest.raises(ValueError):
        write_folder(tmp_path, pages)
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_nests_without_end_is_refused(tmp_path):
    (tmp_path / "Label.txt").write_text("a/b.jpg\t" + "[" * 100_000)
    with pytest.raises(ValueError, match=r"Label\.txt, line 1: nested too deeply"):
        read_folder(tmp_path)


def test_a_row_that_programs_would_read_differently_is_refused(tmp_path):
    (tmp_path / "Label.txt").write_text('a/b.jpg\t[{"transcription": "A", "transcription": "B", "points": [[0, 0]]}]')
    with pytest.raises(ValueError, match=r"Label\.txt, line 1: 'transcription' comes twice"):
        read_folder(tmp_path)
