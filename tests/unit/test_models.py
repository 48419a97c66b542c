import hashlib
import json
import multiprocessing

import cv2
import numpy as np
import onnxruntime
import pytest
import yaml

from ocrbook import models
from ocrbook.render import render_line


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRBOOK_CACHE", str(tmp_path))
    return tmp_path


def contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def make(_):
    return contents(models.model_folder("text_detection"))


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


def test_several_processes_at_once_make_one_sound_folder(cache):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        seen = pool.map(make, range(4), chunksize=1)
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
