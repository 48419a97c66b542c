"""Fine-tuning the official PP-OCRv6 recogniser without its training code: a frozen encoder and a new CTC head.

The official weights are at hand as an ONNX graph. It ends with [..., 120 features per time step] -> linear layer ->
softmax over 18,710 classes. Here the graph computes the features once, a linear layer for the wanted characters is
trained on them in Paddle, starting from the columns of the old layer that belong to the same characters, and is written
back into the graph.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import paddle
import yaml
from onnx import numpy_helper
from tqdm import tqdm

from ocrbook import folders
from ocrbook.folders import exchanged
from ocrbook.metrics import exact_match
from ocrbook.models import model_folder
from ocrbook.train import data
from ocrbook.train.export import FILES, card_of, check_characters, write_texts
from ocrbook.train.loop import fit
from ocrbook.train.recognition import ctc_loss, decode, encode, to_batch, to_height

_HEIGHT, _PIXELS_PER_STEP = 48, 8


@dataclass(frozen=True)
class Base:
    """An official recogniser taken apart: graph, dictionary, and the names of the parts that matter."""

    graph: onnx.ModelProto
    characters: list[str]
    config: dict
    features: str
    weight: str
    bias: str

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height, and the width to which narrower lines are filled up."""
        steps = self.config["PreProcess"]["transform_ops"]
        return tuple(next(step["RecResizeImg"]["image_shape"] for step in steps if "RecResizeImg" in step))


def load_base(folder: str | Path | None = None) -> Base:
    """Take a recogniser's model folder apart; without a folder PP-OCRv6 small, of the fast profile.

    Raises
    ------
    ValueError
        If the graph does not end in a linear layer (MatMul, Add) and a softmax, its dictionary does not fit, or a file
        is damaged.
    """
    folder = Path(folder) if folder else model_folder("text_recognition", "fast")
    try:
        graph = onnx.load(folder / "inference.onnx")
        config = yaml.safe_load((folder / "inference.yml").read_text("utf-8"))
        characters, output = config["PostProcess"]["character_dict"], graph.graph.output[0].name
    except FileNotFoundError:
        raise
    except Exception as error:  # of protobuf, YAML or types
        raise ValueError(f"{folder} is no recogniser's model folder, or damaged ({type(error).__name__})") from None
    made_by = {output: node for node in graph.graph.node for output in node.output}
    stored = {each.name: each for each in graph.graph.initializer}
    chain = [made_by.get(output)]
    while chain[-1] is not None and chain[-1].op_type in ("Softmax", "Identity", "Add"):
        chain.append(made_by.get(chain[-1].input[0]))
    product, adds = chain[-1], [node for node in chain[:-1] if node.op_type == "Add"]
    if product is None or product.op_type != "MatMul" or len(adds) != 1 or adds[0].input[1] not in stored:
        raise ValueError(f"{folder}: the graph does not end in a linear layer and a softmax")
    add = adds[0]
    if stored[add.input[1]].dims[0] != len(characters) + 2:
        raise ValueError(f"{folder}: {len(characters)} characters in the dictionary do not fit the graph")
    return Base(graph, characters, config, product.input[0], product.input[1], add.input[1])


def head_of(base: Base) -> tuple[np.ndarray, np.ndarray]:
    """Weight (features, classes) and bias (classes,) of the last layer, float32."""
    stored = {each.name: numpy_helper.to_array(each) for each in base.graph.graph.initializer}
    return stored[base.weight], stored[base.bias]


