"""The C# library does what OpenCV, Clipper, PaddleOCR and ocrbook.meters do; its program fails in one line."""

import http.server
import io
import itertools
import json
import os
import shutil
import struct
import subprocess
import threading
import zlib
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pyclipper
import pytest
from PIL import Image, ImageOps

from ocrbook import images
from ocrbook.ctc import best_text, log_softmax
from ocrbook.meters import read_digit, read_window, resolve
from ocrbook.meters.digits import probabilities
from ocrbook.meters.onnx_files import write_networks
from ocrbook.models import model_folder
from tests.interop.pictures import chunks, jpeg, segment
from tests.interop.pictures import png as own_png
from tests.pictures import told_strangely, told_wrongly
from tools.book_files import ROOT
from tools.datasets import held_out_window

SOURCES = ROOT / "notebooks" / "deployment" / "csharp"
WEIGHTS = ROOT / "ocrbook" / "meters" / "weights"
RUNTIME = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so*"), None)
pytestmark = pytest.mark.skipif(not shutil.which("mcs") or RUNTIME is None, reason="no mono-mcs: tools/setup.sh system")


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("csharp")
    subprocess.run([SOURCES / "build.sh", folder], check=True)
    parts = [path for path in sorted(SOURCES.glob("*.cs")) if path.name != "Program.cs"]
    probe = Path(__file__).with_name("Probe.cs")
    subprocess.run(["mcs", "-langversion:7", "-r:System.Core", f"-out:{folder}/probe.exe", probe, *parts], check=True)
    return folder


