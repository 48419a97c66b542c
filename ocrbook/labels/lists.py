"""PaddleOCR's lists for training: pages with polygons for detection, crops with a text for recognition.

Images are named relative to the folder of the list, or to the folder above it.
Format: https://www.paddleocr.ai/latest/en/datasets/ocr_datasets.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ocrbook import strict_json
from ocrbook.files import write_atomically
from ocrbook.labels.checked import checked_label, checked_labels
from ocrbook.labels.files import Parsed, at, check_text, image_name, locate, one_line, rows
from ocrbook.labels.ppocrlabel import join_row, split_row, to_entry
from ocrbook.page import Page


def write_detection(path: str | Path, pages: Iterable[Page]) -> None:
    """Write `image, tab, [{"transcription", "points", ...}, ...]` for each page; images relative to the list.

    Lost: scores and fractions of pixels.

    Raises
    ------
    ValueError
        If a name or a label can't be held by a list; the message names it.
    """
    path = Path(path)
    content = [
        join_row(image_name(page.image, path.parent), [to_entry(label) for label in checked_labels(page)])
        for page in pages
    ]
    write_atomically(path, "".join(content).encode())


def read_detection(path: str | Path) -> Parsed[Page]:
    """Read a list of pages. Raises ValueError with file, line number and reason."""
    path = Path(path)
    pages: Parsed[Page] = Parsed()
    for number, row in rows(path):
        with at(f"{path}, line {number}"):
            key, entries = split_row(row)
            image = find(key, path) or path.parent / key
            pages.append(Page(image.as_posix(), [checked_label(entry) for entry in entries]))
    return pages


def write_recognition(path: str | Path, samples: Iterable[tuple[str | Path, str]]) -> None:
    """Write `image, tab, text` for each sample; images relative to the list. Lost: tabs and line breaks in a text.

    Raises
    ------
    ValueError
        If a name or a text can't be held by a list; the message names it.
    """
    path = Path(path)
    content = []
    for image, text in samples:
        name = image_name(image, path.parent)
        if image_names(name) != [name]:
            raise ValueError(f"{name!r} would be read as a list of images: rename the file")
        with at(name):
            check_text(text)
        content.append(f"{name}\t{one_line(text)}\n")
    write_atomically(path, "".join(content).encode())


def read_recognition(path: str | Path) -> Parsed[tuple[Path, str]]:
    """Read a list of samples. A row may have several images in a JSON list, as PaddleOCR allows.

    Raises
    ------
    ValueError
        With file, line number and reason.
    """
    path = Path(path)
    return Parsed((found, text) for _, found, text in numbered_samples(path))


def numbered_samples(path: Path) -> Iterator[tuple[int, Path, str]]:
    """Row, image and text of each sample of a list for recognition; raises as `read_recognition`."""
    for number, row in rows(path):
        with at(f"{path}, line {number}"):
            column, tab, text = row.partition("\t")
            if not tab:
                raise ValueError("no tab between the image and its text")
            for name in image_names(column):
                yield number, find(name, path) or path.parent / name, text


def image_names(column: str) -> Sequence[str]:
    """The images of a row: those of a JSON list, or the column as it is."""
    try:
        names = strict_json.parse(column)
    except ValueError:
        return [column]
    return names if isinstance(names, list) and names and all(isinstance(name, str) for name in names) else [column]


def find(name: str, path: Path) -> Path | None:
    """The image that a row of the list at `path` means; None if there is none. ValueError if the row names none."""
    if not name.strip():
        raise ValueError("no name of an image")
    folder = path.absolute().parent
    return locate(name, folder, folder.parent)
