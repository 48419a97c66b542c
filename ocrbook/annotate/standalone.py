"""The annotator without a kernel: the same module in a page that nothing else is needed for."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path

from ocrbook.annotate.images import encoded
from ocrbook.labels import Label, Project

HERE = Path(__file__).parent
MODULE = HERE / "annotator.js"
STYLE = HERE / "annotator.css"


def label_to_json(label: Label) -> dict:
    """A label as the annotator's module knows it."""
    return {
        "points": label.points.tolist(),
        "text": label.text,
        "score": label.score,
        "difficult": label.difficult,
        "key_cls": label.key_cls,
    }


def standalone(project: Project, names: Sequence[str], *, classes: Sequence[str] = (), language: str = "en") -> str:
    """An HTML page with the annotator, these images and their labels.

    It needs neither a kernel nor a network. Work is kept in the page until it is downloaded as PPOCRLabel's three
    files, which the same page, PPOCRLabel and `Project` read.

    Parameters
    ----------
    project : Project
    names : sequence of str
        Images to take along; they become part of the page. One that can't be read is left out.
    classes : sequence of str
        KIE classes to choose from; none if empty.
    language : "en" or "zh"

    Examples
    --------
    >>> import tempfile
    >>> with Project.open(tempfile.mkdtemp()) as project:
    ...     standalone(project, [])[:31]
    '<!doctype html><html lang="en">'
    """
    images = []
    for name in names:
        try:
            content, mime = encoded(project, name)
        except (OSError, ValueError):
            continue
        images.append(
            {
                "name": name,
                "mime": mime,
                "data": base64.b64encode(content).decode(),
                "state": project.state(name),
                "flag": project.history(name).flag,
                "labels": [label_to_json(label) for label in project.labels(name)],
            }
        )
    data = {
        "folder": project.folder.resolve().name,
        "images": images,
        "classes": list(classes),
        "language": language,
    }
    script = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{html.escape(data["folder"])}</title>'
        f'<style>{STYLE.read_text("utf-8")}</style><body class="oa-alone"><script type="module">'
        f"{MODULE.read_text('utf-8')}\nstart(new Offline({script}), document.body);</script></body></html>"
    )


def framed(page: str, height: int = 620) -> str:
    """A page in a frame that may run scripts and start downloads, and can reach nothing around it."""
    return (
        f'<iframe sandbox="allow-scripts allow-downloads" srcdoc="{html.escape(page)}" title="annotator" '
        f'style="width: 100%; height: {height}px; border: 0"></iframe>'
    )
