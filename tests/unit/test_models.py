import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest
import yaml
from filelock import FileLock

from ocrbook import models
from ocrbook.render import render_line
from tests import faults
from tests.failing import failing


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRBOOK_CACHE", str(tmp_path))
    return tmp_path


def contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def test_arguments_of_the_pipeline_switch_off_what_has_no_weights(cache):
    arguments = models.local_models()
    switches = {name: value for name, value in arguments.items() if name.startswith("use_")}
    assert switches == dict.fromkeys(
        ("use_doc_orientation_classify", "use_doc_unwarping", "use_textline_orientation"), False
    )
    assert arguments["engine"] == "onnxruntime"


@pytest.mark.parametrize("task", ["text_detection", "text_recognition"])
def test_folder_holds_the_network_and_a_yml_of_the_same_name(cache, task):
    arguments = models.local_models(task)
    folder = cache / "models" / arguments["model_name"]
    assert arguments["model_dir"] == str(folder)
    config = yaml.safe_load((folder / "inference.yml").read_text("utf-8"))
    assert config["Global"]["model_name"] == arguments["model_name"]
    assert (folder / "inference.onnx").stat().st_size > 1e6


def test_orientation_classifier_tells_an_upside_down_line(cache):
    folder = models.model_folder("textline_orientation")
    session = onnxruntime.InferenceSession(folder / "inference.onnx", providers=["CPUExecutionProvider"])
    image, _ = render_line("Total 12.80", size=28)
    batch = np.zeros((2, 3, 48, 192), np.float32)
    width = min(192, round(48 * image.shape[1] / image.shape[0]))
    for row, line in zip(batch, (image, image[::-1, ::-1]), strict=True):
        row[:, :, :width] = cv2.resize(line, (width, 48)).transpose(2, 0, 1) / 127.5 - 1
    upside_down = session.run(None, {session.get_inputs()[0].name: batch})[0][:, 1]
    assert upside_down[0] < 0.1 and upside_down[1] > 0.9


def test_orientation_classifier_is_not_for_the_official_class(cache):
    with pytest.raises(ValueError, match="textline_orientation"):
        models.local_models("textline_orientation")


def test_dictionary_keeps_the_full_width_space(cache):
    folder = models.model_folder("text_recognition")
    characters = yaml.safe_load((folder / "inference.yml").read_text("utf-8"))["PostProcess"]["character_dict"]
    assert len(characters) == 18708
    assert "\u3000" in characters
    assert all(isinstance(character, str) for character in characters)


def test_second_call_writes_nothing(cache):
    folder = models.model_folder("text_detection")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    models.model_folder("text_detection")
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["inference.onnx", "inference.yml", "manifest.json"])
@pytest.mark.parametrize("damage", ["truncate", "remove", "garble"])
def test_damaged_file_is_repaired(cache, name, damage):
    folder = models.model_folder("text_detection")
    sound, path = contents(folder), folder / name
    if damage == "remove":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if damage == "truncate" else b"\xff" + content[1:])
    models.model_folder("text_detection")
    assert contents(folder) == sound


def test_manifest_that_vouches_for_other_weights_is_not_believed(cache):
    folder = models.model_folder("text_detection")
    sound = contents(folder)
    (folder / "inference.onnx").write_bytes(b"not the network")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["inference.onnx"] = hashlib.sha256(b"not the network").hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    models.model_folder("text_detection")
    assert contents(folder) == sound


def test_a_yml_and_a_manifest_that_agree_with_each_other_are_not_believed(cache):
    folder = models.model_folder("text_detection")
    sound = contents(folder)
    config = (folder / "inference.yml").read_bytes().replace(b"thresh: 0.3", b"thresh: 0.9")
    assert hashlib.sha256(config).hexdigest() != sound["inference.yml"]
    (folder / "inference.yml").write_bytes(config)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["inference.yml"] = hashlib.sha256(config).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    models.model_folder("text_detection")
    assert contents(folder) == sound


def test_the_ymls_of_the_pinned_packages_are_known(cache):
    pinned = f"paddlex=={version('paddlex')}\n" in (Path(__file__).parents[2] / "requirements.txt").read_text("utf-8")
    for task, source in models._SOURCES.items():
        found = hashlib.sha256((models.model_folder(task) / "inference.yml").read_bytes()).hexdigest()
        assert found == source.config_sha256 or not pinned


