"""A labels project: nothing is lost, whoever wrote it, whatever fails, and whenever it is killed."""

import json
import os
import shutil
import signal
import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocrbook.labels.contents import CACHE, LABELS, META, STATES
from ocrbook.labels.ppocrlabel import Label, join_row, split_row, to_entry, to_label
from ocrbook.labels.project import JOURNAL, LOCK, REJECTED, Project
from tests import faults
from tests.faults import seen, write_theirs

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


def test_labels_may_come_one_by_one(folder):
    with Project.open(folder) as project:
        project.confirm("page2.jpg", (label(text, 0.5) for text in "ab"))
        assert project.labels("page2.jpg") == [label("a", 0.5), label("b", 0.5)]


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
    with Project.open(folder) as writer:
        with pytest.raises(RuntimeError, match="open in another program"):
            Project.open(folder)
        writer.confirm("page10.jpg", [label("not saved yet")])
        reader = Project.open(folder, read_only=True)
        assert reader.labels("page10.jpg") == [label("not saved yet")]
        reader.save()
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


def test_kill_at_any_moment_loses_at_most_the_change_in_flight(folder):
    def work(tell):
        project = Project.open(folder)
        for number in range(started, 100_000):
            project.confirm(project.images[number % 3], [label(str(number))])
            tell(b"%d\n" % number)
            if number % 4 == 0:
                project.save()

    started = 0
    for attempt in range(8):
        child, telling = faults.forked(work)
        with telling:
            first = [telling.readline() for _ in range(2 + 3 * attempt)]
            os.kill(child, signal.SIGKILL)
            numbers = [int(row) for row in b"".join([*first, telling.read()]).split()]
        assert faults.ended(child) == -signal.SIGKILL
        with Project.open(folder) as project:
            assert project.problems == []
            stored = {int(each.text) for name in project.images for each in project.labels(name)}
        last = numbers[-1]
        assert max(stored) in (last, last + 1)  # the one in flight may have arrived
        assert stored >= {number for number in numbers[-3:] if number >= max(stored) - 2}
        assert not (folder / JOURNAL).exists() and (folder / META).is_file()
        started = max(stored) + 1


# what fails, and what is killed

SHORT = [faults.STEPS[0], faults.STEPS[3]]


def test_a_kill_at_any_call_of_the_file_system_loses_nothing():
    number = 1
    while not faults.check_killed(number, SHORT, theirs=number % 2 == 0):
        number += 1
    assert number > 60


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("happens", ["once", "from then on"])
def test_after_any_failure_memory_is_what_opening_again_gives(happens, closed):
    number = 1
    while not faults.check_failed(number, happens, SHORT, closed):
        number += 1
    assert number > 30


LINES = st.lists(
    st.builds(label, st.sampled_from(["", "a", "true", "电"]), st.sampled_from([0.25, 0.5, 1.0])), max_size=3
)
NAMES = st.sampled_from(["page2.jpg", "page10.jpg", "电 表.png"])
CHANGES = st.one_of(
    st.tuples(st.just("propose"), NAMES, LINES),
    st.tuples(st.just("confirm"), NAMES, LINES),
    st.tuples(st.just("reopen"), NAMES),
    st.tuples(st.just("flag"), NAMES, st.sampled_from(["", "glare"])),
    st.tuples(st.just("save")),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.lists(CHANGES, max_size=6), st.booleans())
def test_files_hold_what_memory_holds(folder, changes, killed):
    project = Project.open(folder)
    for kind, *arguments in changes:
        getattr(project, kind)(*arguments)
    known = {name: project.history(name) for name in project.images}
    if killed:
        project._lock.release()
    else:
        project.close()
    with Project.open(folder) as again:
        assert {name: again.history(name) for name in again.images} == known
        assert again.problems == []
    with Project.open(folder, read_only=True) as again:
        assert {name: again.history(name) for name in again.images} == known


