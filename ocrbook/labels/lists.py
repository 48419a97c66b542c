"""PaddleOCR's lists for training: pages with polygons for detection, crops with a text for recognition.

Format: https://www.paddleocr.ai/latest/en/datasets/ocr_datasets.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from ocrbook.files import write_atomically
from ocrbook.labels.files import one_line, relative, rows
from ocrbook.labels.ppocrlabel import join_row, read_rows, to_entry, to_label
from ocrbook.page import Page


def write_detection(path: str | Path, pages: Iterable[Page]) -> None:
    """Write `image, tab, [{"transcription", "points", ...}, ...]` for each page; images relative to the list.

    Lost: scores and fractions of pixels.
    """
    path = Path(path)
    content = [join_row(relative(page.image, path.parent), [to_entry(line) for line in page.lines]) for page in pages]
    write_atomically(path, "".join(content).encode())


def read_detection(path: str | Path) -> list[Page]:
    """Read a list of pages. Raises ValueError with file, line number and reason."""
    path = Path(path)
    return [
        Page((path.parent / key).as_posix(), [to_label(entry) for entry in entries]) for key, entries in read_rows(path)
    ]


def write_recognition(path: str | Path, samples: Iterable[tuple[str | Path, str]]) -> None:
    """Write `image, tab, text` for each sample; images relative to the list. Lost: tabs and line breaks in a text."""
    path = Path(path)
    content = [f"{relative(image, path.parent)}\t{one_line(text)}\n" for image, text in samples]
    write_atomically(path, "".join(content).encode())


def read_recognition(path: str | Path) -> list[tuple[Path, str]]:
    """Read a list of samples. A row may have several images in a JSON list, as PaddleOCR allows.

    Raises
    ------
    ValueError
        With file, line number and reason.
    """
    path = Path(path)
    samples = []
    for number, row in rows(path):
        image, tab, text = row.partition("\t")
        if not tab:
            raise ValueError(f"{path}, line {number}: no tab between the image and its text")
        samples += [(path.parent / name, text) for name in _images(image)]
    return samples


def _images(column: str) -> Sequence[str]:
    try:
        names = json.loads(column)
    except ValueError:
        return [column]
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else [column]
