"""Names that other systems have written, and the files that they mean."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrbook.names import Names, find, match, parts

NFC, NFD = (unicodedata.normalize(form, "Zähler.png") for form in ("NFC", "NFD"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


def test_parts_are_cut_at_both_slashes_and_composed():
    assert parts(f"C:\\a b\\{NFD}") == ["C:", "a b", NFC]
    assert parts("./a//b/") == ["a", "b"] and parts("") == []


def test_the_same_spelling_comes_first_and_what_is_ambiguous_is_not_guessed():
    assert match(NFC, [NFD]) == NFD and match(NFD, [NFC]) == NFC
    assert match(NFC, [NFD, NFC]) == NFC
    assert match("img_1.jpg", ["IMG_1.JPG", "IMG_2.JPG"]) == "IMG_1.JPG"
    assert match("Img.jpg", ["IMG.jpg", "img.jpg"]) is None
    assert match(NFC.upper(), [NFD]) == NFD
    assert match("none", []) is None


@given(st.lists(TEXTS, max_size=6), TEXTS)
def test_a_match_is_one_of_the_names_and_the_same_if_that_is_there(names, name):
    found = Names(names).match(name)
    assert found is None or found in names
    assert (found == name) == (name in names)


@pytest.mark.parametrize(
    "name",
    [
        "images/1.PNG",
        "images\\1.png",
        ".\\Images\\1.Png",
        "images//1.png",
        "images/x/../1.png",
        "..\\top\\images\\1.png",
    ],
)
def test_files_are_found_below_a_folder(tmp_path, name):
    (tmp_path / "top" / "images" / "x").mkdir(parents=True)
    path = tmp_path / "top" / "images" / "1.png"
    path.touch()
    found = find(name, tmp_path / "top")
    assert found is not None and found.samefile(path)


@pytest.mark.parametrize(
    "name", ["", ".", "images", "no/1.png", "a\0b", "x" * 5000, "\ud83d", "C:\\1.png", "1.png/1.png"]
)
def test_what_is_not_there_is_none(tmp_path, name):
    (tmp_path / "images").mkdir()
    (tmp_path / "1.png").touch()
    assert find(name, tmp_path) is None


def test_folders_of_the_same_time_are_not_taken_for_one(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.png").touch()
        os.utime(tmp_path / name, (0, 0))
        monkeypatch.chdir(tmp_path / name)
        assert find(f"{name}.PNG", ".") is not None


def test_a_file_that_came_later_is_found(tmp_path):
    assert find("a.png", tmp_path) is None
    (tmp_path / "a.png").touch()
    assert find("a.png", tmp_path) == tmp_path / "a.png"