def test_a_journal_that_is_removed_while_it_is_open_loses_nothing(folder):
    with Project.open(folder) as project:
        project.confirm("page2.jpg", [label("first")])
        (folder / JOURNAL).unlink()
        project.confirm("page10.jpg", [label("second")])
        assert "somebody has removed it" in project.problems[0]
        assert "first" in (folder / LABELS).read_text("utf-8")
        (folder / JOURNAL).unlink()
    with Project.open(folder) as again:
        assert again.labels("page10.jpg") == [label("second")]


def test_only_the_last_row_of_a_journal_may_be_torn(folder):
    project = Project.open(folder)
    for text in ("first", "second", "third"):
        project.confirm("page2.jpg", [label(text)])
        project.confirm("page10.jpg", [label(text)])
    project._lock.release()
    rows = (folder / JOURNAL).read_bytes().split(b"\n")
    damaged = rows[2][:40] + b"\xff"
    (folder / JOURNAL).write_bytes(b"\n".join([*rows[:2], damaged, *rows[3:5], rows[5][:50]]))
    with Project.open(folder) as again:
        assert [problem.split(":")[0] for problem in again.problems] == [f"{JOURNAL}, line 3"]
        assert [again.labels(name)[0].text for name in ("page2.jpg", "page10.jpg")] == ["third", "second"]
    assert damaged in (folder / REJECTED).read_bytes()


def test_a_forked_copy_changes_nothing_and_leaves_the_lock(folder):
    with Project.open(folder) as project:
        project.confirm("page2.jpg", [label("kept")])

        def change(tell):
            project.close()
            with pytest.raises(RuntimeError, match="another process"):
                project.confirm("page2.jpg", [])

        child, telling = faults.forked(change)
        telling.close()
        assert faults.ended(child) == 0
        with pytest.raises(RuntimeError, match="open in another program"):
            Project.open(folder)
        assert project.labels("page2.jpg") == [label("kept")]


# what others write while a project is open


def test_what_another_program_writes_meanwhile_is_merged_by_image():
    folder = faults.make_folder()
    with Project.open(folder) as project:
        project.confirm("a.png", [label("ours")])
        project.flag("c.png", "glare")
        write_theirs(folder)
        project.save()
        assert seen(project, "c.png") == ["confirmed", [["theirs", 1.0]], "glare"]
        assert seen(project, "a.png")[1] == [["ours", 1.0]]
        project.confirm("c.png", [label("ours, too")])
        write_theirs(folder)
        assert not any("too" in problem for problem in project.problems)
        (folder / LABELS).write_text((folder / LABELS).read_text("utf-8").replace("theirs", "later"), "utf-8")
    assert any("changed the labels, too" in problem for problem in project.problems)
    assert "later" in (folder / REJECTED).read_text("utf-8")
    with Project.open(folder) as project:
        assert seen(project, "c.png")[1] == [["ours, too", 1.0]]
    assert "photos/new.png" in (folder / LABELS).read_text("utf-8")


def test_labels_that_another_program_removes_become_a_proposal():
    folder = faults.make_folder()
    with Project.open(folder) as project:
        project.confirm("a.png", [label("ours")])
        (folder / LABELS).write_text("")  # cut off, or emptied: nobody can tell
    assert any("c.png: another program has removed the labels" in problem for problem in project.problems)
    with Project.open(folder) as project:
        assert [seen(project, name)[:2] for name in ("a.png", "c.png")] == [
            ["confirmed", [["ours", 1.0]]],
            ["proposed", [["old c", 1.0]]],
        ]


@pytest.mark.parametrize("file", [LABELS, STATES, META])
def test_a_file_that_is_removed_meanwhile_is_written_again(file):
    folder = faults.make_folder()
    with Project.open(folder) as project:
        project.flag("d.png", "glare")
        project.save()
        project.confirm("a.png", [label("ours")])
        (folder / file).unlink()
        known = {name: seen(project, name) for name in project.images}
    assert any(f"{file}: somebody has removed it" in problem for problem in project.problems)
    with Project.open(folder) as project:
        assert {name: seen(project, name) for name in project.images} == known


