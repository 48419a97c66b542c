"""A folder of images and its labels, in the files of PPOCRLabel, and what those files can't hold.

Beside PPOCRLabel's three files stand `labels_meta.json` (scores, reviewer, times, number of edits) and, while somebody
works, `labels_journal.jsonl`: each change is appended there and flushed to disk before the call returns, so a killed
program loses at most the change in flight. `save` writes the changes into the files and removes the journal.

PPOCRLabel knows no lock, and git neither: what they change in the files while a project is open is taken over when it
is saved, image by image. Where both have changed an image, the files get what was acknowledged here, and what the other
program wrote is kept in `labels_rejected.txt`; after a kill it is the other way round, since whoever wrote into the
files then came later. Either way `problems` says so.
"""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

import filelock
import numpy as np
from tqdm import tqdm

from ocrbook import images
from ocrbook.files import flush_folder, write_atomically
from ocrbook.labels.contents import FILES, LABELS, META, STATES, Contents, read
from ocrbook.labels.journal import Journal
from ocrbook.labels.ppocrlabel import Label, is_text, join_row, name_problem, to_entry, to_label
from ocrbook.labels.record import Record, State, identity
from ocrbook.names import Names
from ocrbook.page import Page, TextLine


class Reader(Protocol):
    """What `Project.annotate` needs of PaddleOCR."""

    def predict(self, image: np.ndarray) -> Sequence[Mapping[str, Any]]:
        """Results for an image."""


SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
JOURNAL, LOCK, REJECTED = "labels_journal.jsonl", ".labels.lock", "labels_rejected.txt"

_FAILURES = 3
"""So many images in a row, from the first on, on which a model fails: then it is the model, and not the images."""


