"""Read the meter in a photograph: python -m ocrbook.meters photo.jpg [--profile p.json]. Prints JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ocrbook import images
from ocrbook.meters import Profile, read_photo

DESCRIPTION = (
    "Read the meter in a photograph, and print the reading as JSON. "
    "The exit code is 0 if the reading is accepted, 1 if it is rejected, 2 if it could not be tried."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("photo", type=Path)
    parser.add_argument("--profile", type=Path, metavar="FILE", help="a saved Profile, for a camera that stays")


def run(given: argparse.Namespace) -> int:
    """0 if the reading is accepted, 1 if it is rejected, 2 if it could not be tried."""
    try:
        profile = Profile.load(given.profile) if given.profile else None
        reading = read_photo(images.read(given.photo), profile)
    except (OSError, ValueError) as error:
        print(f"ocrbook.meters: {error}", file=sys.stderr)
        return 2
    answer = reading.to_dict() | ({"unit": profile.unit} if profile else {})
    print(json.dumps(answer, ensure_ascii=False, indent=1, allow_nan=False))
    return 0 if reading.accepted else 1


def main(arguments: list[str] | None = None) -> int:
    """As `run`, for the arguments of a command line."""
    parser = argparse.ArgumentParser(prog="python -m ocrbook.meters", description=DESCRIPTION)
    add_arguments(parser)
    return run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
