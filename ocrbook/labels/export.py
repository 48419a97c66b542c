"""From a labels project to the lists that a training reads: crops for recognition, page lists, seeded splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ocrbook.crops import crop
from ocrbook.files import write_atomically
from ocrbook.labels.lint import LEFTOVERS
from ocrbook.labels.lists import write_detection, write_recognition
from ocrbook.labels.ppocrlabel import IGNORED, Label
from ocrbook.labels.project import Project
from ocrbook.page import Page


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
    """
    pages = [
        Page(
            project.path(name).as_posix(),
            [Label(each.points, "###" if _is_unread(each) else each.text) for each in project.labels(name)],
        )
        for name in _confirmed(project, names)
    ]
    write_detection(path, pages)
    return len(pages)


def export_recognition(project: Project, folder: str | Path, names: Sequence[str] | None = None) -> int:
    """Write a crop of each line, and `rec_gt.txt`: crop, tab, text.

    Crops are straightened, also those of polygons with many corners, and never turned: a single digit is higher than
    wide, and stays upright. Lines that are difficult, or that nobody has read, are left out.

    Returns the number of lines, of the confirmed images among `names`, or among all.
    """
    folder = Path(folder)
    (folder / "crops").mkdir(parents=True, exist_ok=True)
    samples = []
    for name in _confirmed(project, names):
        image = project.read(name)
        for number, label in enumerate(project.labels(name), 1):
            if _is_unread(label):
                continue
            file = folder / "crops" / f"{name}_{number}.png"
            cut = crop(image, label.points, turn_tall=False)
            write_atomically(file, cv2.imencode(".png", cut)[1].tobytes())
            samples.append((file, label.text))
    write_recognition(folder / "rec_gt.txt", samples)
    return len(samples)


def _confirmed(project: Project, names: Sequence[str] | None) -> list[str]:
    return [name for name in (project.images if names is None else names) if project.state(name) == "confirmed"]


def _is_unread(label: Label) -> bool:
    return label.difficult or not label.text.strip() or label.text in (*LEFTOVERS, *IGNORED)