class Project:
    """A folder of images that are being labelled. Make it with `open`; use it in a `with` block, or call `close`.

    Attributes
    ----------
    folder : Path
    images : list of str
        File names, in the order in which people count: page2 before page10.
    problems : list of str
        What could not be read, "file, line number: reason", and where another program changed the same image. Such
        rows are kept in `labels_rejected.txt`, byte for byte.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "a.png").touch()
    >>> with Project.open(folder, reviewer="Lin") as project:
    ...     project.confirm("a.png", [Label([[0, 0], [9, 0], [9, 5], [0, 5]], "Hi")])
    >>> with Project.open(folder, read_only=True) as project:
    ...     project.state("a.png"), [label.text for label in project.labels("a.png")]
    ('confirmed', ['Hi'])
    """

    def __init__(self, folder: Path, reviewer: str, lock: filelock.BaseFileLock | None) -> None:
        self.folder, self.reviewer, self._lock, self._process = folder, reviewer, lock, os.getpid()
        self._home = folder.absolute()  # where the files are, wherever the process goes
        self.images = sorted(
            (entry.name for entry in os.scandir(folder) if entry.name.lower().endswith(SUFFIXES)), key=_counting_order
        )
        self.problems: list[str] = []
        self._rejected: list[tuple[str, bytes]] = []  # what save is to keep
        self._refused = {name: problem for name in self.images if (problem := name_problem(name))}
        self._read_files = self._file_contents()
        self._draft: tuple[Contents, dict[str, bytes]] = Contents(), {}  # what was written last, or was to be
        self._journal = Journal(self._home / JOURNAL, self._home / LABELS)
        with _without_collection():
            self._contents = read(self._read_files, self._nameable)
            self._records = {name: self._contents.record(name) for name in [*self.images, *self._contents.names]}
        self._unsaved = False
        self._report(self._contents)
        replayed = self._replay()
        self._report_unsure(self._contents, replayed)
        for name, problem in self._refused.items():
            self.problems.append(problem)
            self._records[name] = Record(flag=problem)
        if lock is None:
            self._unsaved = False  # that is for those who may write
        self.save()  # what a killed program has left

    @classmethod
    def open(cls, folder: str | Path, *, reviewer: str = "", read_only: bool = False) -> Project:
        """Open a folder, whoever made it: PPOCRLabel, this class, or somebody who only put images there.

        Raises
        ------
        NotADirectoryError
            If there is no such folder.
        RuntimeError
            If another program has it open, or nothing can be written there, unless `read_only`.
        ValueError
            If a label file was saved in another encoding than UTF-8 or UTF-16, the reviewer's or the folder's name
            can't be written, or the journal or the lock is a link.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise NotADirectoryError(f"no folder at {folder}")
        if not is_text(reviewer):
            raise ValueError(f"the reviewer's name {reviewer!a} is not a text in UTF-8")
        if read_only:
            return cls(folder, reviewer, None)
        if problem := name_problem(folder.resolve().name):
            raise ValueError(problem)
        lock = _lock(folder)
        try:
            return cls(folder, reviewer, lock)
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self.images)

    # what is there

    def state(self, name: str) -> State:
        """`new`, `proposed` (by a model or a person, in Cache.cach) or `confirmed` (in Label.txt)."""
        return self._record(name).state

    def labels(self, name: str) -> list[Label]:
        """The labels of an image, with their scores."""
        record = self._record(name)
        return [to_label(entry | {"score": score}) for entry, score in zip(record.entries, record.scores, strict=True)]

    def history(self, name: str) -> Record:
        """State, reviewer, time of the last change (UTC), number of edits and flag of an image.

        An image whose name can't stand in a label file has the reason as its flag; it can't be changed.
        """
        return self._record(name)

    def path(self, name: str) -> Path:
        """The image file."""
        return self.folder / name

    def read(self, name: str) -> np.ndarray:
        """The image, uint8 (H, W, 3) BGR, turned as its EXIF orientation says.

        Raises ocrbook.images.ImageError (a ValueError) if it can't be read.
        """
        return images.read(self.path(name))

    def pages(self, *states: State) -> Iterator[Page]:
        """Images with their labels, as pages; of the states given, or all that are confirmed."""
        for name in self.images:
            if self.state(name) in (states or ("confirmed",)):
                yield Page(self.path(name).as_posix(), list(self.labels(name)))

    # changes

    def propose(self, name: str, lines: Sequence[TextLine]) -> None:
        """Set the labels of an image without confirming them."""
        self._change(name, "proposed", lines)

    def confirm(self, name: str, lines: Sequence[TextLine] | None = None) -> None:
        """Confirm the labels of an image: these, or those that it has. No labels mean that there is no text."""
        self._change(name, "confirmed", self.labels(name) if lines is None else lines)

    def reopen(self, name: str) -> None:
        """Take back a confirmation; the labels stay, as a proposal."""
        self._change(name, "proposed", self.labels(name))

    def flag(self, name: str, reason: str) -> None:
        """Put a note on an image, for whoever looks next; an empty reason takes it away."""
        record = self._record(name)
        if not is_text(reason):
            raise ValueError(f"the reason {reason!a} is not a text in UTF-8")
        self._set(name, replace(record, flag=reason), {"name": name, "flag": reason})

    # work on many images

    def annotate(self, ocr: Reader, names: Sequence[str] | None = None, *, progress: bool = True) -> list[str]:
        """Let a model propose labels for images that have none yet; called again, it goes on where it was.

        Parameters
        ----------
        ocr : PaddleOCR, or any object whose `predict(image)` returns a list with one result of that kind
        names : sequence of str, optional
            These images only, and again where they have a proposal; confirmed images are never touched.

        Returns
        -------
        the images that have a proposal now. An image that can't be read, or on which the model fails, is flagged with
        the reason, and passed over.

        Raises
        ------
        Exception
            What the model raises, if it does so for each of the first three images: then it is not their fault.
        """
        wanted = self.images if names is None else names
        states = ("new",) if names is None else ("new", "proposed")
        waiting = [
            name for name in wanted if self.state(name) in states and not (names is None and self.history(name).flag)
        ]
        done: list[str] = []
        failed: list[tuple[str, str]] = []
        for name in tqdm(waiting, desc="proposals", disable=not progress):
            if name in self._refused:
                continue
            try:
                image = self.read(name)
            except (OSError, ValueError) as error:
                self.flag(name, _in_a_line(error))
                continue
            try:
                record = self._changed(name, "proposed", Page.from_paddle(ocr.predict(image)[0]).lines)
            except Exception as error:  # whatever a model raises
                failed.append((name, _in_a_line(f"the model failed: {type(error).__name__}: {error}")))
                if not done and len(failed) == _FAILURES:
                    raise
                continue
            self._set_labels(name, record)
            done.append(name)
        for name, reason in failed:
            self.flag(name, reason)
        return done

    def confidence(self, name: str) -> float:
        """The score of an image's least certain line; 0 for an image without lines, since nobody knows why."""
        return min(self._record(name).scores, default=0.0)

    def queue(self) -> list[str]:
        """Images that wait for a person, the least certain first: there a minute of work changes most."""
        waiting = [name for name in self.images if self.state(name) != "confirmed"]
        return sorted(waiting, key=lambda name: (self.state(name) == "new", self.confidence(name)))

    def accept(self, above: float) -> list[str]:
        """Confirm all proposals in which every line has a score of `above` or more; returns their names.

        Raises ValueError unless `above` is within 0 and 1.
        """
        if not 0 < above <= 1:
            raise ValueError(f"above must be within 0 and 1, got {above}")
        sure = [name for name in self.images if self.state(name) == "proposed" and self.confidence(name) >= above]
        for name in sure:
            self.confirm(name)
        return sure

    def _change(self, name: str, state: State, lines: Sequence[TextLine]) -> None:
        self._set_labels(name, self._changed(name, state, lines))

    def _changed(self, name: str, state: State, lines: Sequence[TextLine]) -> Record:
        """The record with other labels; ValueError if these can't be written."""
        old, lines = self._record(name), list(lines)
        known = {identity(entry): entry for entry in old.entries}
        entries = [to_entry(line) for line in lines]
        return Record(
            state,
            # what another program has written into an entry stays as long as place and text stay
            [known.get(identity(entry), {}) | entry for entry in entries],
            [round(line.score, 4) for line in lines],
            self.reviewer,
            datetime.now(timezone.utc).isoformat(timespec="seconds"),
            old.edits + 1,
            old.flag,
        )

    def _set_labels(self, name: str, record: Record) -> None:
        before = self._contents.parts(name)
        self._set(name, record, {"name": name, "before": before, "record": record.to_journal()})

    def _set(self, name: str, record: Record, row: dict) -> None:
        """Acknowledge a change: first in the journal, then in memory."""
        self._check_owner()
        if name in self._refused:
            raise ValueError(self._refused[name])
        if not self._journal.is_whole:
            self.problems.append(f"{JOURNAL}: somebody has removed it; all changes are saved")
            self.save()
        self._journal.append(row)
        self._records[name] = record
        self._unsaved = True

    def _check_owner(self) -> None:
        if self._lock is None:
            raise RuntimeError(f"{self.folder} was opened with read_only=True, or is closed")
        if os.getpid() != self._process:
            raise RuntimeError(f"{self.folder} was opened by another process, of which this one is a copy")

    def save(self) -> None:
        """Write all changes into PPOCRLabel's files; the previous Label.txt becomes Label.txt.bak.

        What other programs have changed there since is taken over. If a file can't be written, the error is raised, and
        the changes stay in the journal.
        """
        if not self._unsaved:
            return
        self._check_owner()
        self._take_over()
        self._keep_rejected()
        if (labels := self._read_files[LABELS]) is not None:
            write_atomically(self._home / f"{LABELS}.bak", labels, like=self._home / LABELS, flush=False)
        contents = Contents.of({name: each for name, each in self._records.items() if name not in self._refused})
        self._draft = contents, contents.encoded(self._home.resolve().name, self._records)
        for file in FILES:
            write_atomically(self._home / file, self._draft[1][file], like=self._home / LABELS, flush=False)
            self._is_written(file)
        flush_folder(self._home)
        self._journal.remove()
        self._unsaved = False

    def _is_written(self, file: str) -> None:
        """What was to be written is what the file says."""
        contents, encoded = self._draft
        self._read_files[file] = encoded[file]
        self._contents.take(file, contents)

    def close(self) -> None:
        """Save, and let others open the folder; also if it can't be saved: then the journal has the changes."""
        if self._lock is not None and os.getpid() == self._process:
            try:
                self.save()
            finally:
                self._lock.release()
                self._lock = None

    # reading

    def _record(self, name: str) -> Record:
        if name not in self._records:
            raise KeyError(f"no image {name} in {self.folder}")
        return self._records[name]

    @property
    def _nameable(self) -> list[str]:
        return [name for name in self.images if name not in self._refused]

    def _file_contents(self) -> dict[str, bytes | None]:
        """The files' bytes; None for one that is not there."""
        contents: dict[str, bytes | None] = {}
        for file in FILES:
            try:
                contents[file] = (self._home / file).read_bytes()
            except FileNotFoundError:
                contents[file] = None
        return contents

    def _report(self, contents: Contents) -> None:
        self.problems += [problem for problem in contents.problems if problem not in self.problems]
        self._rejected += contents.rejected

    def _reject(self, where: str, reason: str, content: bytes) -> None:
        self.problems.append(f"{where}: {reason}")
        self._rejected.append((f"{where}: {reason}", content))

    def _report_unsure(self, contents: Contents, known: Iterable[str]) -> None:
        for name in sorted(contents.ticked - set(known)):
            if contents.is_unsure(name):
                self.problems.append(f"{STATES}: {name} is ticked, but no row of {LABELS} says with what labels")

    def _replay(self) -> Iterable[str]:
        """Apply the journal of a killed program; returns the images that it was about."""
        changes: dict[str, list[tuple[tuple, Record]]] = {}
        flags: dict[str, str] = {}
        find, number = Names(self._nameable), 0
        for number, row, content in self._journal:
            try:
                name, change = _read_change(content)
            except ValueError as error:
                self._reject(f"{JOURNAL}, line {number}", str(error), row)
                continue
            name = find.match(name) or name
            if isinstance(change, str):
                flags[name] = change
            else:
                changes.setdefault(name, []).append(change)
        for name, chain in changes.items():
            last, parts = chain[-1][1], self._contents.parts(name)
            held = [each for before, record in chain for each in (before, record.parts)]
            if self._contents.is_unsure(name) or _is_mix(parts, held):
                self._records[name] = replace(last, flag=self._records.get(name, last).flag)
            else:
                reason = "not applied: another program has changed the labels since"
                self._reject(f"{JOURNAL}, {name}", reason, _row(name, last))
        for name, flag in flags.items():
            self._records[name] = replace(self._records.get(name, Record()), flag=flag)
        self._unsaved = number > 0
        return changes

    def _take_over(self) -> None:
        """Merge what other programs have written into the files since they were read or written here."""
        files = self._file_contents()
        for file, content in files.items():
            if content is None and self._read_files[file] is not None:  # an accident says nothing of any image
                self.problems.append(f"{file}: somebody has removed it; it is written again")
                files[file] = self._read_files[file]
            elif content is not None and content == self._draft[1].get(file):  # by a save that failed after it
                self._is_written(file)
        if files == self._read_files:
            return
        with _without_collection():
            theirs, base = read(files, self._nameable, self._contents), self._contents
        self._report(theirs)
        self._report_unsure(theirs, ())
        self._read_files, self._contents = files, theirs
        for name in dict.fromkeys([*self._records, *theirs.names, *base.names]):
            if name not in self._refused and not theirs.is_unsure(name):
                ours = self._records.get(name, Record())
                held = [base.parts(name), ours.parts]
                self._records[name] = self._merged(name, base.record(name), ours, theirs.record(name), held)

    def _merged(self, name: str, base: Record, ours: Record, theirs: Record, held: list[tuple]) -> Record:
        """An image's record of three: as it was in the files, as it is here, and as it is in the files now."""
        flag = theirs.flag if ours.flag == base.flag else ours.flag
        if theirs.flag not in (flag, base.flag):
            self._reject(f"{META}, {name}", "flagged by another program, too", theirs.flag.encode())
        labels = ours
        if theirs.labelled != base.labelled:
            if ours.labelled == base.labelled:
                labels = theirs
                if base.entries and not theirs.entries:  # a page without text, or a file that was cut off?
                    labels = replace(base, state="proposed")
                    self.problems.append(f"{name}: another program has removed the labels; they are a proposal now")
            elif theirs.labelled != ours.labelled and not _is_mix(self._contents.parts(name), held):
                self._reject(f"{LABELS}, {name}", "another program has changed the labels, too", _row(name, theirs))
        return replace(labels, flag=flag)

    def _keep_rejected(self) -> None:
        if self._rejected:
            path = self._home / REJECTED
            kept = path.read_bytes() if path.exists() else b""
            new = b"".join(b"# %s\n%s\n" % (_printable(reason).encode(), row) for reason, row in self._rejected)
            if not kept.endswith(new):  # a save that was killed has kept them
                kept += b"\n" if kept[-1:] not in (b"", b"\n") else b""
                write_atomically(path, kept + new, like=self._home / LABELS, flush=False)
            self._rejected = []


