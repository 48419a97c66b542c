"""Read the meter in a photograph: python -m ocrbook.meters photo.jpg [--profile p.json]. Prints JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2

from ocrbook import images
from ocrbook.meters import Profile, read_photo


def main(arguments: list[str] | None = None) -> int:
    """0 if the reading is accepted, 1 if it is rejected, 2 if it could not be tried."""
    parser = argparse.ArgumentParser(prog="python -m ocrbook.meters", description="Read the meter in a photograph.")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--profile", type=Path, metavar="FILE", help="a saved Profile, for a camera that stays")
    given = parser.parse_args(arguments)
    try:
        profile = Profile.load(given.profile) if given.profile else None
        reading = read_photo(images.read(given.photo), profile)
    except (OSError, ValueError, cv2.error) as error:
        print(f"ocrbook.meters: {error}", file=sys.stderr)
        return 2
    answer = reading.to_dict() | ({"unit": profile.unit} if profile else {})
    print(json.dumps(answer, ensure_ascii=False, indent=1))
    return 0 if reading.accepted else 1


if __name__ == "__main__":
    sys.exit(main())