def warm_start(base: Base, characters: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The old layer's columns for blank, `characters` and space; the mean column for a character it does not know."""
    weight, bias = head_of(base)
    classes = {character: index for index, character in enumerate(base.characters, 1)}
    last = len(base.characters) + 1
    columns = [0, *(classes.get(character, -1) for character in characters), last]
    mean_weight, mean_bias = weight.mean(axis=1), bias.mean()
    new_weight = np.stack([weight[:, c] if c >= 0 else mean_weight for c in columns], axis=1)
    return new_weight, np.array([bias[c] if c >= 0 else mean_bias for c in columns], np.float32)


def encoder(base: Base, threads: int = 1) -> onnxruntime.InferenceSession:
    """The graph with the features as its only output: float32 (B, 3, 48, W) -> (B, W / 8, features)."""
    graph = onnx.ModelProto()
    graph.CopyFrom(base.graph)
    del graph.graph.output[:]
    graph.graph.output.append(onnx.helper.make_tensor_value_info(base.features, onnx.TensorProto.FLOAT, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])


def features(base: Base, images: Sequence[np.ndarray], *, threads: int = 1, progress: bool = True) -> list[np.ndarray]:
    """Features of line images (uint8 BGR, any height), each float32 (T, features), as in PaddleOCR's preprocessing.

    One at a time: in a batch a line is filled up to the width of the widest, which changes its features a little, and
    costs more time than it saves.
    """
    session = encoder(base, threads)
    name = session.get_inputs()[0].name
    least = base.image_shape[2]
    resized = (to_height(image, _HEIGHT, least) for image in images)
    return [
        session.run(None, {name: to_batch([image], least)})[0][0]
        for image in tqdm(resized, desc="features", total=len(images), disable=not progress)
    ]


class Head(paddle.nn.Layer):
    """The last layer: float32 (B, T, features) -> logits (B, T, classes)."""

    def __init__(self, weight: np.ndarray, bias: np.ndarray) -> None:
        super().__init__()
        self.linear = paddle.nn.Linear(*weight.shape)
        self.linear.weight.set_value(weight)
        self.linear.bias.set_value(bias)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Logits."""
        return self.linear(x)


def read_features(head: Head, found: Sequence[np.ndarray], characters: Sequence[str]) -> list[str]:
    """Texts of lines whose features are known."""
    weight, bias = head.linear.weight.numpy(), head.linear.bias.numpy()
    texts = []
    for first in range(0, len(found), 32):  # a product for many lines: small ones lose their time between threads
        part = found[first : first + 32]
        scores = np.concatenate(part) @ weight + bias
        texts += [decode(each, characters) for each in np.split(scores, np.cumsum([len(each) for each in part])[:-1])]
    return texts


def write_head(base: Base, head: Head, folder: str | Path, characters: Sequence[str], card: dict | None = None) -> Path:
    """Put a trained head into the graph, and write it as a model folder for `engine="onnxruntime"`.

    All files of a model are exchanged as one; see `ocrbook.folders`. `card` is the content of training.json.
    """
    graph = onnx.ModelProto()
    graph.CopyFrom(base.graph)
    values = {base.weight: head.linear.weight.numpy(), base.bias: head.linear.bias.numpy()}
    for stored in graph.graph.initializer:
        if stored.name in values:
            stored.CopyFrom(numpy_helper.from_array(values[stored.name], stored.name))
    del graph.graph.value_info[:]  # shapes of the old layer
    classes = graph.graph.output[0].type.tensor_type.shape.dim[-1]
    classes.dim_value = len(characters) + 2
    for entry in graph.metadata_props:
        if entry.key == "character":
            entry.value = "\n".join(characters)
    onnx.checker.check_model(graph)
    config = base.config | {"PostProcess": base.config["PostProcess"] | {"character_dict": list(characters)}}
    with exchanged(folder, FILES) as draft:
        (draft / "inference.onnx").write_bytes(graph.SerializeToString())
        write_texts(draft, config, card)
    return Path(folder)


def fine_tune(
    labels: data.Labels,
    out: str | Path,
    *,
    validation: data.Labels | None = None,
    characters: Sequence[str] | None = None,
    base: str | Path | None = None,
    steps: int = 600,
    batch_size: int = 32,
    peak: float = 2e-3,
    every: int = 100,
    patience: int | None = None,
    threads: int = 1,
    seed: int = 0,
    progress: bool = True,
) -> Path:
    r"""Fine-tune PP-OCRv6 small on your lines: its encoder stays, its last layer is trained anew.

    Parameters
    ----------
    labels : path or list of paths
        PaddleOCR's or PPOCRLabel's lists, of lines or of pages; see `ocrbook.train.data`.
    out : path
        The model folder to make.
    validation : path or list of paths, optional
        Lines to choose the best weights by. Without it a tenth of the labels is held out.
    characters : sequence of str, optional
        The new dictionary, without the space. Without it, the characters of the labels: the model forgets all others.
        Pass `load_base().characters` to keep them.
    base : path, optional
        Model folder to begin with; PP-OCRv6 small by default.
    threads : int
        Of the encoder.
    steps, batch_size, peak, every, patience, seed, progress
        As in `loop.fit`.

    Returns
    -------
    the folder; load it with `TextRecognition(model_name="PP-OCRv6_small_rec", model_dir=str(folder),
    engine="onnxruntime")`.

    Raises
    ------
    LabelError
        If anything is wrong with the labels; it lists file, row and reason.
    OSError
        If `out` can't be made there; before the training.

    Examples
    --------
    >>> from pathlib import Path
    >>> import cv2
    >>> from ocrbook.render import render_line
    >>> from ocrbook.train import fine_tune
    >>> rows = []
    >>> for text in ("1234", "5678", "9024"):
    ...     _ = cv2.imwrite(f"{text}.png", render_line(text)[0])
    ...     rows.append(f"{text}.png\t{text}\n")
    >>> _ = Path("list.txt").write_text("".join(rows), "utf-8")
    >>> folder = fine_tune("list.txt", "model", characters="0123456789", steps=1, progress=False)  # 600 are usual
    >>> (folder / "inference.onnx").is_file()
    True
    """
    out = Path(out)
    folders.check(out)
    samples = data.read_lines(labels, characters, _PIXELS_PER_STEP, _HEIGHT)
    if characters is None:
        characters = sorted({character for sample in samples for character in sample.lines[0].text} - {" "})
    characters = check_characters(characters)
    samples, held_out = data.hold_out(
        samples, validation, lambda lists: data.read_lines(lists, characters, _PIXELS_PER_STEP, _HEIGHT), seed
    )
    parts = load_base(base)
    found = features(parts, [sample.image for sample in samples + held_out], threads=threads, progress=progress)
    targets = [encode(sample.lines[0].text, characters) for sample in samples]
    head, history = train_head(
        warm_start(parts, characters),
        found[: len(samples)],
        targets,
        steps=steps,
        batch_size=batch_size,
        peak=peak,
        every=every,
        patience=patience,
        seed=seed,
        progress=progress,
        evaluate=lambda trained: exact_match(
            [sample.lines[0].text for sample in held_out], read_features(trained, found[len(samples) :], characters)
        ),
        checkpoint=out / "checkpoint.npz",
    )
    settings = {"steps": steps, "batch_size": batch_size, "peak": peak, "seed": seed}
    card = card_of(history, settings | {"lines": len(samples), "held_out": len(held_out)})
    return write_head(parts, head, out, characters, card)


def train_head(start, found, targets, *, batch_size=32, seed=0, checkpoint=None, **settings):
    """Train a head on features; `settings` go to `loop.fit`. Returns the head and the history."""
    head = Head(*start)

    def batch(step: int) -> tuple[np.ndarray, ...]:
        size = min(batch_size, len(found))
        per_epoch = max(1, len(found) // size)
        order = np.random.default_rng([seed, step // per_epoch]).permutation(len(found))
        rows = order[step % per_epoch * size :][:size]
        longest = max(len(found[i]) for i in rows)
        inputs = np.zeros((len(rows), longest, found[0].shape[1]), np.float32)
        lengths = np.array([len(targets[i]) for i in rows], np.int64)
        wanted = np.zeros((len(rows), max(1, int(lengths.max()))), np.int32)
        for k, i in enumerate(rows):
            inputs[k, : len(found[i])] = found[i]
            inputs[k, len(found[i]) :] = found[i][-1]
            wanted[k, : lengths[k]] = targets[i]
        return inputs, wanted, lengths

    digest = hashlib.sha256(repr(targets).encode())
    for each in found:
        digest.update(each.tobytes())
    history = fit(
        head,
        batch,
        ctc_loss,
        seed=seed,
        checkpoint=checkpoint,
        purpose=digest.hexdigest(),
        description="head",
        **settings,
    )
    return head, history
