import cv2
import numpy as np
import pytest

from ocrbook.labels.merge import merge, merge_projects
from ocrbook.labels.ppocrlabel import Label
from ocrbook.labels.project import Project


def row(number, text, shift=0, **more):
    top = 30 * number
    corners = [[shift, top], [90 + shift, top], [90 + shift, top + 20], [shift, top + 20]]
    return Label(corners, text, **more)


def test_labels_of_the_same_place_and_text_agree_whatever_their_order():
    merged = merge([row(0, "a"), row(1, "b")], [row(1, "b", 5), row(0, "a", 3)])
    assert merged.agreed == [row(0, "a"), row(1, "b")]
    assert merged.disputed == []
    assert (merged.agreement.boxes, merged.agreement.text, merged.agreement.character_error_rate) == (1, 1, 0)


def test_other_texts_other_classes_and_missing_labels_are_disputed():
    first = [row(0, "2026"), row(1, "b", key_cls="lot"), row(2, "only first")]
    second = [row(0, "2028"), row(1, "b", key_cls="date"), row(3, "only second")]
    merged = merge(first, second)
    assert merged.agreed == []
    assert merged.disputed == [(first[0], second[0]), (first[1], second[1]), (first[2], None), (None, second[2])]
    assert merged.agreement.boxes == pytest.approx(4 / 6)
    assert merged.agreement.text == 0
    assert merged.agreement.character_error_rate == pytest.approx(1 / 5)


def test_nothing_drawn_by_either_is_agreement():
    agreement = merge([], []).agreement
    assert (agreement.boxes, agreement.text, agreement.character_error_rate) == (1, 1, 0)


def test_projects_are_merged_into_a_third(tmp_path):
    projects = []
    for person in ("ada", "bob", "both"):
        (tmp_path / person).mkdir()
        for name in "abc":
            cv2.imwrite(str(tmp_path / person / f"{name}.png"), np.zeros((9, 9), np.uint8))
        projects.append(Project.open(tmp_path / person, reviewer=person))
    ada, bob, both = projects
    for project in (ada, bob):
        project.confirm("a.png", [row(0, "same")])
    ada.confirm("b.png", [row(0, "1O"), row(1, "x")])
    bob.confirm("b.png", [row(0, "10"), row(1, "x")])
    bob.confirm("c.png", [row(0, "alone")])
    agreement = merge_projects(ada, bob, both)
    assert (agreement.first, agreement.paired, agreement.equal) == (3, 3, 2)
    assert [both.state(name) for name in both.images] == ["confirmed", "proposed", "proposed"]
    assert both.history("b.png").flag == "'1O' / '10'"
    assert both.history("c.png").flag == "labelled by one person only"
    assert [label.text for label in both.labels("b.png")] == ["x", "1O"]
    for project in projects:
        project.close()


def test_missing_image_is_named(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "empty").mkdir()
    cv2.imwrite(str(tmp_path / "full" / "a.png"), np.zeros((9, 9), np.uint8))
    with Project.open(tmp_path / "full") as full, Project.open(tmp_path / "empty") as empty:
        full.confirm("a.png")
        with pytest.raises(ValueError, match=r"no image a\.png"):
            merge_projects(full, full, empty)


def test_images_are_the_same_however_they_are_spelled_and_nothing_is_changed_if_one_is_missing(tmp_path):
    projects = []
    for names in (["Zähler.png"], ["Za\u0308hler.png", "b.png"], ["zähler.PNG", "c.png"]):
        folder = tmp_path / str(len(projects))
        folder.mkdir()
        for name in names:
            (folder / name).touch()
        projects.append(Project.open(folder))
    first, second, into = projects
    for project in (first, second):
        project.confirm(project.images[-1], [row(0, "7")])
    assert merge_projects(first, second, into).equal == 1
    assert into.state("zähler.PNG") == "confirmed"
    into.reopen("zähler.PNG")
    second.confirm("b.png", [])
    with pytest.raises(ValueError, match=r"no image b\.png"):
        merge_projects(first, second, into)
    assert into.state("zähler.PNG") == "proposed"
    for project in projects:
        project.close()
