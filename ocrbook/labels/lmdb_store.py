"""LMDB: thousands of crops with their texts in one memory-mapped file, which a training reads fast.

The keys are those of PaddleOCR's LMDBDataSet: `num-samples`, and from 1 on `image-%09d` (the encoded image file) and
`label-%09d` (the text in UTF-8).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import lmdb

from ocrbook import images
from ocrbook.files import write_atomically
from ocrbook.labels.lists import read_recognition, write_recognition

_PNG = b"\x89PNG"


def pack(path: str | Path, folder: str | Path) -> int:
    """Pack a list for recognition and its images into an LMDB folder; returns the number of samples.

    Raises
    ------
    FileExistsError
        If the folder exists: an LMDB that is only partly overwritten would mix two data sets.
    FileNotFoundError
        If an image of the list is missing.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists: remove it, or choose another name")
    samples = read_recognition(path)
    size = sum(image.stat().st_size + len(text.encode()) for image, text in samples)
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    room = 2 * size + 4096 * (4 * len(samples) + 64)
    with lmdb.open(str(unfinished), map_size=room) as store, store.begin(write=True) as transaction:
        for number, (image, text) in enumerate(samples, 1):
            transaction.put(b"image-%09d" % number, image.read_bytes())
            transaction.put(b"label-%09d" % number, text.encode())
        transaction.put(b"num-samples", b"%d" % len(samples))
    unfinished.rename(folder)
    return len(samples)


def read(folder: str | Path) -> Iterator[tuple[bytes, str]]:
    """The samples of an LMDB folder: the bytes of the image file, and the text.

    Raises
    ------
    FileNotFoundError
        If there is no LMDB.
    ValueError
        If a sample is missing, or a text is not UTF-8; the message names it.
    """
    if not (Path(folder) / "data.mdb").is_file():
        raise FileNotFoundError(f"no LMDB in {folder}: there is no data.mdb")
    with lmdb.open(str(folder), readonly=True, lock=False) as store, store.begin() as transaction:
        count = transaction.get(b"num-samples")
        if count is None or not count.isdigit():
            raise ValueError(f"{folder}: num-samples is {count!r}, expected a number")
        for number in range(1, int(count) + 1):
            image, text = (transaction.get(b"%s-%09d" % (kind, number)) for kind in (b"image", b"label"))
            if image is None or text is None:
                raise ValueError(f"{folder}: sample {number} of {int(count)} is missing")
            try:
                yield image, text.decode()
            except UnicodeDecodeError as error:
                raise ValueError(f"{folder}: the text of sample {number} is not UTF-8: {error.reason}") from None


def unpack(folder: str | Path, target: str | Path) -> int:
    """Write the samples of an LMDB folder as image files and a list, `rec_gt.txt`; returns their number.

    Image files are copied byte by byte. Raises ValueError if one is not an image.
    """
    target = Path(target)
    (target / "crops").mkdir(parents=True, exist_ok=True)
    samples = []
    for number, (image, text) in enumerate(read(folder), 1):
        images.decode(image, f"{folder}: sample {number}")
        file = target / "crops" / (f"{number:09d}" + (".png" if image.startswith(_PNG) else ".jpg"))
        write_atomically(file, image)
        samples.append((file, text))
    write_recognition(target / "rec_gt.txt", samples)
    return len(samples)
