"""Draw the data sets of the book. Run from the root of the clone: `make datasets`, or with --check to compare only."""

from __future__ import annotations

import argparse
import filecmp
import json
import shutil
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ocrbook.files import write_atomically
from ocrbook.labels import write_folder
from ocrbook.page import Page, TextLine
from ocrbook.render import FAMILIES, render_family
from ocrbook.render.meters import (
    display_style,
    draw_dial,
    draw_display,
    draw_drums,
    drum_positions,
    held_out_faces,
    render_photo,
    seen,
    seen_dial,
)

IMAGES_PER_FAMILY = 10
METERS = 200
DATASETS = Path(__file__).parent.parent / "datasets"


def documents(folder: Path) -> None:
    """Ten images of each family, as JPEG of quality 90, with their truth in PPOCRLabel's form."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for family in tqdm(FAMILIES, desc="documents"):
        for number in range(IMAGES_PER_FAMILY):
            image, page = render_family(family, number)
            page.image = f"{family}_{number:02d}.jpg"
            encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
            write_atomically(folder / page.image, encoded.tobytes())
            pages.append(page)
    write_folder(folder, pages)


def _write_jpeg(path: Path, image: np.ndarray) -> None:
    write_atomically(path, cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes())


def _write_rows(folder: Path, rows: list[dict]) -> None:
    """One JSON object for each image, in a file of lines."""
    write_atomically(folder / "labels.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())


def held_out_window(kind: str, seed: int):
    """A window as in the data sets `meter-drum` and `meter-lcd`, with a seed of its own."""
    rng = np.random.default_rng([4, kind == "lcd", seed])
    count = int(rng.integers(4, 9))
    if kind == "drum":
        drawn = draw_drums(*drum_positions(count, rng), held_out_faces(), rng)
    else:
        digits = rng.integers(0, 10, count)
        if rng.random() < 0.3:
            digits[: int(rng.integers(1, count - 1))] = -1
        drawn = draw_display(digits.tolist(), display_style(rng, held_out=True), rng)
    return seen(drawn, rng, height=int(np.exp(rng.uniform(np.log(32), np.log(96)))), cut=0.0)


def _windows(kind: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in tqdm(range(METERS), desc=f"meter-{kind}"):
        window = held_out_window(kind, number)
        name = f"{kind}_{number:03d}.jpg"
        _write_jpeg(folder / name, window.image)
        rows.append(
            {
                "name": name,
                "text": window.text,
                "decimals": window.decimals,
                "positions": np.round(window.positions, 2).tolist(),
                "boxes": np.round(window.boxes, 1).tolist(),
            }
        )
    _write_rows(folder, rows)


def meter_drum(folder: Path) -> None:
    """Windows of counters."""
    _windows("drum", folder)


def meter_lcd(folder: Path) -> None:
    """Windows of displays."""
    _windows("lcd", folder)


def held_out_dial(seed: int):
    """A dial as in the data set `meter-dial`, with a seed of its own."""
    rng = np.random.default_rng([5, seed])
    return seen_dial(draw_dial(rng.random(), rng, held_out=True), rng)


def meter_dial(folder: Path) -> None:
    """Pointer dials."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in tqdm(range(METERS), desc="meter-dial"):
        dial = held_out_dial(number)
        name = f"dial_{number:03d}.jpg"
        _write_jpeg(folder / name, dial.image)
        rows.append({"name": name, "clockwise": dial.clockwise, "value": round(dial.value, 3)})
    _write_rows(folder, rows)


def held_out_photo(seed: int):
    """A photograph as in the data set `meter-photo`, with a seed of its own."""
    return render_photo(
        seed, kind=("drum", "lcd")[seed % 2], shape=((480, 640), (640, 480))[seed % 4 == 3], held_out=True
    )


def meter_photo(folder: Path) -> None:
    """Photographs of whole meters; the label is the window with the reading."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = []
    for number in tqdm(range(METERS), desc="meter-photo"):
        photo = held_out_photo(number)
        name = f"{photo.windows[0].kind}_{number:03d}.jpg"
        _write_jpeg(folder / name, photo.image)
        pages.append(Page(name, [TextLine(np.round(photo.windows[0].quad), photo.reading)]))
    write_folder(folder, pages)


SETS = {
    "documents": documents,
    "meter-dial": meter_dial,
    "meter-drum": meter_drum,
    "meter-lcd": meter_lcd,
    "meter-photo": meter_photo,
}


def differences(made: Path, stored: Path) -> list[str]:
    """Names of files that differ between two folders, or are in one only. README.md is written by hand."""
    names = {path.name for folder in (made, stored) for path in folder.iterdir()} - {"README.md"}
    _, mismatch, missing = filecmp.cmpfiles(made, stored, sorted(names), shallow=False)
    return mismatch + missing


def main() -> int:
    """Draw, or check that what is stored is what would be drawn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a stored file differs")
    arguments = parser.parse_args()
    changed = False
    for name, draw in SETS.items():
        with tempfile.TemporaryDirectory() as temporary:
            made, stored = Path(temporary) / name, DATASETS / name
            draw(made)
            if arguments.check:
                for each in differences(made, stored):
                    print(f"datasets/{name}/{each} differs from what tools/datasets.py draws", file=sys.stderr)
                    changed = True
            else:
                shutil.copytree(made, stored, dirs_exist_ok=True)
    return int(changed)


if __name__ == "__main__":
    sys.exit(main())
