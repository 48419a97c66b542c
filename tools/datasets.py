"""Draw the data sets of the book. Run from the root of the clone: `make datasets`, or with --check to compare only."""

from __future__ import annotations

import argparse
import filecmp
import shutil
import sys
import tempfile
from pathlib import Path

import cv2
from tqdm import tqdm

from ocrbook.files import write_atomically
from ocrbook.labels import write_folder
from ocrbook.render import FAMILIES, render_family

IMAGES_PER_FAMILY = 10
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
    with tempfile.TemporaryDirectory() as temporary:
        made = Path(temporary) / "documents"
        documents(made)
        stored = DATASETS / "documents"
        if arguments.check:
            for name in differences(made, stored):
                print(f"datasets/documents/{name} differs from what tools/datasets.py draws", file=sys.stderr)
            return bool(differences(made, stored))
        shutil.copytree(made, stored, dirs_exist_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