@pytest.fixture(scope="module")
def probe(programs):
    """A function of commands that returns one answer for each."""

    def ask(commands):
        lines = "\n".join("\t".join(map(str, command)) for command in commands) + "\n"
        done = subprocess.run(["mono", programs / "probe.exe"], input=lines, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    return ask


def run(programs, *words, models=True):
    given = ["--detector", model_folder("text_detection"), "--recognizer", model_folder("text_recognition")]
    command = ["mono", programs / "ocr.exe", words[0], "--runtime", RUNTIME, *(given if models else []), *words[1:]]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


def png(path: Path, image: np.ndarray) -> Path:
    cv2.imwrite(str(path), image)
    return path


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    image = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    return png(tmp_path_factory.mktemp("noise") / "noise.png", cv2.GaussianBlur(image, (3, 3), 0))


# -- the parts, against the libraries that PaddleOCR uses


def test_resizing_is_opencvs_to_the_last_bit(probe, noise, tmp_path):
    image = cv2.imread(str(noise))
    sizes = [(53, 37), (106, 74), (17, 90), (160, 48), (31, 5), (1, 1), (54, 36), (200, 200)]
    probe([("resize", noise, tmp_path / f"{w}x{h}.ppm", w, h) for w, h in sizes])
    for w, h in sizes:
        assert np.array_equal(cv2.imread(str(tmp_path / f"{w}x{h}.ppm")), cv2.resize(image, (w, h))), (w, h)
    even = png(tmp_path / "even.png", image[:36, :52])
    probe([("resize", even, tmp_path / "half.ppm", 26, 18)])
    assert np.array_equal(cv2.imread(str(tmp_path / "half.ppm")), cv2.resize(image[:36, :52], (26, 18)))


def test_shrinking_is_opencvs_but_for_the_last_bit_of_a_pixel(probe, noise, tmp_path):
    image = cv2.imread(str(noise))
    sizes = [(53, 36), (32, 18), (20, 37), (17, 9), (1, 1), (53, 37)]
    probe([("shrink", noise, tmp_path / f"{w}x{h}.ppm", w, h) for w, h in sizes])
    for w, h in sizes:
        wanted = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
        off = cv2.absdiff(cv2.imread(str(tmp_path / f"{w}x{h}.ppm")), wanted)
        assert off.max() <= 1 and (off > 0).mean() < 0.01, (w, h)


def test_straightening_is_opencvs_to_the_last_bit(probe, noise, tmp_path):
    image = cv2.imread(str(noise))
    corners = np.array([[5, 5], [45, 8], [44, 30], [6, 28]])
    quads = (np.random.default_rng(1).uniform(-8, 8, (12, 4, 2)) + corners).astype(np.float32)
    probe([("straighten", noise, tmp_path / f"{i}.ppm", *quad.ravel(), 40, 20) for i, quad in enumerate(quads)])
    target = np.float32([[0, 0], [40, 0], [40, 20], [0, 20]])
    for i, quad in enumerate(quads):
        matrix = cv2.getPerspectiveTransform(quad, target)
        wanted = cv2.warpPerspective(image, matrix, (40, 20), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
        assert np.array_equal(cv2.imread(str(tmp_path / f"{i}.ppm")), wanted), i


def numbers(answer: str) -> np.ndarray:
    return np.array(answer.split(), float)


def in_order(corners: np.ndarray) -> np.ndarray:
    points = sorted(corners.tolist())
    left, right = (sorted(points[i : i + 2], key=lambda p: p[1]) for i in (0, 2))
    return np.array([left[0], right[0], right[1], left[1]])


def test_the_smallest_rectangle_is_opencvs(probe):
    rng = np.random.default_rng(2)
    clouds = [rng.integers(0, 60, (int(rng.integers(3, 20)), 2)) for _ in range(300)]
    for cloud, answer in zip(clouds, probe([("rectangle", *cloud.ravel()) for cloud in clouds]), strict=True):
        box = cv2.minAreaRect(cloud.astype(np.int32))
        found = numbers(answer)
        side = np.linalg.norm(found[:2] - found[2:4]) * np.linalg.norm(found[2:4] - found[4:6])
        assert np.isclose(side, box[1][0] * box[1][1], rtol=1e-3, atol=1e-2)  # as small
        assert np.isclose(found[8], min(box[1]), atol=1e-2) or np.isclose(side, box[1][0] * box[1][1], rtol=1e-4)


def test_borders_are_opencvs_those_of_holes_too(probe, tmp_path):
    rng = np.random.default_rng(3)
    paths, wanted = [], []
    for i in range(20):
        image = cv2.GaussianBlur(rng.integers(0, 256, (40, 60), np.uint8), (0, 0), 1.5)
        image = np.where(image > np.median(image), 255, 0).astype(np.uint8)
        paths.append(png(tmp_path / f"{i}.png", image))
        wanted.append(cv2.findContours(image, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0])
    for answer, contours in zip(probe([("contours", path) for path in paths]), wanted, strict=True):
        found = [numbers(border).reshape(-1, 2) for border in answer.split(";")]
        assert len(found) == len(contours)
        for mine, theirs in zip(found, contours, strict=True):
            assert np.array_equal(mine, theirs[:, 0])


def test_grown_boxes_have_the_corners_that_clipper_gives_them(probe):
    rng = np.random.default_rng(4)
    boxes = []
    for _ in range(200):
        angle = float(rng.choice([0, 0, rng.normal(0, 10), rng.uniform(-90, 90)]))
        place, size = rng.uniform(100, 400, 2), (rng.uniform(8, 200), rng.uniform(6, 40))
        boxes.append(in_order(cv2.boxPoints((place.tolist(), size, angle))).astype(np.float32))
    for box, answer in zip(boxes, probe([("grow", *box.ravel()) for box in boxes]), strict=True):
        offset = pyclipper.PyclipperOffset()
        offset.AddPath(box, pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
        distance = float(cv2.contourArea(box)) * 1.5 / cv2.arcLength(box, True)
        wanted, found = offset.Execute(distance)[0], numbers(answer).reshape(-1, 2)
        hull = [cv2.convexHull(np.array(points, np.int32))[:, 0].tolist() for points in (wanted, found)]
        assert sorted(hull[0]) == sorted(hull[1])
        assert found[-1].tolist() == wanted[-1]


def test_counters_are_resolved_as_in_python(probe):
    rng = np.random.default_rng(5)
    counters = [np.round(rng.uniform(0, 10, int(rng.integers(1, 9))), 3) for _ in range(300)]
    for places, answer in zip(counters, probe([("resolve", *places) for places in counters]), strict=True):
        text, off = resolve(places)
        assert answer.split()[0] == text and abs(float(answer.split()[1]) - off) < 1e-4, places


def test_the_likeliest_digits_are_found_as_in_python(probe):
    rng = np.random.default_rng(8)
    answers = [log_softmax(rng.normal(0, 3, (int(rng.integers(3, 20)), 11))).round(4) for _ in range(60)]
    asked = [(steps, length) for steps in answers for length in (0, 3, 8)]
    for (steps, length), answer in zip(asked, probe([("beam", n, *s.ravel()) for s, n in asked]), strict=True):
        text, likely = best_text(steps, "0123456789", length or None)
        found, _, number = answer.partition(" ")
        assert found == text and (not text or abs(float(number) - likely) < 1e-3), (length, answer)


def test_models_can_be_replaced_without_touching_anything_else(probe):
    (answer,) = probe([("seam",)])
    assert answer.startswith("ab  ")
    assert np.abs(numbers(answer[4:]) - [6, 16, 53, 16, 53, 33, 6, 33]).max() <= 2


# -- reading files


def test_all_kinds_of_png_and_ppm_are_read_as_opencv_reads_them(probe, tmp_path):
    rng = np.random.default_rng(6)
    colours = Image.fromarray(rng.integers(0, 256, (13, 21, 3), np.uint8))
    files = []
    for mode in ("RGB", "RGBA", "L", "LA", "P", "1"):
        files.append(tmp_path / f"{mode}.png")
        (colours.quantize(200) if mode == "P" else colours.convert(mode)).save(files[-1])
    for count in (2, 4, 16):
        files.append(tmp_path / f"palette{count}.png")
        colours.quantize(count).save(files[-1], bits={2: 1, 4: 2, 16: 4}[count])
    files.append(png(tmp_path / "deep.png", rng.integers(0, 65536, (13, 21, 3), np.uint16)))
    for name in ("colour.ppm", "gray.pgm"):
        files.append(tmp_path / name)
        colours.convert("L" if "gray" in name else "RGB").save(files[-1])
    answers = probe([("read", path, f"{path}.out.ppm") for path in files])
    for path, answer in zip(files, answers, strict=True):
        assert answer == "written", (path.name, answer)
        assert np.array_equal(cv2.imread(f"{path}.out.ppm"), cv2.imread(str(path))), path.name


def decoded(probe, folder: Path, contents: dict[str, bytes]) -> dict[str, np.ndarray | str]:
    """What the reader makes of each file: the picture, or why there is none."""
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    answers = probe([("read", folder / name, folder / f"{name}.ppm") for name in contents])
    return {
        name: cv2.imread(f"{folder / name}.ppm") if answer == "written" else answer
        for name, answer in zip(contents, answers, strict=True)
    }


def as_opencv(content: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


def blurred(width: int, height: int, seed: int = 0) -> np.ndarray:
    return cv2.GaussianBlur(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8), (0, 0), 1.5)


def saved(image: Image.Image, kind: str = "JPEG", **options) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def test_jpegs_are_those_of_opencv_to_the_last_bit(probe, tmp_path):
    contents = {}
    samplings = (0x111111, 0x211111, 0x121111, 0x221111, 0x411111, None)  # None: gray
    sizes = ((1, 1), (5, 3), (8, 8), (17, 33), (100, 61))
    for (w, h), sampling, progressive, interval in itertools.product(sizes, samplings, (0, 1), (0, 3)):
        options = [cv2.IMWRITE_JPEG_QUALITY, 95 - 50 * progressive, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive]
        options += [cv2.IMWRITE_JPEG_RST_INTERVAL, interval]
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling] if sampling else []
        image = blurred(w, h) if sampling else blurred(w, h)[..., 0]
        contents[f"{w}x{h}_{sampling}_{progressive}_{interval}"] = cv2.imencode(".jpg", image, options)[1].tobytes()
    picture = Image.fromarray(blurred(77, 55))
    contents["cmyk"] = saved(picture.convert("CMYK"))
    contents["cmyk, progressive"] = saved(picture.convert("CMYK"), progressive=True, subsampling=2)
    contents["rgb"] = saved(picture, keep_rgb=True)
    planes = [*np.moveaxis(blurred(53, 37), 2, 0), blurred(53, 37, 1)[..., 0]]
    odd = [[(3, 1), (1, 1), (1, 1)], [(1, 1), (2, 2), (1, 2)], [(4, 1), (2, 1), (1, 1)], [(1, 4), (1, 2), (1, 1)]]
    for number, factors in enumerate(odd):
        contents[f"odd{number}"] = jpeg(planes[:3], factors)
        contents[f"odd{number}, each alone"] = jpeg(planes[:3], factors, together=False, interval=2, wide=True)
    adobe = segment(0xEE, b"Adobe\0d\0\0\0\0\2")
    contents["ycck"] = jpeg(planes, [(2, 2), (1, 1), (1, 1), (2, 2)], extra=adobe, interval=3)
    contents["inks without Adobe's mark"] = jpeg(planes, [(1, 1)] * 4)  # browsers, too, take 255 for none
    contents["named rgb"] = jpeg(planes[:3], [(1, 1)] * 3, ids="RGB")
    contents["other names"] = jpeg(planes[:3], [(1, 1)] * 3, ids="abc")
    for name, found in decoded(probe, tmp_path, contents).items():
        assert np.array_equal(found, as_opencv(contents[name])), (name, found)


def test_every_page_is_that_of_opencv(probe, tmp_path):
    contents = {path.name: path.read_bytes() for path in sorted((ROOT / "datasets" / "documents").glob("*.jpg"))}
    found = decoded(probe, tmp_path, contents)
    assert len(found) == 70 and all(np.array_equal(found[name], as_opencv(contents[name])) for name in contents)


def test_jpegs_that_opencv_does_not_read_as_viewers_do(probe, tmp_path):
    planes = [*np.moveaxis(blurred(53, 37), 2, 0), blurred(53, 37, 1)[..., 0]]
    thirds = jpeg([planes[0]] * 3, [(3, 2), (2, 2), (2, 1)], ids="RGB")  # 2 samples for 3 pixels
    found = decoded(probe, tmp_path, {"thirds": thirds})
    assert np.abs(found["thirds"][..., 2].astype(float) - planes[0]).mean() < 2
    assert np.abs(found["thirds"].astype(float) - planes[0][..., None]).mean() < 10


def test_what_is_told_strangely_is_read_as_python_reads_it(probe, tmp_path):
    contents = told_strangely()
    for name, found in decoded(probe, tmp_path, contents).items():
        wanted = images.decode(contents[name])
        off = 2 if name == "without-adobe.jpg" else 0  # inks are rounded as OpenCV does it
        assert found.shape == wanted.shape and np.abs(found.astype(int) - wanted).max() <= off, name
    for name, found in decoded(probe, tmp_path, told_wrongly()).items():
        assert isinstance(found, str) and "PNG file" in found, (name, found)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pictures_are_turned_as_the_camera_was_held(probe, tmp_path, kind):
    contents, picture = {}, Image.fromarray(blurred(23, 14))
    for orientation, order in itertools.product(range(10), (">", "<")):
        exif = Image.Exif()
        exif.endian = order
        exif[0x010F], exif[0x0112] = "camera", orientation
        contents[f"{orientation}{ord(order)}"] = saved(picture, kind, exif=exif)
    for name, found in decoded(probe, tmp_path, contents).items():
        wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(contents[name])))
        assert found.shape[:2] == wanted.size[::-1] and np.abs(found[..., ::-1] - np.float64(wanted)).max() <= 2, name


