"""Measure the networks for single positions on photographs of real digits: python -m tools.measure_real FOLDER.

The folder holds images and a labels.csv with the columns path, kind (drum or lcd), meter and value; drums have tenths.
The digits of https://github.com/haverland/Tenth-of-step-of-a-meter-digit (Apache-2.0) were measured so. No image of it
is part of this project, and none was used in training. The result goes to ocrbook/meters/weights/real_digits.json.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from ocrbook import images
from ocrbook.files import write_atomically
from ocrbook.meters.digits import BLANK, probabilities, shown
from ocrbook.meters.models import FOLDER, circular_mean

TARGET = FOLDER / "real_digits.json"


def load(folder: Path, kind: str) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Images, values and meters of one kind."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == kind]
    pictures = [images.read(folder / row["path"]) for row in rows]
    return pictures, np.array([float(row["value"]) for row in rows]), np.array([row["meter"] for row in rows])


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
    pictures, value, meter = load(folder, "drum")
    read = 10 * circular_mean(probabilities(pictures, "drum"))
    groups = {"all": np.ones(len(value), bool)} | {name: meter == name for name in sorted(set(meter))}
    drums = {name: drum_scores(read[which], value[which]) for name, which in groups.items()}
    pictures, value, meter = load(folder, "lcd")
    displays = {}
    for name, share in (("as cut", 0.0), ("20 % larger", 0.2)):
        answer = probabilities([enlarged(image, share) for image in pictures], "lcd").argmax(axis=1)
        digits = value > 0  # positions that show nothing are filed under 0, with the zeros
        displays[name] = {
            "digits": int(digits.sum()),
            "right": round(float((answer == value)[digits].mean()), 4),
            "0 or blank": int((~digits).sum()),
            "read as 0 or blank": round(float(np.isin(answer, (0, BLANK))[~digits].mean()), 4),
        }
    return {"drum": drums, "lcd": displays}


def main() -> int:
    """Measure, store, print."""
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "labels.csv").is_file():
        print("usage: python -m tools.measure_real FOLDER, with a labels.csv in it", file=sys.stderr)
        return 2
    result = measure(Path(sys.argv[1]))
    write_atomically(TARGET, (json.dumps(result, indent=1) + "\n").encode())
    print(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
