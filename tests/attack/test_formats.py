"""Label formats, checkpoints, model folders and their cache under thousands of damaged inputs and kills.

Run by hand: `pytest tests/attack/test_formats.py`; ATTACKS says how many inputs each test has.
"""

import copy
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import paddle
import pytest

from ocrbook import train
from ocrbook.labels import Label, coco, icdar, label_studio, lists, lmdb_store, tables
from ocrbook.page import Page
from ocrbook.train import data, loop, networks
from ocrbook.train.export import FILES
from tests.failing import failing

ATTACKS = int(os.environ.get("ATTACKS", "3000"))
ROOT = Path(__file__).parents[2]
HOSTILE = [
    None, True, False, 0, -1, 1.5, 10**400, -(10**30), 1e308, "", "x", "1", "\ud83d", "\0", "../../x", "C:\\a.png",
    "a\tb\n", "x" * 5000, [], {}, [[]], [None], [[1, 2], [3, 4], [5, 6]], {"a": 1}, float("nan"), float("inf"),
    ["a", 1], "页 0.png", [0, 0, 9, 9], "data:image/png;base64,AA", "http://[x/a.png", {"counts": "x", "size": [1, 1]},
]  # fmt: skip


@pytest.fixture
def home(tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"页 {number}.png"), np.full((48, 320, 3), 40 * number, np.uint8))
    return tmp_path


def pages(home):
    quad, octagon = [[1, 1], [60, 1], [60, 20], [1, 20]], [[5 + i % 3, 5 + i] for i in range(8)]
    lines = [Label(quad, "Total", 0.5, key_cls="总额"), Label(octagon, "a, b", difficult=True), Label(quad, "Latin")]
    return [Page((home / f"页 {number}.png").as_posix(), lines[: number + 1]) for number in range(3)]


def places(content, path=()):
    """The path of every value in a JSON document."""
    yield path
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def mutated(content, rng):
    content = copy.deepcopy(content)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        *path, last = rng.choice([path for path in places(content) if path] or [("x",)])
        parent = content
        for key in path:
            parent = parent[key]
        if not isinstance(parent, dict | list):
            continue
        how = rng.random()
        if how < 0.2:
            del parent[last]
        elif how < 0.3 and isinstance(parent, list):
            parent.append(copy.deepcopy(parent[last]))
        else:
            parent[last] = rng.choice(HOSTILE)
    return content


def refused(error, home):
    message = str(error)
    assert "\n" not in message and str(home) in message and len(message) < 12_000, message


