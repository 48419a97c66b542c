"""What is known of an image that is being labelled, in the form that files can hold: memory and files can't differ."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from ocrbook.labels.ppocrlabel import check_entry, is_text

State = Literal["new", "proposed", "confirmed"]


@dataclass(frozen=True)
class Record:
    """What is known of an image: the entries of its row, scores in the same order, and its history."""

    state: State = "new"
    entries: list[dict] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    reviewer: str = ""
    changed: str = ""
    edits: int = 0
    flag: str = ""

    @property
    def parts(self) -> tuple[str, str, bool]:
        """Digests of the image's row in Label.txt and in Cache.cach, empty where it has none, and its tick."""
        confirmed = self.state == "confirmed"
        return (
            digest(self.entries if confirmed and self.entries else None),
            digest(self.entries if self.state == "proposed" else None),
            confirmed,
        )

    @property
    def labelled(self) -> Record:
        """The record without its flag, which is another matter than the labels."""
        return replace(self, flag="")

    def to_journal(self) -> dict:
        """All but the flag, which has rows of its own."""
        return {key: getattr(self, key) for key in _CHECKS if key != "flag"}

    @classmethod
    def from_journal(cls, value: object) -> Record:
        """Read what `to_journal` wrote; ValueError says what is wrong."""
        if not isinstance(value, dict) or value.keys() != _CHECKS.keys() - {"flag"}:
            raise ValueError("not a record")
        for key, each in value.items():
            if not _CHECKS[key](each):
                raise ValueError(f"{key} is not what it should be")
        for entry in value["entries"]:
            check_entry(entry)
        if len(value["entries"]) != len(value["scores"]) or (value["state"] == "new" and value["entries"]):
            raise ValueError("entries, scores and state do not fit together")
        return cls(**value)

    def to_meta(self) -> dict:
        """What PPOCRLabel's files have no place for; empty if there is nothing of that kind."""
        scores = []
        if any(score != 1 for score in self.scores):
            rows = zip(self.entries, self.scores, strict=True)
            scores = [[entry["transcription"], entry["points"], score] for entry, score in rows]
        meta = {"scores": scores} | {key: getattr(self, key) for key in _META}
        return meta if any(meta.values()) else {}

    def with_meta(self, meta: dict) -> Record:
        """The record with what `check_meta` has let pass; scores go to labels whose place and text are the same."""
        scores: dict[tuple, list[float]] = {}
        for text, points, score in meta.get("scores", []):
            scores.setdefault(identity({"transcription": text, "points": points}), []).append(score)
        found = [known.pop(0) if (known := scores.get(identity(entry))) else 1.0 for entry in self.entries]
        return replace(self, scores=found, **{key: value for key, value in meta.items() if key != "scores"})


_META = ("reviewer", "changed", "edits", "flag")


def _is_score(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


_CHECKS = {
    "state": lambda value: isinstance(value, str) and value in get_args(State),
    "entries": lambda value: isinstance(value, list),
    "scores": lambda value: isinstance(value, list) and all(map(_is_score, value)),
    "reviewer": is_text,
    "changed": is_text,
    "edits": lambda value: type(value) is int and 0 <= value < 2**53,
    "flag": is_text,
}


def check_meta(value: object) -> tuple[dict, list[str]]:
    """The fields of an image in labels_meta.json that are what they should be, and what is wrong with the others."""
    if not isinstance(value, dict):
        return {}, ["not an object"]
    known = {key: _CHECKS[key] for key in _META} | {"scores": lambda rows: isinstance(rows, list)}
    good = {key: each for key, each in value.items() if key in known and known[key](each)}
    wrong = [f"{key!a:.40} is not what it should be" for key in value if key not in good]
    if "scores" in good:
        sound = [row for row in good["scores"] if _is_scored(row)]
        wrong += ["a score is not what it should be"] if len(sound) < len(good["scores"]) else []
        good["scores"] = sound
    return good, wrong


def _is_scored(row: Any) -> bool:
    if not isinstance(row, list) or len(row) != 3 or not _is_score(row[2]):
        return False
    try:
        check_entry({"transcription": row[0], "points": row[1]})
    except ValueError:
        return False
    return True


def identity(entry: dict) -> tuple[str, str]:
    """Text and place: what makes a label the same as before."""
    return entry["transcription"], json.dumps(entry["points"])


def digest(entries: list[dict] | None) -> str:
    """Tells whether a row is the same as at another time; empty for no row."""
    if entries is None:
        return ""
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()[:16]
