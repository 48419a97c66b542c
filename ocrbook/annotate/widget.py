"""The annotator as a widget. The module annotator.js draws and edits; here its messages meet the project."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import anywidget
import traitlets

from ocrbook.annotate.edits import Recogniser, recognise
from ocrbook.annotate.images import encoded
from ocrbook.annotate.standalone import MODULE, STYLE, framed, label_to_json, standalone
from ocrbook.labels import Label, Project
from ocrbook.labels.ppocrlabel import name_problem

EMBEDDED = 300_000
"""Bytes of images that are stored with a notebook, for readers who have no kernel."""


class Annotator(anywidget.AnyWidget):
    """The widget over a project; see `annotate`. Every change is in the project's journal before it is acknowledged.

    >>> import tempfile
    >>> with Project.open(tempfile.mkdtemp()) as project:
    ...     isinstance(annotate(project), Annotator)
    True
    """

    _esm = MODULE
    _css = STYLE
    language = traitlets.Unicode("en").tag(sync=True)

    def __init__(self, project: Project, recogniser: Recogniser | None, classes: Sequence[str], language: str) -> None:
        super().__init__(language=language)
        self.project = project
        self._recogniser = recogniser
        used = (entry.get("key_cls") for name in project.images for entry in project.history(name).entries)
        self.classes = list(dict.fromkeys([*classes, *(name for name in used if name not in (None, "None"))]))
        waiting = [name for name in project.queue() if not name_problem(name)]
        self._order = waiting + [name for name in project.images if project.state(name) == "confirmed"]
        self.current = self._order[0] if self._order else None
        self._saved = (0.0, 0.0)  # when, and how long it took
        self.on_msg(self.answer)

    def answer(self, _: object, message: dict[str, Any], buffers: object) -> None:
        """Handle a message of the page, and tell the page what went wrong with it."""
        try:
            self.handle(message)
        except Exception as error:  # a notebook would hide what a message handler raises
            self._reply(message, {"show": "error", "message": f"{type(error).__name__}: {error}"})

    def handle(self, message: dict[str, Any]) -> None:
        """Do what a message of the page asks for, and answer it."""
        kind, name = message["do"], message.get("name")
        if kind == "start":
            rows = [self._row(each) for each in self._order]
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
                self.project.flag(name, message["reason"])
            else:
                raise ValueError(f"unknown message {kind!r}")
            told = {"pending": message.get("pending"), "labels": message.get("labels")}
            self._reply(message, {"show": "image", "image": self._row(name)} | told)

    def _reply(self, message: dict[str, Any], content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Answer a message; all views of the widget hear it, and know by `view` which one had asked."""
        self.send(content | {"view": message.get("view")}, buffers)

    def _show(self, message: dict[str, Any], name: str) -> None:
        content, mime = encoded(self.project, name)
        page = {"name": name, "mime": mime, "state": self.project.state(name), "flag": self.project.history(name).flag}
        labels = [label_to_json(label) for label in self.project.labels(name)]
        self.current = name
        self._reply(message, {"show": "page", "labels": labels} | page, [content])

    def _row(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "state": self.project.state(name),
            "confidence": self.project.confidence(name),
            "flag": self.project.history(name).flag,
        }

    def _save_now_and_then(self) -> None:
        """Write PPOCRLabel's files, but spend no more than a twentieth of the time on it; the journal has the rest."""
        when, seconds = self._saved
        start = time.monotonic()
        if start - when > 20 * seconds:
            self.project.save()
            self._saved = (start, time.monotonic() - start)

    def _repr_mimebundle_(self, **arguments: Any) -> tuple[dict, dict] | None:
        bundle = super()._repr_mimebundle_(**arguments)
        if bundle is None:
            return None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = data | {"text/plain": f"Annotator: {len(self.project)} images in {self.project.folder.name}"}
        names, room = [], EMBEDDED
        for name in self._order:
            try:
                room -= self.project.path(name).stat().st_size
            except OSError:
                continue
            if room < 0:
                break
            names.append(name)
        if names:
            page = standalone(self.project, names, classes=self.classes, language=self.language)
            data = data | {"text/html": framed(page)}
        return data, metadata


def annotate(
    project: Project, recogniser: Recogniser | None = None, *, classes: Sequence[str] = (), language: str = "en"
) -> Annotator:
    """Show the annotator for a project; the last line of a cell is enough.

    In JupyterLab, and wherever else Jupyter widgets are shown, each change is stored at once. Where no kernel answers,
    such as in a book, the same editor runs in a frame on the first images, and its labels are downloaded. All that it
    does can be done with `Project` and the calls of `ocrbook.annotate`, too.

    Parameters
    ----------
    project : Project
        Must stay open while the widget is used.
    recogniser : TextRecognition, optional
        Reads single boxes again. `project.annotate(ocr)` makes the proposals for whole images.
    classes : sequence of str
        KIE classes to choose from; those that the project uses are added.
    language : "en" or "zh"

    Raises
    ------
    ValueError
        If the language is another one.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "a.png").touch()
    >>> with Project.open(folder) as project:
    ...     annotate(project).current
    'a.png'
    """
    if language not in ("en", "zh"):
        raise ValueError(f'language must be "en" or "zh", got {language!r}')
    return Annotator(project, recogniser, classes, language)


def _labels(message: dict[str, Any]) -> list[Label]:
    fields = ("points", "text", "score", "difficult", "key_cls")
    return [Label(**{field: label[field] for field in fields}) for label in message["labels"]]
