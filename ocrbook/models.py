"""Where the weights are: model folders for PaddleOCR's own classes, without a network.

The wheel of rapidocr carries the official PP-OCRv6 small weights and an older line orientation classifier as ONNX
files. PaddleOCR wants a folder with `inference.onnx` and `inference.yml`; this module makes such folders once, in the
user's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import platformdirs
import yaml
from filelock import FileLock, Timeout

from ocrbook.folders import exchanged, link

LOCK_SECONDS = 60.0
"""How long a process waits for another one that makes the same folder, which takes five seconds on an idle machine."""


@dataclass(frozen=True)
class _Source:
    model_name: str
    file: str
    sha256: str
    config_sha256: str  # of inference.yml, as the pinned packages write it
    least_width: int | None = None  # pixels to which narrower lines are filled up; None: as PaddleX does, 320
    suffix: str = ""

    @property
    def folder(self) -> str:
        return self.model_name + self.suffix


_SOURCES = {
    "text_detection": _Source(
        "PP-OCRv6_small_det",
        "PP-OCRv6_det_small.onnx",
        "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
        "7caac183caf4ee6ab1cf49d0005d747c54e1f2057546b2430bf549fc362a3e0d",
    ),
    "text_recognition": _Source(
        "PP-OCRv6_small_rec",
        "PP-OCRv6_rec_small.onnx",
        "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
        "1e472f37ddbaba6714d201a920533c8b28a69034a3063b5d076ac449f064d127",
    ),
    "textline_orientation": _Source(
        "ch_ppocr_mobile_v2.0_cls",
        "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
        "d40c2e91505cad7c4f68b396a4d46b5369745745ea9f3eb26d343da84e725d54",
    ),
}

_FOR_PADDLEOCR = ("text_detection", "text_recognition")

Profile = Literal["official", "fast"]

_FAST = {
    "text_recognition": {
        "config_sha256": "41fdc7c0634e98251b083d95d3f8a84141cfb3ea6a23c761436d99030a209ca9",
        "least_width": 48,
        "suffix": "_fast",
    }
}
_ONE_THREAD = {"engine_config": {"intra_op_num_threads": 1}}

_INSTALL = "pip install -r requirements-run.txt"


def cache_folder() -> Path:
    """The folder for what is made once and kept; the environment variable OCRBOOK_CACHE moves it."""
    return Path(os.environ.get("OCRBOOK_CACHE") or platformdirs.user_cache_path("ocrbook"))


def local_models(task: str | None = None, *, profile: Profile = "official") -> dict[str, Any]:
    """Arguments that make PaddleOCR's own classes use local weights.

    Parameters
    ----------
    task : None, "text_detection" or "text_recognition"
        None gives the arguments of the whole pipeline, the other two those of a single module.
    profile : "official" or "fast"
        "official" leaves all else as PaddleOCR sets it. "fast" computes with one thread and reads line by line, and
        narrow lines are not filled up to a width of 320 pixels: the same networks, in well under half of the CPU time.
        A few texts differ, since filling up is not quite without effect.

    Returns
    -------
    dict of keyword arguments. The folders they name exist, and their contents were checked by SHA-256, against what
    this module knows: nothing that lies beside the weights is believed.

    Raises
    ------
    ValueError
        If there are no local weights for the task, or no such profile.
    FileNotFoundError
        If the package that carries the weights is missing, or its file is damaged; the message says what to install.
    TimeoutError
        If another process holds the lock of a folder for more than `LOCK_SECONDS`; the message names the lock file.
    OSError
        If the cache can't be written to; the message says why, and how to choose another one.

    Examples
    --------
    >>> from paddleocr import PaddleOCR, TextDetection
    >>> ocr = PaddleOCR(**local_models())                               # doctest: +SKIP
    >>> detector = TextDetection(**local_models("text_detection"))      # doctest: +SKIP
    >>> local_models(profile="fast")["text_recognition_batch_size"]
    1
    """
    fast = _ONE_THREAD if profile == "fast" else {}
    if task is not None:
        if task not in _FOR_PADDLEOCR:
            raise ValueError(f"no local weights for {task!r}; there are {', '.join(_FOR_PADDLEOCR)}")
        folder = model_folder(task, profile)
        return {"model_name": _SOURCES[task].model_name, "model_dir": str(folder), "engine": "onnxruntime"} | fast
    arguments: dict[str, Any] = {
        "use_doc_orientation_classify": False,
        "use_doc_unwarping": False,
        "use_textline_orientation": False,
        "engine": "onnxruntime",
    }
    for each in _FOR_PADDLEOCR:
        arguments[f"{each}_model_name"] = _SOURCES[each].model_name
        arguments[f"{each}_model_dir"] = str(model_folder(each, profile))
    return arguments | (fast and fast | {"text_recognition_batch_size": 1})


def model_folder(task: str, profile: Profile = "official") -> Path:
    """The folder with `inference.onnx` and `inference.yml` of a task, made or repaired where needed.

    Besides the tasks of `local_models` there is "textline_orientation". PaddleOCR's own class can't use that one: it is
    of PP-OCR v2.0, and wants lines that keep their proportions.

    Several processes may ask at once: one writes, under a lock, the others wait. The folder is exchanged as a whole
    (`ocrbook.folders`). Raises as `local_models`.

    Examples
    --------
    >>> sorted(path.name for path in model_folder("text_detection").iterdir())
    ['inference.onnx', 'inference.yml', 'manifest.json']
    """
    if profile not in get_args(Profile):
        raise ValueError(f"no profile {profile!r}; there are {', '.join(get_args(Profile))}")
    if task not in _SOURCES:
        raise ValueError(f"no local weights for {task!r}; there are {', '.join(_SOURCES)}")
    source = _SOURCES[task]
    if profile == "fast":
        source = replace(source, **_FAST.get(task, {}))
    folder = cache_folder() / "models" / source.folder
    if not _is_sound(folder, source):
        if source.suffix:
            model_folder(task)
        weights = _weights(source)
        with _locked(folder):
            if not _is_sound(folder, source):
                _materialise(folder, source, weights)
    return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Alone with a folder of the cache, within a time limit; whatever is wrong with the place becomes one line."""
    lock = folder.with_name(f"{folder.name}.lock")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=LOCK_SECONDS):
            yield
    except Timeout:
        raise TimeoutError(
            f"another process holds {lock} for more than {LOCK_SECONDS:.0f} seconds: wait for it, or end it"
        ) from None
    except OSError as error:
        reason = f"{error.strerror}: {error.filename}" if error.filename else error
        raise OSError(
            f"the models' cache {cache_folder()} can't be written to ({reason}): set the environment variable "
            "OCRBOOK_CACHE to a folder that can"
        ) from None


