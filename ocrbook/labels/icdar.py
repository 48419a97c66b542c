"""ICDAR: a text file for each image, `gt_<image>.txt`, with a row for each line.

The formats of the robust reading competition (https://rrc.cvc.uab.es), which many data sets share. That of 2015 has
`x1,y1,x2,y2,x3,y3,x4,y4,text`; it knows quadrilaterals in whole pixels and nothing else, and a text of "###" marks an
illegible line. MLT (2017, 2019) has the name of a script before the text. 2013 has boxes, `left, top, right, bottom,
"text"`, also with blanks instead of commas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ocrbook.crops import smallest_rectangle
from ocrbook.files import write_atomically
from ocrbook.labels.checked import checked_label, checked_labels
from ocrbook.labels.files import Parsed, at, image_name, one_line, rows
from ocrbook.labels.ppocrlabel import Label
from ocrbook.labels.project import SUFFIXES
from ocrbook.names import match
from ocrbook.page import Page

_ILLEGIBLE = "###"
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_QUOTED_BOX = re.compile(r"\s*" + r'([^",\s]+)(?:\s*,\s*|\s+)' * 4 + r'"(.*)"\s*')
_FILE = re.compile(r"gt_.*\.txt", re.I | re.S)
_SCRIPT = re.compile("(Arabic|Latin|Chinese|Japanese|Korean|Bangla|Hindi|Symbols|Mixed|None),")


def write(folder: str | Path, pages: Iterable[Page]) -> None:
    """Write a file in the format of 2015 for each page.

    Lost: fractions of pixels, KIE classes and scores, the text of difficult lines (it becomes "###"), tabs and line
    breaks (a space); polygons that don't have four corners become the smallest rectangle around them.

    Raises
    ------
    ValueError
        If two images would have the same file, such as 1.jpg and 1.png, or a name or a label can't be held by a file.
    """
    folder = Path(folder)
    files: dict[str, tuple[str, list[str]]] = {}
    for page in pages:
        name = f"gt_{Path(image_name(page.image, folder)).stem}.txt"
        if name in files:
            raise ValueError(f"{files[name][0]} and {page.image} would both be {name}: rename one of them")
        labels = checked_labels(page)
        if labels and all(_SCRIPT.match(_text(label)) for label in labels):
            raise ValueError(f"{page.image}: all texts begin like 'Latin,', and would be read as those of MLT")
        files[name] = page.image, [_row(label) for label in labels]
    folder.mkdir(parents=True, exist_ok=True)
    for name, (_, content) in files.items():
        write_atomically(folder / name, "".join(f"{row}\n" for row in content).encode())


def _text(label: Label) -> str:
    return _ILLEGIBLE if label.difficult else one_line(label.text)


def _row(label: Label) -> str:
    points = label.points if len(label.points) == 4 else smallest_rectangle(label.points)
    return ",".join([*(str(int(value)) for value in np.rint(points).ravel()), _text(label)])


def read(folder: str | Path, images: str | Path | None = None) -> Parsed[Page]:
    """Read the files of a folder, in the order of their names.

    A file is one of MLT if the text of each of its rows begins with the name of a script and a comma.

    Parameters
    ----------
    folder : str or Path
    images : str or Path, optional
        Where the images are; the same folder if None.

    Returns
    -------
    Parsed list of Page. `passed_over` counts the columns with a "script".

    Raises
    ------
    FileNotFoundError
        If a file has no image.
    ValueError
        If a row can't be read, or two images have the name that a file means; the message says where and why.
    """
    folder = Path(folder)
    places: dict[str, Path] = {}
    twins = set()
    for file in sorted(Path(images or folder).iterdir()):
        if file.name.lower().endswith(SUFFIXES):
            twins.update({file.stem} & places.keys())
            places[file.stem] = file
    pages: Parsed[Page] = Parsed()
    for path in sorted(path for path in folder.iterdir() if _FILE.fullmatch(path.name)):
        wanted = path.stem[3:]
        stem = match(wanted, places)
        if stem is None:
            raise FileNotFoundError(f"{path} has no image {wanted} in {images or folder}")
        if stem in twins:
            raise ValueError(f"{path} may mean more than one image {stem} in {images or folder}: rename one of them")
        found = []
        for number, row in rows(path):
            with at(f"{path}, line {number}"):
                points, text = _columns(row)
                found.append((number, points, text))
        scripts = bool(found) and all(_SCRIPT.match(text) for _, _, text in found)
        page = Page(places[stem].as_posix())
        for number, points, text in found:
            with at(f"{path}, line {number}"):
                if len(points) != len(found[0][1]):
                    raise ValueError(f"{len(points)} numbers, but the first row has {len(found[0][1])}")
                page.lines.append(_label(points, text.partition(",")[2] if scripts else text))
        pages.append(page)
        pages.passed_over.update(["script"] * (scripts * len(found)))
    return pages


def _columns(row: str) -> tuple[list[float], str]:
    """The numbers of a row, eight or four, and what follows."""
    quoted = _QUOTED_BOX.fullmatch(row)
    if quoted and all(_NUMBER.fullmatch(column) for column in quoted.groups()[:4]):
        return [float(column) for column in quoted.groups()[:4]], re.sub(r"\\(.)", r"\1", quoted[5])
    columns = row.split(",")
    numeric = next((index for index, each in enumerate(columns) if not _NUMBER.fullmatch(each)), len(columns))
    # a box may have a number for its text; with more columns that is a row of eight that lacks something
    count = 8 if len(columns) > 8 and numeric >= 8 else 4 if numeric == 4 or len(columns) == 5 == numeric else 0
    if not count or len(columns) == count:
        raise ValueError(
            f"{len(columns)} columns, {numeric} of them numbers; expected eight numbers, or four, and a text"
        )
    return [float(column) for column in columns[:count]], ",".join(columns[count:])


def _label(numbers: list[float], text: str) -> Label:
    if len(numbers) == 4:
        left, top, right, bottom = numbers
        if right < left or bottom < top:
            raise ValueError(f"{numbers} is not left, top, right, bottom")
        numbers = [left, top, right, top, right, bottom, left, bottom]
    points = [numbers[i : i + 2] for i in range(0, 8, 2)]
    return checked_label({"transcription": text, "points": points, "difficult": text.strip() == _ILLEGIBLE})
