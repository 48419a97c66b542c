"""The C# library does what OpenCV, Clipper, PaddleOCR and ocrbook.meters do; its program fails in one line."""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pyclipper
import pytest
from PIL import Image

from ocrbook.meters import read_digit, read_window, resolve
from ocrbook.meters.digits import probabilities
from ocrbook.models import model_folder
from tools.book_files import ROOT

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

    (tmp_path / "bomb.png").write_bytes(bomb(60_000, 60_000))
    (tmp_path / "bomb.ppm").write_bytes(b"P6 60000 60000 255\n")
    for answer in probe([("read", tmp_path / f"bomb.{kind}", tmp_path / "out.ppm") for kind in ("png", "ppm")]):
        assert answer.startswith("refused: ") and "60000 x 60000" in answer


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


@pytest.mark.parametrize("kind", ["drum", "lcd"])
def test_windows_of_meters_are_read_as_in_python(programs, tmp_path, kind):
    sources = sorted((ROOT / "datasets" / f"meter-{kind}").glob("*.jpg"))[:40]
    images = [cv2.imread(str(path)) for path in sources]
    images += [cv2.copyMakeBorder(image, 60, 60, 0, 0, cv2.BORDER_REPLICATE) for image in images[:8]]  # narrow digits
    paths = [png(tmp_path / f"{number}.png", image) for number, image in enumerate(images)]
    same = 0
    for given, digits in (((), None), (("--digits", 6), 6)):
        done = run(programs, "window", "--meters", WEIGHTS, "--kind", kind, *given, *paths, models=False)
        assert done.returncode == 1 and not done.stderr  # some are refused
        for image, row in zip(images, done.stdout.splitlines(), strict=True):
            wanted, answer = read_window(image, kind, digits), json.loads(row)
            same += answer["text"] == wanted.text and abs(answer["confidence"] - wanted.confidence) < 0.1
    assert same >= 94


def test_digits_of_meters_are_read_as_in_python(programs, tmp_path):
    image = cv2.imread(str(sorted((ROOT / "datasets" / "meter-drum").glob("*.jpg"))[1]))
    crops = [image[:, x : x + image.shape[0] * 2 // 3] for x in range(0, image.shape[1] - image.shape[0], 20)]
    paths = [png(tmp_path / f"{i}.png", crop) for i, crop in enumerate(crops)]
    done = run(programs, "digit", "--meters", WEIGHTS, *paths, models=False)
    for crop, row in zip(crops, done.stdout.splitlines(), strict=True):
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
        (("read", tmp_path / "none.png"), "not there"),
        (("read", text), "neither"),
        (("read", ROOT / "datasets" / "documents" / "clean_00.jpg"), "JPEG"),
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
