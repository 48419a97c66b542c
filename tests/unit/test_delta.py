"""A fine-tuned network as its difference from the official one."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ocrbook.delta import apply_delta, with_classes, write_delta


def network(values):
    names = {"conv": (8, 4), "head": (4, 6), "bias": (6,)}
    nodes = [
        helper.make_node("MatMul", ["x", "conv"], ["a"]),
        helper.make_node("MatMul", ["a", "head"], ["b"]),
        helper.make_node("Add", ["b", "bias"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 6])],
        [numpy_helper.from_array(values[name].reshape(shape), name) for name, shape in names.items()],
    )  # fmt: skip
    return helper.make_model(graph)


HEAD = {"weight": "head", "bias": "bias", "classes": [0, 4, 2]}


@pytest.fixture
def pair(tmp_path):
    rng = np.random.default_rng(1)
    base = network({name: rng.normal(0, 1, size).astype(np.float32) for name, size in
                    (("conv", 32), ("head", 24), ("bias", 6))})  # fmt: skip
    (tmp_path / "official.onnx").write_bytes(base.SerializeToString())
    before = with_classes(base, **HEAD)
    after = onnx.ModelProto()
    after.CopyFrom(before)
    for each in after.graph.initializer:
        value = numpy_helper.to_array(each)
        moved = value + rng.normal(0, 0.01, value.shape).astype(np.float32)
        each.CopyFrom(numpy_helper.from_array(moved, each.name))
    write_delta(tmp_path / "delta.npz", base.SerializeToString(), before, after, HEAD)
    return tmp_path, before, after


def arrays(model):
    return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}


def test_what_is_applied_is_what_was_trained_to_a_small_share_of_the_change(pair):
    folder, before, after = pair
    applied = arrays(apply_delta(folder / "official.onnx", folder / "delta.npz"))
    for name, wanted in arrays(after).items():
        change = np.linalg.norm(wanted - arrays(before)[name])
        assert np.linalg.norm(applied[name] - wanted) < 0.12 * change, name


def test_only_the_classes_that_were_kept_are_left(pair):
    folder, _, _ = pair
    applied = apply_delta(folder / "official.onnx", folder / "delta.npz")
    assert arrays(applied)["head"].shape == (4, 3)
    onnx.checker.check_model(applied)


def test_other_weights_a_damaged_and_a_missing_difference_are_refused_in_one_line(pair):
    folder, _, _ = pair
    other = folder / "other.onnx"
    other.write_bytes((folder / "official.onnx").read_bytes() + b"\0")
    with pytest.raises(ValueError, match="belongs to other weights"):
        apply_delta(other, folder / "delta.npz")
    content = (folder / "delta.npz").read_bytes()
    (folder / "cut.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"cut\.npz is damaged"):
        apply_delta(folder / "official.onnx", folder / "cut.npz")
    with pytest.raises(FileNotFoundError, match="make weights"):
        apply_delta(folder / "official.onnx", folder / "none.npz")
