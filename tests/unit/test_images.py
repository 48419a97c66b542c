"""What a viewer sees is what is read, or nothing is."""

import os
import re
import struct
import time
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ocrbook import images
from tests.pictures import (
    HEIGHT,
    WIDTH,
    alpha,
    as_stored,
    chunk,
    exif,
    for_browsers,
    others,
    png,
    scene,
    stored,
    tiff_tag,
    told_strangely,
    told_wrongly,
)

PICTURES = for_browsers() | others()
RGB = scene()


def on_white(rgb, opacity):
    share = opacity[..., None] / 255
    return rgb * share + 255 * (1 - share)


def assert_like(content, expected, most=1.01):
    seen = images.decode(content)[..., ::-1]
    assert seen.shape == expected.shape
    assert np.abs(seen - expected.astype(float)).max() <= most


def test_files_of_the_book_are_read_as_opencv_reads_them():
    files = [*Path("datasets").rglob("*.jpg"), *Path("datasets").rglob("*.png")]
    assert len(files) > 800
    for file in files:
        content = file.read_bytes()
        expected = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        assert np.array_equal(images.decode(content), expected), file
        assert images.header(content) == ("JPEG", *expected.shape[1::-1])


@pytest.mark.parametrize(
    "name",
    [
        *("plain.jpg", "gray.jpg", "progressive.jpg", "restarts.jpg", "full.jpg", "plain.png", "few.png", "bits.png"),
        *("gray4.png", "plain.bmp", "plain.webp", "plain-tiff_lzw.tif"),
    ],
)
def test_ordinary_pictures_are_read_as_opencv_reads_them(name):
    expected = cv2.imdecode(np.frombuffer(PICTURES[name], np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(images.decode(PICTURES[name]), expected)


@pytest.mark.parametrize("name", [name for name in PICTURES if name.startswith(("rgba", "associated"))])
def test_transparency_is_shown_on_white(name):
    assert_like(PICTURES[name], on_white(RGB, alpha()), 3 if name.endswith("avif") else 1.5)


@pytest.mark.parametrize("name", ["la.png", "la16.png", "la.tif"])
def test_transparency_of_gray_is_shown_on_white(name):
    gray = np.asarray(Image.fromarray(RGB).convert("L"))
    assert_like(PICTURES[name], on_white(np.dstack([gray] * 3), alpha()))


@pytest.mark.parametrize("name", ["rgb-key.png", "rgb16-key.png", "gray-key.png", "gray16-key.png", "gray1-key.png",
                                  "gray2-key.png", "gray4-key.png"])  # fmt: skip
def test_a_transparent_colour_is_white_and_no_other(name):
    plain, seen = (
        images.decode(PICTURES[name.replace("-key", "").replace("rgb.", "plain.").replace("gray.", "bits.")]),
        images.decode(PICTURES[name]),
    )
    depth = int(re.search(r"\d+", name)[0]) if re.search(r"\d", name) else 8
    gray = np.asarray(Image.fromarray(RGB).convert("L"))
    values = RGB if name.startswith("rgb") else gray >> max(0, 8 - depth)
    clear = (values == values[20, 20]).reshape(*values.shape[:2], -1).all(axis=2)
    assert (seen[clear] == 255).all()
    if name not in ("gray-key.png",):
        assert np.array_equal(seen[~clear], plain[~clear])


@pytest.mark.parametrize("name", ["rgb16.png", "gray16.png", "rgb16.tif", "gray16.tif"])
def test_of_16_bits_the_upper_eight_are_kept(name):
    gray = np.asarray(Image.fromarray(RGB).convert("L"))
    assert_like(PICTURES[name], RGB if name.startswith("rgb") else np.dstack([gray] * 3), 0)


@pytest.mark.parametrize("name", [name for name in PICTURES if name.startswith("turned")])
def test_pictures_are_turned_where_browsers_turn_them(name):
    expected = RGB if not name.endswith("webp") else as_stored(RGB, int(name[6]))
    assert_like(PICTURES[name], expected, {"jpg": 10, "avif": 8}.get(name.split(".")[1], 0))


@pytest.mark.parametrize("name", ["moving.webp", "moving.png", "pages.tif", "cmyk.tif", "plain-packbits.tif"])
def test_the_first_picture_of_several_is_read(name):
    assert_like(PICTURES[name], RGB, 0)


def test_headers_say_what_is_decoded_and_nothing_is_printed(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, content in PICTURES.items():
            kind, *size = images.header(content)
            assert tuple(size) == images.decode(content).shape[1::-1], name
            assert kind == {"jpg": "JPEG", "tif": "TIFF"}.get(name.split(".")[1], name.split(".")[1].upper())
    assert capfd.readouterr() == ("", "")


def cuts(length, number):
    """Where a file is cut: everywhere near its end, where that is hardest to notice, and at some other places."""
    return sorted({*range(max(0, length - 12), length), *np.linspace(0, length - 1, number).astype(int).tolist()})


@pytest.mark.parametrize("name", list(PICTURES))
def test_a_picture_that_was_cut_off_is_read_whole_or_refused(name, capfd):
    content = PICTURES[name]
    whole = images.decode(content)
    refused = 0
    for length in cuts(len(content), 25):
        try:
            seen = images.decode(content[:length], "cut")
        except images.ImageError as error:
            refused += 1
            assert str(error).startswith("cut ") and "\n" not in str(error)
            continue
        assert np.array_equal(seen, whole), length
    assert refused > 5
    assert "Corrupt" not in capfd.readouterr().err


def long_jpeg(**options):
    rng = np.random.default_rng(3)
    page = np.full((400, 300, 3), 255, np.uint8)
    for top in range(10, 380, 24):
        page[top : top + 12, 20 : rng.integers(100, 280)] = rng.integers(0, 120, 3)
    return stored(Image.fromarray(page), "JPEG", quality=88, **options)


KINDS = {"baseline": {}, "progressive": {"progressive": True}, "restarts": {"restart_marker_blocks": 5}}


@pytest.mark.parametrize("kind", KINDS)
def test_a_jpeg_needs_all_its_blocks_and_nothing_else(kind):
    content = long_jpeg(**KINDS[kind])
    whole = images.decode(content)
    coded = len(content) // 2
    for good in (content[:-2], content[:-1], content + b"garbage", content + content, content + b"\xff\xd8\xff"):
        assert np.array_equal(images.decode(good), whole)
    ends = b"\xff\xd9"
    for bad in (
        content[:coded] + ends,
        content[:coded] + ends + b"garbage",
        content[:coded] + bytes(len(content) - coded),
        content[:coded] + content[coded + 300 :],
        content[:-200] + ends,
        content[:coded] + content[coded - 300 :],
    ):
        with pytest.raises(images.ImageError, match="damaged"):
            images.decode(bad)


def test_bytes_that_a_camera_adds_before_the_end_mark_are_passed_over():
    content = long_jpeg()
    for padding in (b"\0", b"\0" * 40, b"\x55" * 7, b"\xff" * 9):
        assert np.array_equal(images.decode(content[:-2] + padding + content[-2:]), images.decode(content))


def test_a_progressive_jpeg_without_its_last_scans_is_refused():
    content = long_jpeg(progressive=True)
    scans = [at for at in range(len(content)) if content[at : at + 2] in (b"\xff\xc4", b"\xff\xda")]
    with pytest.raises(images.ImageError, match="lacks parts of its pixels"):
        images.decode(content[: scans[-2]] + b"\xff\xd9")


def test_a_lost_or_exchanged_restart_mark_is_noticed():
    content = long_jpeg(restart_marker_blocks=5)
    at = content.index(b"\xff\xd3")
    for bad in (content[:at] + content[at + 2 :], content[: at + 1] + b"\xd4" + content[at + 2 :]):
        with pytest.raises(images.ImageError, match="lacks parts of its pixels, or has too many"):
            images.decode(bad)


@pytest.mark.parametrize("name", ["plain.png", "few-clear.png", "turned6.png"])
def test_a_png_with_a_wrong_byte_is_refused_unless_it_is_read_all_the_same(name):
    content, whole = PICTURES[name], images.decode(PICTURES[name])
    for at in range(0, len(content), 3):
        bad = content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]
        try:
            seen = images.decode(bad)
        except images.ImageError:
            continue
        assert "turned" in name or np.array_equal(seen, whole), at


@pytest.mark.parametrize("mode", ["F", "I"])
def test_values_without_a_meaning_on_a_screen_are_refused(mode):
    with pytest.raises(images.ImageError, match=r"^a.tif can't be read: it .*; store it with 8 bits a channel"):
        images.decode(stored(Image.new(mode, (9, 9)), "TIFF"), "a.tif")


@pytest.mark.parametrize(("tag", "value"), [(258, 12), (339, 2)])
def test_values_of_12_bits_or_with_a_sign_are_refused(tag, value):
    content = PICTURES["gray16.tif"] if tag == 258 else stored(Image.fromarray(RGB[..., 0]), "TIFF", tiffinfo={339: 1})
    with pytest.raises(images.ImageError, match="store it with 8 bits a channel"):
        images.decode(tiff_tag(content, tag, value))


@pytest.mark.parametrize("name", ["gray.tif", "gray16.tif"])
def test_negatives_are_shown_as_they_look(name):
    assert np.array_equal(images.decode(tiff_tag(PICTURES[name], 262, 0)), 255 - images.decode(PICTURES[name]))


def bomb(name):
    """A file that is cheap to send and would be dear to look at."""
    jpeg, ordinary, tiff = PICTURES["plain.jpg"], PICTURES["plain.png"], PICTURES["plain-raw.tif"]
    if name == "empty segments":
        return jpeg[:2] + b"\xff\xe1\0\x02" * 2_400_000 + jpeg[2:]
    if name == "fill bytes":
        return jpeg[:2] + b"\xff" * 10_000_000 + jpeg[2:]
    if name == "scans":
        return jpeg[:-2] + b"\xff\xda\0\x0c\x03\x01\0\x02\x11\x03\x11\0\x3f\0" * 100_000 + jpeg[-2:]
    if name == "chunks":
        return ordinary[:33] + chunk(b"tEXt", b"") * 700_000 + ordinary[33:]
    if name in ("zTXt", "iCCP"):
        return ordinary[:33] + chunk(name.encode(), b"a\0\0" + zlib.compress(bytes(50_000_000))) + ordinary[33:]
    if name == "comments":
        return b"GIF89a" + b"\x09\0\x09\0\0\0\0" + b"!\xfe\x01a\0" * 2_000_000 + b";"
    if name == "a long comment":
        return b"GIF89a" + b"\x09\0\x09\0\0\0\0!\xfe" + b"\x01a" * 5_000_000 + b"\0;"
    many = b"".join(struct.pack("<HHII", 700 + tag, 1, 5_000, 0) for tag in range(60_000))
    return tiff[:4] + struct.pack("<I", len(tiff)) + tiff[8:] + struct.pack("<H", 60_000) + many + bytes(4)


@pytest.mark.parametrize(
    "name", ["empty segments", "fill bytes", "scans", "chunks", "zTXt", "iCCP", "comments", "a long comment", "tags"]
)
def test_heads_are_read_in_bounded_time(name):
    content = bomb(name)
    began = time.process_time()
    for look in (images.header, images.decode):
        try:
            look(content)
        except images.ImageError as error:
            assert str(error).startswith("image ")
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "content",
    [
        png(np.zeros((1, 1), np.uint8), 1, 0).replace(struct.pack(">II", WIDTH, 1), struct.pack(">II", 2**31 - 1, 1)),
        png(np.zeros((1, 1), np.uint8), 1, 0).replace(struct.pack(">II", WIDTH, 1), struct.pack(">II", 30_000, 30_000)),
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 25_000_000, 1, 1, 24, 0, 0, 0, 0, 0, 0),
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 1, -25_000_000, 1, 24, 0, 0, 0, 0, 0, 0),
        b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b"," + bytes(9),
        b"II*\0\x08\0\0\0\x02\0" + struct.pack("<HHIIHHII", 256, 4, 1, 2_000_000, 257, 4, 1, 10) + bytes(2),
    ],
)
def test_sizes_are_limited_before_anything_is_decoded(content):
    with pytest.raises(images.ImageError, match=r"has [\d]+ x [\d]+ pixels; more than 150,000,000"):
        images.decode(content)
    assert max(images.header(content)[1:]) >= 30_000


