"""A fine-tuned network as its difference from the official one: a tenth of the bytes.

A short fine-tuning at a low rate moves every weight by a little. The small moves of a row have one scale, and four bits
each; the official weights, which a package brings, are the rest.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from ocrbook.files import write_atomically

LEVELS = 7
"""Steps to either side of 0 that four bits tell apart."""


def with_classes(graph: onnx.ModelProto, weight: str, bias: str, classes: Sequence[int]) -> onnx.ModelProto:
    """A recogniser that can answer nothing but some of its classes; its last layer is smaller.

    Parameters
    ----------
    graph : onnx.ModelProto
        Stays as it is.
    weight, bias : str
        Names of the last layer's values, (features, all classes) and (all classes,).
    classes : sequence of int
        The classes that stay, in their new order; 0 is CTC's blank.

    Examples
    --------
    >>> from ocrbook.delta import with_classes
    >>> from ocrbook.train.finetune import head_of, load_base
    >>> base = load_base()
    >>> small = with_classes(base.graph, base.weight, base.bias, [0, 1, 2])
    >>> small.graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    3
    """
    cut = onnx.ModelProto()
    cut.CopyFrom(graph)
    for each in cut.graph.initializer:
        if each.name in (weight, bias):
            value = numpy_helper.to_array(each)[..., list(classes)]
            each.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(value), each.name))
    del cut.graph.value_info[:]  # shapes of the old layer
    cut.graph.output[0].type.tensor_type.shape.dim[-1].dim_value = len(classes)
    return cut


def write_delta(
    path: str | Path, official: bytes, before: onnx.ModelProto, after: onnx.ModelProto, head: dict[str, object]
) -> None:
    """Write the difference of two networks with the same values' names and shapes, whole or not at all.

    Parameters
    ----------
    path : path
        Ends with .npz.
    official : bytes
        The file with the official weights; its digest is remembered.
    before, after : onnx.ModelProto
        `with_classes` of the official network, and the same after training.
    head : dict
        `weight`, `bias` and `classes`, as `with_classes` was given them.

    Raises
    ------
    OSError
        If it can't be written.
    """
    old = {each.name: numpy_helper.to_array(each) for each in before.graph.initializer}
    arrays: dict[str, np.ndarray] = {}
    names = []
    for each in after.graph.initializer:
        value = numpy_helper.to_array(each)
        if value.dtype != np.float32 or np.array_equal(value, old[each.name]):
            continue
        number, off = len(names), value - old[each.name]
        names.append(each.name)
        if off.ndim < 2:
            arrays[f"{number}.exact"] = off.astype(np.float16)
            continue
        rows = off.reshape(len(off), -1)
        scale = _scales(rows)
        levels = np.clip(np.rint(rows / scale[:, None]), -LEVELS, LEVELS).astype(np.int8) + LEVELS
        flat = levels.reshape(-1).astype(np.uint8)
        flat = np.append(flat, np.zeros(len(flat) % 2, np.uint8))
        arrays[f"{number}.levels"], arrays[f"{number}.scale"] = flat[::2] * 16 + flat[1::2], scale.astype(np.float16)
    about = {"official": hashlib.sha256(official).hexdigest(), "names": names} | head
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    write_atomically(Path(path), content.getvalue())


def _scales(rows: np.ndarray) -> np.ndarray:
    """For each row the step with which rounding to `LEVELS` loses least."""
    largest = np.maximum(np.abs(rows).max(axis=1), 1e-7) / LEVELS
    shares = np.linspace(0.3, 1, 15)
    losses = []
    for share in shares:
        step = (largest * share)[:, None]
        losses.append(((np.clip(np.rint(rows / step), -LEVELS, LEVELS) * step - rows) ** 2).sum(axis=1))
    # float16 keeps three digits: round now, so that levels are counted with the step that is stored
    return np.maximum((largest * shares[np.argmin(losses, axis=0)]).astype(np.float16).astype(np.float32), 6e-8)


def apply_delta(official: str | Path, delta: str | Path) -> onnx.ModelProto:
    """The fine-tuned network.

    Parameters
    ----------
    official : path
        The file with the official weights.
    delta : path
        What `write_delta` wrote.

    Raises
    ------
    FileNotFoundError
        If one of them is missing.
    ValueError
        If the difference belongs to other weights, or is damaged.
    """
    content = Path(official).read_bytes()
    if not Path(delta).is_file():
        raise FileNotFoundError(f"{delta} is missing: restore it from the repository, or make it with `make weights`")
    try:
        with np.load(delta, allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            known, names = about["official"], about["names"]
            parts = {name: stored[name] for name in stored.files}
    except Exception as error:  # a damaged archive raises errors of a dozen kinds
        raise ValueError(f"{delta} is damaged ({type(error).__name__}): restore it from the repository") from None
    if known != hashlib.sha256(content).hexdigest():
        raise ValueError(f"{delta} belongs to other weights than {official}: install the pinned packages")
    graph = with_classes(onnx.load_from_string(content), about["weight"], about["bias"], about["classes"])
    values = {each.name: each for each in graph.graph.initializer}
    for number, name in enumerate(names):
        old = numpy_helper.to_array(values[name])
        if (exact := parts.get(f"{number}.exact")) is not None:
            off = exact.astype(np.float32)
        else:
            both = parts[f"{number}.levels"]
            levels = np.stack([both >> 4, both & 15], axis=1).reshape(-1)[: old.size].astype(np.float32) - LEVELS
            off = levels.reshape(len(old), -1) * parts[f"{number}.scale"].astype(np.float32)[:, None]
        values[name].CopyFrom(numpy_helper.from_array(old + off.reshape(old.shape), name))
    return graph
