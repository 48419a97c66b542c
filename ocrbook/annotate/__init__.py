"""The annotator: an editor for the labels of a project, as a widget in a notebook, as a page of its own, and as
`ocrbook label`.
"""

from typing import TYPE_CHECKING, Any

from ocrbook.annotate.edits import duplicate, in_reading_order, move, recognise, to_rectangle
from ocrbook.annotate.standalone import standalone

if TYPE_CHECKING:
    from ocrbook.annotate.widget import Annotator, annotate

__all__ = [
    "Annotator",
    "annotate",
    "duplicate",
    "in_reading_order",
    "move",
    "recognise",
    "standalone",
    "to_rectangle",
]


def __getattr__(name: str) -> Any:
    """The widget, imported when it is asked for: `ocrbook label` needs no anywidget."""
    if name in ("Annotator", "annotate"):
        from ocrbook.annotate import widget

        return getattr(widget, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