def _lock(folder: Path) -> filelock.BaseFileLock:
    if (folder / LOCK).is_symlink():
        raise ValueError(f"{folder / LOCK} is a link, and would be written through: remove it")
    lock = filelock.FileLock(folder / LOCK)
    reason = ""
    try:
        if not os.access(folder, os.W_OK):
            reason = "it is read-only"
        else:
            lock.acquire(timeout=0)
    except filelock.Timeout:
        raise RuntimeError(
            f"{folder} is open in another program: close it there, or open it here with read_only=True"
        ) from None
    except OSError as error:
        reason = f"{LOCK}: {error.strerror or error}"
    if reason:
        raise RuntimeError(f"nothing can be written in {folder} ({reason}): open it with read_only=True")
    return lock


def _read_change(content: object) -> tuple[str, str | tuple[tuple, Record]]:
    """Image and flag, or image and (what the files held, record), of a row of the journal."""
    if isinstance(content, ValueError):
        raise content
    if not isinstance(content, dict) or not isinstance(name := content.get("name"), str):
        raise ValueError("not a change of an image")
    if problem := name_problem(name):
        raise ValueError(problem)
    if content.keys() == {"name", "flag"} and is_text(content["flag"]):
        return name, content["flag"]
    before = content.get("before")
    if not isinstance(before, list) or [type(part) for part in before] != [str, str, bool]:
        raise ValueError("nobody knows what the files held before")
    return name, (tuple(before), Record.from_journal(content.get("record")))


def _is_mix(parts: tuple, held: list[tuple]) -> bool:
    """Whether each file holds what it has held of an image, or was to hold: killed saves leave such mixes."""
    return all(part in allowed for part, allowed in zip(parts, zip(*held, strict=True), strict=True))


def _row(name: str, record: Record) -> bytes:
    return join_row(name, record.entries).rstrip("\n").encode()


def _in_a_line(reason: object) -> str:
    """A reason that fits into a flag."""
    return _printable(" ".join(str(reason).split())[:300])


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


@contextmanager
def _without_collection() -> Iterator[None]:
    """Reading makes a million small objects that all stay; looking for garbage among them takes longer than reading."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _counting_order(name: str) -> tuple:
    parts = re.split(r"(\d+)", name.lower())
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts), name
