"""LMDB: thousands of crops with their texts in one memory-mapped file, which a training reads fast.

The keys are those of PaddleOCR's LMDBDataSet: `num-samples`, and from 1 on `image-%09d` (the encoded image file) and
`label-%09d` (the text in UTF-8).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lmdb

from ocrbook import images
from ocrbook.folders import exchanged
from ocrbook.labels.files import refuse
from ocrbook.labels.lists import numbered_samples, write_recognition

_PNG = b"\x89PNG"


def pack(path: str | Path, folder: str | Path) -> int:
    """Pack a list for recognition and its images into an LMDB folder; returns the number of samples.

    Images are packed byte by byte, without a look at what they show.

    Raises
    ------
    FileExistsError
        If the folder exists: an LMDB that is only partly overwritten would mix two data sets.
    ValueError
        If the list or an image can't be read; all images are listed with their rows, and nothing is written.
    """
    path, folder = Path(path), Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists: remove it, or choose another name")
    samples = list(numbered_samples(path))
    problems = [f"{path}, line {row}: no image {image}" for row, image, _ in samples if not image.is_file()]
    refuse(problems, "nothing was packed")
    size = sum(image.stat().st_size + len(text.encode()) for _, image, text in samples)
    room = 2 * size + 4096 * (4 * len(samples) + 64)
    with exchanged(folder, ()) as draft:
        with lmdb.open(str(draft), map_size=room) as store, store.begin(write=True) as transaction:
            for number, (row, image, text) in enumerate(samples, 1):
                try:
                    content = image.read_bytes()
                except OSError as error:
                    problems.append(f"{path}, line {row}: {image} can't be read: {error.strerror}")
                    continue
                transaction.put(b"image-%09d" % number, content)
                transaction.put(b"label-%09d" % number, text.encode())
            transaction.put(b"num-samples", b"%d" % len(samples))
        refuse(problems, "nothing was packed")
    return len(samples)


def read(folder: str | Path) -> Iterator[tuple[bytes, str]]:
    """The samples of an LMDB folder: the bytes of the image file, and the text.

    Raises
    ------
    FileNotFoundError
        If there is no LMDB.
    ValueError
        If it is damaged, a sample is missing, or a text is not UTF-8; the message names it.
    """
    for image, text, problem in _samples(Path(folder)):
        if problem:
            raise ValueError(problem)
        yield image, text


def _samples(folder: Path) -> Iterator[tuple[bytes, str, str]]:
    """Image and text of each sample, and what is wrong with it."""
    file = folder / "data.mdb"
    if not file.is_file():
        raise FileNotFoundError(f"no LMDB in {folder}: there is no data.mdb")
    try:
        with lmdb.open(str(folder), readonly=True, lock=False) as store, store.begin() as transaction:
            pages = store.info()["last_pgno"] + 1
            if file.stat().st_size < pages * store.stat()["psize"]:  # reading behind the end would kill the process
                raise ValueError(f"{folder}: data.mdb is cut off: copy it again")
            count = transaction.get(b"num-samples")
            if count is None or not count.isdigit() or len(count) > 9:
                raise ValueError(f"{folder}: num-samples is {count!r}, expected a number")
            if int(count) > store.stat()["entries"]:
                raise ValueError(f"{folder}: num-samples is {int(count)}, more than there are entries")
            if transaction.get(b"image-%09d" % (int(count) + 1)) is not None:
                raise ValueError(f"{folder}: num-samples is {int(count)}, but there is a sample {int(count) + 1}")
            for number in range(1, int(count) + 1):
                where = f"{folder}: sample {number} of {int(count)}"
                image, text = (transaction.get(b"%s-%09d" % (kind, number)) for kind in (b"image", b"label"))
                if image is None or text is None:
                    yield b"", "", f"{where} is missing"
                    continue
                try:
                    yield image, text.decode(), ""
                except UnicodeDecodeError as error:
                    yield b"", "", f"{where}: the text is not UTF-8: {error.reason}"
    except lmdb.Error as error:
        raise ValueError(f"{folder} is damaged, no LMDB, or being read: {error}") from None


def unpack(folder: str | Path, target: str | Path) -> int:
    """Write the samples of an LMDB folder as image files and a list, `rec_gt.txt`; returns their number.

    Image files are copied byte by byte. The files and the list are exchanged as one; see `ocrbook.folders`.

    Raises
    ------
    FileNotFoundError
        If there is no LMDB.
    ValueError
        If it is damaged, or samples are missing, or no images; all of them are listed, and nothing is written.
    """
    samples, problems = [], []
    with exchanged(target, ("crops", "rec_gt.txt")) as draft:
        (draft / "crops").mkdir()
        for number, (image, text, problem) in enumerate(_samples(Path(folder)), 1):
            if not problem:
                try:
                    images.decode(image, f"{folder}: sample {number}")
                except images.ImageError as error:
                    problem = str(error)
            if problem:
                problems.append(problem)
                continue
            file = draft / "crops" / (f"{number:09d}" + (".png" if image.startswith(_PNG) else ".jpg"))
            file.write_bytes(image)
            samples.append((file, text))
        refuse(problems, "nothing was unpacked")
        write_recognition(draft / "rec_gt.txt", samples)
    return len(samples)
