"""The training room: labels are checked first, a killed training goes on, and what comes out works in PaddleOCR."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import paddle
import pytest

from ocrbook import train
from ocrbook.labels import Label, Project, export_detection, export_recognition
from ocrbook.page import Page, TextLine
from ocrbook.render import CODE_CHARACTERS, render_code, render_package
from ocrbook.train import data, detection, finetune, loop, networks, recognition
from ocrbook.train.graph import GraphLayer
from ocrbook.train.whole import fine_tune_all_layers

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lines")
    rows = []
    for seed in range(24):
        image, line = render_code(seed)
        cv2.imwrite(str(folder / f"{seed}.png"), image)
        rows.append(f"{seed}.png\t{line.text}\n")
    (folder / "rec_gt.txt").write_text("".join(rows), "utf-8")
    return folder / "rec_gt.txt"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    rows = []
    for seed in range(6):
        image, page = render_package(seed)
        cv2.imwrite(str(folder / f"{seed}.png"), image)
        labels = [{"transcription": line.text, "points": line.points.tolist()} for line in page.lines]
        rows.append(f"{folder.name}/{seed}.png\t{json.dumps(labels)}\n")
    (folder / "Label.txt").write_text("".join(rows), "utf-8")
    return folder / "Label.txt"


def test_a_tenth_is_held_out_unless_there_is_a_validation_list(lines):
    samples = data.read_lines(lines)
    kept, held = data.hold_out(samples, None, data.read_lines, seed=0)
    assert len(held) == 2
    assert sorted(each.origin for each in kept + held) == sorted(each.origin for each in samples)
    kept, held = data.hold_out(samples[:3], lines, data.read_lines, seed=0)
    assert (len(kept), len(held)) == (3, 24)


def test_every_bad_row_is_listed_by_file_and_row_before_training(lines, tmp_path):
    good = lines.parent / "0.png"
    narrow = tmp_path / "narrow.png"
    cv2.imwrite(str(narrow), np.zeros((32, 20, 3), np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no image")
    (tmp_path / "good.png").write_bytes(good.read_bytes())
    rows = ["gone.png\tA1", "good.png\t ", "good.png\tA\u00e9", "narrow.png\t110022", "good.png", "broken.png\tA1"]
    (tmp_path / "list.txt").write_text("\n".join(rows), "utf-8")
    with pytest.raises(train.LabelError) as caught:
        train.train_recognizer(tmp_path / "list.txt", tmp_path / "out", characters=CODE_CHARACTERS, progress=False)
    problems = sorted(caught.value.problems, key=lambda problem: int(problem.split(":")[1]))
    wanted = ("no image", "empty", "not in the dictionary", "needs 9 time steps", "no tab", "not an image")
    assert len(problems) == len(wanted)
    for number, (problem, reason) in enumerate(zip(problems, wanted, strict=True), 1):
        assert problem.startswith(f"list.txt:{number}:") and reason in problem
    assert not (tmp_path / "out").exists()


def test_bad_rows_of_any_kind_are_listed_beside_each_other(lines, tmp_path):
    (tmp_path / "good.png").write_bytes((lines.parent / "0.png").read_bytes())
    (tmp_path / "zero.png").touch()
    (tmp_path / "cut.png").write_bytes((lines.parent / "0.png").read_bytes()[:60])
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "none.png").symlink_to("nowhere")
    box = '"points": [[1, 1], [60, 1], [60, 20], [1, 20]]'
    rows = [
        b"good.png\tA1",
        b"zero.png\tA1",
        b"cut.png\tA1",
        b"folder.png\tA1",
        b"none.png\tA1",
        b"\xd6\xd0.png\tA1",
        b"%s.png\tA1" % (b"x" * 5000),
        b"\tA1",
        b'["good.png", "gone.png"]\tA1',
        b'good.png\t[{"transcription": "A", "points": [[1e8, 1], [2e8, 1], [2e8, 9]]}]',
        b'good.png\t[{"transcription": "A", "points": [[1, 1], [1e8, 1], [1, 9]]}]',
        b'good.png\t[{"transcription": 7, %s}]' % box.encode(),
        b'good.png\t[{"transcription": "\\ud83d", %s}]' % box.encode(),
    ]
    (tmp_path / "list.txt").write_bytes(b"\n".join(rows))
    (tmp_path / "utf16.txt").write_bytes("good.png\tA1\n".encode("utf-16"))
    for read in (data.read_lines, data.read_pages):
        with pytest.raises(train.LabelError) as caught:
            read([tmp_path / "list.txt", tmp_path / "utf16.txt", lines])
        found = [re.match(r"list\.txt:(\d+)", problem) for problem in caught.value.problems]
        numbers = [int(each[1]) for each in found if each]
        assert numbers == list(range(2 if read is data.read_lines else 1, len(rows) + 1))
        assert sum("utf16.txt:1: UTF-16" in problem for problem in caught.value.problems) == 1
        assert not any("\n" in problem for problem in caught.value.problems)


def test_both_doors_to_a_training_set_follow_the_same_rules(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    image = np.random.default_rng(0).integers(0, 255, (80, 200, 3), np.uint8)
    cv2.imwrite(str(photos / "a.png"), image)
    flat, tall = [[5, 5], [95, 5], [95, 25], [5, 25]], [[100, 5], [115, 5], [115, 75], [100, 75]]
    slanted = [[120, 10], [190, 30], [180, 60], [110, 40], [112, 20]]
    texts = ["A1", "A1", "7", "###", "*", " ", "", "TEMPORARY", "待识别", "NULL", "slanted"]
    places = [flat, tall, tall, *[flat] * 7, slanted]
    with Project.open(photos) as project:
        labels = [Label(points, text) for points, text in zip(places, texts, strict=True)]
        project.confirm("a.png", [*labels, Label(flat, "no", difficult=True)])
        assert export_recognition(project, tmp_path / "rec") == 4
        export_detection(project, tmp_path / "det.txt")
    exported, direct = (data.read_lines(path) for path in (tmp_path / "rec" / "rec_gt.txt", photos / "Label.txt"))
    assert [sample.lines[0].text for sample in direct] == ["A1", "A1", "7", "slanted"]
    assert [sample.lines[0].text for sample in exported] == ["A1", "A1", "7", "slanted"]
    for one, other in zip(exported, direct, strict=True):
        assert np.array_equal(one.image, other.image)
    assert [sample.image.shape[:2] for sample in direct[1:3]] == [(15, 70), (70, 15)]
    pages = [data.read_pages(path)[0] for path in (tmp_path / "det.txt", photos / "Label.txt")]
    assert [[line.text for line in page.lines] for page in pages] == [
        ["A1", "A1", "7", *["###"] * 7, "slanted", "###"]
    ] * 2
    (tmp_path / "marks.txt").write_text("photos/a.png\t###\nphotos/a.png\tNULL\nphotos/a.png\tx\n")
    assert len(data.read_lines(tmp_path / "marks.txt")) == 1


def test_labels_outside_of_the_image_are_problems_at_both_doors(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((40, 60, 3), np.uint8))
    far = [[[70, 5], [90, 5], [90, 9]], [[1, 1], [1e8, 1], [1, 9]]]
    with Project.open(tmp_path) as project:
        project.confirm("a.png", [Label(points, "a") for points in far])
        with pytest.raises(ValueError, match="2 problems") as caught:
            export_recognition(project, tmp_path / "rec")
        assert not (tmp_path / "rec").exists()
    for read in (data.read_lines, data.read_pages):
        with pytest.raises(train.LabelError) as again:
            read(tmp_path / "Label.txt")
        assert [problem.partition(": ")[2] for problem in again.value.problems] == [
            line.partition(": ")[2] for line in str(caught.value).splitlines()[1:]
        ]


def test_the_lines_of_a_page_are_held_out_together(pages):
    samples = data.read_lines([pages, pages])
    kept, held = data.hold_out(samples, None, data.read_lines, seed=0)
    assert {each.page for each in kept}.isdisjoint(each.page for each in held)
    assert len({each.page for each in held}) == 1 and len(kept) + len(held) == len(samples)


def test_a_list_of_pages_gives_crops_and_skips_illegible_lines(pages, tmp_path):
    crops = data.read_lines(pages)
    assert len(crops) == sum(len(sample.lines) for sample in data.read_pages(pages))
    text = pages.read_text("utf-8").replace(crops[0].lines[0].text, "###")
    other = pages.with_name("other.txt")
    other.write_text(text, "utf-8")
    assert len(data.read_lines(other)) < len(crops)


def test_a_detector_refuses_a_list_of_texts(lines, tmp_path):
    with pytest.raises(train.LabelError, match="needs polygons"):
        train.train_detector(lines, tmp_path / "out", progress=False)


@pytest.mark.parametrize(
    ("characters", "reason"), [(["a", "blank"], "blank"), (["a", " "], "space"), (["a", "a"], "twice")]
)
def test_a_dictionary_that_paddlex_would_misread_is_an_error(characters, reason, tmp_path):
    with pytest.raises(ValueError, match=reason):
        train.export_recognizer(networks.TextRecognizer(4), tmp_path, characters, image_shape=(3, 32, 160))


def test_a_dictionary_that_does_not_fit_the_network_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="classes"):
        train.export_recognizer(networks.TextRecognizer(9), tmp_path, "abc", image_shape=(3, 32, 160))


_SCRIPT = """
import sys
from ocrbook import train
from ocrbook.labels import Label, Project, export_detection, export_recognition
train.train_recognizer(sys.argv[1], sys.argv[2], steps=40, every=4, batch_size=4, guided=8, progress=False)
"""


def _start(labels, out):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, labels, out], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def test_a_killed_training_goes_on_and_ends_with_the_same_weights(lines, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    first = _start(lines, killed)
    deadline = time.monotonic() + 120
    while not (killed / "checkpoint.npz").is_file() and time.monotonic() < deadline:
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert first.returncode == -signal.SIGKILL, "the training ended before it could be killed"
    with np.load(killed / "checkpoint.npz", allow_pickle=False) as stored:
        assert json.loads(stored["head"].tobytes())["step"] < 40
    for out in (killed, whole):
        process = _start(lines, out)
        _, errors = process.communicate()
        assert process.returncode == 0, errors.decode()
    assert (killed / "inference.pdiparams").read_bytes() == (whole / "inference.pdiparams").read_bytes()


def test_a_checkpoint_of_another_training_is_refused(lines, tmp_path):
    settings = {"steps": 2, "every": 1, "batch_size": 4, "guided": 0, "progress": False}
    train.train_recognizer(lines, tmp_path, **settings)
    with pytest.raises(ValueError, match="another folder"):
        train.train_recognizer(lines, tmp_path, **(settings | {"steps": 3}))


def small(outputs=3):
    paddle.seed(0)
    return paddle.nn.Sequential(paddle.nn.Linear(2, outputs), paddle.nn.BatchNorm1D(outputs))


def fit_small(checkpoint, net=None, steps=4):
    return loop.fit(
        net or small(),
        lambda step: (np.random.default_rng(step).normal(size=(4, 2)).astype(np.float32),),
        lambda net, inputs: (net(inputs) ** 2).mean(),
        steps=steps, every=2, evaluate=lambda _: 1.0, checkpoint=checkpoint, progress=False,
    )  # fmt: skip


def _archive(arrays):
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def _spoilt(arrays, **changes):
    return _archive({name: value for name, value in (arrays | changes).items() if value is not None})


SPOILT = {
    "empty": lambda content, arrays: b"",
    "cut": lambda content, arrays: content[: len(content) // 2],
    "text": lambda content, arrays: b"no checkpoint",
    "garbled": lambda content, arrays: content[:200] + bytes(200) + content[400:],
    "objects": lambda content, arrays: _spoilt(arrays, **{"net/0.weight": np.array([{}], dtype=object)}),
    "pickled head": lambda content, arrays: _spoilt(arrays, head=np.array([{}], dtype=object)),
    "no head": lambda content, arrays: _spoilt(arrays, head=None),
    "another head": lambda content, arrays: _spoilt(arrays, head=np.frombuffer(b'{"purpose": ""}', np.uint8)),
    "a weight less": lambda content, arrays: _spoilt(arrays, **{"net/0.weight": None}),
    "another shape": lambda content, arrays: _spoilt(arrays, **{"best/0.bias": np.zeros(7, np.float32)}),
    "another type": lambda content, arrays: _spoilt(arrays, **{"net/0.bias": np.array(["a", "b", "c"])}),
    "not a number": lambda content, arrays: _spoilt(arrays, **{"net/0.bias": np.full(3, np.nan, np.float32)}),
    "unknown parameter": lambda content, arrays: _spoilt(arrays, **{"optimizer/9:_moment1_0": np.zeros(3, np.float32)}),
    "other moments": lambda content, arrays: _spoilt(arrays, **{"optimizer/0:_moment1_0": np.zeros(1, np.float32)}),
}


@pytest.mark.parametrize("damage", SPOILT)
def test_a_damaged_checkpoint_is_named_in_a_line_that_says_what_to_do(damage, tmp_path):
    path = tmp_path / "checkpoint.npz"
    fit_small(path)
    content = path.read_bytes()
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    path.write_bytes(SPOILT[damage](content, arrays))
    net = small()
    before = {name: value.numpy() for name, value in net.state_dict().items()}
    with pytest.raises(ValueError, match="delete that file") as caught:
        fit_small(path, net, steps=6)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value) and "pickle" not in str(caught.value)
    assert all(np.array_equal(value.numpy(), before[name]) for name, value in net.state_dict().items())


def test_a_checkpoint_that_cannot_be_opened_or_is_of_another_network_is_named(tmp_path):
    path = tmp_path / "checkpoint.npz"
    fit_small(path)
    with pytest.raises(ValueError, match="belongs to another network"):
        fit_small(path, small(4), steps=6)
    path.unlink()
    for make in (path.mkdir, lambda: path.symlink_to("nowhere")):
        make()
        with pytest.raises(ValueError, match="delete that file"):
            fit_small(path)
        path.unlink() if path.is_symlink() else path.rmdir()


@pytest.mark.parametrize("name", ["inference.onnx", "inference.yml"])
@pytest.mark.parametrize("content", [b"", b"\xff\x00damaged", b"[" * 3000])
def test_a_damaged_model_folder_is_named(name, content, tmp_path):
    graph = onnx.helper.make_graph(
        [], "none", [], [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])]
    )
    onnx.save(onnx.helper.make_model(graph), tmp_path / "inference.onnx")
    (tmp_path / "inference.yml").write_text("PostProcess: {character_dict: [a]}")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(str(tmp_path))) as caught:
        finetune.load_base(tmp_path)
    assert "\n" not in str(caught.value)


def test_an_export_leaves_nothing_of_another_model_in_its_folder(tmp_path):
    for name in ("inference.json", "inference.pdiparams", "training.json", "checkpoint.npz"):
        (tmp_path / name).write_text("old")
    base = finetune.load_base()
    finetune.write_head(base, finetune.Head(*finetune.head_of(base)), tmp_path, base.characters)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.npz", "inference.onnx", "inference.yml"]


@pytest.mark.parametrize("engine", ["onnxruntime", "paddle_static"])
def test_a_trained_recogniser_reads_the_same_in_paddleocr(engine, lines, tmp_path):
    from paddleocr import TextRecognition

    paddle.seed(0)
    net = networks.TextRecognizer(len(CODE_CHARACTERS) + 2)
    images = [render_code(seed)[0] for seed in range(8)]
    folder = train.export_recognizer(net, tmp_path, CODE_CHARACTERS, image_shape=(3, 32, 160))
    model = TextRecognition(model_name="PP-OCRv6_small_rec", model_dir=str(folder), engine=engine)
    texts = [result["rec_text"] for result in model.predict(images, batch_size=1)]
    heights = [recognition.to_height(image) for image in images]
    assert texts == [recognition.read(net, [image], CODE_CHARACTERS)[0] for image in heights]


def test_a_trained_detector_loads_in_paddleocr(pages, tmp_path):
    from paddleocr import TextDetection

    folder = train.train_detector(pages, tmp_path, steps=2, every=2, batch_size=2, progress=False)
    model = TextDetection(model_name="PP-OCRv6_small_det", model_dir=str(folder), engine="onnxruntime")
    assert "dt_polys" in model.predict(render_package(0)[0])[0]


def test_maps_mark_text_borders_and_what_does_not_count():
    square = [[10, 10], [90, 10], [90, 40], [10, 40]]
    shrunk, threshold, counted = detection.maps(Page(lines=[TextLine(square, "A")]), (64, 128))
    assert shrunk[25, 50] == 255 and shrunk[11, 11] == 0 and shrunk[60, 120] == 0
    assert threshold[10, 50] > threshold[25, 50] and counted.all()
    shrunk, _, counted = detection.maps(Page(lines=[TextLine(square, "###")]), (64, 128))
    assert not shrunk.any() and counted[25, 50] == 0


def test_even_alignment_shares_the_width_and_leaves_the_margin_blank():
    assert recognition.even_alignment([5, 7], 10, 12, margin=1).tolist() == [0, 5, 5, 5, 5, 7, 7, 7, 7, 0, 0, 0]


def test_the_learning_rate_rises_then_falls_to_nothing():
    rates = [loop.learning_rate(step, 100, 1.0, 10) for step in range(101)]
    assert rates[9] == max(rates) == 1.0 and rates[0] == 0.1 and rates[100] < 1e-9


def test_a_head_that_was_not_trained_reads_as_the_official_model(ocr):
    base = finetune.load_base()
    images = [render_code(seed, style="print")[0] for seed in range(4)]
    found = finetune.features(base, images, progress=False)
    texts = finetune.read_features(finetune.Head(*finetune.head_of(base)), found, base.characters)
    assert texts == [render_code(seed, style="print")[1].text for seed in range(4)]


def test_fine_tuning_gives_a_folder_that_paddleocr_loads(lines, tmp_path):
    from paddleocr import TextRecognition

    folder = train.fine_tune(lines, tmp_path, steps=4, every=4, progress=False)
    model = TextRecognition(model_name="PP-OCRv6_small_rec", model_dir=str(folder), engine="onnxruntime")
    assert model.predict(render_code(0, style="print")[0])[0]["rec_text"]


def test_a_graph_computes_the_same_in_paddle_and_takes_its_parameters_back():
    base = finetune.load_base()
    image = recognition.to_batch([recognition.to_height(render_code(0)[0], 48, 320)], 320)
    net = GraphLayer(base.graph, base.features)
    features = net(paddle.to_tensor(image)).numpy()
    session = finetune.encoder(base)
    assert np.abs(features - session.run(None, {"x": image})[0]).max() < 1e-3
    assert len(net.parameters()) > 100
    for parameter in net.parameters():
        parameter.set_value(parameter * 1.01)
    changed = onnx.ModelProto()
    changed.CopyFrom(base.graph)
    net.write_into(changed)
    session = finetune.encoder(replace(base, graph=changed))
    assert np.abs(net(paddle.to_tensor(image)).numpy() - session.run(None, {"x": image})[0]).max() < 1e-3
    assert np.abs(net(paddle.to_tensor(image)).numpy() - features).max() > 1e-3


def test_a_graph_with_an_operation_that_is_not_known_is_an_error_that_names_it():
    values = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Celu", ["x"], ["y"])], "odd", values[:1], values[1:])
    with pytest.raises(ValueError, match="without a counterpart: Celu"):
        GraphLayer(onnx.helper.make_model(graph))


def test_training_all_layers_changes_the_encoder_and_gives_a_folder_that_paddleocr_loads(lines, tmp_path):
    from paddleocr import TextRecognition

    head = train.fine_tune(lines, tmp_path / "head", steps=4, every=4, progress=False)
    folder = fine_tune_all_layers(lines, tmp_path / "all", base=head, steps=2, batch_size=2, every=2, progress=False)
    image = render_code(0)[0]
    before, after = (finetune.features(finetune.load_base(each), [image], progress=False)[0] for each in (head, folder))
    assert 0 < np.abs(before - after).max() < 10
    model = TextRecognition(model_name="PP-OCRv6_small_rec", model_dir=str(folder), engine="onnxruntime")
    assert model.predict(image)[0]["rec_text"]
    assert json.loads((folder / "training.json").read_text("utf-8"))["history"]["scores"]


class Enlarged(paddle.nn.Layer):
    def forward(self, x):
        return paddle.nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def test_operation_without_counterpart_is_an_error_and_leaves_no_model(tmp_path):
    with pytest.raises(RuntimeError, match="paddle2onnx can't convert this network"):
        train.export_detector(Enlarged(), tmp_path, side=64)
    assert not list(tmp_path.iterdir())
