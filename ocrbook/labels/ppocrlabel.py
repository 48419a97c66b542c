"""The folder of PPOCRLabel: images, `Label.txt`, `fileState.txt`.

A row of Label.txt is `<folder>/<file>`, a tab, and a JSON list of {"transcription", "points", "difficult"}.
PPOCRLabel empties a Label.txt whose images have no row in fileState.txt, so both are written.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from ocrbook.files import write_atomically
from ocrbook.page import Page, TextLine


def read_folder(folder: str | Path) -> list[Page]:
    """Read the confirmed labels of a folder.

    Returns
    -------
    list of Page, in the order of Label.txt; `image` is the path of the image file, `folder / name`.

    Raises
    ------
    FileNotFoundError
        If there is no Label.txt.
    ValueError
        If a row can't be read; the message names file, line and reason. Nothing is ever evaluated as code.
    """
    folder = Path(folder)
    path = folder / "Label.txt"
    pages = []
    for number, row in enumerate(path.read_text("utf-8-sig").split("\n"), 1):
        if not row.strip():
            continue
        try:
            key, tab, labels = row.partition("\t")
            if not tab:
                raise ValueError("no tab between the image and its labels")
            lines = [TextLine(label["points"], _text(label["transcription"])) for label in json.loads(labels)]
        except (ValueError, KeyError, TypeError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else error
            raise ValueError(f"{path}, line {number}: {reason}") from None
        pages.append(Page((folder / Path(key).name).as_posix(), lines))
    return pages


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"transcription is {value!r}, expected a text")
    return value


def write_folder(folder: str | Path, pages: list[Page]) -> None:
    """Write Label.txt and fileState.txt for pages whose images are files of this folder.

    Points are rounded to whole pixels, as PPOCRLabel stores them. An image without lines has a row in fileState.txt
    only.
    """
    folder = Path(folder)
    labels, states = [], []
    for page in pages:
        key = f"{folder.resolve().name}/{Path(page.image).name}"
        states.append(f"{key}\t1\n")
        if page.lines:
            rows = [
                {"transcription": line.text, "points": np.rint(line.points).astype(int).tolist(), "difficult": False}
                for line in page.lines
            ]
            labels.append(f"{key}\t{json.dumps(rows, ensure_ascii=False)}\n")
    write_atomically(folder / "Label.txt", "".join(labels).encode("utf-8"))
    write_atomically(folder / "fileState.txt", "".join(states).encode("utf-8"))
