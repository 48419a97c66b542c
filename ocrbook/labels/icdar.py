"""ICDAR 2015: a text file for each image, `gt_<image>.txt`, with a row `x1,y1,x2,y2,x3,y3,x4,y4,text` for each line.

The format of the robust reading competition (https://rrc.cvc.uab.es/?ch=4&com=tasks), which many data sets share. It
knows quadrilaterals in whole pixels and nothing else: a text of "###" marks an illegible line.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ocrbook.crops import smallest_rectangle
from ocrbook.files import write_atomically
from ocrbook.labels.files import one_line, rows
from ocrbook.labels.ppocrlabel import Label
from ocrbook.labels.project import SUFFIXES
from ocrbook.page import Page

_ILLEGIBLE = "###"


def write(folder: str | Path, pages: Iterable[Page]) -> None:
    """Write a file for each page.

    Lost: fractions of pixels, KIE classes and scores, the text of difficult lines (it becomes "###"), tabs and line
    breaks (a space); polygons that don't have four corners become the smallest rectangle around them.

    Raises
    ------
    ValueError
        If two images would have the same file, such as 1.jpg and 1.png.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, str] = {}
    for page in pages:
        name = f"gt_{Path(page.image).stem}.txt"
        if name in files:
            raise ValueError(f"{files[name]} and {page.image} would both be {name}: rename one of them")
        files[name] = page.image
        write_atomically(folder / name, "".join(f"{_row(Label.of(line))}\n" for line in page.lines).encode())


def _row(label: Label) -> str:
    points = label.points if len(label.points) == 4 else smallest_rectangle(label.points)
    text = _ILLEGIBLE if label.difficult else one_line(label.text)
    return ",".join([*(str(int(value)) for value in np.rint(points).ravel()), text])


def read(folder: str | Path, images: str | Path | None = None) -> list[Page]:
    """Read the files of a folder, in the order of their names.

    Parameters
    ----------
    folder : str or Path
    images : str or Path, optional
        Where the images are; the same folder if None.

    Raises
    ------
    FileNotFoundError
        If a file has no image.
    ValueError
        If a row can't be read; the message names file, row and reason.
    """
    folder = Path(folder)
    places = {
        file.stem: file for file in sorted(Path(images or folder).iterdir()) if file.name.lower().endswith(SUFFIXES)
    }
    pages = []
    for path in sorted(folder.glob("gt_*.txt")):
        image = places.get(path.stem.removeprefix("gt_"))
        if image is None:
            raise FileNotFoundError(f"{path} has no image {path.stem.removeprefix('gt_')} in {images or folder}")
        page = Page(image.as_posix())
        for number, row in rows(path):
            page.lines.append(_read_row(row, f"{path}, line {number}"))
        pages.append(page)
    return pages


def _read_row(row: str, where: str) -> Label:
    *numbers, text = row.split(",", 8)
    if len(numbers) != 8:
        raise ValueError(f"{where}: {len(row.split(','))} columns, expected eight numbers and a text")
    try:
        points = np.array([int(number) for number in numbers]).reshape(4, 2)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return Label(points, text, difficult=text == _ILLEGIBLE)
