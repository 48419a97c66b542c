"""From a network in training to a folder that PaddleOCR loads, with either engine.

The folder holds inference.json and inference.pdiparams for `engine="paddle_static"`, inference.onnx for
`engine="onnxruntime"`, and inference.yml, which tells PaddleOCR what to do before and after the network.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np
import onnxruntime
import paddle
import yaml
from paddle.nn import functional
from paddle.static import InputSpec

from ocrbook.folders import exchanged
from ocrbook.train.loop import History

FILES = ("inference.json", "inference.pdiparams", "inference.onnx", "inference.yml", "training.json")
"""What a model folder consists of. They are exchanged as one; anything else in the folder stays."""

RECOGNIZER = "PP-OCRv6_small_rec"
"""The registered name that our recognisers go under: PaddleX refuses a name that it does not know."""

DETECTOR = "PP-OCRv6_small_det"
"""The registered name that our detectors go under."""

TOLERANCE = 1e-3
"""How far the exported graph may be from the network, in probability."""

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What a detector's input is normalised by, for the channels in the order of the image (BGR), as in PaddleOCR."""

THRESHOLD, BOX_THRESHOLD, UNCLIP_RATIO = 0.3, 0.5, 1.5
"""DB's post-processing. PaddleX drops boxes below 0.6, where the fainter maps of networks that were trained for minutes
lose lines."""


class _Probabilities(paddle.nn.Layer):
    """A recogniser whose output is a distribution over the classes."""

    def __init__(self, net: paddle.nn.Layer) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return functional.softmax(self.net(x), axis=2)


def check_characters(characters: Sequence[str]) -> list[str]:
    """The dictionary as a list; each of the mistakes that PaddleX would accept in silence is an error here.

    Raises
    ------
    ValueError
        If an entry is not one character (like "blank", which would shift every class), is the space (PaddleX always
        appends it), or comes twice.
    """
    characters = list(characters)
    for character in characters:
        if not isinstance(character, str) or len(character) != 1:
            raise ValueError(f"{character!r} in the dictionary is not a single character; the blank is not part of it")
    if " " in characters:
        raise ValueError("leave the space out of the dictionary: PaddleX always appends it as the last class")
    if len(set(characters)) != len(characters):
        twice = sorted({character for character in characters if characters.count(character) > 1})
        raise ValueError(f"twice in the dictionary: {' '.join(twice)}")
    return characters


def export_recognizer(
    net: paddle.nn.Layer,
    folder: str | Path,
    characters: Sequence[str],
    *,
    image_shape: tuple[int, int, int],
    card: dict | None = None,
) -> Path:
    """Write a recogniser as a model folder.

    Parameters
    ----------
    net : paddle.nn.Layer
        float32 (B, 3, H, W) in BGR between -1 and 1 -> logits (B, T, len(characters) + 2): blank, dictionary, space.
    folder : path
        Made if needed. All files of a model are exchanged as one; see `ocrbook.folders`.
    characters : sequence of str
        The dictionary, without blank and space.
    image_shape : (3, height, least width)
        Images are resized to the height, and filled up with zeros on the right to the least width.
    card : dict, optional
        The content of training.json: how the model was made.

    Returns
    -------
    the folder, as a Path

    Raises
    ------
    ValueError
        If the dictionary has a mistake, or does not fit the network's classes.
    RuntimeError
        If the network has an operation that ONNX or its exporter lacks, or the exported graph does not compute what
        the network computes.

    Examples
    --------
    >>> from ocrbook.train import export_recognizer
    >>> from ocrbook.train.networks import TextRecognizer
    >>> folder = export_recognizer(TextRecognizer(5), "model", "012", image_shape=(3, 32, 160))
    >>> sorted(file.name for file in folder.iterdir())
    ['inference.json', 'inference.onnx', 'inference.pdiparams', 'inference.yml']
    """
    characters = check_characters(characters)
    net.eval()
    example = np.random.default_rng(0).uniform(-1, 1, (2, *image_shape)).astype(np.float32)
    with paddle.no_grad():
        classes = net(paddle.to_tensor(example)).shape[-1]
    if classes != len(characters) + 2:
        raise ValueError(
            f"the network has {classes} classes, the dictionary {len(characters)} characters: "
            f"with blank and space that makes {len(characters) + 2}"
        )
    spec = InputSpec([None, 3, image_shape[1], None], "float32", "x")
    config = recognizer_config(characters, image_shape)
    return _export(_Probabilities(net), spec, example, Path(folder), config, card)


def recognizer_config(characters: Sequence[str], image_shape: tuple[int, int, int]) -> dict:
    """The content of a recogniser's inference.yml."""
    return {
        "Global": {"model_name": RECOGNIZER},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"RecResizeImg": {"image_shape": list(image_shape)}},
            ]
        },
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": list(characters)},
    }