# what can't be read


def test_a_damaged_row_never_counts_as_a_page_without_text():
    row = join_row("photos/c.png", [to_entry(label("电表"))]).rstrip("\n").encode()
    good = join_row("photos/d.png", [to_entry(label("old 电"))]).encode()
    damaged = [row[:length] for length in range(1, len(row))]
    damaged += [row[:at] + byte + row[at + 1 :] for at in range(0, len(row), 3) for byte in (b"\0", b"\xff", b"[")]
    folder = faults.make_folder()
    for each in damaged:
        (folder / LABELS).write_bytes(each + b"\n" + good)
        with Project.open(folder, read_only=True) as project:
            assert project.state("d.png") == "confirmed"
            if project.state("c.png") == "confirmed":
                assert len(project.labels("c.png")) == 1
            else:
                assert "c.png" in project.queue() and project.problems
    for file in (LABELS, STATES, CACHE):
        (folder / file).write_bytes(row[:-7] + b"\xff\xfe\r\n" + good)
    with Project.open(folder) as project:
        project.flag("a.png", "look")
    assert (folder / REJECTED).read_bytes().count(row[:-7] + b"\xff\xfe\r\n") == 3


def test_ticks_without_a_label_file_are_no_empty_pages():
    folder = faults.make_folder()
    (folder / LABELS).unlink()
    with Project.open(folder) as project:
        assert project.queue() == project.images and len(project.problems) == 2
        assert list(project.pages()) == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_what_editors_call_unicode_is_read(folder, encoding):
    rows = "".join(join_row(f"照片/{name}", [to_entry(label("金额"))]) for name in ("page2.jpg", "电 表.png"))
    (folder / LABELS).write_bytes(rows.replace("\n", "\r\n").encode(encoding))
    with Project.open(folder) as project:
        assert project.problems == []
        assert project.labels("电 表.png") == [label("金额")]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("gbk", "金额"), ("big5", "金額"), ("shift_jis", "表示"), ("euc_kr", "금액"), ("cp1252", "Zähler")],
)
def test_a_file_in_another_encoding_is_refused_before_anything_is_written(folder, encoding, text):
    names = ("page2.jpg", "page10.jpg")
    content = "".join(join_row(f"photos/{name}", [to_entry(label(text))]) for name in names).encode(encoding)
    (folder / LABELS).write_bytes(content)
    with pytest.raises(ValueError, match=r"Label\.txt, line 1: not UTF-8.*save it as UTF-8"):
        Project.open(folder)
    assert (folder / LABELS).read_bytes() == content
    assert not (folder / REJECTED).exists()
    (folder / LABELS).write_bytes("\n".join(["\ufeffa"] * 3).encode("utf-16-le") + b"x")
    with pytest.raises(ValueError, match="begins like UTF-16"):
        Project.open(folder)


@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b'{"d.png": {"edits": -1}, "c.png": 5}', b'{"a\\tb": {}}'])
def test_scores_and_flags_that_cannot_be_read_any_more_stay(content):
    folder = faults.make_folder()
    with Project.open(folder) as project:
        project.propose("b.png", [label("read", 0.25)])
        project.flag("d.png", "glare")
        project.save()
        project.confirm("a.png", [label("ours")])
        (folder / META).write_bytes(content)
        known = {name: seen(project, name) for name in project.images}
    assert project.problems[0].startswith(META) and content in (folder / REJECTED).read_bytes()
    with Project.open(folder) as project:
        assert {name: seen(project, name) for name in project.images} == known


@pytest.mark.parametrize("content", [b"", b"\xff", b"photos/c.png\t1\nphotos/d."])
def test_ticks_that_cannot_be_read_any_more_stay(content):
    folder = faults.make_folder()
    with Project.open(folder) as project:
        project.confirm("d.png", [])
        project.save()
        project.confirm("a.png", [label("ours")])
        (folder / STATES).write_bytes(content)
        known = {name: seen(project, name) for name in project.images}
    with Project.open(folder) as project:
        assert {name: seen(project, name) for name in project.images} == known


