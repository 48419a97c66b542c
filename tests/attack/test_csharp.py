"""Thousands of damaged and hostile pictures for the readers in C#: an answer or one line, in bounded time and memory.

Run by hand and by the nightly workflow: pytest tests/attack/test_csharp.py. OCRBOOK_ATTACKS sets how many of each kind.
"""

import json
import os
import random
import resource
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
from PIL import Image

from tests.interop import test_csharp as interop
from tests.interop.pictures import chunks, jpeg, segment
from tests.interop.pictures import png as own_png
from tests.interop.test_csharp import blurred, run, saved

programs, pytestmark = interop.programs, interop.pytestmark

COUNT = int(os.environ.get("OCRBOOK_ATTACKS", "3000"))
MEGABYTES = 700  # the largest picture that is allowed takes 120 as pixels and twice that as frequencies
SECONDS = 10  # of CPU, for one picture


def seeds() -> dict[str, bytes]:
    small, rng = Image.fromarray(blurred(40, 30)), np.random.default_rng(0)
    planes = [*np.moveaxis(blurred(40, 30), 2, 0), blurred(40, 30, 1)[..., 0]]
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "baseline": saved(small),
        "progressive": saved(small, progressive=True, exif=exif),
        "restarts": cv2.imencode(".jpg", np.array(small), [cv2.IMWRITE_JPEG_RST_INTERVAL, 1])[1].tobytes(),
        "cmyk": saved(small.convert("CMYK"), progressive=True),
        "alone": jpeg(planes[:3], [(2, 2), (1, 1), (1, 2)], together=False, wide=True),
        "four": jpeg(planes, [(2, 2), (1, 1), (1, 1), (1, 1)], interval=2),
        "png": saved(small, "PNG", exif=exif),
        "palette": own_png(rng.integers(0, 16, (9, 9, 1)), 3, 4, parts=(b"PLTE" + bytes(48), b"tRNS" + bytes(9))),
        "interlaced": own_png(rng.integers(0, 65536, (9, 9, 4)), 6, 16, interlaced=True),
        "ppm": saved(small, "PPM"),
    }


def spoiled(content: bytes, rng: random.Random) -> bytes:
    """Changed, cut or doubled at a few places, often in the first 200 bytes; checksums of a PNG are put right."""
    bad = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(min(len(bad), rng.choice((200, 10**9))))
        deed = rng.randrange(6)
        if deed < 2:
            bad[at] ^= 1 << rng.randrange(8)
        elif deed == 2:
            bad[at] = rng.choice((0, 1, 0x7F, 0x80, 0xD9, 0xFF))
        elif deed == 3:
            del bad[at : at + rng.randint(1, 40)]
        elif deed == 4:
            bad[at:at] = bad[at : at + rng.randint(1, 40)]
        else:
            bad[at : at + 4] = rng.randbytes(4)
        bad = bad or bytearray(b"x")
    if bad[:4] == b"\x89PNG":
        place = 8
        while place + 12 <= len(bad):
            end = place + 8 + int.from_bytes(bad[place : place + 4], "big")
            bad[end : end + 4] = (
                struct.pack(">I", zlib.crc32(bad[place + 4 : end])) if end + 4 <= len(bad) else bad[end : end + 4]
            )
            place = end + 4
    return bytes(bad)


def asked(programs, paths) -> tuple[list[str], float, float]:
    """The answers of the reader, CPU seconds and peak megabytes of its process, from a process that is small itself."""
    script = """
import json, resource, subprocess, sys
done = subprocess.run(["mono", sys.argv[1]], stdin=sys.stdin, capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.stdout.splitlines(), done.stderr, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000]))
"""
    commands = "".join(f"read\t{path}\t{path.parent}/out.ppm\n" for path in paths)
    command = [sys.executable, "-c", script, programs / "probe.exe"]
    done = subprocess.run(command, input=commands, capture_output=True, text=True, check=True)
    answers, errors, seconds, megabytes = json.loads(done.stdout)
    assert not errors, errors[-2000:]
    return answers, seconds, megabytes


