"""Label lists, read strictly: all that is wrong with them is found before a training starts.

Two kinds of list are understood, and told apart by their rows:
- lines: `image<TAB>text`, PaddleOCR's list for recognition and PPOCRLabel's `rec_gt.txt`;
- pages: `image<TAB>[{"transcription": ..., "points": ...}, ...]`, PaddleOCR's list for detection and PPOCRLabel's
  `Label.txt`.
Image paths are relative to the folder of the list, or to the folder above it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ocrbook import images
from ocrbook.crops import crop
from ocrbook.labels.files import rows
from ocrbook.labels.ppocrlabel import IGNORED, read_entries, to_label
from ocrbook.page import Page, TextLine

_SHOWN = 20  # problems listed in a message


class LabelError(ValueError):
    """Labels that can't be trained on. `problems` lists every one, as "file:row: what is wrong"."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        more = len(self.problems) - _SHOWN
        rest = [f"... and {more} more"] if more > 0 else []
        count = f"{len(self.problems)} problem{'s' * (len(self.problems) > 1)} in the labels"
        super().__init__("\n  ".join([f"{count}; nothing was trained:", *self.problems[:_SHOWN], *rest]))


@dataclass(frozen=True)
class LabelledImage:
    """An image (uint8 BGR), its lines, and the row of the list that it comes from."""

    image: np.ndarray
    lines: list[TextLine]
    origin: str


@dataclass
class Dataset:
    """Images with labels, and what was wrong with others."""

    samples: list[LabelledImage] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


Labels = str | Path | Sequence[str | Path]


def _rows(labels: Labels) -> Iterator[tuple[Path, int, str]]:
    for path in [labels] if isinstance(labels, str | Path) else labels:
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no label list at {path}")
        for number, row in rows(path):
            yield path, number, row


def _find(name: str, path: Path) -> Path | None:
    return next((found for base in (path.parent, path.parent.parent) if (found := base / name).is_file()), None)


def _page(label: str) -> list[TextLine] | None:
    """The lines of a row of a page list; None where the label is a plain text."""
    if not label.startswith("["):
        return None
    try:
        return [to_label(entry) for entry in read_entries(label)]
    except ValueError:
        if label.startswith("[{"):
            raise
        return None


def _read(labels: Labels, pages: bool) -> Dataset:
    data = Dataset()
    for path, number, row in _rows(labels):
        origin = f"{path.name}:{number}"
        name, tab, label = row.partition("\t")
        file = _find(name, path)
        try:
            if not tab:
                raise ValueError("no tab between the image and its label")
            if file is None:
                raise ValueError(f"no image {name} in {path.parent} or the folder above it")
            lines = _page(label)
            if pages and lines is None:
                raise ValueError("a text, but the training of a detector needs polygons: give a list of pages")
        except (ValueError, TypeError) as error:
            data.problems.append(f"{origin}: {error}")
            continue
        try:
            image = images.read(file)
        except images.ImageError as error:
            data.problems.append(f"{origin}: {error}")
            continue
        if pages:
            data.samples.append(LabelledImage(image, lines, origin))
        elif lines is None:
            height, width = image.shape[:2]
            whole = [[0, 0], [width, 0], [width, height], [0, height]]
            data.samples.append(LabelledImage(image, [TextLine(whole, label)], origin))
        else:
            data.samples += [
                LabelledImage(crop(image, line.points), [line], f"{origin}, line {index}")
                for index, line in enumerate(lines, 1)
                if line.text not in IGNORED
            ]
    return data


def read_pages(labels: Labels) -> list[LabelledImage]:
    """Pages for a detector.

    Raises
    ------
    LabelError
        If a row can't be used, or there is no row at all.
    FileNotFoundError
        If a list does not exist.
    """
    data = _read(labels, pages=True)
    for sample in data.samples:
        height, width = sample.image.shape[:2]
        for index, line in enumerate(sample.lines, 1):
            page = Page(lines=[line]).lines[0].box
            if page[2] <= 0 or page[3] <= 0 or page[0] >= width or page[1] >= height:
                data.problems.append(f"{sample.origin}, line {index}: lies outside the image of {width} x {height}")
    return _checked(data)


def read_lines(
    labels: Labels, characters: Sequence[str] | None = None, steps: int | None = None, height: int = 32
) -> list[LabelledImage]:
    """Single lines for a recogniser: whole images of a list of lines, crops of a list of pages.

    Parameters
    ----------
    labels : path or list of paths
    characters : sequence of str, optional
        The dictionary; a line with any other character (but the space) is a problem.
    steps : int, optional
        Pixels of width per time step of the network, at `height` pixels of height. A text that needs more steps than
        its image has is a problem: CTC has no path for it.

    Raises
    ------
    LabelError
        If a row can't be used, or there is no row at all.
    FileNotFoundError
        If a list does not exist.
    """
    data = _read(labels, pages=False)
    known = None if characters is None else {*characters, " "}
    for sample in data.samples:
        text = sample.lines[0].text
        if not text.strip():
            data.problems.append(f"{sample.origin}: the text is empty")
            continue
        unknown = sorted(set(text) - known) if known is not None else []
        if unknown:
            data.problems.append(f"{sample.origin}: not in the dictionary: {' '.join(unknown)}")
        if steps:
            need = len(text) + sum(a == b for a, b in itertools.pairwise(text))
            have = -(-sample.image.shape[1] * height // sample.image.shape[0]) // steps
            if need > have:
                data.problems.append(
                    f"{sample.origin}: {text!r} needs {need} time steps, its image of "
                    f"{sample.image.shape[1]} x {sample.image.shape[0]} pixels gives {have}"
                )
    return _checked(data)


def _checked(data: Dataset) -> list[LabelledImage]:
    if not data.samples and not data.problems:
        data.problems.append("no labelled image in the lists")
    if data.problems:
        raise LabelError(data.problems)
    return data.samples


def hold_out(
    samples: list[LabelledImage], validation: Labels | None, read: Callable[[Labels], list[LabelledImage]], seed: int
) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Training and held-out samples: those that `read` finds in `validation`, or a tenth of all, drawn with a seed."""
    if validation is not None:
        return samples, read(validation)
    kept, held = split(len(samples), 0.1, seed)
    return [samples[i] for i in kept], [samples[i] for i in held]


def split(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices for training and validation, at least one of each, drawn with a seed.

    Raises ValueError if there are fewer than two samples, or `share` is not between 0 and 1.
    """
    if count < 2 or not 0 < share < 1:
        raise ValueError(f"can't hold out a share of {share} of {count} samples: give a validation list")
    order = np.random.default_rng(seed).permutation(count)
    held = min(max(1, round(share * count)), count - 1)
    return np.sort(order[held:]), np.sort(order[:held])