def test_a_long_strip_is_decoded():
    strip = np.zeros((40_000, 3, 3), np.uint8)
    strip[39_999] = 9
    assert np.array_equal(images.decode(cv2.imencode(".png", strip)[1].tobytes()), strip)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"x", b"BM", b"GIF89a", b"\xff\xd8\xff", b"II*\0", b"MM\0*" + bytes(40), b"RIFF    WEBP"),
        *(b"\x89PNG\r\n\x1a\n", b"\0\0\0\x20ftypavif" + bytes(20)),
    ],
)
def test_what_is_no_picture_is_refused(content):
    for look in (images.header, images.decode):
        with pytest.raises(images.ImageError, match=r"^the scan (is|has|can't be read: it has) "):
            look(content, "the scan")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC picture, whatever its name says: export it as JPEG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "is a HEIC picture, whatever its name says: export it as JPEG"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", "is not an image that can be read"),
        (b"%PDF-1.7\n", "is a PDF, not an image: export its pages as PNG"),
        (b"a text", "is not an image that can be read"),
        (cv2.imencode(".jpg", RGB)[1].tobytes()[:-300], "is damaged: it lacks parts of its pixels"),
    ],
)
def test_what_people_take_for_a_picture_is_named(content, said):
    with pytest.raises(images.ImageError, match=f"^my_photo.jpg {re.escape(said)}"):
        images.decode(content, "my_photo.jpg")