def export_detector(
    net: paddle.nn.Layer,
    folder: str | Path,
    *,
    side: int,
    threshold: float = THRESHOLD,
    box_threshold: float = BOX_THRESHOLD,
    unclip_ratio: float = UNCLIP_RATIO,
    card: dict | None = None,
) -> Path:
    """Write a detector as a model folder.

    Parameters
    ----------
    net : paddle.nn.Layer
        In evaluation mode float32 (B, 3, H, W), normalised by `MEAN` and `STD` -> probability (B, 1, H, W).
    folder : path
        Made if needed. All files of a model are exchanged as one; see `ocrbook.folders`.
    side : int
        `TextDetection` resizes the longer side of an image to so many pixels. (The whole pipeline `PaddleOCR` has its
        own defaults: pass `text_det_limit_side_len=side, text_det_limit_type="resize_long", text_det_box_thresh=0.5`.)
    threshold, box_threshold, unclip_ratio : float
        Of DB's post-processing.
    card : dict, optional
        The content of training.json: how the model was made.

    Returns and raises as `export_recognizer`.

    Examples
    --------
    >>> from ocrbook.train import export_detector
    >>> from ocrbook.train.networks import TextDetector
    >>> folder = export_detector(TextDetector(), "model", side=64)
    >>> sorted(file.name for file in folder.iterdir())
    ['inference.json', 'inference.onnx', 'inference.pdiparams', 'inference.yml']
    """
    net.eval()
    example = np.random.default_rng(0).normal(0, 1, (1, 3, 64, 96)).astype(np.float32)
    config = {
        "Global": {"model_name": DETECTOR},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"DetResizeForTest": {"resize_long": side, "limit_type": "resize_long"}},
                {"NormalizeImage": {"mean": list(MEAN), "std": list(STD), "scale": "1./255.", "order": "hwc"}},
                {"ToCHWImage": None},
            ]
        },
        "PostProcess": {
            "name": "DBPostProcess",
            "thresh": threshold,
            "box_thresh": box_threshold,
            "max_candidates": 1000,
            "unclip_ratio": unclip_ratio,
        },
    }
    return _export(net, InputSpec([None, 3, None, None], "float32", "x"), example, Path(folder), config, card)


def _export(
    net: paddle.nn.Layer, spec: InputSpec, example: np.ndarray, folder: Path, config: dict, card: dict | None
) -> Path:
    net.eval()
    with exchanged(folder, FILES) as draft:
        with silence():
            paddle.jit.save(net, str(draft / "inference"), input_spec=[spec])
        to_onnx(draft)
        with paddle.no_grad():
            expected = net(paddle.to_tensor(example)).numpy()
        session = onnxruntime.InferenceSession(draft / "inference.onnx", providers=["CPUExecutionProvider"])
        got = session.run(None, {session.get_inputs()[0].name: example})[0]
        if expected.shape != got.shape or not np.abs(expected - got).max() <= TOLERANCE:
            raise RuntimeError("the exported graph and the network disagree: is a layer not in evaluation mode?")
        write_texts(draft, config, card)
    return folder


def to_onnx(folder: Path) -> None:
    """Add inference.onnx to a folder with inference.json and inference.pdiparams.

    `optimize_tool="None"`: the default installs a package behind your back. Constants that no node uses are taken out;
    onnxruntime would warn of each of them.
    """
    import onnx
    import paddle2onnx

    with silence() as log:
        try:
            paddle2onnx.export(
                str(folder / "inference.json"),
                str(folder / "inference.pdiparams"),
                str(folder / "inference.onnx"),
                optimize_tool="None",
            )
        except SystemExit:  # its way to say that it failed
            log.seek(0)
            said = log.read().decode("utf-8", "replace").partition("model:")[2].split("\n")[0]
            raise RuntimeError(f"paddle2onnx can't convert this network: {said.strip() or 'no reason given'}") from None
    model = onnx.load(folder / "inference.onnx")
    used = {name for node in model.graph.node for name in node.input}
    for constant in [each for each in model.graph.initializer if each.name not in used]:
        model.graph.initializer.remove(constant)
    for node in [each for each in model.graph.node if each.op_type == "Constant" and each.output[0] not in used]:
        model.graph.node.remove(node)
    onnx.save(model, folder / "inference.onnx")


def write_texts(draft: Path, config: dict, card: dict | None) -> None:
    """Write inference.yml and, if there is a card, training.json. A dump quotes digits, which a list typed by hand
    forgets."""
    (draft / "inference.yml").write_bytes(yaml.safe_dump(config, allow_unicode=True, sort_keys=False).encode())
    if card is not None:
        (draft / "training.json").write_bytes(json.dumps(card, indent=1).encode())


def card_of(history: History, facts: dict) -> dict:
    """The content of training.json: how a model was made, and how good it was on held-out data."""
    versions = {name: importlib.metadata.version(name) for name in ("paddlepaddle", "paddleocr", "onnxruntime")}
    return {"settings": facts, "history": asdict(history), "versions": versions}


@contextmanager
def silence() -> Iterator[BinaryIO]:
    """Keep out of a notebook what the exporters print, from Python and from C++; it goes into the file that is given
    back. An exception passes."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with (
        tempfile.TemporaryFile() as log,
        io.TextIOWrapper(log, write_through=True) as text,
        redirect_stdout(text),
        redirect_stderr(text),
    ):
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield log
        finally:
            for copy, stream in zip(kept, (1, 2), strict=True):
                os.dup2(copy, stream)
                os.close(copy)