def test_an_empty_history_is_damaged(folder):
    (folder / META).touch()
    assert Project.open(folder, read_only=True).problems[0].startswith(f"{META}: scores and history are not readable")


def test_a_process_that_goes_to_another_folder_writes_where_it_was(folder, monkeypatch, tmp_path):
    (tmp_path / "elsewhere" / "photos").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with Project.open("photos") as project:
        project.confirm("page2.jpg", [label("a")])
        monkeypatch.chdir(tmp_path / "elsewhere")
        project.confirm("page10.jpg", [label("b")])
    assert [*(tmp_path / "elsewhere" / "photos").iterdir()] == []
    with Project.open(folder) as project:
        assert project.problems == [] and project.labels("page10.jpg") == [label("b")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "before", "record", "flag", "scores", "edits", "state", "entries", "page2.jpg"]),
            inner,
        )
    ),
    max_leaves=12,
)
BOMBS = [b"[" * 100_000, b'{"page2.jpg": ' * 100_000, b"\xff", b"1" * 5000, b'{"\\ud83d": {}}', b"NaN", b'{"a": NaN}']


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(
    st.one_of(JSON.map(lambda value: json.dumps(value).encode()), st.sampled_from(BOMBS)),
    st.sampled_from([META, JOURNAL]),
)
def test_whatever_stands_in_our_own_files_the_labels_are_read(folder, content, file):
    (folder / LABELS).write_text(join_row("photos/page2.jpg", [to_entry(label("kept"))]), "utf-8")
    (folder / STATES).write_text("photos/page2.jpg\t1\n")
    (folder / file).write_bytes(content + b"\n")
    with Project.open(folder) as project:
        assert [each.text for each in project.labels("page2.jpg")] == ["kept"]
        project.confirm("page10.jpg", [label("new")])
    with Project.open(folder) as project:
        assert [each.text for name in ("page2.jpg", "page10.jpg") for each in project.labels(name)] == ["kept", "new"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("edits", "x"),
        ("edits", -1),
        ("flag", 7),
        ("reviewer", "\ud83d"),
        ("entries", "oops"),
        ("scores", [["a", [], 1]]),
    ],
)
def test_a_wrong_field_costs_only_itself(folder, field, value):
    with Project.open(folder, reviewer="Ada") as project:
        project.confirm("page2.jpg", [label("a", 0.5)])
        project.flag("page2.jpg", "look")
    meta = json.loads((folder / META).read_text("utf-8"))
    meta["page2.jpg"][field] = value
    (folder / META).write_text(json.dumps(meta))
    with Project.open(folder) as project:
        (problem,) = project.problems
        assert problem.startswith(f"{META}, 'page2.jpg'")
        record = vars(project.history("page2.jpg"))
        expected = {"scores": [0.5], "reviewer": "Ada", "edits": 1, "flag": "look"}
        assert {key: record[key] for key in expected if key != field} == {
            k: v for k, v in expected.items() if k != field
        }
        project.confirm("page2.jpg")
    assert json.dumps(value).encode() in (folder / REJECTED).read_bytes()


def test_rejected_rows_of_any_encoding_are_added_to(folder):
    (folder / REJECTED).write_bytes("金额".encode("gbk"))
    (folder / LABELS).write_text("nonsense\n")
    with Project.open(folder) as project:
        project.confirm("page2.jpg")
    assert (folder / REJECTED).read_bytes().startswith("金额".encode("gbk") + b"\n# Label.txt, line 1")


# what can't be written


