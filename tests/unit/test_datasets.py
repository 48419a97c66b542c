import json
from collections import Counter

import cv2
import numpy as np
import pytest

from ocrbook.labels import read_folder
from ocrbook.render import FAMILIES
from tools import datasets


@pytest.mark.parametrize("name", datasets.SETS)
def test_each_set_is_reproduced_byte_for_byte(tmp_path, name):
    datasets.SETS[name](tmp_path / name)
    assert datasets.differences(tmp_path / name, datasets.DATASETS / name) == []


def test_a_changed_missing_or_additional_file_is_noticed(tmp_path):
    for name in ("made", "stored"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.txt").write_text("same")
        (tmp_path / name / "changed.txt").write_text(name)
    (tmp_path / "made" / "new.txt").write_text("")
    assert sorted(datasets.differences(tmp_path / "made", tmp_path / "stored")) == ["changed.txt", "new.txt"]


def test_documents_have_ten_images_of_each_family_with_truth():
    pages = read_folder(datasets.DATASETS / "documents")
    families = Counter(page.image.rsplit("/", 1)[1].rsplit("_", 1)[0] for page in pages)
    assert families == dict.fromkeys(FAMILIES, datasets.IMAGES_PER_FAMILY)
    for page in pages:
        height, width = cv2.imread(page.image).shape[:2]
        assert len(page.lines) >= 3
        for line in page.lines:
            left, top, right, bottom = line.box
            assert -2 <= left < right <= width + 2, page.image
            assert -2 <= top < bottom <= height + 2, page.image


@pytest.mark.parametrize("kind", ["drum", "lcd"])
def test_windows_of_meters_have_a_truth_for_each_position(kind):
    folder = datasets.DATASETS / f"meter-{kind}"
    rows = [json.loads(line) for line in (folder / "labels.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == datasets.METERS
    for row in rows:
        height, width = cv2.imread(str(folder / row["name"])).shape[:2]
        assert len(row["positions"]) == len(row["boxes"]) and row["text"].isdecimal()
        assert len(row["text"]) == sum(place >= 0 for place in row["positions"])
        boxes = np.array(row["boxes"])
        assert (boxes.mean(axis=1) > 0).all() and (boxes.mean(axis=1) < [width, height]).all(), row["name"]


def test_photographs_of_meters_have_one_window_each():
    pages = read_folder(datasets.DATASETS / "meter-photo")
    assert len(pages) == datasets.METERS
    for page in pages:
        height, width = cv2.imread(page.image).shape[:2]
        (line,) = page.lines
        assert line.text.isdecimal() and (line.points >= 0).all() and (line.points <= [width, height]).all()


def test_every_data_set_has_a_card_and_all_together_stay_small():
    folders = [path for path in datasets.DATASETS.iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        assert (folder / "README.md").is_file()
    assert sum(path.stat().st_size for path in datasets.DATASETS.rglob("*") if path.is_file()) < 30e6


@pytest.mark.parametrize("changed", [False, True])
def test_check_fails_when_a_file_differs(tmp_path, monkeypatch, capsys, changed):
    monkeypatch.setattr(datasets, "SETS", {"documents": datasets.documents})
    datasets.documents(tmp_path / "documents")
    if changed:
        (tmp_path / "documents" / "Label.txt").write_text("")
    monkeypatch.setattr(datasets, "DATASETS", tmp_path)
    monkeypatch.setattr("sys.argv", ["datasets", "--check"])
    assert datasets.main() == changed
    assert ("Label.txt differs" in capsys.readouterr().err) is changed
