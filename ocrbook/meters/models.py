"""The trained networks, each loaded when it is first used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

FOLDER = Path(__file__).parent / "weights"

_own: list[Path] = []


@contextmanager
def own_networks(folder: str | Path) -> Iterator[None]:
    """Read with the networks of a folder, where it has them, and with those of the package otherwise.

    Examples
    --------
    >>> with own_networks("mine"):
    ...     print(path_of("drum").parent.name)
    drum
    """
    _own.append(Path(folder))
    try:
        yield
    finally:
        _own.pop()


def path_of(name: str) -> Path:
    """The file of a network.

    Raises
    ------
    FileNotFoundError
        If its weights are missing.
    """
    for folder in (*_own[::-1], FOLDER):
        path = folder / name / "inference.onnx"
        if path.is_file():
            return path
    raise FileNotFoundError(f"{path} is missing: restore it from the repository, or make it with `make weights`")


@cache
def session_of(network: Path | bytes) -> onnxruntime.InferenceSession:
    """A network from a file or from memory, for one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


def run(name: str, inputs: np.ndarray) -> np.ndarray:
    """The answer of a network, one thread; float32 in and out.

    Raises
    ------
    FileNotFoundError
        If its weights are missing.
    """
    session = session_of(path_of(name))
    return session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(inputs, np.float32)})[0]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def circular_mean(probabilities: np.ndarray, reach: int = 5) -> np.ndarray:
    """Where on a circle of N classes the answers are: (B, N) to (B,) in [0, 1).

    The mean of the classes around the most likely one, at most `reach` away from it.
    """
    count = probabilities.shape[1]
    top = probabilities.argmax(axis=1)
    offsets = np.arange(-reach, reach + 1)
    near = np.take_along_axis(probabilities, (top[:, None] + offsets) % count, axis=1)
    return (top + (near * offsets).sum(axis=1) / near.sum(axis=1)) / count % 1