def test_what_comes_before_and_behind_a_jpeg_does_no_harm(probe, tmp_path):
    whole = saved(Image.fromarray(blurred(40, 30)))
    start, rest = whole[:2], whole[2:]
    wanted = decoded(probe, tmp_path, {"whole": whole})["whole"]
    contents = {
        "no end": whole[:-2],
        "behind": whole + b"\0" * 5000 + whole,
        "behind without an end": whole[:-2] + b"\0" * 3,
        "filled": start + b"\xff" * 50 + rest,
        "remarks": start + segment(0xFE, b"\xff\xd9" * 900) * 3 + segment(0xE5, b"") + rest,
        "a few bytes": start + segment(0xE5, b"x") + b"\0\0" + rest,
    }
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    turned = start + segment(0xE1, b"Exif\0\0" + tiff) + rest
    for end in range(28):  # a damaged note of the camera turns nothing
        contents[f"exif{end}"] = start + segment(0xE1, (b"Exif\0\0" + tiff)[:end]) + rest
    contents["far"] = start + segment(0xE1, b"Exif\0\0" + tiff.replace(b"\0\0\0\x08", b"\xff\xff\xff\xff")) + rest
    contents["no number"] = start + segment(0xE1, b"Exif\0\0" + tiff.replace(b"\0\x03", b"\0\x02")) + rest
    for name, found in decoded(probe, tmp_path, contents).items():
        assert np.array_equal(found, wanted), (name, found)
    assert decoded(probe, tmp_path, {"turned": turned})["turned"].shape == (40, 30, 3)


def test_of_a_jpeg_that_is_cut_off_all_is_read_or_nothing(probe, tmp_path):
    small, whole = Image.fromarray(blurred(24, 17)), {}
    whole["baseline"] = saved(small, quality=60)
    whole["progressive"] = saved(small, quality=60, progressive=True)
    whole["restarts"] = cv2.imencode(".jpg", np.array(small), [cv2.IMWRITE_JPEG_RST_INTERVAL, 1])[1].tobytes()
    whole["each alone"] = jpeg([*np.moveaxis(blurred(24, 17), 2, 0)], [(2, 2), (1, 1), (1, 1)], together=False)
    wanted = decoded(probe, tmp_path, whole)
    cut = {f"{name} {end}": content[:end] for name, content in whole.items() for end in range(len(content))}
    for name, found in decoded(probe, tmp_path, cut).items():
        kind, end = name.rsplit(" ", 1)
        if isinstance(found, str):
            assert found.startswith("refused: ") and int(end) < len(whole[kind]) - 2, (name, found)
        else:
            assert np.array_equal(found, wanted[kind]) and int(end) > len(whole[kind]) - 8, name


