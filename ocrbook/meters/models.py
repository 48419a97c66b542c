"""The trained networks, each loaded when it is first used."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

FOLDER = Path(__file__).parent / "weights"


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
    path = FOLDER / name / "inference.onnx"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: restore it from the repository, or make it with `make weights`")
    session = session_of(path)
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
