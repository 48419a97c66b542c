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

import cv2
import numpy as np

from ocrbook import images
from ocrbook.labels.checked import checked_label
from ocrbook.labels.export import cut, for_detection, is_unread, misplaced
from ocrbook.labels.files import listing, one_line, rows
from ocrbook.labels.lists import find, image_names
from ocrbook.labels.ppocrlabel import Label, read_entries
from ocrbook.page import TextLine


class LabelError(ValueError):
    r"""Labels that can't be trained on. `problems` lists every one, as "file:row: what is wrong".

    Examples
    --------
    >>> from pathlib import Path
    >>> from ocrbook.train import LabelError, train_recognizer
    >>> _ = Path("list.txt").write_text("gone.png\t1234\n", "utf-8")
    >>> try:
    ...     train_recognizer("list.txt", "model")
    ... except LabelError as error:
    ...     print([problem.partition(": ")[0] for problem in error.problems])
    ['list.txt:1']
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__(listing(self.problems, "nothing was trained"))


@dataclass(frozen=True)
class LabelledImage:
    """An image (uint8 BGR), its lines, the row of the list that it comes from, and the number of that row in all lists,
    which the lines of a page share."""

    image: np.ndarray
    lines: list[TextLine]
    origin: str
    page: int


@dataclass
class Dataset:
    """Images with labels, and what was wrong with others."""

    samples: list[LabelledImage] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


Labels = str | Path | Sequence[str | Path]


def _rows(labels: Labels, problems: list[str]) -> Iterator[tuple[Path, str, str]]:
    """List, origin and content of each row; what can't be read becomes a problem."""
    for path in [labels] if isinstance(labels, str | Path) else labels:
        path = Path(path)
        if not path.exists():
            raise FileNotFoundError(f"no label list at {path}")
        unreadable = lambda number, reason, name=path.name: problems.append(f"{name}:{number}: {reason}")  # noqa: E731
        try:
            for number, row in rows(path, unreadable):
                yield path, f"{path.name}:{number}", row
        except ValueError as error:
            problems.append(str(error))


def _page(label: str) -> list[Label] | None:
    """The lines of a row of a page list; None where the label is a plain text."""
    if not label.startswith("["):
        return None
    try:
        return [checked_label(entry) for entry in read_entries(label)]
    except ValueError:
        if label.startswith("[{"):
            raise
        return None


def _read(labels: Labels, pages: bool) -> Dataset:
    data = Dataset()
    for number, (path, origin, row) in enumerate(_rows(labels, data.problems)):
        column, tab, label = row.partition("\t")
        try:
            if not tab:
                raise ValueError("no tab between the image and its label")
            lines = _page(label)
            if pages and lines is None:
                raise ValueError("a text, but the training of a detector needs polygons: give a list of pages")
            for name in [column] if lines is not None else image_names(column):
                file = find(name, path)
                if file is None:
                    raise ValueError(f"no image {name} in {path.parent} or the folder above it")
                image = images.read(file)
                if lines is None:
                    data.samples += _line(image, label, origin, number)
                    continue
                for index, line in enumerate(lines, 1):
                    if not pages and is_unread(line):
                        continue
                    if reason := misplaced(line, image):
                        data.problems.append(f"{origin}, line {index}: {reason}")
                    elif not pages:
                        sample = LabelledImage(cut(image, line), [line], f"{origin}, line {index}", number)
                        data.samples.append(sample)
                if pages:
                    data.samples.append(LabelledImage(image, [for_detection(line) for line in lines], origin, number))
        except (ValueError, cv2.error, RecursionError) as error:
            data.problems.append(f"{origin}: {one_line(str(error).strip())}")
    return data


def _line(image: np.ndarray, text: str, origin: str, number: int) -> list[LabelledImage]:
    """An image that is a line, in a list; or none, if nobody has read it. An empty text is left to `read_lines`."""
    height, width = image.shape[:2]
    line = Label([[0, 0], [width, 0], [width, height], [0, height]], text)
    return [] if text.strip() and is_unread(line) else [LabelledImage(image, [line], origin, number)]


def read_pages(labels: Labels) -> list[LabelledImage]:
    """Pages for a detector. Lines that nobody has read have the text "###".

    Raises
    ------
    LabelError
        If a row can't be used, or there is no row at all.
    FileNotFoundError
        If a list does not exist.
    """
    return _checked(_read(labels, pages=True))


def read_lines(
    labels: Labels, characters: Sequence[str] | None = None, steps: int | None = None, height: int = 32
) -> list[LabelledImage]:
    """Single lines for a recogniser: whole images of a list of lines, crops of a list of pages.

    Lines that nobody has read are left out, by the same rules as in `ocrbook.labels.export_recognition`.

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
    """Training and held-out samples: those that `read` finds in `validation`, or a tenth of all, drawn with a seed.

    All lines of a page end up on the same side.
    """
    if validation is not None:
        return samples, read(validation)
    pages = list(dict.fromkeys(sample.page for sample in samples))
    held = {pages[i] for i in split(len(pages), 0.1, seed)[1]}
    return [each for each in samples if each.page not in held], [each for each in samples if each.page in held]


def split(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices for training and validation, at least one of each, drawn with a seed.

    Raises ValueError if there are fewer than two samples, or `share` is not between 0 and 1.
    """
    if count < 2 or not 0 < share < 1:
        raise ValueError(f"can't hold out a share of {share} of {count} samples: give a validation list")
    order = np.random.default_rng(seed).permutation(count)
    held = min(max(1, round(share * count)), count - 1)
    return np.sort(order[held:]), np.sort(order[:held])
