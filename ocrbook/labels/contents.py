"""What the files of a labels project say, image by image, and what in them can't be read.

What can't be read is kept as bytes. It never counts as "there is nothing": an image whose row is damaged, or whose
Label.txt is missing, is not confirmed, though it is ticked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ocrbook.labels.ppocrlabel import file_name, is_text, join_row, name_problem, split_row
from ocrbook.labels.record import Record, check_meta, digest
from ocrbook.names import Names

LABELS, CACHE, STATES, META = "Label.txt", "Cache.cach", "fileState.txt", "labels_meta.json"
FILES = (STATES, LABELS, CACHE, META)
"""In the order in which they are written: PPOCRLabel empties a Label.txt without states, so states come first."""


@dataclass
class Contents:
    """The rows of the files.

    Attributes
    ----------
    rows : dict of file to dict of image to entries, for Label.txt and Cache.cach
    ticked : set of str
    meta : dict of image to checked fields
    unsure : set of str
        Images with a row that can't be read.
    incomplete : bool
        Whether there is no Label.txt, or it has rows of which nobody knows what image they belong to: then a tick
        without a row does not say that there is no text.
    problems : list of str
    rejected : list of (reason, bytes)
        What can't be read, or is not used.
    """

    rows: dict[str, dict[str, list[dict]]] = field(default_factory=lambda: {LABELS: {}, CACHE: {}})
    ticked: set[str] = field(default_factory=set)
    meta: dict[str, dict] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    incomplete: bool = False
    problems: list[str] = field(default_factory=list)
    rejected: list[tuple[str, bytes]] = field(default_factory=list)

    @classmethod
    def of(cls, records: Mapping[str, Record]) -> Contents:
        """What the files are to say."""
        contents = cls()
        for name, record in records.items():
            if record.state == "confirmed":
                contents.ticked.add(name)
                if record.entries:
                    contents.rows[LABELS][name] = record.entries
            elif record.state == "proposed":
                contents.rows[CACHE][name] = record.entries
            if meta := record.to_meta():
                contents.meta[name] = meta
        return contents

    def encoded(self, folder: str, order: Iterable[str]) -> dict[str, bytes]:
        """The files, with the rows of images in this order."""
        texts = {
            file: "".join(join_row(f"{folder}/{name}", rows[name]) for name in order if name in rows)
            for file, rows in self.rows.items()
        }
        texts[STATES] = "".join(f"{folder}/{name}\t1\n" for name in order if name in self.ticked)
        meta = {name: self.meta[name] for name in order if name in self.meta}
        texts[META] = json.dumps(meta, ensure_ascii=False, indent=0)
        return {file: texts[file].encode() for file in FILES}

    def take(self, file: str, other: Contents) -> None:
        """Replace what one of the files says."""
        if file in self.rows:
            self.rows[file] = other.rows[file]
        elif file == STATES:
            self.ticked = other.ticked
        else:
            self.meta = other.meta
        self.unsure = set() if file == LABELS else self.unsure
        self.incomplete = False if file == LABELS else self.incomplete

    @property
    def names(self) -> list[str]:
        """All images that a row is about, whether they are in the folder or not."""
        return list(dict.fromkeys([*self.rows[LABELS], *self.rows[CACHE], *sorted(self.ticked), *self.meta]))

    def is_unsure(self, name: str) -> bool:
        """Whether nobody can tell what Label.txt says of an image."""
        if name in self.rows[LABELS]:
            return False
        return name in self.unsure or (name in self.ticked and (self.incomplete or name in self.rows[CACHE]))

    def record(self, name: str) -> Record:
        """What the files say of an image."""
        if (entries := self.rows[LABELS].get(name)) is not None:
            record = Record("confirmed", entries)
        elif name in self.ticked and not self.is_unsure(name):
            record = Record("confirmed")
        elif (entries := self.rows[CACHE].get(name)) is not None:
            record = Record("proposed", entries)
        else:
            record = Record()
        return record.with_meta(self.meta.get(name, {}))

    def parts(self, name: str) -> tuple[str, str, bool]:
        """As `Record.parts`, of what the files hold."""
        return *(digest(rows.get(name)) for rows in self.rows.values()), name in self.ticked

    def reject(self, where: str, reason: object, content: bytes) -> None:
        """Name a problem, and keep what it is about."""
        self.problems.append(f"{where}: {reason}")
        self.rejected.append((f"{where}: {reason}", content))


def read(files: Mapping[str, bytes | None], images: Iterable[str], known: Contents | None = None) -> Contents:
    """What the files say; None for one that is not there. `known` stays where ticks or meta are damaged.

    Raises
    ------
    ValueError
        If a file was saved in another encoding; it names file and row, and says what to do.
    """
    known = known or Contents()
    contents, images = Contents(incomplete=files[LABELS] is None), set(images)
    rows = {file: _rows(file, files[file] or b"") for file in (LABELS, CACHE, STATES)}
    for file in (LABELS, CACHE):
        _read_labels(file, rows[file], images, contents)
    find = _finder([row.key for row in rows[STATES]], images)
    for row in rows[STATES]:
        if row.damage or not row.tab or name_problem(find(row.key)):
            contents.reject(row.where, row.damage or "not a path, a tab and 1", row.raw)
        else:
            contents.ticked.add(find(row.key))
    if len(contents.ticked) < len(rows[STATES]) or not rows[STATES]:  # damaged, or cut off
        contents.ticked |= known.ticked
    # a row of an image that is neither here nor ticked: its name may be what is damaged
    contents.incomplete |= not contents.rows[LABELS].keys() <= images | contents.ticked
    if (meta := files[META]) is not None:
        _read_meta(meta, images, contents, known.meta)
    return contents


def _read_labels(file: str, rows: list[_Row], images: set[str], contents: Contents) -> None:
    known, find = contents.rows[file], _finder([row.key for row in rows], images)
    origins: dict[str, _Row] = {}
    for row in rows:
        name = find(row.key) if row.tab and not name_problem(file_name(row.key)) else ""
        try:
            if row.damage:
                raise ValueError(row.damage)
            entries = split_row(row.text)[1]
            if problem := name_problem(name):
                raise ValueError(problem)
        except ValueError as error:
            contents.reject(row.where, error, row.raw)
            if name:
                contents.unsure.add(name)
            elif file == LABELS:
                contents.incomplete = True
            continue
        if name in known:
            contents.reject(origins[name].where, f"replaced by {row.where.split(', ')[1]}", origins[name].raw)
        known[name], origins[name] = entries, row
        if name not in images:
            contents.problems.append(f"{row.where}: no image {name} in the folder")


def _read_meta(content: bytes, images: set[str], contents: Contents, known: Mapping[str, dict]) -> None:
    try:
        meta = json.loads(content.decode("utf-8-sig"))  # not strictly: one odd number must not cost all history
        if not isinstance(meta, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError) as error:
        consequence = "what was known of them stays" if known else "they are lost"
        contents.reject(META, f"scores and history are not readable, {consequence}: {error}", content)
        contents.meta = dict(known)
        return
    damage, find = [], _finder(meta, images)
    for name, value in meta.items():
        problem = name_problem(name)
        fields, wrong = ({}, [problem]) if problem else check_meta(value)
        damage += [f"{META}, {name!a:.80}: {reason}" for reason in wrong]
        if not problem:
            contents.meta[find(name)] = known.get(find(name), fields) if wrong else fields
    if damage:
        contents.meta = {**known, **contents.meta}
        contents.problems += damage
        contents.rejected.append((damage[0], content))


def _finder(keys: Iterable[str], images: set[str]) -> Callable[[str], str]:
    """A function from a key of a file to the image that it means.

    The folder in a key may be any: folders get moved, and there are absolute paths. An image that another key of the
    file names exactly is not looked for under other spellings.
    """

    def exact(key: str) -> str | None:
        return next((name for name in (key.rpartition("/")[2], file_name(key)) if name in images), None)

    named, spelled = {exact(key) for key in keys}, Names(images)
    found: dict[str, str] = {}

    def find(key: str) -> str:
        if key not in found and (name := exact(key)):
            found[key] = name
        elif key not in found:
            other = spelled.match(file_name(key))
            found[key] = file_name(key) if other is None or other in named else other
        return found[key]

    return find


@dataclass
class _Row:
    where: str
    text: str
    raw: bytes
    damage: str = ""

    def __post_init__(self) -> None:
        self.key, self.tab, _ = self.text.partition("\t")


def _rows(file: str, content: bytes) -> list[_Row]:
    """The rows that are not blank. Those that are not UTF-8 say so; their text has surrogates instead."""
    content = _as_utf8(file, content)
    rows = []
    for number, raw in enumerate(content.split(b"\n"), 1):
        if raw.strip():
            text = raw.decode(errors="surrogateescape").rstrip("\r")
            rows.append(_Row(f"{file}, line {number}", text, raw))
            if not raw.isascii() and not is_text(text):
                rows[-1].damage = "not UTF-8"
    foreign = [row.where for row in rows if row.damage and re.fullmatch(rb"[^\t]+\t(\[.*\]|1)\s*", row.raw)]
    others = any(not row.raw.isascii() for row in rows if not row.damage)
    if foreign and not others and (len(foreign) > 1 or len(foreign) == len(rows)):
        raise ValueError(
            f"{foreign[0]}: not UTF-8, but sound otherwise, so the file was saved in another encoding: "
            "save it as UTF-8, and open the folder again; nothing was changed"
        )
    return rows


def _as_utf8(file: str, content: bytes) -> bytes:
    """The content without a byte order mark; what Windows calls Unicode is UTF-16, with one or without."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16").encode()
        except ValueError:
            raise ValueError(
                f"{file}, line 1: begins like UTF-16, but is damaged: save it as UTF-8, and open the folder again; "
                "nothing was changed"
            ) from None
    if b"\0" in content:
        for encoding in ("utf-16-le", "utf-16-be"):
            try:
                text = content.decode(encoding)
            except ValueError:
                continue
            if all(_is_sound(row.rstrip("\r")) for row in text.split("\n") if row.strip()):
                return text.encode()
    return content.removeprefix(b"\xef\xbb\xbf")


def _is_sound(row: str) -> bool:
    """Whether this is a row of one of the files."""
    if re.fullmatch(r"[^\t]+\t1\s*", row):
        return True
    try:
        split_row(row.rstrip("\r"))
    except ValueError:
        return False
    return True