def test_texts_that_no_file_can_hold_are_refused_at_once(folder):
    half = "\ud83d"
    entry = to_entry(label("x")) | {"transcription": half}
    (folder / LABELS).write_text(join_row("photos/page10.jpg", [to_entry(label("a"))]))
    with (folder / LABELS).open("a") as file:
        file.write(f"photos/page2.jpg\t{json.dumps([entry])}\n")
    with Project.open(folder) as project:
        assert "transcription" in project.problems[0] and project.problems[0].isprintable()
        for refused in (
            lambda: project.confirm("page2.jpg", [label(half)]),
            lambda: project.propose("page2.jpg", [label("a", key_cls=half)]),
            lambda: project.propose("page2.jpg", [Label(np.array(CORNERS) * 1e300, "far away")]),
            lambda: project.flag("page2.jpg", half),
        ):
            with pytest.raises(ValueError):
                refused()
        assert seen(project, "page2.jpg") == ["new", [], ""]
        project.confirm("page2.jpg", [label("😀")])
    with pytest.raises(ValueError, match="reviewer"):
        Project.open(folder, reviewer=half)
    assert Project.open(folder, read_only=True).labels("page2.jpg") == [label("😀")]


def test_fields_of_other_programs_stay_or_are_refused(folder):
    further = {'quo"ted\n': {"deep": [1.5, None, "true"]}, "true": "false"}
    rows = [join_row(f"photos/{name}", [to_entry(label("a")) | further]) for name in ("page2.jpg", "page10.jpg")]
    (folder / LABELS).write_text(rows[0] + rows[1].replace("1.5", "[" * 900 + "]" * 900), "utf-8")
    with Project.open(folder) as project:
        assert len(project.problems) == 1 and "further field" in project.problems[0]
        project.confirm("page2.jpg")
    assert (folder / LABELS).read_text("utf-8") == rows[0]


@pytest.mark.parametrize(
    "name",
    ["a\tb.png", "a\nb.png", "a\rb.png", os.fsdecode("电表.png".encode("gbk"))],
)
def test_names_that_no_row_can_hold_are_refused_and_stop_nothing(folder, name):
    shutil.copy(folder / "page2.jpg", folder / name)
    with Project.open(folder) as project:
        assert len(project.problems) == 1 and project.problems[0].isprintable() and "rename it" in project.problems[0]
        assert project.history(name).flag == project.problems[0]
        for change in (project.confirm, project.reopen, lambda name: project.flag(name, "x")):
            with pytest.raises(ValueError, match="rename it"):
                change(name)
        assert len(project.annotate(Stub(0.5), progress=False)) == 3
        assert project.annotate(Stub(0.5), [name], progress=False) == []
    place = folder.rename(folder.with_name(name.removesuffix(".png")))
    with pytest.raises(ValueError, match="rename it"):
        Project.open(place)


@pytest.mark.parametrize(
    "name", ["images\\1.png", " a.png", "a\u2028b\x0b\x85.png", "\ufeffa.png", "true.png", "%41 '\".png", "1²3.png"]
)
def test_all_other_names_survive(folder, name):
    shutil.copy(folder / "page2.jpg", folder / name)
    shutil.copy(folder / "page2.jpg", folder / "1.png")
    with Project.open(folder) as project:
        project.confirm(name, [label("kept", 0.5)])
        project.confirm("1.png", [label("another")])
    with Project.open(folder) as project:
        assert project.problems == []
        assert (project.labels(name), project.labels("1.png")) == ([label("kept", 0.5)], [label("another")])


def test_names_are_found_as_other_systems_spell_them(folder):
    composed, apart = (unicodedata.normalize(form, "Zähler.png") for form in ("NFC", "NFD"))
    for name in (apart, "IMG_1.JPG", "both.png", "BOTH.png"):
        shutil.copy(folder / "page2.jpg", folder / name)
    keys = [f"photos/{composed}", "C:\\photos\\img_1.jpg", "photos/both.png", "photos/Both.png"]
    (folder / LABELS).write_text("".join(join_row(key, [to_entry(label(key))]) for key in keys), "utf-8")
    (folder / META).write_text(json.dumps({composed: {"flag": "look"}}))
    with Project.open(folder) as project:
        assert project.labels(apart) == [label(keys[0])] and project.history(apart).flag == "look"
        assert project.labels("IMG_1.JPG") == [label(keys[1])]
        assert project.labels("both.png") == [label(keys[2])] and project.labels("BOTH.png") == []
        assert project.problems == ["Label.txt, line 4: no image Both.png in the folder"]
        project.flag("page2.jpg", "look")
    assert f"photos/{apart}\t" in (folder / LABELS).read_text("utf-8")
    (folder / composed).write_bytes(b"")
    with Project.open(folder) as project:  # now both are there, and each has its own
        project.confirm(composed, [label("composed")])
    with Project.open(folder) as project:
        assert [project.labels(name)[0].text for name in (composed, apart)] == ["composed", keys[0]]


