"""Image files in a form that every browser shows."""

from __future__ import annotations

import cv2

from ocrbook import images
from ocrbook.labels import Project

_AS_IT_IS = {"JPEG": (), "PNG": (b"eXIf", b"acTL"), "WEBP": (b"EXIF", b"ANIM"), "BMP": ()}
"""Formats that browsers know, and the marks in a file that not all of them take the same way: turned, or moving."""


def encoded(project: Project, name: str) -> tuple[bytes, str]:
    """The bytes of an image and their MIME type: the file itself, or as PNG where browsers would show it otherwise.

    What is seen is what `Project.read` gives, so that labels stand where they were put.

    Raises
    ------
    FileNotFoundError
        If there is no such image.
    ValueError
        If it can't be read.
    """
    path = project.path(name)
    if not path.is_file():
        raise FileNotFoundError(f"no image {name} in {project.folder}")
    content = images.content_of(path)
    kind = images.header(content, name)[0]
    if kind in _AS_IT_IS and not any(mark in content for mark in _AS_IT_IS[kind]):
        return content, f"image/{kind.lower()}"
    return cv2.imencode(".png", images.decode(content, name))[1].tobytes(), "image/png"