def test_json_of_other_programs_is_read_or_refused_in_a_line_and_can_be_written_again(home):
    rng = random.Random(0)
    coco.write(home / "c.json", pages(home))
    label_studio.write(home / "t.json", pages(home))
    task = json.loads((home / "t.json").read_text("utf-8"))[0]
    size = {"original_width": 320, "original_height": 48, "id": "e", "from_name": "x", "to_name": "image"}
    ellipse = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 5, "rotation": 9, "ellipselabels": ["Seal"]}
    rich = task | {"predictions": task["annotations"], "drafts": [{}], "data": {"image": "页 0.png", "id": 1}}
    rich["annotations"] = copy.deepcopy(task["annotations"]) * 2
    rich["annotations"][1]["result"] += [
        {"type": "relation", "from_id": "label1", "to_id": "e", "direction": "right"},
        size | {"type": "ellipselabels", "value": ellipse},
        size | {"type": "choices", "from_name": "difficult", "value": {"choices": ["difficult"]}},
        {"type": "brush", "id": "b", "value": {"rle": [1]}},
    ]
    foreign = json.loads((home / "c.json").read_text("utf-8"))
    foreign["annotations"].append({"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "text": "x", "iscrowd": 1})
    read = refusals = 0
    for number in range(ATTACKS):
        kind, content = rng.choice([(coco, foreign), (label_studio, [rich, task])])
        (home / "in.json").write_text(json.dumps(mutated(content, rng)))
        try:
            found = kind.read(home / "in.json", *([home] if kind is label_studio and number % 2 else []))
        except ValueError as error:
            refused(error, home)
            refusals += 1
            continue
        read += 1
        for page in found:
            page.image = (home / "页 0.png").as_posix()
        for write, again in ((coco.write, coco.read), (lists.write_detection, lists.read_detection)):
            write(home / "again", found)
            assert [page.texts for page in again(home / "again")] == [page.texts for page in found]
    assert read > ATTACKS / 20 and refusals > ATTACKS / 20


def test_files_with_damaged_bytes_are_read_or_refused_in_a_line(home):
    rng = random.Random(1)
    lists.write_detection(home / "det.txt", pages(home))
    lists.write_recognition(home / "rec.txt", [(home / "页 0.png", "a b"), (home / "页 1.png", "é中")])
    cells = [
        [tables.Cell(("a", "<b>", "é"), ((0, 0), (1, 0), (1, 1)), colspan=2)],
        [tables.Cell(), tables.Cell(("b",))],
    ]
    tables.write(home / "gt.txt", [tables.Table("a.png", cells, 1)])
    coco.write(home / "c.json", pages(home))
    label_studio.write(home / "t.json", pages(home))
    icdar.write(home / "icdar", pages(home))
    (home / "icdar" / "gt_页 0.txt").write_text('1, 2, 3, 4, "a"\n5 6 7 8 "b"\n')
    readers = [
        (home / "det.txt", lists.read_detection),
        (home / "rec.txt", lists.read_recognition),
        (home / "gt.txt", tables.read),
        (home / "c.json", coco.read),
        (home / "t.json", label_studio.read),
        (home / "icdar" / "gt_页 0.txt", lambda path: icdar.read(home / "icdar", home)),
        (home / "icdar" / "gt_页 2.txt", lambda path: icdar.read(home / "icdar", home)),
        (home / "det.txt", data.read_pages),
        (home / "rec.txt", data.read_lines),
    ]
    sound = {path: path.read_bytes() for path, _ in readers}
    kinds = {True: 0, False: 0}
    for _ in range(ATTACKS):
        path, read = rng.choice(readers)
        content = bytearray(sound[path])
        for _ in range(rng.choice([1, 1, 2, 5])):
            at = rng.randrange(len(content) + 1)
            piece = rng.choice(
                [b"", b"\0", b"\xff", b"\t", b"\n", b",", b'"', b"[" * 3000, b"\xef\xbb\xbf", b"9", b"\\"]
            )
            content[at : at + rng.choice([0, 1, 1, 7])] = piece or bytes([rng.randrange(256)])
        path.write_bytes(bytes(content))
        try:
            read(path)
            kinds[True] += 1
        except train.LabelError as error:
            assert all(
                ("\n" not in problem and path.name in problem) or "no labelled" in problem for problem in error.problems
            )
            kinds[False] += 1
        except (ValueError, FileNotFoundError) as error:
            refused(error, home)
            kinds[False] += 1
        path.write_bytes(sound[path])
    assert min(kinds.values()) > ATTACKS / 20


_READ_LMDB = """
import random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from ocrbook.labels import lmdb_store
store, count, seed = Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
sound = (store / "data.mdb").read_bytes()
for number in range(count):
    rng = random.Random(f"{seed} {number}")
    content = bytearray(sound[: rng.randrange(len(sound))] if rng.random() < 0.5 else sound)
    (store / "data.mdb").write_bytes(content)
    try:
        list(lmdb_store.read(store))
    except ValueError as error:
        assert "\\n" not in str(error) and str(store) in str(error)
print("done")
"""


def test_an_lmdb_that_is_cut_off_anywhere_does_not_kill_the_process(home):
    lists.write_recognition(home / "rec.txt", [(home / "页 0.png", "a b"), (home / "页 1.png", "é中")] * 40)
    lmdb_store.pack(home / "rec.txt", home / "store")
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _READ_LMDB, str(ROOT), str(home / "store"), str(ATTACKS // 4), "0"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert run.stdout == "done\n", (run.returncode, run.stderr[-2000:])


def test_a_checkpoint_with_damaged_bytes_is_read_or_refused_in_a_line(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "checkpoint.npz"

    def fit():
        paddle.seed(0)
        net = paddle.nn.Sequential(paddle.nn.Linear(2, 3), paddle.nn.BatchNorm1D(3))
        inputs = (np.ones((4, 2), np.float32),)
        settings = {"steps": 4, "every": 2, "evaluate": lambda _: 1.0, "checkpoint": path, "progress": False}
        loop.fit(net, lambda step: inputs, lambda net, x: (net(x) ** 2).mean(), **settings)

    fit()
    sound = path.read_bytes()
    refusals = 0
    for _ in range(ATTACKS):
        content = np.frombuffer(sound, np.uint8).copy()
        content[rng.integers(len(content), size=rng.integers(1, 6))] = rng.integers(256)
        path.write_bytes(content.tobytes()[: rng.integers(len(content)) if rng.random() < 0.2 else None])
        try:
            fit()
        except ValueError as error:
            refused(error, tmp_path)
            refusals += 1
    assert refusals > ATTACKS / 4


def model_files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def export(folder, seed):
    """A model with five classes, or six; all but the numbers of operations is the same each time."""
    paddle.seed(seed)
    with paddle.utils.unique_name.guard():
        net = networks.TextRecognizer(5 + seed, width=4)
        train.export_recognizer(net, folder, "abcd"[: 3 + seed], image_shape=(3, 32, 160), card={"seed": seed})


def of_one(folder):
    """The files of a model folder, comparable."""
    files = model_files(folder)
    return files | {"inference.json": b"[16,6]" in files["inference.json"].replace(b" ", b"")}


def test_an_export_is_old_or_new_whatever_file_call_fails(tmp_path):
    folder = tmp_path / "out"
    export(folder, 0)
    old = of_one(folder)
    shutil.copytree(folder, tmp_path / "old")
    with failing(0) as calls:
        export(folder, 1)
        made = calls()
    new = of_one(folder)
    assert all(old[name] != new[name] for name in FILES)
    for number in range(1, made + 1):
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "old", folder)
        try:
            with failing(number):
                export(folder, 1)
        except Exception as error:  # of the exporters, too
            assert str(error)
        assert of_one(folder) in (old, new), number


@pytest.mark.parametrize("size", [0, 100, 1000, 5000, 20_000])
def test_an_export_is_old_on_a_full_disk(size, tmp_path):
    export(tmp_path / "out", 0)
    old = model_files(tmp_path / "out")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        with pytest.raises(Exception):  # noqa: B017 - of the exporters, too
            export(tmp_path / "out", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert model_files(tmp_path / "out") == old


_CACHE = """
import sys
sys.path.insert(0, sys.argv[1])
from ocrbook import models
models._inference_config = lambda source, weights: b"config" * 1000
models.model_folder("textline_orientation")
"""


def test_the_models_cache_is_whole_or_missing_after_kills(tmp_path):
    rng = random.Random(2)
    environment = os.environ | {"OCRBOOK_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", _CACHE, str(ROOT)]
    subprocess.run(command, env=environment, check=True)
    folder = tmp_path / "models" / "ch_ppocr_mobile_v2.0_cls"
    sound = model_files(folder)
    for _ in range(max(5, ATTACKS // 100)):
        (folder / "inference.onnx").write_bytes(b"damaged")
        damaged = model_files(folder)
        processes = [subprocess.Popen(command, env=environment) for _ in range(2)]
        time.sleep(rng.uniform(0, 0.6))
        for process in processes:
            process.kill()
            process.wait()
        assert model_files(folder) in (sound, damaged)
    subprocess.run(command, env=environment, check=True)
    assert model_files(folder) == sound