def test_spoiled_pictures_get_an_answer_or_a_line(programs, tmp_path):
    rng, paths = random.Random(1), []
    for name, content in seeds().items():
        for number in range(COUNT):
            paths.append(tmp_path / f"{name} {number}")
            paths[-1].write_bytes(spoiled(content, rng))
    answers, seconds, megabytes = asked(programs, paths)
    print(f"{len(answers)} files, {seconds:.0f} CPU s, {megabytes:.0f} MB")
    assert len(answers) == len(paths) and all(
        answer == "written" or answer.startswith("refused: ") for answer in answers
    )
    assert megabytes < MEGABYTES


def test_files_that_cost_much_for_their_size_are_bounded(programs, tmp_path):
    """Each alone, so that time and memory are its own."""
    side = 6320  # of nearly the largest square
    whole = cv2.imencode(".jpg", np.zeros((side, side), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    color = cv2.imencode(
        ".jpg",
        np.zeros((side, side, 3), np.uint8),
        [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111],
    )[1].tobytes()
    start = whole.index(b"\xff\xda")
    head = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(side * (3 * side + 1)), 9)
    contents = {
        "progressive": whole,
        "colours": color,
        "many empty parts": whole[:2] + segment(0xE1, b"") * 2_000_000 + whole[2:],
        "fill bytes": whole[:2] + b"\xff" * 10_000_000 + whole[2:],
        "tables": whole[:2] + whole[whole.index(b"\xff\xc4") : start] * 2000 + whole[2:],
        "passes again": whole[:-2] + whole[start:-2] * 200 + b"\xff\xd9",
        "bomb": chunks(head, b"IDAT" + rows, b"IEND"),
        "many chunks": chunks(head, *[b"abCd"] * 1_000_000, b"IDAT" + rows, b"IEND"),
        "much behind": chunks(head, b"IDAT" + zlib.compress(bytes(1_000_000_000), 9), b"IEND"),
    }
    for name, content in contents.items():
        (tmp_path / "one").write_bytes(content)
        (answer,), seconds, megabytes = asked(programs, [tmp_path / "one"])
        print(f"{name}: {len(content) / 1e6:.1f} MB, {seconds:.1f} CPU s, {megabytes:.0f} MB, {answer[:80]}")
        assert answer == "written" or answer.startswith("refused: ")
        assert seconds < SECONDS and megabytes < MEGABYTES, name


def test_meters_in_large_pictures_take_seconds(programs, tmp_path):
    for width, height in ((8000, 5000), (600, 65_000)):
        cv2.imwrite(str(tmp_path / "large.jpg"), cv2.resize(blurred(80, 50), (width, height)))
        for words in (("digit",), ("window", "--digits", "8")):
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            done = run(programs, *words, "--meters", interop.WEIGHTS, tmp_path / "large.jpg", models=False)
            seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
            print(f"{words[0]}, {width} x {height}: {seconds:.1f} CPU s")
            assert "error" not in json.loads(done.stdout) and seconds < 3 * SECONDS, done.stderr


def test_many_bad_pictures_among_good_ones(programs, tmp_path):
    rng, contents = random.Random(2), list(seeds().values())
    paths = [tmp_path / f"{number}" for number in range(COUNT // 10)]
    for path in paths:
        path.write_bytes(spoiled(rng.choice(contents), rng))
    alone, together = run(programs, "read", *paths), run(programs, "read", "--jobs", "4", *paths)
    rows = [json.loads(row) for row in alone.stdout.splitlines()]
    assert [row["file"] for row in rows] == list(map(str, paths)) and alone.stdout == together.stdout
    assert all("error" in row or "lines" in row for row in rows) and not any(
        "should not" in row.get("error", "") for row in rows
    )