def test_jpegs_with_a_hole_are_refused(probe, tmp_path):
    image = blurred(120, 90)
    contents = {}
    for interval in (0, 4):
        whole = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_RST_INTERVAL, interval])[1].tobytes()
        middle = (whole.index(b"\xff\xda") + len(whole)) // 2
        contents[f"lost{interval}"] = whole[:middle] + whole[middle + 700 :]
        contents[f"twice{interval}"] = whole[:middle] + whole[middle - 700 :]
    start = whole.index(b"\xff\xd2")
    contents["a restart is lost"] = whole[:start] + whole[whole.index(b"\xff\xd3") :]
    contents["no header"] = b"\xff\xd8\xff\xd9"
    contents["no picture"] = whole[: whole.index(b"\xff\xda")] + b"\xff\xd9"
    for name, found in decoded(probe, tmp_path, contents).items():
        assert isinstance(found, str) and found.startswith("refused: ") and "damaged" in found, (name, found)


def test_what_can_not_be_read_is_named(probe, tmp_path):
    whole = saved(Image.fromarray(blurred(40, 30)))
    frame = whole.index(b"\xff\xc0")
    contents = {
        name: whole[:frame] + bytes([0xFF, marker]) + whole[frame + 2 :]
        for name, marker in (("lossless", 0xC3), ("hierarchical", 0xC5), ("arithmetic", 0xC9), ("JPEG-LS", 0xF7))
    }
    contents["12 bits"] = whole[: frame + 4] + b"\x0c" + whole[frame + 5 :]
    contents["height"] = whole[: frame + 5] + b"\0\0" + whole[frame + 7 :]
    picture = Image.new("RGB", (9, 9))
    for kind in ("BMP", "GIF", "TIFF", "WEBP", "AVIF"):
        contents[kind.replace("WEBP", "WebP")] = saved(picture, kind)
    contents["HEIC"] = b"\0\0\0\x18ftypheic" + bytes(20)
    contents["PDF"] = b"%PDF-1.4\n"
    contents["plain PPM"] = b"P3 1 1 255 0 0 0\n"
    for name, found in decoded(probe, tmp_path, contents).items():
        assert isinstance(found, str) and name in found and "save it as" in found, (name, found)
    texts = {"empty": b"", "one": b"\xff", "neither": b"\xff\xd8", "text": b"hello"}
    found = decoded(probe, tmp_path, texts)
    assert "is empty" in found["empty"] and all("neither" in found[name] for name in ("one", "neither", "text"))


def on_white(picture: Image.Image) -> np.ndarray:
    """As a viewer shows it, BGR."""
    pixels = np.array(picture.convert("RGBA"), int)
    return ((pixels[..., :3] * pixels[..., 3:] + 255 * (255 - pixels[..., 3:]) + 127) // 255)[..., ::-1].astype(
        np.uint8
    )