# where it can't be written


def test_links_in_the_place_of_our_own_files_are_refused(folder, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    for file in (JOURNAL, LOCK):
        (folder / file).unlink(missing_ok=True)
        (folder / file).symlink_to(victim)
        with pytest.raises(ValueError, match="is a link"):
            Project.open(folder)
        (folder / file).unlink()
    with Project.open(folder) as project:
        (folder / JOURNAL).symlink_to(victim)
        with pytest.raises(OSError):
            project.confirm("page2.jpg")
        assert project.state("page2.jpg") == "new"
    assert victim.read_text() == "untouched"


def test_a_folder_that_is_read_only_is_named_with_what_to_do(folder, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(RuntimeError, match="open it with read_only=True") as caught:
        Project.open(folder)
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    (folder / LOCK).mkdir()
    with pytest.raises(RuntimeError, match="open it with read_only=True"):
        Project.open(folder)
    assert len(Project.open(folder, read_only=True)) == 3


def test_labels_stay_as_private_as_they_were_and_links_stay_links(folder, tmp_path):
    target = tmp_path / "elsewhere.txt"
    target.write_text(join_row("photos/page2.jpg", [to_entry(label("old"))]))
    target.chmod(0o600)
    (folder / LABELS).symlink_to(target)
    with Project.open(folder) as project:
        project.confirm("page2.jpg", [label("new")])
        assert (folder / JOURNAL).stat().st_mode & 0o777 == 0o600
    assert "new" in target.read_text() and (folder / LABELS).is_symlink()
    for file in (f"{LABELS}.bak", META, STATES, LABELS):
        assert (folder / file).stat().st_mode & 0o777 == 0o600


# images that can't be read


def test_no_image_stops_a_run(folder):
    (folder / "empty.png").touch()
    (folder / "folder.png").mkdir()
    (folder / "link.png").symlink_to(folder / "gone")
    (folder / "cut.png").write_bytes((folder / "电 表.png").read_bytes()[:40])
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "deleted.png").write_bytes((folder / "电 表.png").read_bytes())
    with Project.open(folder) as project:
        (folder / "deleted.png").unlink()
        done = project.annotate(Stub(0.5), progress=False)
        assert done == ["page2.jpg", "page10.jpg", "电 表.png"]
        for name in set(project.images) - set(done):
            assert project.history(name).flag and project.state(name) == "new"


class Fails:
    """Fails on the images of these numbers, in the order in which it sees them."""

    def __init__(self, *numbers, error=None):
        self.numbers, self.error, self.calls = numbers, error or RuntimeError("no\nmemory \ud83d"), 0

    def predict(self, image):
        self.calls += 1
        if self.calls in self.numbers:
            raise self.error
        return Stub(0.5).predict(image)


def test_an_image_on_which_the_model_fails_is_passed_over_unless_it_always_fails(folder):
    with Project.open(folder) as project:
        assert project.annotate(Fails(1, 3), progress=False) == ["page10.jpg"]
        assert project.history("page2.jpg").flag == "the model failed: RuntimeError: no memory \\ud83d"
        assert project.history("电 表.png").flag
        for name in ("page2.jpg", "电 表.png"):
            project.flag(name, "")
        with pytest.raises(KeyboardInterrupt):
            project.annotate(Fails(1, error=KeyboardInterrupt()), progress=False)
        with pytest.raises(RuntimeError, match="memory"):
            project.annotate(Fails(1, 2, 3), project.images, progress=False)
        assert not project.history("page2.jpg").flag
