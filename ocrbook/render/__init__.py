"""Drawing synthetic images with their truth, and spoiling them in a measured way."""

from ocrbook.render.degrade import DEGRADATIONS, degrade
from ocrbook.render.documents import FAMILIES, KINDS, render_document, render_family, render_line

__all__ = ["DEGRADATIONS", "FAMILIES", "KINDS", "degrade", "render_document", "render_family", "render_line"]
