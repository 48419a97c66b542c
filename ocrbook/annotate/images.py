"""Image files in a form that every browser shows."""

from __future__ import annotations

import cv2

from ocrbook.labels import Project

_MIME = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".bmp": "image/bmp"}


def encoded(project: Project, name: str) -> tuple[bytes, str]:
    """The bytes of an image and their MIME type: the file itself, or as PNG where browsers don't know its format.

    Browsers apply the EXIF orientation themselves, as `Project.read` does.

    Raises
    ------
    FileNotFoundError
        If there is no such image.
    ValueError
        If OpenCV has to convert it and can't read it.
    """
    path = project.path(name)
    if not path.is_file():
        raise FileNotFoundError(f"no image {name} in {project.folder}")
    mime = _MIME.get(path.suffix.lower())
    if mime is not None:
        return path.read_bytes(), mime
    return cv2.imencode(".png", project.read(name))[1].tobytes(), "image/png"