def test_a_yml_of_other_packages_is_sound_if_it_is_what_would_be_written(cache, monkeypatch):
    monkeypatch.setattr(models, "_inference_config", lambda source, weights: b"of a newer package")
    folder = models.model_folder("text_detection")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    models.model_folder("text_detection")
    assert (folder / "inference.yml").read_bytes() == b"of a newer package"
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.fixture
def quick(monkeypatch):
    """Folders of small files, made at once."""
    weights, config = b"weights", b"config"
    source = models._Source("net", "net.onnx", *(hashlib.sha256(each).hexdigest() for each in (weights, config)))
    monkeypatch.setattr(models, "_SOURCES", {"net": source})
    monkeypatch.setattr(models, "_weights", lambda source: weights)
    monkeypatch.setattr(models, "_inference_config", lambda source, weights: config)


def place_folder(path):
    path.mkdir(parents=True)
    (path / "inside").touch()


HOSTILE = {
    "a folder for a file": lambda models, net: place_folder(net / "inference.onnx"),
    "a pipe for a file": lambda models, net: (net.mkdir(parents=True), os.mkfifo(net / "inference.yml")),
    "pipes for all": lambda models, net: (
        net.mkdir(parents=True),
        [os.mkfifo(net / name) for name in ("inference.onnx", "inference.yml", "manifest.json")],
    ),
    "links to nowhere": lambda models, net: (
        net.mkdir(parents=True),
        [(net / name).symlink_to("/nowhere/at/all") for name in ("inference.onnx", "manifest.json")],
    ),
    "a folder that is elsewhere": lambda models, net: (models.mkdir(), net.symlink_to(models.parent / "elsewhere")),
}


@pytest.mark.parametrize("place", HOSTILE)
def test_what_lies_in_the_way_is_replaced(place, cache, quick):
    net = cache / "models" / "net"
    HOSTILE[place](cache / "models", net)
    assert sorted(contents(models.model_folder("net"))) == ["inference.onnx", "inference.yml", "manifest.json"]


def test_a_link_in_the_cache_is_not_written_through(cache, quick):
    (cache / "victim").write_text("mine")
    (cache / "models" / "net").mkdir(parents=True)
    for name in ("inference.onnx", "inference.yml", "manifest.json"):
        (cache / "models" / "net" / name).symlink_to(cache / "victim")
    models.model_folder("net")
    assert (cache / "victim").read_text() == "mine"


UNUSABLE = {
    "a file for the cache": lambda cache: (cache.rmdir(), cache.touch()),
    "a file for its folder": lambda cache: (cache / "models").touch(),
    "a link to nowhere": lambda cache: (cache / "models").symlink_to("/proc/nowhere"),
    "a file for the model": lambda cache: ((cache / "models").mkdir(), (cache / "models" / "net").touch()),
    "a link for the model": lambda cache: (
        (cache / "models").mkdir(),
        (cache / "models" / "net").symlink_to("/proc/x"),
    ),
    "a folder for the lock": lambda cache: (cache / "models" / "net.lock").mkdir(parents=True),
}


@pytest.mark.parametrize("place", UNUSABLE)
def test_a_place_that_cannot_be_used_is_named_with_what_to_do(place, tmp_path, monkeypatch, quick):
    cache = tmp_path / "cache"
    cache.mkdir()
    UNUSABLE[place](cache)
    monkeypatch.setenv("OCRBOOK_CACHE", str(cache))
    monkeypatch.setattr(models, "LOCK_SECONDS", 0.2)
    with pytest.raises(OSError, match=r"OCRBOOK_CACHE|net\.lock") as error:
        models.model_folder("net")
    assert str(cache) in str(error.value) and "\n" not in str(error.value)


def test_whatever_call_fails_the_cache_is_named_and_stays_whole(cache, quick):
    with failing(0) as calls:
        folder = models.model_folder("net")
        made = calls()
    sound = contents(folder)
    for number in range(1, made + 1):
        (folder / "inference.yml").write_text("damaged")
        damaged = contents(folder)
        try:
            with failing(number):
                models.model_folder("net")
        except OSError as error:
            assert "OCRBOOK_CACHE" in str(error) and "\n" not in str(error)
        assert contents(folder) in (sound, damaged)
    assert made > 20


