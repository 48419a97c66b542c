"""Measure the readers on photographs of real meters: python -m tools.measure_real FOLDER... [--failures FOLDER]

The end of a folder's name says what is in it: digits, windows, dials or photos, as in real-digits. It holds images and
a labels.csv with the column path and, of digits, kind (drum or lcd), meter and value, drums with tenths; of windows and
photos, kind and text; of dials, from 0 to 10 clockwise, value, and camera where it is known. The digits of
https://github.com/haverland/Tenth-of-step-of-a-meter-digit (Apache-2.0) were measured so. No image of it is part of
this project, and none was used in training. The shares of single positions go to
ocrbook/meters/weights/real_digits.json.

Printed are counts: images, right, accepted, both, wrong and accepted, and how many of the same images PP-OCRv6 small
reads right as it comes, of which all but the digits is left out. A dial is right within .2, and wrong where it is more
than .5 off. With --failures, images that were read wrong, or right and not accepted, are put on sheets there.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from ocrbook import images
from ocrbook.files import write_atomically
from ocrbook.meters import Reading, read_dial, read_digit, read_photo, read_window
from ocrbook.meters.digits import BLANK, probabilities, shown
from ocrbook.meters.models import FOLDER, circular_mean
from ocrbook.meters.reading import MOST
from ocrbook.models import local_models

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


@dataclass(frozen=True)
class Answer:
    """One image and what was read: under which groups it is counted, whether that is right, and what stock read.

    `wrong` is not always the opposite of right: a dial may be a little off.
    """

    groups: tuple[str, ...]
    image: np.ndarray
    name: str
    truth: str
    reading: Reading
    right: bool
    wrong: bool
    stock: bool | None = None


def tally(answers: Iterable[Answer]) -> dict[str, int]:
    """Counts of what is right, accepted, both, and wrong and accepted; and of what the stock model reads right."""
    answers = list(answers)
    counted = {
        "n": len(answers),
        "right": sum(each.right for each in answers),
        "accepted": sum(each.reading.accepted for each in answers),
        "right and accepted": sum(each.right and each.reading.accepted for each in answers),
        "wrong and accepted": sum(each.wrong and each.reading.accepted for each in answers),
    }
    if all(each.stock is not None for each in answers):
        counted["stock right"] = sum(bool(each.stock) for each in answers)
    return counted


@cache
def _stock(task: str | None):
    """PaddleOCR as it comes: a recogniser, or the pipeline."""
    from paddleocr import PaddleOCR, TextRecognition

    if task:
        return TextRecognition(**local_models(task))
    off = {f"use_{name}": False for name in ("doc_orientation_classify", "doc_unwarping", "textline_orientation")}
    return PaddleOCR(**local_models() | off)


def stock_digits(image: np.ndarray) -> str:
    """The digits of what the stock recogniser reads in a line."""
    return re.sub(r"[^0-9]", "", _stock("text_recognition").predict(image)[0]["rec_text"])


def stock_number(photo: np.ndarray) -> str:
    """The longest number that the stock pipeline reads in a photograph, without its point."""
    lines = [re.sub(r"[.,\s]", "", text) for text in _stock(None).predict(photo)[0]["rec_texts"]]
    return max((run for line in lines for run in re.findall("[0-9]+", line)), key=len, default="")


def measure_windows(folder: Path) -> Iterator[Answer]:
    """Windows by kind, told no number of digits, the right one, up to three fewer, and one more."""
    for image, row in rows(folder):
        text = row["text"].replace(".", "")
        stock = stock_digits(image) == text
        for more in (None, 0, -1, -2, -3, 1):
            told = None if more is None else len(text) + more
            if told is None or 1 <= told <= MOST:
                reading = read_window(image, row["kind"], told)
                group = f"{row['kind']}, digits {'not told' if more is None else f'told {more:+d}'}"
                right = reading.text == text
                yield Answer((group,), image, row["path"], row["text"], reading, right, not right, stock)


def measure_dials(folder: Path) -> Iterator[Answer]:
    """Dials, by camera."""
    for image, row in rows(folder):
        reading = read_dial(image)
        off = abs(((reading.value if reading.value is not None else np.inf) - float(row["value"]) + 5) % 10 - 5)
        groups = ("all", *([row["camera"]] if row.get("camera") else []))
        yield Answer(groups, image, row["path"], row["value"], reading, bool(off <= 0.2001), not off <= 0.5001)


def measure_photos(folder: Path) -> Iterator[Answer]:
    """Photographs without a profile, told nothing, and how many digits there are."""
    for image, row in rows(folder):
        text = row["text"].replace(".", "")
        stock = stock_number(image) == text
        for group, told in (("told nothing", None), ("digits told", len(text))):
            reading = read_photo(image, digits=told)
            right = reading.text == text
            yield Answer((group,), image, row["path"], row["text"], reading, right, not right, stock)


def measure_digits(folder: Path) -> Iterator[Answer]:
    """Single positions, by meter; the shares that chapters quote are stored."""
    write_atomically(TARGET, (json.dumps(measure(folder), indent=1) + "\n").encode())
    for image, row in rows(folder):
        value, reading = float(row["value"]), read_digit(image, row["kind"])
        blank = row["kind"] == "lcd" and value == 0 and not reading.text  # blank ones are filed under 0
        right = blank or reading.text == str(shown(value))
        stock = stock_digits(image) == str(shown(value))
        yield Answer((row["kind"], row["meter"]), image, row["path"], row["value"], reading, right, not right, stock)


MEASURES = {"digits": measure_digits, "windows": measure_windows, "dials": measure_dials, "photos": measure_photos}


def sheet(answers: list[Answer], columns: int = 5, size: tuple[int, int] = (240, 150)) -> np.ndarray:
    """Images side by side, each with its name, its truth and what was read: uint8 (H, W, 3)."""
    tiles = []
    for each in answers:
        scale = min(size[0] / each.image.shape[1], (size[1] - 34) / each.image.shape[0])
        small = cv2.resize(each.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        tile = np.full((size[1], size[0] + 8, 3), 255, np.uint8)
        tile[: small.shape[0], : small.shape[1]] = small
        state = "accepted" if each.reading.accepted else each.reading.reason[:24]
        lines = f"{each.name[-18:]}: {each.truth}", f"{each.reading.text} {each.reading.confidence:.2f} {state}"
        for number, line in enumerate(lines):
            place = (2, size[1] - 18 + 14 * number)
            cv2.putText(tile, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
        tiles.append(tile)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])


def write_sheets(folder: Path, answers: list[Answer]) -> None:
    """For each group a sheet of what was accepted though wrong, read wrong, and not accepted though right."""
    folder.mkdir(parents=True, exist_ok=True)
    for group in dict.fromkeys(group for each in answers for group in each.groups):
        inside = [each for each in answers if group in each.groups]
        kinds = {
            "wrong-and-accepted": [each for each in inside if each.wrong and each.reading.accepted],
            "wrong": [each for each in inside if not each.right and not each.reading.accepted],
            "right-but-refused": [each for each in inside if each.right and not each.reading.accepted],
        }
        for kind, found in kinds.items():
            name = re.sub("[^0-9A-Za-z+]+", "-", f"{group}-{kind}")
            for part in range(0, len(found), 60):
                content = cv2.imencode(".png", sheet(found[part : part + 60]))[1].tobytes()
                write_atomically(folder / f"{name}-{part // 60}.png", content)


def main(arguments: list[str] | None = None) -> int:
    """Measure, store, print."""
    parser = argparse.ArgumentParser(prog="python -m tools.measure_real", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="images and their labels.csv")
    parser.add_argument("--failures", type=Path, metavar="FOLDER", help="where to put sheets of what went wrong")
    given = parser.parse_args(arguments)
    subjects = [re.split("[-_]", folder.resolve().name)[-1] for folder in given.folders]
    for folder, subject in zip(given.folders, subjects, strict=True):
        if not (folder / "labels.csv").is_file() or subject not in MEASURES:
            print(f"{folder}: no labels.csv, or a name that doesn't end in {', '.join(MEASURES)}", file=sys.stderr)
            return 2
    for folder, subject in zip(given.folders, subjects, strict=True):
        answers = list(MEASURES[subject](folder))
        groups = dict.fromkeys(group for each in answers for group in each.groups)
        counts = {group: tally(each for each in answers if group in each.groups) for group in groups}
        print(json.dumps({subject: counts}, indent=1), flush=True)
        if given.failures:
            write_sheets(given.failures / folder.resolve().name, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
