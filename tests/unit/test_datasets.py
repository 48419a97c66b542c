from collections import Counter

import cv2
import pytest

from ocrbook.labels import read_folder
from ocrbook.render import FAMILIES
from tools import datasets


def test_documents_are_reproduced_byte_for_byte(tmp_path):
    made = tmp_path / "documents"
    datasets.documents(made)
    assert datasets.differences(made, datasets.DATASETS / "documents") == []


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


def test_every_data_set_has_a_card_and_all_together_stay_small():
    folders = [path for path in datasets.DATASETS.iterdir() if path.is_dir()]
    assert folders
    for folder in folders:
        assert (folder / "README.md").is_file()
    assert sum(path.stat().st_size for path in datasets.DATASETS.rglob("*") if path.is_file()) < 30e6


@pytest.mark.parametrize("changed", [False, True])
def test_check_fails_when_a_file_differs(tmp_path, monkeypatch, capsys, changed):
    datasets.documents(tmp_path / "documents")
    if changed:
        (tmp_path / "documents" / "Label.txt").write_text("")
    monkeypatch.setattr(datasets, "DATASETS", tmp_path)
    monkeypatch.setattr("sys.argv", ["datasets", "--check"])
    assert datasets.main() == changed
    assert ("Label.txt differs" in capsys.readouterr().err) is changed
