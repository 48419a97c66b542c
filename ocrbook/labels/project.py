"""A folder of images and its labels, in the files of PPOCRLabel, and what those files can't hold.

Beside PPOCRLabel's three files stand `labels_meta.json` (scores, reviewer, times, number of edits) and, while somebody
works, `labels_journal.jsonl`: each change is appended there and flushed to disk before the call returns, so a killed
program loses at most the change in flight. `save` writes the changes into the files and removes the journal.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, Protocol

import filelock
import numpy as np
from tqdm import tqdm

from ocrbook import images
from ocrbook.files import write_atomically
from ocrbook.labels.ppocrlabel import Label, check_entry, file_name, join_row, split_row, to_entry, to_label
from ocrbook.page import Page, TextLine

State = Literal["new", "proposed", "confirmed"]


class Reader(Protocol):
    """What `Project.annotate` needs of PaddleOCR."""

    def predict(self, image: np.ndarray) -> Sequence[Mapping[str, Any]]:
        """Results for an image."""


SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")
LABELS, CACHE, STATES = "Label.txt", "Cache.cach", "fileState.txt"
META, JOURNAL, LOCK, REJECTED = "labels_meta.json", "labels_journal.jsonl", ".labels.lock", "labels_rejected.txt"


@dataclass
class Record:
    """What is known of an image: the entries of its row, scores in the same order, and its history."""

    state: State = "new"
    entries: list[dict] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    reviewer: str = ""
    changed: str = ""
    edits: int = 0
    flag: str = ""

    def digest(self) -> str:
        """Tells whether state and entries are the same as at another time."""
        return hashlib.sha256(json.dumps([self.state, self.entries], sort_keys=True).encode()).hexdigest()[:16]


class Project:
    """A folder of images that are being labelled. Make it with `open`; use it in a `with` block, or call `close`.

    Attributes
    ----------
    folder : Path
    images : list of str
        File names, in the order in which people count: page2 before page10.
    problems : list of str
        What could not be read: "file, line number: reason". Such rows are kept in `labels_rejected.txt`.
    """

    def __init__(self, folder: Path, reviewer: str, lock: filelock.BaseFileLock | None) -> None:
        self.folder, self.reviewer, self._lock = folder, reviewer, lock
        self.images = sorted(
            (entry.name for entry in os.scandir(folder) if entry.name.lower().endswith(SUFFIXES)), key=_counting_order
        )
        self.problems: list[str] = []
        self._rejected: list[tuple[str, str]] = []
        self._records: dict[str, Record] = {name: Record() for name in self.images}
        with _without_collection():
            self._read()
        self._replay()
        if lock is not None:
            self.save()  # what a killed program has left

    @classmethod
    def open(cls, folder: str | Path, *, reviewer: str = "", read_only: bool = False) -> Project:
        """Open a folder, whoever made it: PPOCRLabel, this class, or somebody who only put images there.

        Raises
        ------
        NotADirectoryError
            If there is no such folder.
        RuntimeError
            If another program has it open, unless `read_only`.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise NotADirectoryError(f"no folder at {folder}")
        if read_only:
            return cls(folder, reviewer, None)
        lock = filelock.FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise RuntimeError(
                f"{folder} is open in another program: close it there, or open it here with read_only=True"
            ) from None
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
        """State, reviewer, time of the last change (UTC), number of edits and flag of an image."""
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
        self._set(name, Record(**vars(record) | {"flag": reason}))

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
        the images that have a proposal now. An image that can't be read is flagged with the reason, and passed over.
        """
        wanted = self.images if names is None else names
        states = ("new",) if names is None else ("new", "proposed")
        waiting = [
            name for name in wanted if self.state(name) in states and not (names is None and self.history(name).flag)
        ]
        done = []
        for name in tqdm(waiting, desc="proposals", disable=not progress):
            try:
                image = self.read(name)
            except ValueError as error:
                self.flag(name, str(error))
                continue
            self.propose(name, Page.from_paddle(ocr.predict(image)[0]).lines)
            done.append(name)
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
        old = self._record(name)
        known = {_identity(entry): entry for entry in old.entries}
        entries = [to_entry(line) for line in lines]
        record = Record(
            state,
            # what another program has written into an entry stays as long as place and text stay
            [known.get(_identity(entry), {}) | entry for entry in entries],
            [round(line.score, 4) for line in lines],
            self.reviewer,
            datetime.now(timezone.utc).isoformat(timespec="seconds"),
            old.edits + 1,
            old.flag,
        )
        self._set(name, record)

    def _set(self, name: str, record: Record) -> None:
        if self._lock is None:
            raise RuntimeError(f"{self.folder} was opened with read_only=True")
        before = self._record(name).digest()
        self._log({"name": name, "before": before, "record": vars(record)})
        self._records[name] = record

    def _log(self, entry: dict) -> None:
        with (self.folder / JOURNAL).open("ab") as file:
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def save(self) -> None:
        """Write all changes into PPOCRLabel's files; the previous Label.txt becomes Label.txt.bak."""
        if not (self.folder / JOURNAL).is_file():
            return
        self._log({"saving": True})  # from here on the journal is right, whatever the files say
        self._keep_rejected()
        folder = self.folder.resolve().name
        rows: dict[str, list[str]] = {LABELS: [], CACHE: [], STATES: []}
        for name, record in self._records.items():
            key = f"{folder}/{name}"
            if record.state == "confirmed":
                rows[STATES].append(f"{key}\t1\n")
            if record.entries:
                rows[LABELS if record.state == "confirmed" else CACHE].append(join_row(key, record.entries))
        labels = self.folder / LABELS
        if labels.is_file():
            write_atomically(self.folder / f"{LABELS}.bak", labels.read_bytes())
        for file in (STATES, LABELS, CACHE):  # PPOCRLabel empties a Label.txt without states: so states first
            write_atomically(self.folder / file, "".join(rows[file]).encode())
        meta = {name: _meta_of(record) for name, record in self._records.items() if record.edits or record.flag}
        write_atomically(self.folder / META, json.dumps(meta, ensure_ascii=False, indent=0).encode())
        (self.folder / JOURNAL).unlink()

    def close(self) -> None:
        """Save, and let others open the folder."""
        if self._lock is not None:
            self.save()
            self._lock.release()
            self._lock = None

    # reading

    def _record(self, name: str) -> Record:
        if name not in self._records:
            raise KeyError(f"no image {name} in {self.folder}")
        return self._records[name]

    def _reject(self, where: str, reason: object, row: str) -> None:
        self.problems.append(f"{where}: {reason}")
        self._rejected.append((f"{where}: {reason}", row))

    def _rows(self, file: str) -> Iterator[tuple[str, str]]:
        path = self.folder / file
        if path.is_file():
            for number, row in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
                where = f"{file}, line {number}"
                try:
                    text = row.decode().rstrip("\r")
                except UnicodeDecodeError as error:
                    self._reject(where, f"not UTF-8: {error.reason}", row.decode(errors="backslashreplace"))
                    continue
                if text.strip():
                    yield where, text

    def _read(self) -> None:
        found: dict[str, dict[str, list[dict]]] = {LABELS: {}, CACHE: {}}
        for file, known in found.items():
            origins: dict[str, tuple[str, str]] = {}
            for where, row in self._rows(file):
                try:
                    key, entries = split_row(row)
                except ValueError as error:
                    self._reject(where, error, row)
                    continue
                name = file_name(key)
                if name in known:
                    self._reject(origins[name][0], f"replaced by {where.split(', ')[1]}", origins[name][1])
                known[name], origins[name] = entries, (where, row)
                if name not in self._records:
                    self.problems.append(f"{where}: no image {name} in the folder")
        states = {file_name(row.partition("\t")[0]) for _, row in self._rows(STATES)}
        for name in [*self._records, *(n for known in found.values() for n in known if n not in self._records)]:
            if name in states or name in found[LABELS]:
                self._records[name] = _read_record("confirmed", found[LABELS].get(name, []))
            elif name in found[CACHE]:
                self._records[name] = _read_record("proposed", found[CACHE][name])
        self._read_meta()

    def _read_meta(self) -> None:
        path = self.folder / META
        try:
            meta = json.loads(path.read_text("utf-8")) if path.is_file() else {}
            for name, each in meta.items():
                if (record := self._records.get(name)) is not None:
                    scores = {(text, json.dumps(points)): score for text, points, score in each.pop("scores")}
                    record.scores = [scores.get(_identity(entry), 1.0) for entry in record.entries]
                    for key, value in each.items():
                        setattr(record, key, value)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            self._reject(
                META, f"not readable, scores and history are lost: {error}", path.read_text("utf-8", "replace")
            )

    def _replay(self) -> None:
        path = self.folder / JOURNAL
        if not path.is_file():
            return
        chains: dict[str, list[Record]] = {}
        accepted: dict[str, set[str]] = {}
        ours = False
        for row in path.read_bytes().split(b"\n"):
            try:
                entry = json.loads(row)
                if entry.get("saving"):
                    ours = True
                    continue
                name, record = entry["name"], Record(**entry["record"])
                for each in record.entries:
                    check_entry(each)
            except (ValueError, KeyError, TypeError):
                continue  # the change that was in flight when the program was killed
            chains.setdefault(name, []).append(record)
            accepted.setdefault(name, {entry["before"]}).add(record.digest())
        for name, records in chains.items():
            current = self._records.get(name, Record())
            if ours or current.digest() in accepted[name]:
                self._records[name] = records[-1]
            else:
                row = join_row(name, records[-1].entries).rstrip("\n")
                self._reject(f"{JOURNAL}, {name}", "not applied: another program has changed the labels since", row)

    def _keep_rejected(self) -> None:
        if self._rejected:
            path = self.folder / REJECTED
            kept = path.read_text("utf-8") if path.is_file() else ""
            kept += "".join(f"# {reason}\n{row}\n" for reason, row in self._rejected)
            write_atomically(path, kept.encode())
            self._rejected = []


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


def _read_record(state: State, entries: list[dict]) -> Record:
    return Record(state, entries, [1.0] * len(entries))


def _meta_of(record: Record) -> dict:
    scores = [
        [entry["transcription"], entry["points"], score]
        for entry, score in zip(record.entries, record.scores, strict=True)
        if score != 1
    ]
    kept = ("reviewer", "changed", "edits", "flag")
    return {"scores": scores} | {key: getattr(record, key) for key in kept}


def _identity(entry: dict) -> tuple[str, str]:
    return entry["transcription"], json.dumps(entry["points"])


def _counting_order(name: str) -> tuple:
    parts = re.split(r"(\d+)", name.lower())
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts), name