def test_exif_that_makes_no_sense_turns_nothing():
    for mark in (exif(0), exif(9), exif(6)[:9], b"", b"II" + bytes(50), exif(6)[:10] + b"\xff\xff"):
        assert_like(stored(Image.fromarray(RGB), "PNG", exif=mark or b"\0"), RGB, 0)


@pytest.mark.parametrize("name", list(told_strangely()))
def test_what_is_told_strangely_is_taken_as_browsers_take_it(name):
    turned = {"little", "xmp-first", "two-marks", "empty-first", "filled", "behind-the-frame"}
    seen = images.decode(told_strangely()[name])
    assert seen.shape[:2] == ((WIDTH, HEIGHT) if name.split(".")[0] in turned else (HEIGHT, WIDTH))


@pytest.mark.parametrize("name", list(told_wrongly()))
def test_what_is_told_wrongly_is_refused(name):
    with pytest.raises(images.ImageError, match=f"^{name} (is damaged|can't be read): it (has|ends) "):
        images.decode(told_wrongly()[name], name)


def test_files_that_are_none_are_refused_in_a_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(images, "MOST_BYTES", 2**20)
    os.mkfifo("pipe.png")
    Path("folder.png").mkdir()
    Path("link.png").symlink_to("nothing.png")
    Path("empty.png").touch()
    Path("two\nlines.png").write_bytes(b"no image")
    with Path("large.png").open("wb") as file:
        file.truncate(2**40)
    for path, reason in {
        "pipe.png": "pipe.png is a pipe or a device, not an image",
        "/dev/zero": "/dev/zero is a pipe or a device, not an image",
        "folder.png": "folder.png is a folder, not an image",
        "link.png": "link.png can't be read: No such file or directory",
        "none.png": "none.png can't be read: No such file or directory",
        "empty.png": "empty.png is empty",
        "large.png": "large.png has more than 1,048,576 bytes; such files are not read",
        "two\nlines.png": "two lines.png is not an image that can be read",
        "nul\0.png": "nul .png can't be read: embedded null byte",
        os.fsdecode(b"\xc4\xd0.png"): "\\udcc4\\udcd0.png can't be read: No such file or directory",
    }.items():
        with pytest.raises(images.ImageError) as caught:
            images.read(path)
        assert str(caught.value) == reason


def test_a_file_that_may_not_be_read_is_refused(monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(images.os, "open", denied)
    with pytest.raises(images.ImageError, match="can't be read: Permission denied"):
        images.read("a.png")


def test_pictures_can_be_read_in_threads_at_once():
    from concurrent.futures import ThreadPoolExecutor

    expected = {name: images.decode(content) for name, content in PICTURES.items()}
    filters = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        for name, seen in pool.map(lambda name: (name, images.decode(PICTURES[name])), [*PICTURES] * 2):
            assert np.array_equal(seen, expected[name]), name
    assert warnings.filters == filters
