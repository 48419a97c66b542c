"""The annotator as a widget. The module annotator.js draws and edits; its messages go to a `Session`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import anywidget
import traitlets

from ocrbook.annotate.edits import Recogniser
from ocrbook.annotate.session import Session
from ocrbook.annotate.standalone import MODULE, STYLE, framed, standalone
from ocrbook.labels import Project

EMBEDDED = 300_000
"""Bytes of images that are stored with a notebook, for readers who have no kernel."""


class Annotator(anywidget.AnyWidget):
    """The widget over a project; see `annotate`. Every change is in the project's journal before it is acknowledged.

    Attributes
    ----------
    session : Session
        Answers what the page asks for.

    Examples
    --------
    >>> from pathlib import Path
    >>> import cv2
    >>> from ocrbook.annotate import annotate
    >>> from ocrbook.labels import Project
    >>> from ocrbook.render import render_line
    >>> Path("photos").mkdir()
    >>> _ = cv2.imwrite("photos/a.png", render_line("1234")[0])
    >>> with Project.open("photos") as project:
    ...     print(annotate(project).current)
    a.png
    """

    _esm = MODULE
    _css = STYLE
    language = traitlets.Unicode("en").tag(sync=True)

    def __init__(self, project: Project, recogniser: Recogniser | None, classes: Sequence[str], language: str) -> None:
        super().__init__(language=language)
        self.session = Session(project, recogniser, classes, lambda content, buffers: self.send(content, buffers))
        self.handle = self.session.handle
        self.on_msg(self.answer)

    @property
    def current(self) -> str | None:
        """The image that is shown."""
        return self.session.current

    def answer(self, _: object, message: dict[str, Any], buffers: object) -> None:
        """Handle a message of the page, and tell the page what went wrong with it."""
        self.session.answer(message)

    def _repr_mimebundle_(self, **arguments: Any) -> tuple[dict, dict] | None:
        bundle = super()._repr_mimebundle_(**arguments)
        if bundle is None:
            return None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        project = self.session.project
        data = data | {"text/plain": f"Annotator: {len(project)} images in {project.folder.name}"}
        names, room = [], EMBEDDED
        for name in self.session.order:
            try:
                room -= project.path(name).stat().st_size
            except OSError:
                continue
            if room < 0:
                break
            names.append(name)
        if names:
            page = standalone(project, names, classes=self.session.classes, language=self.language)
            data = data | {"text/html": framed(page)}
        return data, metadata


def annotate(
    project: Project, recogniser: Recogniser | None = None, *, classes: Sequence[str] = (), language: str | None = None
) -> Annotator:
    """Show the annotator for a project; the last line of a cell is enough.

    In JupyterLab, and wherever else Jupyter widgets are shown, each change is stored at once. Where no kernel answers,
    such as in a book, the same editor runs in a frame on the first images, and its labels are downloaded. All that it
    does can be done with `Project` and the calls of `ocrbook.annotate`, too. Without Jupyter there is the command
    `ocrbook label`.

    Parameters
    ----------
    project : Project
        Must stay open while the widget is used.
    recogniser : TextRecognition, optional
        Reads single boxes again. `project.annotate(ocr)` makes the proposals for whole images.
    classes : sequence of str
        KIE classes to choose from; those that the project uses are added.
    language : "en" or "zh", optional
        Otherwise that of the environment variable OCRBOOK_LANGUAGE, which notebooks of the Chinese edition set, or
        English.

    Raises
    ------
    ValueError
        If the language is another one.

    Examples
    --------
    >>> from pathlib import Path
    >>> import cv2
    >>> from ocrbook.annotate import annotate
    >>> from ocrbook.labels import Project
    >>> from ocrbook.render import render_line
    >>> Path("photos").mkdir()
    >>> _ = cv2.imwrite("photos/a.png", render_line("1234")[0])
    >>> project = Project.open("photos", reviewer="Li")
    >>> widget = annotate(project, classes=["total"])
    >>> widget.session.classes
    ['total']
    >>> project.close()
    """
    language = language or os.environ.get("OCRBOOK_LANGUAGE") or "en"
    if language not in ("en", "zh"):
        raise ValueError(f'language must be "en" or "zh", got {language!r}')
    return Annotator(project, recogniser, classes, language)
