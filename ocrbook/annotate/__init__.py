"""The annotator: an editor for the labels of a project, as a widget in a notebook and as a page of its own."""

from ocrbook.annotate.edits import duplicate, in_reading_order, move, recognise, to_rectangle
from ocrbook.annotate.standalone import standalone
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
