"""Pictures cut off at every byte, and pictures with wrong bytes. Some minutes; not part of `make test`."""

import os
import resource
import time

import numpy as np
import pytest
from PIL import Image

from ocrbook import images
from tests.pictures import for_browsers, others, scene, stored

ROUNDS = int(os.environ.get("ATTACK_ROUNDS", "30000"))
PICTURES = for_browsers() | others()
SECONDS = 2  # CPU, for one picture of less than 10 kB


def read(content):
    """The picture, or None if it was refused; checks what must hold for any bytes."""
    began = time.process_time()
    try:
        seen = images.decode(content, "it")
    except images.ImageError as error:
        assert str(error).startswith("it ") and "\n" not in str(error)
        seen = None
    else:
        assert seen.dtype == np.uint8 and seen.ndim == 3 and seen.shape[2] == 3 and seen.flags.c_contiguous
        assert images.header(content)[1:] == seen.shape[1::-1]
    assert time.process_time() - began < SECONDS
    return seen


@pytest.mark.parametrize("name", list(PICTURES))
def test_a_picture_cut_off_at_any_byte_is_read_whole_or_refused(name):
    content = PICTURES[name]
    whole = images.decode(content)
    for length in range(len(content)):
        seen = read(content[:length])
        assert seen is None or np.array_equal(seen, whole), length


@pytest.mark.parametrize("seed", range(max(1, ROUNDS // 150)))
def test_a_jpeg_cut_off_at_any_byte_is_read_whole_or_refused(seed):
    rng = np.random.default_rng(seed)
    image = scene(*rng.integers(9, 80, 2))
    if seed % 3 == 0:  # large areas of one colour, where what was lost looks like what is there
        image = np.where(image.mean(axis=2, keepdims=True) < 90, 0, rng.integers(0, 256, 3)).astype(np.uint8)
    options = {"restart_marker_blocks": int(rng.integers(1, 6))} if rng.random() < 0.3 else {}
    content = stored(
        Image.fromarray(image),
        "JPEG",
        quality=int(rng.integers(40, 99)),
        progressive=bool(seed % 2),
        subsampling=int(rng.integers(3)),
        **options,
    )
    whole = images.decode(content)
    for length in range(len(content)):
        for end in (b"", b"\xff\xd9"):
            seen = read(content[:length] + end)
            # with an end mark, up to two blocks at the very end can be wrong: no checksum tells
            assert seen is None or np.array_equal(seen, whole) or (end and len(content) - length < 40), (length, end)


def spoilt(content, rng):
    """The bytes with one to three mistakes in them: bits, bytes, gaps, insertions, wrong fields of the head."""
    content = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(content)))
        kind = rng.integers(5)
        if kind == 0:
            content[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            content[at] = int(rng.choice([0, 1, 127, 128, 255]))
        elif kind == 2 and len(content) > 100:
            del content[at : at + int(rng.integers(1, 60))]
        elif kind == 3:
            content[at:at] = rng.integers(0, 256, int(rng.integers(1, 30)), np.uint8).tobytes()
        else:
            content[int(rng.integers(min(len(content), 120)))] = int(rng.integers(256))
    return bytes(content)


@pytest.mark.parametrize("name", list(PICTURES))
def test_wrong_bytes_are_refused_in_a_line_or_read(name):
    rng = np.random.default_rng(len(name) * 1000 + sum(name.encode()))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(max(1, ROUNDS // len(PICTURES))):
        read(spoilt(PICTURES[name], rng))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2_500_000  # kB: most pixels, four bytes, twice
