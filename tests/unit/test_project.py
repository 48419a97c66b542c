"""A labels project: nothing is lost, whoever wrote it and whenever it is killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocrbook.labels.contents import CACHE, LABELS, META, STATES
from ocrbook.labels.ppocrlabel import Label, join_row, split_row, to_entry, to_label
from ocrbook.labels.project import JOURNAL, REJECTED, Project

ROOT = Path(__file__).parents[2]
CORNERS = [[0, 0], [9, 0], [9, 5], [0, 5]]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "photos"
    place.mkdir()
    for name in ("page10.jpg", "page2.jpg", "电 表.png"):
        cv2.imencode(Path(name).suffix, np.full((8, 12, 3), 200, np.uint8))[1].tofile(place / name)
    return place


def label(text="abc", score=1.0, **more):
    return Label(CORNERS, text, score, **more)


def test_images_are_in_counting_order_and_everything_else_is_ignored(folder):
    (folder / "notes.txt").write_text("x")
    with Project.open(folder) as project:
        assert project.images == ["page2.jpg", "page10.jpg", "电 表.png"]
        assert {project.state(name) for name in project.images} == {"new"}
        assert project.read("电 表.png").shape == (8, 12, 3)
    assert not (folder / LABELS).exists()


def test_confirmed_labels_go_to_label_txt_with_a_state_and_proposals_to_the_cache(folder):
    with Project.open(folder) as project:
        project.confirm("page2.jpg", [label("a")])
        project.propose("page10.jpg", [label("b", 0.5)])
        project.confirm("电 表.png")
    assert (folder / STATES).read_text("utf-8") == "photos/page2.jpg\t1\nphotos/电 表.png\t1\n"
    assert [split_row(row)[0] for row in (folder / LABELS).read_text("utf-8").splitlines()] == ["photos/page2.jpg"]
    assert [split_row(row)[0] for row in (folder / CACHE).read_text("utf-8").splitlines()] == ["photos/page10.jpg"]
    with Project.open(folder) as again:
        assert [again.state(name) for name in again.images] == ["confirmed", "proposed", "confirmed"]
        assert again.labels("page10.jpg") == [label("b", 0.5)]
        assert again.labels("电 表.png") == []


def test_scores_reviewer_time_edits_and_flag_survive(folder):
    with Project.open(folder, reviewer="Ada") as project:
        project.propose("page2.jpg", [label("a", 0.25), label("b", 0.75)])
        project.confirm("page2.jpg")
        project.flag("page2.jpg", "ask the plant")
    with Project.open(folder) as again:
        history = again.history("page2.jpg")
        assert (history.reviewer, history.edits, history.flag) == ("Ada", 2, "ask the plant")
        assert history.changed.endswith("+00:00")
        assert [each.score for each in again.labels("page2.jpg")] == [0.25, 0.75]


hostile = st.one_of(
    st.text(st.characters(codec="utf-8")),
    st.sampled_from(
        ["true", "false/null", "untrue", 'a "b" \\ c', "\\u0061", "\t\r\n", "😀", "\u2028", "x" * 2000, "#"]
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(hostile, st.none() | hostile, st.booleans()), min_size=1, max_size=4))
def test_rows_round_trip_and_hold_no_bare_literal_in_a_text(rows):
    labels = [Label(CORNERS, text, difficult=hard, key_cls=kie) for text, kie, hard in rows]
    row = join_row("a/b.jpg", [to_entry(each) for each in labels])
    assert row.count("\n") == 1 and row.count("\t") == 1
    key, entries = split_row(row.rstrip("\n"))
    assert (key, [to_label(entry) for entry in entries]) == ("a/b.jpg", labels)
    # what PPOCRLabel's loader does before it evaluates the row
    evaluated = row.partition("\t")[2].replace("false", "False").replace("true", "True").replace("null", "None")
    expected = evaluated.replace(": False", ": false").replace(": True", ": true")
    assert [to_label(entry) for entry in json.loads(expected)] == labels


def test_bad_rows_are_listed_kept_aside_and_never_executed(folder, tmp_path):
    good = join_row("photos/page2.jpg", [to_entry(label("kept"))])
    bad = f"photos/page10.jpg\t__import__('pathlib').Path({str(tmp_path / 'owned')!r}).touch()"
    (folder / LABELS).write_bytes(b"\xef\xbb\xbf" + good.encode() + b"\r\n\n" + bad.encode() + b"\r\n\xff\xfe\n")
    (folder / STATES).write_text("photos/page2.jpg\t1\n")
    with Project.open(folder) as project:
        assert [problem.split(":")[0] for problem in project.problems] == ["Label.txt, line 4", "Label.txt, line 5"]
        assert project.labels("page2.jpg") == [label("kept")]
        project.confirm("page10.jpg", [label("new")])
    assert not (tmp_path / "owned").exists()
    assert bad.encode() in (folder / REJECTED).read_bytes() and b"\n\xff\xfe\n" in (folder / REJECTED).read_bytes()
    assert "kept" in (folder / LABELS).read_text("utf-8")


def test_rows_of_moved_folders_absolute_keys_and_missing_images_are_kept(folder):
    rows = [
        join_row("C:\\old\\place\\page2.jpg", [to_entry(label("a"))]),
        join_row("x/gone.jpg", [to_entry(label("b"))]),
    ]
    (folder / LABELS).write_text("".join(rows), "utf-8")
    with Project.open(folder) as project:
        assert project.problems == ["Label.txt, line 2: no image gone.jpg in the folder"]
        project.confirm("page10.jpg")
    text = (folder / LABELS).read_text("utf-8")
    assert "photos/page2.jpg\t" in text and "photos/gone.jpg\t" in text
    assert (folder / f"{LABELS}.bak").read_text("utf-8") == "".join(rows)


def test_what_another_program_wrote_into_an_entry_stays(folder):
    entry = to_entry(label("a", key_cls="date")) | {"color": "red"}
    (folder / LABELS).write_text(join_row("photos/page2.jpg", [entry]), "utf-8")
    with Project.open(folder) as project:
        project.confirm("page2.jpg", [*project.labels("page2.jpg"), label("b")])
    _, entries = split_row((folder / LABELS).read_text("utf-8").rstrip("\n"))
    assert entries[0] == entry and "color" not in entries[1]


def test_second_writer_is_refused_and_reader_is_not(folder):
    with Project.open(folder):
        with pytest.raises(RuntimeError, match="open in another program"):
            Project.open(folder)
        reader = Project.open(folder, read_only=True)
        with pytest.raises(RuntimeError, match="read_only"):
            reader.confirm("page2.jpg")
    Project.open(folder).close()


def test_change_by_another_program_wins_over_a_journal_and_nothing_is_lost(folder):
    project = Project.open(folder)
    project.confirm("page2.jpg", [label("ours")])
    project._lock.release()  # as if killed: no save
    (folder / LABELS).write_text(join_row("photos/page2.jpg", [to_entry(label("theirs"))]), "utf-8")
    with Project.open(folder) as again:
        assert again.labels("page2.jpg") == [label("theirs")]
        assert "another program" in again.problems[0]
        again.flag("page2.jpg", "look")
    assert "ours" in (folder / REJECTED).read_text("utf-8")


def test_unreadable_image_and_unknown_name_are_named(folder):
    (folder / "bad.jpg").write_bytes(b"no image")
    with Project.open(folder) as project:
        with pytest.raises(ValueError, match=r"bad\.jpg is not an image"):
            project.read("bad.jpg")
        with pytest.raises(KeyError, match="no image other"):
            project.labels("other.jpg")
    with pytest.raises(NotADirectoryError, match="no folder"):
        Project.open(folder / "nowhere")


class Stub:
    """Reads "text 0.9" from any image, with that score."""

    def __init__(self, score):
        self.score, self.calls = score, 0

    def predict(self, image):
        self.calls += 1
        scores = [1.0, self.score]
        return [{"rec_polys": [np.array(CORNERS)] * 2, "rec_texts": ["sure", "text"], "rec_scores": scores}]


def test_annotate_goes_on_where_it_was_and_flags_what_it_cannot_read(folder):
    (folder / "bad.jpg").write_bytes(b"no image")
    with Project.open(folder) as project:
        project.confirm("page2.jpg", [label("by hand")])
        assert project.annotate(Stub(0.5), ["page10.jpg"], progress=False) == ["page10.jpg"]
        stub = Stub(0.75)
        assert project.annotate(stub, progress=False) == ["电 表.png"]
        assert project.annotate(stub, progress=False) == [] and stub.calls == 1
        assert "not an image" in project.history("bad.jpg").flag
        assert project.labels("page2.jpg") == [label("by hand")]
        assert project.labels("page10.jpg")[1].score == 0.5


def test_queue_begins_with_the_least_certain_and_accept_takes_the_certain(folder):
    with Project.open(folder) as project:
        project.annotate(Stub(0.9), ["page2.jpg"], progress=False)
        project.annotate(Stub(0.6), ["page10.jpg"], progress=False)
        assert project.queue() == ["page10.jpg", "page2.jpg", "电 表.png"]
        assert project.accept(0.8) == ["page2.jpg"]
        assert project.queue() == ["page10.jpg", "电 表.png"]
        with pytest.raises(ValueError, match="within 0 and 1"):
            project.accept(0)


_WORK = """
import sys
from ocrbook.labels.ppocrlabel import Label
from ocrbook.labels.project import Project
project = Project.open(sys.argv[1])
for number in range(int(sys.argv[2]), 100_000):
    name = project.images[number % 3]
    project.confirm(name, [Label([[0, 0], [9, 0], [9, 5], [0, 5]], str(number))])
    print(number, flush=True)
    if number % 4 == 0:
        project.save()
"""


def test_kill_at_any_moment_loses_at_most_the_change_in_flight(folder):
    started = 0
    for attempt in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", _WORK, str(folder), str(started)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        first = [process.stdout.readline() for _ in range(2 + 3 * attempt)]
        os.kill(process.pid, signal.SIGKILL)
        numbers = [int(row) for row in ("".join(first) + process.stdout.read()).split()]
        process.wait()
        with Project.open(folder) as project:
            assert project.problems == []
            stored = {int(each.text) for name in project.images for each in project.labels(name)}
        last = numbers[-1]
        assert max(stored) in (last, last + 1)  # the one in flight may have arrived
        assert stored >= {number for number in numbers[-3:] if number >= max(stored) - 2}
        assert not (folder / JOURNAL).exists() and (folder / META).is_file()
        started = max(stored) + 1
    assert started > 50
