"""A network that learns one meter: its last layer, from a few labelled windows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from scipy.optimize import minimize

from ocrbook.files import write_atomically
from ocrbook.meters import digits, models
from ocrbook.meters.positions import ROOM, crops_of, find_positions

FOLDS = 4
"""Parts of the windows, each tried with what was learned from the others."""

HOLDS = (1.0, 0.1, 0.01)
"""How strongly the layer is held where it was; the one that reads most windows of the other parts is taken."""

PRIOR = 0.01
"""How likely each tenth next to the digit is taken to be, whatever the network sees."""


@dataclass(frozen=True)
class Adaptation:
    """What an adaptation learned from, and what it gains on windows that it did not learn from.

    Attributes
    ----------
    positions : int
        Labelled positions.
    before, after : int
        How many of them were read right by the network as it was; and by one that had learned from the other windows.
    path : Path or None
        The new network; None where it would read no more of them right, and nothing was written.

    Examples
    --------
    >>> Adaptation(100, 93, 98, None).after
    98
    """

    positions: int
    before: int
    after: int
    path: Path | None


def adapt(windows: Sequence[np.ndarray], texts: Sequence[str], folder: str | Path, kind: str = "drum") -> Adaptation:
    """Fit the last layer of the network for single positions to a meter.

    All other layers stay, so each position is looked at once, and the fit takes seconds. What it gains is measured on
    windows that were left out, in turns. Use the result with `models.own_networks(folder)`.

    Parameters
    ----------
    windows : sequence of uint8 (H, W, 3), BGR
        Windows of one meter, cut out as for `read_window`; twenty are enough where they show all digits.
    texts : sequence of str
        Their digits, each position one; a blank position of a display is a space.
    folder : str or Path
        Gets `<kind>/inference.onnx`, if something is gained.
    kind : "drum" or "lcd"

    Raises
    ------
    ValueError
        If there are fewer than `FOLDS` windows in which as many positions are found as their texts have digits.

    Examples
    --------
    >>> import tempfile
    >>> from ocrbook import images
    >>> window = images.read("datasets/meter-lcd/lcd_000.jpg")
    >>> done = adapt([window] * 4, ["904815"] * 4, tempfile.mkdtemp(), "lcd")
    >>> done.positions, done.before, done.after, done.path
    (24, 24, 24, None)
    """
    digits.check_kind(kind)
    samples = [_labelled(*each, kind) for each in zip(windows, texts, strict=True)]
    samples = [(crops, labels) for crops, labels in samples if len(labels)]
    if len(samples) < FOLDS:
        raise ValueError(f"{len(samples)} windows have positions that go with their texts; {FOLDS} are the fewest")
    graph = onnx.load(models.path_of(kind))
    features, layer = _last_layer(graph, [digits.views(crops, kind) for crops, _ in samples])
    labels = [each for _, each in samples]
    before = sum(_right(each, layer, label, kind) for each, label in zip(features, labels, strict=True))
    tried = {}
    for hold in HOLDS:
        tried[hold] = 0
        for fold in range(FOLDS):
            kept = [index for index in range(len(samples)) if index % FOLDS != fold]
            fitted = _fit([features[i] for i in kept], [labels[i] for i in kept], layer, hold, kind)
            tried[hold] += sum(_right(features[i], fitted, labels[i], kind) for i in range(fold, len(samples), FOLDS))
    best = max(HOLDS, key=lambda hold: tried[hold])
    path = None
    if tried[best] > before:
        path = Path(folder) / kind / "inference.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, _with_layer(graph, _fit(features, labels, layer, best, kind)))
    return Adaptation(sum(map(len, labels)), before, max(before, tried[best]), path)


def _labelled(window: np.ndarray, text: str, kind: str) -> tuple[list[np.ndarray], np.ndarray]:
    """The crops of a window whose digits are certain, and their classes.

    The last drum is not among them, whose tenths nobody has written down, nor those that turn with it.
    """
    boxes, _, _ = find_positions(window, len(text), kind)
    if len(boxes) != len(text):
        return [], np.zeros(0, int)
    labels = np.array([digits.BLANK if digit == " " else int(digit) for digit in text])
    end = len(text.rstrip("9")) - 1 if kind == "drum" else len(text)
    end = min(end, len(text) - 1) if kind == "drum" else end
    return crops_of(window, boxes, ROOM[kind])[: max(0, end)], labels[: max(0, end)]


def _last_layer(graph: onnx.ModelProto, inputs: Sequence[np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """What goes into the last layer of a network, for each batch of inputs; and the layer, its bias as the last row."""
    product, total = _ends(graph)
    seen = onnx.ModelProto.FromString(graph.SerializeToString())
    for name in (product.input[0], product.input[1], total.input[1]):
        seen.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(seen.SerializeToString(), providers=["CPUExecutionProvider"])
    found = [session.run(None, {session.get_inputs()[0].name: each})[1:] for each in inputs]
    ones = [np.hstack([features, np.ones((len(features), 1))]) for features, _, _ in found]
    return ones, np.vstack(found[0][1:]).astype(float)


def _ends(graph: onnx.ModelProto) -> tuple[onnx.NodeProto, onnx.NodeProto]:
    """The last product of a graph, and the sum that adds its bias."""
    kinds = {kind: [node for node in graph.graph.node if node.op_type == kind][-1] for kind in ("MatMul", "Add")}
    return kinds["MatMul"], kinds["Add"]


def _with_layer(graph: onnx.ModelProto, layer: np.ndarray) -> bytes:
    """The graph with another last layer, as the content of a file."""
    for node, values in zip(_ends(graph), (layer[:-1], layer[-1]), strict=True):
        name = f"{node.output[0]}.own"
        node.input[1] = name
        value = numpy_helper.from_array(values.astype(np.float32), name)
        graph.graph.node.insert(0, helper.make_node("Constant", [], [name], value=value))
    wanted, nodes = {each.name for each in graph.graph.output}, []
    for node in reversed(graph.graph.node):
        if wanted.intersection(node.output):  # the old layer is not
            wanted.update(node.input)
            nodes.insert(0, node)
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    onnx.checker.check_model(graph)
    return graph.SerializeToString()


def _mean(features: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """Probabilities of positions from those of their views, as the reader puts them together."""
    return digits.together(models.softmax(features @ layer))


def _right(features: np.ndarray, layer: np.ndarray, labels: np.ndarray, kind: str) -> int:
    """How many positions are read right."""
    probability = _mean(features, layer)
    if kind == "lcd":
        return int((probability.argmax(axis=1) == labels).sum())
    found = [digits.shown(part.value) for part in digits.readings(probability, kind)]
    return int((np.array(found) == labels).sum())


def _targets(features: np.ndarray, labels: np.ndarray, layer: np.ndarray, kind: str) -> np.ndarray:
    """Soft classes: of a display, the digit; of a drum, the tenths that the network sees around the digit."""
    if kind == "lcd":
        return np.eye(layer.shape[1])[labels]
    off = (np.arange(100) - 10 * labels[:, None] + 50) % 100 - 50
    seen = models.softmax(features @ layer) * (np.abs(off) <= 4) + PRIOR * (np.abs(off) <= 1)
    return seen / seen.sum(axis=1, keepdims=True)


def _fit(
    features: Sequence[np.ndarray], labels: Sequence[np.ndarray], layer: np.ndarray, hold: float, kind: str
) -> np.ndarray:
    """The layer that gives the targets for all views, not far from where it was."""
    x = np.concatenate(features)
    target = np.concatenate(
        [_targets(f, np.tile(each, len(digits.VIEWS)), layer, kind) for f, each in zip(features, labels, strict=True)]
    )

    def loss(moved: np.ndarray) -> tuple[float, np.ndarray]:
        moved = moved.reshape(layer.shape)
        probability = models.softmax(x @ (layer + moved))
        lost = -(target * np.log(probability + 1e-9)).sum() / len(x) + hold * (moved**2).sum()
        return lost, (x.T @ (probability - target) / len(x) + 2 * hold * moved).ravel()

    found = minimize(loss, np.zeros(layer.size), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return layer + found.x.reshape(layer.shape)
