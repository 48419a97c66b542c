"""Drawing synthetic images with their truth, and spoiling them in a measured way."""

from ocrbook.render.degrade import DEGRADATIONS, degrade
from ocrbook.render.documents import FAMILIES, KINDS, render_document, render_family, render_line
from ocrbook.render.packages import CODE_CHARACTERS, CODE_STYLES, render_code, render_package

__all__ = [
    "CODE_CHARACTERS",
    "CODE_STYLES",
    "DEGRADATIONS",
    "FAMILIES",
    "KINDS",
    "degrade",
    "render_code",
    "render_document",
    "render_family",
    "render_line",
    "render_package",
]
