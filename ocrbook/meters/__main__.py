"""Read the meters in photographs: ocrbook meters PHOTO ..., or python -m ocrbook.meters PHOTO ... Prints JSON.

ocrbook meters --export FOLDER writes the networks for programs in other languages.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ocrbook import images
from ocrbook.meters import Profile, read_photo, watch
from ocrbook.meters.digits import KINDS
from ocrbook.meters.onnx_files import write_networks
from ocrbook.meters.reading import counts

FIELDS = ("kind", "digits", "decimals", "unit")
"""What may be said of a meter on the command line; each means what it means in a profile."""

EXAMPLES = """
examples:
  ocrbook meters photo.jpg
  ocrbook meters photo.jpg --kind drum --digits 6 --decimals 3 --unit m3
  ocrbook meters photo.jpg --profile camera-3.json
  ocrbook meters *.jpg | jq -r 'select(.accepted) | [.image, .text] | @tsv'
  ocrbook meters watch --help    reads a folder or a camera again and again
  ocrbook meters --export networks

One photograph gives one JSON object, several give a line of JSON each with the name as "image"; where one can't be
read, its line has "error" instead of a reading. Use a number only where "accepted" is true. Decimals are
applied to "value" only where --decimals or a profile says how many there are.

--export writes the networks that read windows as ONNX files, for programs in other languages.

exit codes: 0 if every reading is accepted, 1 if one is rejected or, among several, can't be tried,
2 if the photograph or the profile can't be read, what is said of the meter can't be, or networks can't be written
"""


def main(arguments: list[str] | None = None) -> int:
    """0 if every reading is accepted, 1 if one is rejected or fails among several, 2 if nothing could be tried."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["watch"]:
        return watch.main(arguments[1:])
    parser = argparse.ArgumentParser(
        prog="ocrbook meters",
        description="Read the meters in photographs.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("photos", nargs="*", type=Path, metavar="PHOTO", help="an image file")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="a saved Profile, for a camera that stays")
    parser.add_argument("--kind", choices=KINDS, help="drums that turn, or a display")
    parser.add_argument("--digits", type=int, metavar="N", help="how many digits the meter shows, decimals included")
    parser.add_argument("--decimals", type=int, metavar="N", help="how many of them are decimals")
    parser.add_argument("--unit", help="is printed with the reading")
    parser.add_argument("--export", type=Path, metavar="FOLDER", help="write the networks, and read nothing")
    given = parser.parse_args(arguments)
    if bool(given.photos) == bool(given.export):
        parser.error("name photographs, or a folder with --export")
    if given.export:
        return _export(given.export)
    several, code = len(given.photos) > 1, 0
    known = {name: value for name in FIELDS if (value := getattr(given, name)) is not None}
    try:
        profile = Profile.load(given.profile) if given.profile else None
        if profile:
            _agree(profile, known)
        counts(known.get("digits"), known.get("decimals", 0))
    except (OSError, ValueError) as error:
        print(f"ocrbook.meters: {error}", file=sys.stderr)
        return 2
    for photo in given.photos:
        try:
            answer = _read(photo, profile, known)
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


def _export(folder: Path) -> int:
    """Write the networks and print their names: 0, or 2 if they can't be written."""
    try:
        print(*write_networks(folder), sep="\n")
    except (OSError, ValueError) as error:
        print(f"ocrbook.meters: {error}", file=sys.stderr)
        return 2
    return 0


def _agree(profile: Profile, known: dict[str, Any]) -> None:
    """ValueError where a profile says something else than what is known of the meter."""
    for name, value in known.items():
        if getattr(profile, name) != value:
            raise ValueError(f"--{name} {value} contradicts the profile, which has {getattr(profile, name)!r}")


def _read(photo: Path, profile: Profile | None, known: dict[str, Any]) -> dict[str, Any]:
    """The answer for a photograph."""
    image = images.read(photo)
    if profile:
        return read_photo(image, profile).to_dict() | {"unit": profile.unit}
    told = {name: value for name, value in known.items() if name != "unit"}
    return read_photo(image, **told).to_dict() | ({"unit": known["unit"]} if "unit" in known else {})


if __name__ == "__main__":
    from ocrbook.cli import main as command

    sys.exit(command(["meters", *sys.argv[1:]]))
