"""Read the meters in photographs: ocrbook meters PHOTO ..., or python -m ocrbook.meters PHOTO ... Prints JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ocrbook import images
from ocrbook.meters import Profile, read_photo

EXAMPLES = """
examples:
  ocrbook meters photo.jpg
  ocrbook meters photo.jpg --profile camera-3.json
  ocrbook meters *.jpg | jq -r 'select(.accepted) | [.image, .text] | @tsv'

One photograph gives one JSON object, several give a line of JSON each with the name as "image"; where one can't be
read, its line has "error" instead of a reading. Use a number only where "accepted" is true.

exit codes: 0 if every reading is accepted, 1 if one is rejected or, among several, can't be tried,
2 if the photograph or the profile can't be read
"""


def main(arguments: list[str] | None = None) -> int:
    """0 if every reading is accepted, 1 if one is rejected or fails among several, 2 if nothing could be tried."""
    parser = argparse.ArgumentParser(
        prog="ocrbook meters",
        description="Read the meters in photographs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="an image file")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="a saved Profile, for a camera that stays")
    given = parser.parse_args(arguments)
    several, code = len(given.photos) > 1, 0
    try:
        profile = Profile.load(given.profile) if given.profile else None
    except (OSError, ValueError) as error:
        print(f"ocrbook.meters: {error}", file=sys.stderr)
        return 2
    for photo in given.photos:
        try:
            answer = _read(photo, profile)
        except (OSError, ValueError) as error:
            if not several:
                print(f"ocrbook.meters: {error}", file=sys.stderr)
                return 2
            answer = {"error": str(error)}
        named = {"image": str(photo)} if several else {}
        print(
            json.dumps(named | answer, ensure_ascii=False, indent=None if several else 1, allow_nan=False), flush=True
        )
        code = code if answer.get("accepted") else 1
    return code


def _read(photo: Path, profile: Profile | None) -> dict[str, Any]:
    """The answer for a photograph."""
    return read_photo(images.read(photo), profile).to_dict() | ({"unit": profile.unit} if profile else {})


if __name__ == "__main__":
    from ocrbook.cli import main as command

    sys.exit(command(["meters", *sys.argv[1:]]))