def test_transparent_pngs_lie_on_white(probe, tmp_path):
    rng, contents, wanted = np.random.default_rng(8), {}, {}
    for mode, channels, colours in (("RGBA", 4, 6), ("LA", 2, 4)):
        samples = rng.integers(0, 256, (13, 21, channels))
        wanted[mode] = on_white(Image.fromarray(samples.astype(np.uint8), mode))
        contents[mode] = own_png(samples, colours, 8)
        contents[f"{mode}, interlaced"] = own_png(samples, colours, 8, interlaced=True)
        contents[f"{mode}, deep"] = own_png(samples * 256 + rng.integers(0, 256, samples.shape), colours, 16)
    for bits in (1, 2, 4, 8):
        samples, most = rng.integers(0, 1 << bits, (13, 21, 1)), (1 << bits) - 1
        table, opacity = rng.integers(0, 256, (1 << bits, 3), np.uint8), rng.integers(0, 256, (most + 1) // 2, np.uint8)
        parts = (b"PLTE" + table.tobytes(), b"tRNS" + opacity.tobytes())
        each = np.c_[table, np.r_[opacity, np.full(len(table) - len(opacity), 255)]].astype(np.uint8)
        wanted[f"palette{bits}"] = on_white(Image.fromarray(each[samples[..., 0]], "RGBA"))
        contents[f"palette{bits}"] = own_png(samples, 3, bits, parts=parts)
        contents[f"palette{bits}, interlaced"] = own_png(samples, 3, bits, parts=parts, interlaced=True)
        gray = (samples * 255 // most).astype(np.uint8).repeat(3, 2)
        wanted[f"gray{bits}"] = np.where(samples == 1, np.uint8(255), gray)
        contents[f"gray{bits}"] = own_png(samples, 0, bits, parts=(b"tRNS" + struct.pack(">H", 1),), interlaced=True)
    samples = rng.integers(0, 2, (13, 21, 3)) * 257 + 1024
    key = (samples == (1281, 1024, 1281)).all(2, keepdims=True)  # of 16 bits all count: 1281 and 1024 are 5 and 4
    wanted["key"] = np.where(key, 255, (samples >> 8)[..., ::-1]).astype(np.uint8)
    contents["key"] = own_png(samples, 2, 16, parts=(b"tRNS" + struct.pack(">HHH", 1281, 1024, 1281),))
    ink = Image.new("LA", (12, 4))
    ink.putpixel((6, 2), (0, 255))
    contents["ink"], wanted["ink"] = saved(ink, "PNG"), on_white(ink)
    for width, height in ((1, 1), (2, 3), (5, 1), (1, 9)):  # some passes have no pixel
        name = f"{width}x{height}"
        samples = rng.integers(0, 256, (height, width, 3))
        contents[name], wanted[name] = own_png(samples, 2, 8, interlaced=True), samples[..., ::-1]
    for name, found in decoded(probe, tmp_path, contents).items():
        assert np.array_equal(found, wanted[name.split(",")[0]]), (name, found)


def test_damaged_pictures_are_refused_in_a_line(probe, noise, tmp_path):
    content, rng = noise.read_bytes(), np.random.default_rng(7)
    Image.open(noise).save(tmp_path / "plain.ppm")
    plain = (tmp_path / "plain.ppm").read_bytes()
    paths = []
    for number in range(300):
        bad = bytearray(content if number % 3 else plain)
        if number % 2:
            bad[int(rng.integers(len(bad) if number % 3 else 12))] ^= int(rng.integers(1, 256))
        else:
            bad = bad[: int(rng.integers(len(bad)))]
        paths.append(tmp_path / f"{number}.bin")
        paths[-1].write_bytes(bad)
    answers = probe([("read", path, tmp_path / "out.ppm") for path in paths])
    assert len(answers) == len(paths) and all(answer.startswith(("refused: ", "written")) for answer in answers)
    assert sum(answer.startswith("refused: ") for answer in answers) > 200


def test_a_picture_that_says_it_is_huge_is_refused_before_it_is_unpacked(probe, tmp_path):
    from tests.unit.test_serve import bomb

    def header(width, height):
        frame = struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"
        return b"\xff\xd8" + segment(0xC0, frame) + b"\xff\xd9"

    contents = {"png": bomb(60_000, 60_000), "ppm": b"P6 60000 60000 255\n", "jpeg": header(60_000, 60_000)}
    contents |= {"plain ppm": b"P5 000060000 60000 255\n"}
    for name, found in decoded(probe, tmp_path, contents).items():
        assert found.startswith("refused: ") and "60000 x 60000" in found, (name, found)
    contents = {}
    for width, height in (
        (34_000_000, 1),
        (1, 34_000_000),
        (2**31 - 1, 1),
        (2**32 - 1, 2**32 - 1),
        (65_536, 1),
        (0, 5),
        (5, 0),
    ):
        head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
        contents[f"{width} x {height}"] = chunks(head, b"IDAT" + zlib.compress(b""), b"IEND")
    contents |= {"999999999 x 999999999": b"P6 9999999999999 99999 255\n", "0 x 7": b"P5 0 7 255\n"}
    contents["999999999 x 999999999"] = b"P6 999999999 999999999 255\n"
    for name, found in decoded(probe, tmp_path, contents).items():
        assert found.startswith("refused: ") and name in found, (name, found)
    # of a size that is allowed, and nearly nothing behind it: no room is made
    contents = {"png": bomb(6_000, 6_000), "jpeg": header(6_000, 6_000), "ppm": b"P6 6000 6000 255\nabc"}
    contents |= {
        "long": b"P6 99999999999999999999 1 255\n",
        "no end": b"P6 5",
        "sign": b"P6 -5 5 255\n",
        "deep": b"P5 1 1 65535\n  ",
    }
    for name, found in decoded(probe, tmp_path, contents).items():
        assert found.startswith("refused: "), (name, found)


def test_hostile_pngs_are_refused_or_read(probe, tmp_path):
    head = b"IHDR" + struct.pack(">IIBBBBB", 4, 4, 8, 3, 0, 0, 0)
    rows = b"".join(b"\0\0\1\2\3" for _ in range(4))
    pixels, palette = b"IDAT" + zlib.compress(rows), b"PLTE" + bytes(range(12))
    sound = chunks(head, palette, pixels, b"IEND")
    refused = {
        "longer than the file": sound[:33] + b"\xff\xff\xff\xff" + sound[37:],
        "longer than 2 GB": sound[:33] + b"\x7f\xff\xff\xff" + sound[37:],
        "no such colour": chunks(head, b"PLTE" + bytes(9), pixels, b"IEND"),
        "no palette": chunks(head, pixels, b"IEND"),
        "no header": chunks(palette, pixels, b"IEND"),
        "two headers": chunks(head, head, palette, pixels, b"IEND"),
        "no pixels": chunks(head, palette, b"IEND"),
        "no end": sound[:-12],
        "too few rows": chunks(head, palette, b"IDAT" + zlib.compress(rows[:-1]), b"IEND"),
        "unknown filter": chunks(head, palette, b"IDAT" + zlib.compress(b"\5" + rows[1:]), b"IEND"),
        "not packed": chunks(head, palette, b"IDAT" + rows, b"IEND"),
        "a dictionary": chunks(head, palette, b"IDAT\x78\xbb" + zlib.compress(rows)[2:], b"IEND"),
        "a part nobody knows": chunks(head, b"ABCD", palette, pixels, b"IEND"),
        "key too short": own_png(np.zeros((2, 2, 3), int), 2, 8, parts=(b"tRNS\0\0",)),
    }
    for bits, colours, interlace in (
        (3, 0, 0),
        (16, 3, 0),
        (4, 2, 0),
        (2, 6, 0),
        (8, 1, 0),
        (8, 7, 0),
        (0, 0, 0),
        (8, 2, 2),
    ):
        other = b"IHDR" + struct.pack(">IIBBBBB", 4, 4, bits, colours, 0, 0, interlace)
        refused[f"{bits} {colours} {interlace}"] = chunks(other, palette, pixels, b"IEND")
    for name, found in decoded(probe, tmp_path, refused).items():
        assert isinstance(found, str) and found.startswith("refused: "), (name, found)
    read = {
        "sound": sound,
        "parts nobody needs": chunks(
            head, b"abCd" + bytes(99), palette, b"acTL" + bytes(8), pixels, b"fdAT" + bytes(9), b"IEND"
        ),
        "in pieces": chunks(head, palette, *(b"IDAT" + pixels[i : i + 1] for i in range(4, len(pixels))), b"IEND"),
        "much more packed than pixels": chunks(
            head, palette, b"IDAT" + zlib.compress(rows + bytes(100_000_000)), b"IEND"
        ),
        "behind the end": sound + b"x" * 1000,
        "opacity without a colour": chunks(head, palette, b"tRNS" + b"\xff" * 300, pixels, b"IEND"),
    }
    found = decoded(probe, tmp_path, read)
    for name in read:
        assert np.array_equal(found[name], found["sound"]), (name, found[name])


# -- the program


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """One page of each kind, as PNG."""
    folder = tmp_path_factory.mktemp("pages")
    sources = sorted((ROOT / "datasets" / "documents").glob("*_03.jpg"))
    return [png(folder / f"{path.stem}.png", cv2.imread(str(path))) for path in sources]


def test_texts_boxes_and_scores_are_paddleocrs(programs, pages, ocr):
    done = run(programs, "read", *pages)
    assert done.returncode == 0, done.stderr
    same = count = 0
    for path, row in zip(pages, done.stdout.splitlines(), strict=True):
        wanted, answer = ocr.predict(cv2.imread(str(path)))[0], json.loads(row)
        assert len(answer["lines"]) == len(wanted["rec_texts"])
        for line, text, score, box in zip(
            answer["lines"], wanted["rec_texts"], wanted["rec_scores"], wanted["rec_polys"], strict=True
        ):
            count += 1
            same += line["text"] == text
            assert np.abs(np.array(line["points"]) - box).max() <= 2 and abs(line["score"] - score) < 0.05
    assert count > 80 and same >= 0.99 * count


def test_one_bad_picture_is_a_line_and_the_others_are_read(programs, pages, tmp_path):
    good, folder = pages[0], tmp_path / "folder.png"
    folder.mkdir()
    bad = {"missing.png": None, "empty.png": b"", "half.png": good.read_bytes()[:3000], "text.jpg": b"hello"}
    bad |= {
        "huge.ppm": b"P6 99999 99999 255\n",
        "half.jpg": saved(Image.open(good))[:9000],
        "bitmap.bmp": b"BM" + bytes(60),
    }
    if os.geteuid():  # root may read everything
        bad["locked.png"] = good.read_bytes()
    for name, content in bad.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        if name == "locked.png":
            (tmp_path / name).chmod(0)
    paths = [path for name in bad for path in (tmp_path / name, good)] + [folder, "", good]
    small = png(tmp_path / "small.png", cv2.imread(str(good))[:60])
    paths = [small if path == good else path for path in paths]
    for words in (
        ("read",),
        ("read", "--jobs", "3"),
        ("window", "--meters", WEIGHTS),
        ("digit", "--meters", WEIGHTS, "--jobs", "2"),
    ):
        done = run(programs, *words, *paths, models=words[0] == "read")
        rows = [json.loads(row) for row in done.stdout.splitlines()]
        assert done.returncode == 1 and [row["file"] for row in rows] == list(map(str, paths)), done.stderr
        errors = [row["error"] for row in rows if "error" in row]
        assert done.stderr.splitlines() == errors and len(errors) == len(bad) + 2
        for row in rows:
            assert (row["file"] == str(small)) == ("error" not in row), row
            assert row["file"] in row.get("error", row["file"]) and "should not" not in row.get("error", ""), row
        assert words[0] != "read" or all(row["lines"] for row in rows if "error" not in row)


def test_a_long_strip_is_read_to_its_end(programs, tmp_path):
    strip = np.full((34_000, 600, 3), 255, np.uint8)
    for top in (500, 33_000):
        cv2.putText(strip, "LAST 2024", (20, top + 300), cv2.FONT_HERSHEY_SIMPLEX, 3.2, (0, 0, 0), 12, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "strip.jpg"), strip)
    done = run(programs, "read", png(tmp_path / "strip.png", strip), tmp_path / "strip.jpg")
    assert done.returncode == 0, done.stderr
    for row in done.stdout.splitlines():
        lines = json.loads(row)["lines"]
        assert [line["text"].replace(" ", "") for line in lines] == ["LAST2024"] * 2
        assert lines[1]["points"][0][1] > 33_000


def test_thin_pictures_of_every_command_are_answered(programs, tmp_path):
    sizes = ((65_535, 1), (1, 65_535), (65_535, 9), (9, 65_535), (1, 1), (3, 64))
    paths = [png(tmp_path / f"{w}x{h}.png", np.full((h, w, 3), 200, np.uint8)) for w, h in sizes]
    for words in (("read",), ("window", "--meters", WEIGHTS), ("digit", "--meters", WEIGHTS)):
        done = run(programs, *words, *paths, models=words[0] == "read")
        rows = [json.loads(row) for row in done.stdout.splitlines()]
        assert len(rows) == len(sizes) and not any("error" in row for row in rows), done.stderr


def test_pages_are_read_from_jpegs_as_from_pngs(programs, pages):
    jpegs = [ROOT / "datasets" / "documents" / f"{path.stem}.jpg" for path in pages[:2]]
    done = run(programs, "read", *jpegs, *pages[:2])
    assert done.returncode == 0, done.stderr
    lines = [json.loads(row)["lines"] for row in done.stdout.splitlines()]
    assert lines[:2] == lines[2:] and all(lines)


def test_the_width_of_lines_is_that_of_the_model_folder(programs, pages, tmp_path):
    import yaml
    from paddleocr import PaddleOCR

    from ocrbook.models import local_models

    stock = model_folder("text_recognition")
    config = yaml.safe_load((stock / "inference.yml").read_text("utf-8"))
    resize = next(step for step in config["PreProcess"]["transform_ops"] if "RecResizeImg" in step)["RecResizeImg"]
    resize["image_shape"] = [3, 48, 48]
    folder = tmp_path / "PP-OCRv6_small_rec"
    folder.mkdir()
    (folder / "inference.onnx").symlink_to(stock / "inference.onnx")
    for flow in (None, True):  # numbers below each other, or in one line
        (folder / "inference.yml").write_text(
            yaml.safe_dump(config, allow_unicode=True, default_flow_style=flow), "utf-8"
        )
        done = run(programs, "read", "--recognizer", folder, "--batch", "1", *pages[:2])
        assert done.returncode == 0, done.stderr
    arguments = local_models() | {"text_recognition_model_dir": str(folder), "text_recognition_batch_size": 1}
    fast = PaddleOCR(**arguments, engine_config={"intra_op_num_threads": 1})
    stock_rows = run(programs, "read", *pages[:2]).stdout.splitlines()
    changed = 0
    for path, row, other in zip(pages, done.stdout.splitlines(), stock_rows, strict=False):
        wanted, lines = fast.predict(cv2.imread(str(path)))[0], json.loads(row)["lines"]
        assert [line["text"] for line in lines] == wanted["rec_texts"], path.name
        assert np.abs(np.array([line["score"] for line in lines]) - wanted["rec_scores"]).max() < 1e-3
        changed += lines != json.loads(other)["lines"]
    assert changed  # scores, at least: it is not the stock width that was used


def test_a_model_folder_that_does_not_say_the_width_is_refused(probe, tmp_path):
    sound = {
        "[3, 48, 48]": 48,
        "[ 3,48,3200 ]": 3200,
        "\n    - 3\n    - 48\n    - 64": 64,
        "\r\n  - 3\r\n  - 48\r\n  - 64\r": 64,
    }
    bad = (
        "[3, 48]",
        "[3, 32, 320]",
        "[1, 48, 320]",
        "[3, 48, 0]",
        "[3, 48, 3201]",
        "48",
        "[3, 48, x]",
        "[3, 48, 99999999999]",
        "",
    )
    for number, shape in enumerate((*sound, *bad)):
        (tmp_path / f"{number}").mkdir()
        text = f"- RecResizeImg:\n    image_shape: {shape}\n- KeepKeys:\n    keep_keys:\n"
        (tmp_path / f"{number}" / "inference.yml").write_text(text, newline="")
    (tmp_path / "none").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "inference.yml").write_text("Global:\n  model_name: a detector\n")
    names = [*range(len(sound) + len(bad)), "none", "other"]
    answers = probe([("width", tmp_path / f"{name}" / "inference.onnx") for name in names])
    assert answers[: len(sound)] == [str(width) for width in sound.values()] and answers[-2:] == ["320", "320"]
    for answer in answers[len(sound) : -2]:
        assert answer.startswith("refused: ") and "image_shape" in answer, answers