def _sha256(path: Path) -> str:
    """The digest of a file; empty for what is no file, or can't be read."""
    digest = hashlib.sha256()
    try:
        if not path.is_file():  # a pipe would be waited for
            return ""
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    except OSError:
        return ""
    return digest.hexdigest()


def _is_sound(folder: Path, source: _Source) -> bool:
    """Whether the folder holds the known weights, and the yml and manifest that are written for them."""
    if _sha256(folder / "inference.onnx") != source.sha256:
        return False
    config = _sha256(folder / "inference.yml")
    if _sha256(folder / "manifest.json") != hashlib.sha256(_manifest(source, config)).hexdigest():
        return False
    if config == source.config_sha256:
        return True
    expected = _inference_config(source, (folder / "inference.onnx").read_bytes())  # of packages that are not pinned
    return config == hashlib.sha256(expected).hexdigest()


def _manifest(source: _Source, config: str) -> bytes:
    """The content of manifest.json, for people: the digests of the other files."""
    return json.dumps({"inference.onnx": source.sha256, "inference.yml": config}, indent=1).encode()


def _weights(source: _Source) -> bytes:
    """The content of inference.onnx, from the package that carries it."""
    spec = find_spec("rapidocr")
    if spec is None or not spec.origin:
        raise FileNotFoundError(f"the weights of {source.model_name} come with the package rapidocr: {_INSTALL}")
    path = Path(spec.origin).parent / "models" / source.file
    if _sha256(path) != source.sha256:
        raise FileNotFoundError(
            f"{source.file} in the package rapidocr is missing or not the known one: {_INSTALL} --force-reinstall"
        )
    return path.read_bytes()


def _materialise(folder: Path, source: _Source, weights: bytes) -> None:
    config = _inference_config(source, weights)
    with exchanged(folder, ("inference.onnx", "inference.yml", "manifest.json")) as draft:
        if source.suffix:  # the same weights a second time need no room
            link(folder.with_name(source.model_name) / "inference.onnx", draft / "inference.onnx")
        else:
            (draft / "inference.onnx").write_bytes(weights)
        (draft / "inference.yml").write_bytes(config)
        (draft / "manifest.json").write_bytes(_manifest(source, hashlib.sha256(config).hexdigest()))


def _inference_config(source: _Source, weights: bytes) -> bytes:
    """The inference.yml: preprocessing and postprocessing as PaddleX knows them, name, and dictionary."""
    from paddlex.modules.base.utils.pdparams2safetensors.inference_meta import build_inference_meta

    if source.model_name == "ch_ppocr_mobile_v2.0_cls":
        meta = {
            "PreProcess": {"transform_ops": [{"RecResizeImg": {"image_shape": [3, 48, 192]}}]},
            "PostProcess": {"Topk": {"topk": 1, "label_list": ["0_degree", "180_degree"]}},
        }
    else:
        meta = deepcopy(build_inference_meta(source.model_name))  # PaddleX hands out its own
    config = {"Global": {"model_name": source.model_name}} | {key: meta[key] for key in ("PreProcess", "PostProcess")}
    if config["PostProcess"].get("name") == "CTCLabelDecode":
        config["PostProcess"] = config["PostProcess"] | {"character_dict": _dictionary(weights)}
    for step in config["PreProcess"]["transform_ops"]:
        if source.least_width and "RecResizeImg" in step:
            step["RecResizeImg"]["image_shape"][2] = source.least_width
    return yaml.safe_dump(config, allow_unicode=True, sort_keys=False).encode()


def _dictionary(weights: bytes) -> list[str]:
    """The characters a recogniser knows, from the metadata of its ONNX file.

    One character a line; one of them is the ideographic space, so lines are split but never stripped.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
    return session.get_modelmeta().custom_metadata_map["character"].split("\n")
