"""What the annotator's page asks for, done on a project. A notebook's kernel and `ocrbook label` answer alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ocrbook.annotate.edits import Recogniser, recognise
from ocrbook.annotate.images import encoded
from ocrbook.annotate.standalone import label_to_json
from ocrbook.labels import Label, Project
from ocrbook.labels.ppocrlabel import check_entry, name_problem, to_label

Send = Callable[[dict[str, Any], list[bytes]], object]


class Session:
    """Answers the messages of annotators. Every change is in the project's journal before it is acknowledged.

    Parameters
    ----------
    project : Project
    recogniser : Recogniser, optional
        Reads single boxes again.
    classes : sequence of str
        KIE classes to choose from; those that the project uses are added.
    send : function of a message and a list of bytes
        Called with each answer. All views hear it, and know by its `view` which one had asked.
    """

    def __init__(self, project: Project, recogniser: Recogniser | None, classes: Sequence[str], send: Send) -> None:
        self.project = project
        self._recogniser, self._send = recogniser, send
        used = (entry.get("key_cls") for name in project.images for entry in project.history(name).entries)
        self.classes = list(dict.fromkeys([*classes, *(name for name in used if name not in (None, "None"))]))
        waiting = [name for name in project.queue() if not name_problem(name)]
        self.order = waiting + [name for name in project.images if project.state(name) == "confirmed"]
        self.current = self.order[0] if self.order else None
        self._saved = (0.0, 0.0)  # when, and how long it took

    def answer(self, message: dict[str, Any]) -> None:
        """Handle a message of the page, and tell the page what went wrong with it."""
        try:
            self.handle(message)
        except Exception as error:  # a notebook would hide what a message handler raises
            self._reply(message, {"show": "error", "message": f"{type(error).__name__}: {error}"})

    def handle(self, message: dict[str, Any]) -> None:
        """Do what a message of the page asks for, and answer it."""
        kind, name = message["do"], message.get("name")
        if kind == "start":
            rows = [self.row(each) for each in self.order]
            about = {"classes": self.classes, "can_read": self._recogniser is not None}
            self._reply(message, {"show": "project", "images": rows, "problems": self.project.problems} | about)
            if self.current is not None:
                self._show(message, self.current)
        elif kind == "open":
            self._save_now_and_then()
            self._show(message, name)
        elif kind == "read":
            boxes = [Label(points) for points in message["boxes"]]
            read = recognise(self._recogniser, self.project.read(name), boxes)
            result = {"texts": [label.text for label in read], "scores": [label.score for label in read]}
            self._reply(message, {"show": "texts", "name": name, "ids": message["ids"]} | result)
        else:
            if kind == "change" and self.project.state(name) != "confirmed":
                self.project.propose(name, _labels(message))
            elif kind in ("change", "confirm"):
                self.project.confirm(name, _labels(message))
            elif kind == "reopen":
                self.project.reopen(name)
            elif kind == "flag":
                self.project.flag(name, _text(message["reason"]))
            else:
                raise ValueError(f"unknown message {kind!r}")
            told = {"pending": message.get("pending"), "labels": message.get("labels")}
            self._reply(message, {"show": "image", "image": self.row(name)} | told)

    def row(self, name: str) -> dict[str, Any]:
        """An image in the page's list."""
        return {
            "name": name,
            "state": self.project.state(name),
            "confidence": self.project.confidence(name),
            "flag": self.project.history(name).flag,
        }

    def _reply(self, message: dict[str, Any], content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        self._send(content | {"view": message.get("view")}, buffers or [])

    def _show(self, message: dict[str, Any], name: str) -> None:
        if name not in self.project.images:
            raise FileNotFoundError(f"no image {name} in {self.project.folder}")
        try:
            (content, mime), problem = encoded(self.project, name), ""
        except (OSError, ValueError) as error:  # the page says so, and goes on to the next one
            content, mime, problem = b"", "image/png", str(error)
        page = {"name": name, "mime": mime, "state": self.project.state(name), "flag": self.project.history(name).flag}
        labels = [label_to_json(label) for label in self.project.labels(name)]
        self.current = name
        self._reply(message, {"show": "page", "labels": labels, "problem": problem} | page, [content])

    def _save_now_and_then(self) -> None:
        """Write PPOCRLabel's files, but spend no more than a twentieth of the time on it; the journal has the rest."""
        when, seconds = self._saved
        start = time.monotonic()
        if start - when > 20 * seconds:
            self.project.save()
            self._saved = (start, time.monotonic() - start)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value


def _labels(message: dict[str, Any]) -> list[Label]:
    """The labels of a message, as strictly as those of a file: ValueError says which one is wrong, and why."""
    labels = []
    for number, given in enumerate(message["labels"], 1):
        entry = {field: given[field] for field in ("points", "score", "difficult")} | {"transcription": given["text"]}
        if given["key_cls"] is not None:
            entry["key_cls"] = given["key_cls"]
        try:
            check_entry(entry)
        except ValueError as error:
            raise ValueError(f"label {number}: {error}") from None
        labels.append(to_label(entry))
    return labels