def test_several_threads_share_an_engine(programs, pages):
    alone, together = run(programs, "read", *pages), run(programs, "read", "--jobs", "4", *pages)
    assert alone.returncode == together.returncode == 0 and alone.stdout == together.stdout


def test_lines_that_stand_on_their_heads_are_turned_on_request(programs, pages, tmp_path):
    turned = png(tmp_path / "turned.png", cv2.imread(str(pages[2]))[::-1, ::-1])
    upright = json.loads(run(programs, "read", pages[2]).stdout)["lines"]
    classifier = ("--orientation", model_folder("textline_orientation"))
    found = json.loads(run(programs, "read", *classifier, turned).stdout)["lines"]
    wanted = {line["text"] for line in upright}
    assert sum(line["text"] in wanted for line in found) > 0.7 * len(upright)
    as_it_is = json.loads(run(programs, "read", turned).stdout)["lines"]
    assert sum(line["text"] in wanted for line in as_it_is) < 0.2 * len(upright)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    write_networks(folder)
    return folder


def windows_of_meters(kind: str, count: int) -> list[np.ndarray]:
    """Windows of the data set, the first ones once more with so much around them that digits are narrow in them."""
    sources = sorted((ROOT / "datasets" / f"meter-{kind}").glob("*.jpg"))[:count]
    images = [cv2.imread(str(path)) for path in sources]
    return images + [cv2.copyMakeBorder(image, 60, 60, 0, 0, cv2.BORDER_REPLICATE) for image in images[: count // 5]]


def assert_read_as_in_python(programs, tmp_path, images, kind, networks, second):
    """The same answers; a level of a few pixels that are rounded otherwise moves confidences by hundredths at most."""
    paths = [png(tmp_path / f"{number}.png", image) for number, image in enumerate(images)]
    for given, digits in (((), None), (("--digits", 6), 6)):
        done = run(programs, "window", "--meters", networks, "--kind", kind, *given, *paths, models=False)
        assert done.returncode == 1 and not done.stderr  # some are refused
        for image, row in zip(images, done.stdout.splitlines(), strict=True):
            wanted, answer = read_window(image, kind, digits, second=second).to_dict(), json.loads(row)
            for name in ("text", "value", "accepted", "reason"):
                assert answer[name] == wanted[name], (name, answer, wanted)
            assert [part["text"] for part in answer["parts"]] == [part["text"] for part in wanted["parts"]]
            assert abs(answer["confidence"] - wanted["confidence"]) < 0.02


@pytest.mark.parametrize("kind", ["drum", "lcd"])
def test_windows_of_meters_are_read_as_in_python(programs, tmp_path, kind):
    assert_read_as_in_python(programs, tmp_path, windows_of_meters(kind, 40), kind, WEIGHTS, second=False)


@pytest.mark.parametrize("kind", ["drum", "lcd"])
def test_windows_of_meters_are_read_as_lines_too(programs, networks, tmp_path, kind):
    images = windows_of_meters(kind, 10) + [held_out_window(kind, seed).image for seed in range(5_000, 5_010)]
    images += windows_of_meters({"drum": "lcd", "lcd": "drum"}[kind], 2)  # the other kind
    long = np.full((60, 420, 3), 230, np.uint8)  # more digits than a meter has
    cv2.putText(long, "4006381333931", (10, 45), cv2.FONT_HERSHEY_SIMPLEX, 1.3, (20, 20, 20), 3, cv2.LINE_AA)
    bright = cv2.convertScaleAbs(images[0])
    bright[:, -bright.shape[1] // 6 :] = 255
    assert_read_as_in_python(programs, tmp_path, [*images, long, bright], kind, networks, second=True)


def test_a_network_that_is_none_for_lines_of_digits_is_refused(programs, networks, tmp_path):
    folder = tmp_path / "networks"
    shutil.copytree(networks, folder)
    shutil.copy(model_folder("text_recognition") / "inference.onnx", folder / "lines" / "inference.onnx")
    window = png(tmp_path / "window.png", windows_of_meters("lcd", 1)[0])
    done = run(programs, "window", "--meters", folder, "--kind", "lcd", window, models=False)
    assert done.returncode == 1 and "11 classes" in done.stderr and done.stderr.count("\n") == 1


def test_digits_of_meters_are_read_as_in_python(programs, tmp_path):
    image = cv2.imread(str(sorted((ROOT / "datasets" / "meter-drum").glob("*.jpg"))[1]))
    crops = [image[:, x : x + image.shape[0] * 2 // 3] for x in range(0, image.shape[1] - image.shape[0], 20)]
    noisy = np.random.default_rng(9).normal(128, 8, (70, 50, 3)).clip(0, 255).astype(np.uint8)
    framed = noisy.copy()
    framed[:, :9] = 20
    plain = [noisy, framed, noisy[:9, :9]]
    paths = [png(tmp_path / f"{i}.png", crop) for i, crop in enumerate([*plain, *crops])]
    done = run(programs, "digit", "--meters", WEIGHTS, *paths, models=False)
    rows = done.stdout.splitlines()
    for crop, row in zip(plain, rows, strict=False):
        assert json.loads(row)["reason"] == read_digit(crop).reason
    for crop, row in zip(crops, rows[len(plain) :], strict=True):
        wanted, answer = read_digit(crop), json.loads(row)
        assert abs(answer["confidence"] - wanted.confidence) < 0.02
        same = abs((answer["value"] - wanted.value + 5) % 10 - 5) < 0.1
        share = probabilities([crop], "drum")[0]
        near = round(10 * answer["value"]) + np.arange(-1, 2)
        assert same or share.take(near, mode="wrap").max() > share.max() - 0.002  # as likely: one or the other


def test_every_failure_is_one_line_and_a_code(programs, pages, tmp_path):
    text = tmp_path / "text.png"
    text.write_text("no picture")
    other = tmp_path / "other.txt"
    other.write_text("a\nb\nc")
    models = ("--detector", model_folder("text_detection"), "--recognizer", model_folder("text_recognition"))
    swapped = ("--detector", model_folder("text_recognition"), "--recognizer", model_folder("text_detection"))
    for words, said in (
        (("read", "--runtime", tmp_path / "none.so", pages[0]), "--runtime"),
        (("read", "--runtime", text, pages[0]), "no library"),
        (("read", "--runtime", "/lib/x86_64-linux-gnu/libm.so.6", pages[0]), "not"),
        (("read", "--detector", text, pages[0]), "no model"),
        (("read", *swapped, pages[0]), "dictionary"),
        (("read", "--dictionary", other, pages[0]), "3 characters"),
        (("read", "--dictionary", tmp_path / "none.txt", pages[0]), "not there"),
        (("read", "--detector", tmp_path / "none", pages[0]), "not there"),
        (("read", "--batch", "0", pages[0]), "--batch"),
        (("window", "--meters", WEIGHTS, "--digits", "3", "--decimals", "4", pages[0]), "decimals"),
        (("read", "--threads", "many", pages[0]), "--threads"),
        (("read", "--thread", "1", pages[0]), "no option"),
        (("read", pages[0], "--jobs"), "wants a value"),
        (("read",), "name a picture"),
        (("write", pages[0]), "no command"),
        (("window", pages[0]), "--meters"),
        (("window", "--meters", tmp_path, pages[0]), "not there"),
        (("digit", "--meters", WEIGHTS, "--kind", "dial", pages[0]), "--kind"),
    ):
        done = run(programs, words[0], *models, *words[1:], models=False)
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and said in done.stderr, (words, done.stderr)
        assert not done.stdout


# -- the client


def test_the_client_says_what_a_server_answered(programs):
    page = json.dumps({"errorCode": 0, "result": {"ocrResults": [{"prunedResult": {"rec_texts": ["one", "two"]}}]}})
    busy = {"Retry-After": "0"}
    answers = {
        "good": (200, page, {}, "one\ntwo"),
        "plain": (503, "Service Unavailable", {}, "503"),
        "page": (200, "<html>\n<b>Welcome</b></html>", {}, "Welcome"),
        "nothing": (200, "", {}, "nothing"),
        "error": (500, "", {}, "500"),
        "other": (200, '{"result": {}}', {}, "not the service"),
        "null": (200, "null", {}, "null"),
        "list": (200, "[1]", {}, "[1]"),
        "refusal": (422, '{"errorCode": 422, "errorMsg": "file: too\\nlarge"}', {}, "422: file: too large"),
        "busy": (429, '{"errorCode": 429, "errorMsg": "wait"}', busy, "429: wait"),
        "for years": (429, '{"errorCode": 429, "errorMsg": "wait"}', {"Retry-After": "99999999"}, "429: wait"),
        "until then": (503, "x", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, "503"),
        "cut off": (200, None, {}, "no answer"),
    }
    asked = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            name = self.path.split("/")[1].replace("%20", " ")
            asked.append(name)
            self.rfile.read(int(self.headers["Content-Length"]))
            status, text, headers, _ = answers[name]
            self.send_response(status)
            length = str(5 if text is None else len(text))
            for key, value in ({"Content-Length": length, "Connection": "close"} | headers).items():
                self.send_header(key, value)  # a server that closes says so: else a client sends the next one there
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        image = ROOT / "datasets" / "documents" / "clean_00.jpg"
        tries = [((f"{base}/{name}".replace(" ", "%20"), image), answer[3]) for name, answer in answers.items()]
        tries += [
            (("http://127.0.0.1:1", image), "refused"),
            (("nonsense", image), "address"),
            (("ftp://x", image), "address"),
        ]
        tries += [((f"{base}/good", ROOT), ""), ((f"{base}/good", ROOT / "none"), "none"), ((base,), "usage")]
        started = [
            subprocess.Popen(["mono", programs / "client.exe", *words], stdout=-1, stderr=-1, text=True)
            for words, _ in tries
        ]
        for (words, said), process in zip(tries, started, strict=True):
            out, error = process.communicate()
            good = process.returncode == 0
            assert said in (out if good else error) and good == (said == "one\ntwo"), (words, out, error)
            assert good or (not out and error.count("\n") == 1), (words, out, error)
        server.shutdown()
    assert asked.count("busy") == 5 and asked.count("for years") == 1
