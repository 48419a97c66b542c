"""From a labels project to the lists that a training reads: crops for recognition, page lists, seeded splits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ocrbook.crops import crop
from ocrbook.folders import exchanged
from ocrbook.labels.files import refuse
from ocrbook.labels.lint import LEFTOVERS
from ocrbook.labels.lists import write_detection, write_recognition
from ocrbook.labels.ppocrlabel import IGNORED, Label
from ocrbook.labels.project import Project
from ocrbook.page import Page, TextLine


def is_unread(line: TextLine) -> bool:
    """Whether nobody can learn from what a line says: it is difficult or empty, or its text a mark, such as "###"."""
    label = Label.of(line)
    return label.difficult or not label.text.strip() or label.text.strip() in (*LEFTOVERS, *IGNORED)


def for_detection(line: TextLine) -> TextLine:
    """A line as a detector learns it: one that is unread gets the text "###", and counts neither way."""
    return TextLine(line.points, "###", line.score) if is_unread(line) else line


def cut(image: np.ndarray, line: TextLine) -> np.ndarray:
    """The crop of a line as a recogniser learns it: straightened, uint8 (H, W, 3).

    One with more than one character that is at least 1.5 times as high as wide is turned by 90 degrees, as PaddleOCR
    turns it before it reads it. A single character is higher than wide, and stays upright.
    """
    return crop(image, line.points, turn_tall=len(line.text.strip()) > 1)


def misplaced(line: TextLine, image: np.ndarray) -> str:
    """Why a line can't be where it is said to be on an image (H, W, 3); empty if it can."""
    height, width = image.shape[:2]
    left, top, right, bottom = line.box
    reach = max(width, height)
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return f"lies outside the image of {width} x {height}"
    if min(left, top) < -reach or right > width + reach or bottom > height + reach:
        return f"reaches far outside the image of {width} x {height}"
    return ""


def split(names: Sequence[str], shares: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0) -> list[list[str]]:
    """Divide images at random, so that all lines of a page end up in the same part.

    Parameters
    ----------
    names : sequence of str
    shares : sequence of float
        One for each part, positive; they are divided by their sum, so (60, 20, 20) is the same as (0.6, 0.2, 0.2).
    seed : int

    Returns
    -------
    list of lists, in the order of `names`. Each part has its share, rounded, and at least one image.

    Raises
    ------
    ValueError
        If a share is not positive, or there are fewer images than parts.

    Examples
    --------
    >>> [len(part) for part in split([f"{number}.jpg" for number in range(50)], (60, 20, 20))]
    [30, 10, 10]
    """
    weights = np.array(shares, float)
    if len(weights) == 0 or not (weights > 0).all():
        raise ValueError(f"shares must be positive, got {tuple(shares)}")
    if len(names) < len(weights):
        raise ValueError(f"{len(names)} images can't be divided into {len(weights)} parts")
    sizes = np.ones(len(weights), int)
    exact = weights / weights.sum() * len(names)
    for _ in range(len(names) - len(weights)):
        sizes[np.argmax(exact - sizes)] += 1  # to the part that lacks most
    order = np.random.default_rng(seed).permutation(len(names))
    parts = np.split(order, np.cumsum(sizes)[:-1])
    return [[names[i] for i in sorted(part)] for part in parts]


def export_detection(project: Project, path: str | Path, names: Sequence[str] | None = None) -> int:
    """Write PaddleOCR's list of pages: path of the image relative to the list, tab, labels.

    Labels that are marked as difficult, or that nobody has read, get the text "###": a detector is neither rewarded nor
    punished for them.

    Returns the number of pages: the confirmed ones among `names`, or among all images.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = cv2.imwrite(str(folder / "a.png"), np.zeros((20, 60, 3), np.uint8))
    >>> with Project.open(folder) as project:
    ...     project.confirm("a.png", [Label([[0, 0], [50, 0], [50, 10], [0, 10]], "A1")])
    ...     export_detection(project, folder / "det.txt")
    1
    """
    pages = [
        Page(project.path(name).as_posix(), [for_detection(label) for label in project.labels(name)])
        for name in _confirmed(project, names)
    ]
    write_detection(path, pages)
    return len(pages)


def export_recognition(project: Project, folder: str | Path, names: Sequence[str] | None = None) -> int:
    """Write a crop of each line, and `rec_gt.txt`: crop, tab, text. They are exchanged as one; see `ocrbook.folders`.

    Crops are straightened, also those of polygons with many corners; what is much higher than wide is turned, unless it
    is a single character: see `cut`. Lines that are difficult, or that nobody has read, are left out.

    Returns the number of lines, of the confirmed images among `names`, or among all.

    Raises
    ------
    ValueError
        If an image can't be read, or a label lies outside of it; all of them are listed, and nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = cv2.imwrite(str(folder / "a.png"), np.zeros((20, 60, 3), np.uint8))
    >>> with Project.open(folder) as project:
    ...     project.confirm("a.png", [Label([[0, 0], [50, 0], [50, 10], [0, 10]], "A1")])
    ...     export_recognition(project, folder / "rec")
    1
    >>> (folder / "rec" / "rec_gt.txt").read_text()
    'crops/a.png_1.png\\tA1\\n'
    """
    samples, problems = [], []
    with exchanged(folder, ("crops", "rec_gt.txt")) as draft:
        (draft / "crops").mkdir()
        for name in _confirmed(project, names):
            try:
                image = project.read(name)
            except (OSError, ValueError) as error:
                problems.append(str(error))
                continue
            for number, label in enumerate(project.labels(name), 1):
                if is_unread(label):
                    continue
                if reason := misplaced(label, image):
                    problems.append(f"{name}, label {number}: {reason}")
                    continue
                file = draft / "crops" / f"{name}_{number}.png"
                if len(os.fsencode(file.name)) > 255:
                    problems.append(f"{name}: too long a name for its crops: rename the file")
                    break
                file.write_bytes(cv2.imencode(".png", cut(image, label))[1].tobytes())
                samples.append((file, label.text))
        refuse(problems, "nothing was exported")
        write_recognition(draft / "rec_gt.txt", samples)
    return len(samples)


def _confirmed(project: Project, names: Sequence[str] | None) -> list[str]:
    return [name for name in (project.images if names is None else names) if project.state(name) == "confirmed"]
