"""Measure the readers on photographs of real meters: python -m tools.measure_real FOLDER...

The end of a folder's name says what is in it: digits, windows, dials or photos, as in real-digits. It holds images and
a labels.csv with the column path and, of digits, kind (drum or lcd), meter and value, drums with tenths; of windows and
photos, kind and text; of dials, from 0 to 10 clockwise, value. The digits of
https://github.com/haverland/Tenth-of-step-of-a-meter-digit (Apache-2.0) were measured so. No image of it is part of
this project, and none was used in training. The shares of single positions go to
ocrbook/meters/weights/real_digits.json.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from ocrbook import images
from ocrbook.files import write_atomically
from ocrbook.meters import read_dial, read_digit, read_photo, read_window
from ocrbook.meters.digits import BLANK, probabilities, shown
from ocrbook.meters.models import FOLDER, circular_mean
from ocrbook.meters.reading import MOST

TARGET = FOLDER / "real_digits.json"


def load(folder: Path, kind: str) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Images, values and meters of one kind."""
    found = [(image, row) for image, row in rows(folder) if row["kind"] == kind]
    values, meters = np.array([float(row["value"]) for _, row in found]), np.array([row["meter"] for _, row in found])
    return [image for image, _ in found], values, meters


def enlarged(image: np.ndarray, share: float) -> np.ndarray:
    """The image with its edge repeated outside, so that it is larger by a share."""
    across, down = (round(side * share / 2) for side in image.shape[1::-1])
    return cv2.copyMakeBorder(image, down, down, across, across, cv2.BORDER_REPLICATE)


def drum_scores(read: np.ndarray, value: np.ndarray) -> dict:
    """Shares right: of settled drums (within a tenth of a digit), of the others, with ties either way, and tenths."""
    off = np.abs((read - value + 5) % 10 - 5)
    tenth = np.round(10 * value).astype(int) % 10
    settled = np.isin(tenth, (0, 1, 9))
    digit = np.array([shown(each) for each in read])
    strict = digit == np.floor(value + 0.5) % 10
    either = strict | ((tenth == 5) & (digit == np.floor(value)))
    parts = {
        "settled": strict[settled],
        "rolling": strict[~settled],
        "either": either[~settled],
        "within": off <= 0.2001,
    }
    result = {name: round(float(each.mean()), 4) for name, each in parts.items() if len(each)}
    return {"count": len(value), "count settled": int(settled.sum())} | result


def measure(folder: Path) -> dict:
    """Everything, by meter and together."""
    crops, value, meter = load(folder, "drum")
    read = 10 * circular_mean(probabilities(crops, "drum"))
    groups = {"all": np.ones(len(value), bool)} | {name: meter == name for name in sorted(set(meter))}
    drums = {name: drum_scores(read[which], value[which]) for name, which in groups.items()}
    crops, value, meter = load(folder, "lcd")
    displays = {}
    for name, share in (("as cut", 0.0), ("20 % larger", 0.2)):
        answer = probabilities([enlarged(image, share) for image in crops], "lcd").argmax(axis=1)
        digits = value > 0  # positions that show nothing are filed under 0, with the zeros
        displays[name] = {
            "digits": int(digits.sum()),
            "right": round(float((answer == value)[digits].mean()), 4),
            "0 or blank": int((~digits).sum()),
            "read as 0 or blank": round(float(np.isin(answer, (0, BLANK))[~digits].mean()), 4),
        }
    return {"drum": drums, "lcd": displays}


def rows(folder: Path) -> list[tuple[np.ndarray, dict[str, str]]]:
    """Images, each with its row of the labels."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return [(images.read(folder / row["path"]), row) for row in csv.DictReader(file)]


def tally(answers: Iterable[tuple[bool, bool]]) -> dict[str, int]:
    """Counts of what is right, accepted, both, and wrong and accepted, from pairs (right, accepted)."""
    right, accepted = np.array(list(answers), bool).reshape(-1, 2).T
    return {
        "n": len(right),
        "right": int(right.sum()),
        "accepted": int(accepted.sum()),
        "right and accepted": int((right & accepted).sum()),
        "wrong and accepted": int((~right & accepted).sum()),
    }


def measure_windows(folder: Path) -> dict:
    """Windows by kind, told no number of digits, the right one, up to three fewer, and one more."""
    found, result = rows(folder), {}
    for kind in sorted({row["kind"] for _, row in found}):
        for more in (None, 0, -1, -2, -3, 1):
            answers = []
            for image, row in found:
                text = row["text"].replace(".", "")
                told = None if more is None else len(text) + more
                if row["kind"] == kind and (told is None or 1 <= told <= MOST):
                    reading = read_window(image, kind, told)
                    answers.append((reading.text == text, reading.accepted))
            result[f"{kind}, digits {'not told' if more is None else f'told {more:+d}'}"] = tally(answers)
    return result


def measure_dials(folder: Path) -> dict:
    """Dials, right within .2."""
    answers = []
    for image, row in rows(folder):
        reading = read_dial(image)
        off = abs(((reading.value if reading.value is not None else np.inf) - float(row["value"]) + 5) % 10 - 5)
        answers.append((off <= 0.2, reading.accepted))
    return {"within .2": tally(answers)}


def measure_photos(folder: Path) -> dict:
    """Photographs without a profile."""
    read = [(read_photo(image), row["text"]) for image, row in rows(folder)]
    return {"no profile": tally((reading.text == text.replace(".", ""), reading.accepted) for reading, text in read)}


def measure_digits(folder: Path) -> dict:
    """Single positions: the shares, which are stored for the chapters, and the counts of `read_digit`."""
    result = measure(folder)
    write_atomically(TARGET, (json.dumps(result, indent=1) + "\n").encode())
    answers: dict[str, list[tuple[bool, bool]]] = {"drum": [], "lcd": []}
    for image, row in rows(folder):
        value, reading = float(row["value"]), read_digit(image, row["kind"])
        blank = row["kind"] == "lcd" and value == 0 and not reading.text  # blank ones are filed under 0
        right = blank or reading.text == str(shown(value))
        answers[row["kind"]].append((right, reading.accepted))
    return result | {"counts": {kind: tally(each) for kind, each in answers.items()}}


MEASURES = {"digits": measure_digits, "windows": measure_windows, "dials": measure_dials, "photos": measure_photos}


def main(arguments: list[str] | None = None) -> int:
    """Measure, store, print."""
    folders = [Path(name) for name in (sys.argv[1:] if arguments is None else arguments)]
    subjects = [re.split("[-_]", folder.resolve().name)[-1] for folder in folders]
    for folder, subject in zip(folders, subjects, strict=True):
        if not (folder / "labels.csv").is_file() or subject not in MEASURES:
            print(f"{folder}: no labels.csv, or a name that doesn't end in {', '.join(MEASURES)}", file=sys.stderr)
            return 2
    if not folders:
        print("usage: python -m tools.measure_real FOLDER..., each with a labels.csv in it", file=sys.stderr)
        return 2
    for folder, subject in zip(folders, subjects, strict=True):
        print(json.dumps({subject: MEASURES[subject](folder)}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
