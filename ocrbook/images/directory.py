"""The directory of tags that TIFF begins with; EXIF, in whatever format, is one, too."""

from __future__ import annotations

import struct

from ocrbook.images.parts import CUT, Unknown, Wrong

ORIENTATION = 274
_SHORT = 3
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MOST_TAGS = 1_000


class Directory:
    """The first directory of a TIFF (or of EXIF, which is one): what its tags say."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.order = {b"II": "<", b"MM": ">"}.get(content[:2])
        if self.order is None:
            raise Wrong("is no TIFF")
        (version,) = struct.unpack_from(self.order + "H", content, 2)
        self.big = version == 43  # files of more than 4 GB have wider offsets
        self.offset, self.count = ("Q", "Q") if self.big else ("I", "H")
        (start,) = struct.unpack_from(self.order + self.offset, content, 8 if self.big else 4)
        (number,) = struct.unpack_from(self.order + self.count, content, start)
        start += struct.calcsize("=" + self.count)
        room = struct.calcsize("=" + self.offset)
        if number > _MOST_TAGS:
            raise Unknown(f"has more than {_MOST_TAGS:,} tags")
        self.tags: dict[int, tuple[int, int, int]] = {}
        self.entries: dict[int, bytes] = {}
        for at in range(start, start + number * (4 + 2 * room), 4 + 2 * room):
            tag, kind, values = struct.unpack_from(self.order + "HH" + self.offset, content, at)
            place = at + 4 + room
            if values * _SIZES.get(kind, 1) > room:
                (place,) = struct.unpack_from(self.order + self.offset, content, place)
            self.tags.setdefault(tag, (kind, values, place))
            self.entries.setdefault(tag, content[at : at + 4 + 2 * room])

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The whole numbers of a tag; KeyError where there is none, or it holds something else."""
        kind, values, place = self.tags[tag]
        if place + values * _SIZES[kind] > len(self.content):
            raise Wrong(CUT)
        return struct.unpack_from(f"{self.order}{values}{_NUMBERS[kind]}", self.content, place)

    def all_of(self, tag: int, otherwise: int) -> set[int]:
        """The whole numbers of a tag, or what stands for them where there is none."""
        return set(self.numbers(tag)) if tag in self.tags else {otherwise}

    def with_only(self, wanted: set[int]) -> bytes:
        """The file with a directory of nothing but these tags."""
        kept = {tag: entry for tag, entry in sorted(self.entries.items()) if tag in wanted}
        ends = [place + values * _SIZES.get(kind, 1) for kind, values, place in map(self.tags.get, kept)]
        if max(ends, default=0) > len(self.content):
            raise Wrong(CUT)
        at = len(self.content) + len(self.content) % 2
        head = struct.pack(self.order + ("HHHQ" if self.big else "HI"), *((43, 8, 0, at) if self.big else (42, at)))
        number, none = struct.pack(self.order + self.count, len(kept)), struct.pack(self.order + self.offset, 0)
        rest = self.content[2 + len(head) :].ljust(at - 2 - len(head), b"\0")
        return b"".join([self.content[:2], head, rest, number, *kept.values(), none])


def orientation_of(exif: bytes) -> int:
    """EXIF's orientation; 1 where it says nothing, or not as one short number, which browsers want."""
    try:
        directory = Directory(exif)
        return directory.numbers(ORIENTATION)[0] if directory.tags[ORIENTATION][:2] == (_SHORT, 1) else 1
    except (Wrong, KeyError, struct.error):
        return 1
