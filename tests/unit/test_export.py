import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrbook.labels.export import export_detection, export_recognition, split
from ocrbook.labels.ppocrlabel import Label
from ocrbook.labels.project import Project
from ocrbook.train import data


@given(st.integers(3, 200), st.lists(st.floats(0.01, 100), min_size=1, max_size=3), st.integers(0, 5))
def test_split_is_complete_and_each_part_has_its_share(count, shares, seed):
    names = [f"{number}.jpg" for number in range(count)]
    parts = split(names, shares, seed)
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert parts == split(names, [100 * share for share in shares], seed)
    for part, share in zip(parts, shares, strict=True):
        assert len(part) >= 1
        assert abs(len(part) - share / sum(shares) * count) <= len(parts) or len(part) == 1


def test_split_of_60_20_20_is_what_it_says():
    assert [len(part) for part in split([str(i) for i in range(50)], (60, 20, 20))] == [30, 10, 10]
    with pytest.raises(ValueError, match="positive"):
        split(["a", "b"], (1, 0))
    with pytest.raises(ValueError, match="1 images"):
        split(["a"], (1, 1))


@pytest.fixture
def project(tmp_path):
    (tmp_path / "photos").mkdir()
    image = np.full((60, 90, 3), 255, np.uint8)
    image[10:50, 20:30] = (0, 0, 255)  # a tall red bar
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / "photos" / name), image)
    with Project.open(tmp_path / "photos") as project:
        tall = Label([[20, 10], [30, 10], [30, 50], [20, 50]], "1")
        octagon = Label([[20, 10], [25, 10], [30, 10], [30, 30], [30, 50], [25, 50], [20, 50], [20, 30]], "a\tb")
        triangle = Label([[20, 10], [30, 10], [25, 50]], "three")
        unread = [Label(tall.points, "待识别"), Label(tall.points, "7", difficult=True)]
        project.confirm("a.png", [tall, octagon, triangle, *unread])
        project.propose("b.png", [tall])
        yield project


def test_crops_are_never_turned_and_unread_lines_left_out(project, tmp_path):
    assert export_recognition(project, tmp_path / "rec") == 3
    rows = (tmp_path / "rec" / "rec_gt.txt").read_text("utf-8").splitlines()
    assert rows == ["crops/a.png_1.png\t1", "crops/a.png_2.png\ta b", "crops/a.png_3.png\tthree"]
    cut = cv2.imread(str(tmp_path / "rec" / "crops" / "a.png_1.png"))
    assert cut.shape == (40, 10, 3)
    assert (cut == (0, 0, 255)).all()
    assert [sample.lines[0].text for sample in data.read_lines(tmp_path / "rec" / "rec_gt.txt")] == [
        "1",
        "a b",
        "three",
    ]


def test_page_list_has_relative_paths_and_is_read_by_the_training(project, tmp_path):
    (tmp_path / "lists").mkdir()
    assert export_detection(project, tmp_path / "lists" / "train.txt") == 1
    text = (tmp_path / "lists" / "train.txt").read_text("utf-8")
    assert text.startswith("../photos/a.png\t[")
    (page,) = data.read_pages(tmp_path / "lists" / "train.txt")
    assert [line.text for line in page.lines] == ["1", "a\tb", "three", "###", "###"]


def test_a_name_that_is_too_long_for_a_crop_is_listed(project, tmp_path):
    name = "x" * 251 + ".png"
    (tmp_path / "photos" / "a.png").rename(tmp_path / "photos" / name)
    project.close()
    with Project.open(tmp_path / "photos") as again:
        again.confirm(name, [Label([[20, 10], [30, 10], [30, 50], [20, 50]], "1")])
        with pytest.raises(ValueError, match="too long a name for its crops"):
            export_recognition(again, tmp_path / "rec")


def test_only_named_and_confirmed_images_are_exported(project, tmp_path):
    assert export_detection(project, tmp_path / "list.txt", ["b.png"]) == 0
    assert (tmp_path / "list.txt").read_text() == ""