def test_a_sound_cache_is_used_where_nothing_can_be_written(cache, quick, monkeypatch):
    models.model_folder("net")
    monkeypatch.setattr(models, "_locked", None)
    models.model_folder("net")


def test_a_lock_that_is_held_is_named_after_a_while(cache, quick, monkeypatch):
    monkeypatch.setattr(models, "LOCK_SECONDS", 0.2)
    (cache / "models").mkdir()
    with FileLock(cache / "models" / "net.lock"), pytest.raises(TimeoutError, match=r"net\.lock for more than 0 sec"):
        models.model_folder("net")
    models.model_folder("net")


def test_several_processes_at_once_make_one_sound_folder(cache):
    def make(tell):
        tell(json.dumps(contents(models.model_folder("text_detection"))).encode())

    makers = [faults.forked(make) for _ in range(4)]
    seen = [json.loads(telling.read()) for _, telling in makers]
    for child, telling in makers:
        telling.close()
        assert faults.ended(child) == 0
    assert all(one == seen[0] for one in seen)
    assert sorted(seen[0]) == ["inference.onnx", "inference.yml", "manifest.json"]


def test_unknown_task_names_the_known_ones(cache):
    with pytest.raises(ValueError, match="no local weights for 'layout'; there are text_detection, text_recognition"):
        models.local_models("layout")


def test_missing_package_says_what_to_install(cache, monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="come with the package rapidocr: pip install"):
        models.local_models("text_detection")


def test_unknown_weights_in_the_package_are_refused(cache, monkeypatch, tmp_path):
    (tmp_path / "models").mkdir(exist_ok=True)
    (tmp_path / "models" / "PP-OCRv6_det_small.onnx").write_bytes(b"something else")
    spec = type("Spec", (), {"origin": str(tmp_path / "__init__.py")})
    monkeypatch.setattr(models, "find_spec", lambda name: spec)
    with pytest.raises(FileNotFoundError, match="missing or not the known one"):
        models.local_models("text_detection")
    assert not (cache / "models" / "PP-OCRv6_small_det" / "inference.onnx").exists()


def test_single_modules_work_with_the_official_classes(clean_page):
    from paddleocr import TextDetection, TextRecognition

    from ocrbook import metrics
    from ocrbook.page import Page
    from ocrbook.render import render_line

    image, truth = clean_page
    found = Page.from_paddle(TextDetection(**models.local_models("text_detection")).predict(image)[0])
    assert metrics.detection(truth, found).hmean == 1
    line, drawn = render_line("电能表读数0123")
    read = TextRecognition(**models.local_models("text_recognition")).predict(line)[0]
    assert read["rec_text"] == drawn.text


def test_cache_folder_defaults_to_the_users_cache(monkeypatch):
    monkeypatch.delenv("OCRBOOK_CACHE", raising=False)
    assert models.cache_folder().name == "ocrbook"


def test_the_fast_profile_differs_in_the_least_width_alone_and_shares_the_weights(cache):
    official, fast = (models.model_folder("text_recognition", profile) for profile in ("official", "fast"))
    assert (official / "inference.onnx").samefile(fast / "inference.onnx")
    texts = [(folder / "inference.yml").read_text("utf-8") for folder in (official, fast)]
    assert texts[0].replace("- 320", "- 48") == texts[1]
    assert models.model_folder("text_detection", "fast") == models.model_folder("text_detection")


def test_the_fast_profile_is_told_to_the_official_class(cache):
    fast, official = models.local_models(profile="fast"), models.local_models()
    assert fast.keys() - official.keys() == {"engine_config", "text_recognition_batch_size"}
    assert {key for key in official if official[key] != fast[key]} == {"text_recognition_model_dir"}
    assert models.local_models("text_detection", profile="fast")["engine_config"] == {"intra_op_num_threads": 1}


def test_an_unknown_profile_is_refused(cache):
    with pytest.raises(ValueError, match="no profile 'quick'; there are official, fast"):
        models.local_models(profile="quick")
