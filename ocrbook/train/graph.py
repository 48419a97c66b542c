"""An ONNX graph as a Paddle layer, so that an official model can be trained without its training code.

Each constant of the graph that takes part in the computation becomes a parameter under its own name; after a training
the values go back into the graph.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import paddle
from onnx import numpy_helper
from paddle.nn import functional

Value = paddle.Tensor | np.ndarray
"""Numbers of the computation are tensors; shapes and indices are integer arrays, known before the computation."""


class GraphLayer(paddle.nn.Layer):
    """An ONNX graph with one input and one output. Batch normalisation keeps its stored statistics.

    Parameters
    ----------
    graph : onnx.ModelProto
    output : str, optional
        The name of the value to return; by default the graph's own output.

    Raises
    ------
    ValueError
        If the graph has an operation that is not known here; it is named.
    """

    def __init__(self, graph: onnx.ModelProto, output: str | None = None) -> None:
        super().__init__()
        unknown = sorted({node.op_type for node in graph.graph.node} - set(_OPERATIONS))
        if unknown:
            raise ValueError(f"operations without a counterpart: {', '.join(unknown)}")
        self.input_name, self.output_name = graph.graph.input[0].name, output or graph.graph.output[0].name
        self.nodes = []
        for node in graph.graph.node:
            self.nodes.append((node.op_type, list(node.input), list(node.output), _attributes(node)))
            if self.output_name in node.output:
                break
        used = {name for _, inputs, _, _ in self.nodes for name in inputs}
        self.constants: dict[str, np.ndarray] = {}
        self.names: dict[str, str] = {}
        frozen = {name for op, inputs, _, _ in self.nodes if op == "BatchNormalization" for name in inputs[1:]}
        for each in graph.graph.initializer:
            if each.name not in used:
                continue
            value = numpy_helper.to_array(each)
            if value.dtype != np.float32 or value.size < 2 or each.name in frozen:
                self.constants[each.name] = value
                continue
            parameter = self.create_parameter(
                list(value.shape), default_initializer=paddle.nn.initializer.Assign(value)
            )
            self.names[each.name] = f"p{len(self.names)}"
            self.add_parameter(self.names[each.name], parameter)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """The value called `output` for an input."""
        known: dict[str, Value] = {
            name: paddle.to_tensor(value) if value.dtype == np.float32 else value
            for name, value in self.constants.items()
        }
        known |= {name: getattr(self, own) for name, own in self.names.items()}
        known[self.input_name] = x
        for op, inputs, outputs, attributes in self.nodes:
            known[outputs[0]] = _OPERATIONS[op](*(known[name] for name in inputs), **attributes)
        return known[self.output_name]

    def write_into(self, graph: onnx.ModelProto) -> None:
        """Put the values of the parameters back into a graph, in place."""
        for each in graph.graph.initializer:
            if each.name in self.names:
                each.CopyFrom(numpy_helper.from_array(getattr(self, self.names[each.name]).numpy(), each.name))


def _attributes(node: onnx.NodeProto) -> dict:
    values = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}


def _padded(x, kernel, strides, pads, auto_pad, value) -> paddle.Tensor:
    """The input with its margins: top, left, bottom, right as in `pads`, or so that the output has input / stride."""
    if auto_pad == "SAME_UPPER":
        total = [
            max((-(-size // stride) - 1) * stride + length - size, 0)
            for size, stride, length in zip(x.shape[2:], strides, kernel, strict=True)
        ]
        pads = [each // 2 for each in total] + [each - each // 2 for each in total]
    top, left, bottom, right = pads or (0, 0, 0, 0)
    return functional.pad(x, [left, right, top, bottom], value=value) if any((top, left, bottom, right)) else x


def _conv(x, weight, *, kernel_shape, strides, dilations, group, pads=None, auto_pad="NOTSET") -> paddle.Tensor:
    x = _padded(x, kernel_shape, strides, pads, auto_pad, 0.0)
    return functional.conv2d(x, weight, stride=strides, dilation=dilations, groups=group)


def _max_pool(x, *, kernel_shape, strides, pads=None, auto_pad="NOTSET", ceil_mode=0) -> paddle.Tensor:
    return functional.max_pool2d(_padded(x, kernel_shape, strides, pads, auto_pad, -1e30), kernel_shape, strides)


def _average_pool(x, *, kernel_shape, strides, pads, ceil_mode, count_include_pad) -> paddle.Tensor:
    return functional.avg_pool2d(x, kernel_shape, strides, exclusive=not count_include_pad)


def _batch_normalization(x, scale, offset, mean, variance, *, epsilon, momentum) -> paddle.Tensor:
    return functional.batch_norm(x, mean, variance, scale, offset, training=False, epsilon=epsilon)


def _slice(x, starts, ends, axes, steps=None):
    if isinstance(x, np.ndarray):
        return x[tuple(slice(int(a), int(b)) for a, b in zip(starts, ends, strict=True))]
    last = np.iinfo(np.int32).max
    return paddle.slice(x, axes.tolist(), starts.tolist(), np.minimum(ends, last).tolist())


def _squeeze(x, *, axes):
    return np.squeeze(x, tuple(axes)) if isinstance(x, np.ndarray) else x.squeeze(axes)


def _unsqueeze(x, *, axes):
    return np.expand_dims(x, tuple(axes)) if isinstance(x, np.ndarray) else x.unsqueeze(axes)


def _concat(*values, axis):
    if isinstance(values[0], np.ndarray):
        return np.concatenate([np.atleast_1d(value) for value in values], axis)
    return paddle.concat(list(values), axis)


def _reshape(x, shape):
    return x.reshape(shape.tolist())


_OPERATIONS: dict[str, Callable[..., Value]] = {
    "Add": lambda a, b: a + b,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Concat": _concat,
    "Conv": _conv,
    "Div": lambda a, b: a / b,
    "Erf": lambda x: paddle.erf(x),
    "HardSigmoid": lambda x, alpha, beta: functional.hardsigmoid(x, slope=alpha, offset=beta),
    "Identity": lambda x: x,
    "MatMul": lambda a, b: paddle.matmul(a, b),
    "MaxPool": _max_pool,
    "Mul": lambda a, b: a * b,
    "Pow": lambda a, b: a**b,
    "ReduceMean": lambda x, axes, keepdims=1: x.mean(axes, keepdim=bool(keepdims)),
    "Relu": functional.relu,
    "Reshape": _reshape,
    "Shape": lambda x: np.array(x.shape, np.int64),
    "Sigmoid": functional.sigmoid,
    "Slice": _slice,
    "Softmax": lambda x, axis: functional.softmax(x, axis),
    "Sqrt": paddle.sqrt,
    "Squeeze": _squeeze,
    "Sub": lambda a, b: a - b,
    "Transpose": lambda x, perm: x.transpose(perm),
    "Unsqueeze": _unsqueeze,
}
