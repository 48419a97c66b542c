"""A network as one ONNX file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import paddle
from onnx import TensorProto, helper, numpy_helper
from paddle.static import InputSpec

from ocrbook.files import write_atomically
from ocrbook.train import export

TOLERANCE = 2e-3
"""How far the exported graph may be off, by the largest number of its answer: weights have half the bits."""


def to_onnx(net: paddle.nn.Layer, inputs: Sequence[int], path: str | Path) -> Path:
    """Write a network as an ONNX file, and check that onnxruntime computes what Paddle does.

    Parameters
    ----------
    net : paddle.nn.Layer
        One input, float32 (B, *inputs), one output.
    inputs : sequence of int
        -1 where any size will do.
    path : str or Path

    Raises
    ------
    RuntimeError
        If the graph can't be converted, or computes something else.
    """
    net.eval()
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    example = np.random.default_rng(0).normal(size=(2, *(64 if n < 0 else n for n in inputs))).astype(np.float32)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as name:
        draft = Path(name)
        spec = InputSpec([None, *(None if n < 0 else n for n in inputs)], "float32", "x")
        with export.silence():
            paddle.jit.save(net, str(draft / "inference"), input_spec=[spec])
        export.to_onnx(draft)
        halve(draft / "inference.onnx")
        with paddle.no_grad():
            expected = net(paddle.to_tensor(example)).numpy()
        session = onnxruntime.InferenceSession(draft / "inference.onnx", providers=["CPUExecutionProvider"])
        got = session.run(None, {session.get_inputs()[0].name: example})[0]
        if expected.shape != got.shape or not np.abs(expected - got).max() <= TOLERANCE * np.abs(expected).max():
            raise RuntimeError("the exported graph and the network disagree")
        write_atomically(path, (draft / "inference.onnx").read_bytes())
    return path


def halve(path: str | Path) -> None:
    """Store the weights of a graph as float16, in place; they become float32 again when it is loaded.

    The file is half as large; inputs, outputs and all computations stay float32.
    """
    model = onnx.load(path)
    nodes = []
    for node in model.graph.node:
        nodes.append(node)
        if node.op_type != "Constant" or node.attribute[0].name != "value":
            continue
        values = numpy_helper.to_array(node.attribute[0].t)
        if values.dtype == np.float32 and values.size >= 256:
            name, half = node.output[0], f"{node.output[0]}_half"
            node.output[0] = half
            node.attribute[0].t.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
            nodes.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)
