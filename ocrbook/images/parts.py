"""What all formats share: what the head of a file tells, and why a file is refused."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

MOST_PARTS = 50_000  # segments or chunks: 200 MB of a PNG that is written in pieces of 4 kB
CUT = "ends too early"
NOT_SHOWN = "has values of a kind that no viewer shows; store it with 8 bits a channel"


class Wrong(Exception):
    """Why a file can't be read, without its name."""


class Unknown(Wrong):
    """Why a file is not read though it may be whole, without its name."""


@dataclass
class Head:
    """What the head of a file tells: its size as stored, and EXIF's orientation (1 where that makes no sense)."""

    width: int
    height: int
    orientation: int = 1

    def __post_init__(self) -> None:
        if self.orientation not in range(1, 9):
            self.orientation = 1

    @property
    def seen(self) -> tuple[int, int]:
        """Width and height as it is seen."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def loaded(kind: type[Image.Image], file: io.BytesIO) -> Image.Image:
    """A picture, decoded by one of Pillow's classes."""
    picture = kind(file)
    picture.load()
    return picture
