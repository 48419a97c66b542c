"""Fine-tuning all layers of an official recogniser without its training code: its ONNX graph is trained in Paddle."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import paddle

from ocrbook import folders
from ocrbook.metrics import exact_match
from ocrbook.train import data
from ocrbook.train.export import card_of
from ocrbook.train.finetune import Head, head_of, load_base, write_head
from ocrbook.train.graph import GraphLayer
from ocrbook.train.loop import fit
from ocrbook.train.recognition import ctc_loss, decode, encode, to_batch, to_height


def fine_tune_all_layers(
    labels: data.Labels,
    out: str | Path,
    *,
    base: str | Path,
    validation: data.Labels | None = None,
    steps: int = 60,
    batch_size: int = 16,
    peak: float = 1e-4,
    every: int = 20,
    patience: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Path:
    """Go on from a folder that `fine_tune` made, and train all of its layers: about six seconds a step on one core.

    Parameters
    ----------
    labels : path or list of paths
        PaddleOCR's or PPOCRLabel's lists; characters outside the dictionary of `base` are an error.
    out : path
        The model folder to make.
    base : path
        Model folder to begin with. Its dictionary stays. With a last layer that is not trained yet, the first steps
        would spoil what the other layers know: so call `fine_tune` first.
    validation : path or list of paths, optional
        Lines to choose the best weights by. Without it a tenth of the labels is held out, the same as in `fine_tune`.
    steps, batch_size, peak, every, patience, seed, progress
        As in `loop.fit`.

    Returns
    -------
    the folder, to be used like that of `fine_tune`.

    Raises
    ------
    LabelError
        If anything is wrong with the labels; it lists file, row and reason.
    OSError
        If `out` can't be made there; before the training.
    ValueError
        If the graph has an operation that `GraphLayer` does not know.
    """
    out = Path(out)
    folders.check(out)
    parts = load_base(base)
    characters = parts.characters
    logits = next(node.output[0] for node in parts.graph.graph.node if parts.bias in node.input)
    net = GraphLayer(parts.graph, logits)
    _, height, width = parts.image_shape
    with paddle.no_grad():
        pixels_per_step = width // net(paddle.zeros([1, 3, height, width])).shape[1]

    def read_lines(lists: data.Labels) -> list[data.LabelledImage]:
        return data.read_lines(lists, characters, pixels_per_step, height)

    samples, held_out = data.hold_out(read_lines(labels), validation, read_lines, seed)
    images = [to_height(sample.image, height, width) for sample in samples]
    held_images = [to_height(sample.image, height, width) for sample in held_out]
    targets = [encode(sample.lines[0].text, characters) for sample in samples]
    size = min(batch_size, len(samples))

    def batch(step: int) -> tuple[np.ndarray, ...]:
        per_epoch = len(samples) // size
        order = np.random.default_rng([seed, step // per_epoch]).permutation(len(samples))
        rows = order[step % per_epoch * size :][:size]
        lengths = np.array([len(targets[i]) for i in rows], np.int64)
        wanted = np.zeros((size, int(lengths.max())), np.int32)
        for k, i in enumerate(rows):
            wanted[k, : lengths[k]] = targets[i]
        return to_batch([images[i] for i in rows], width), wanted, lengths

    def right(trained: paddle.nn.Layer) -> float:
        texts = [
            decode(trained(paddle.to_tensor(to_batch([image], width))).numpy()[0], characters) for image in held_images
        ]
        return exact_match([sample.lines[0].text for sample in held_out], texts)

    digest = hashlib.sha256(repr(targets).encode() + parts.graph.SerializeToString())
    for image in images:
        digest.update(image.tobytes())
    history = fit(
        net,
        batch,
        ctc_loss,
        steps=steps,
        evaluate=right,
        every=every,
        patience=patience,
        peak=peak,
        warm_up=10,
        seed=seed,
        checkpoint=out / "checkpoint.npz",
        purpose=digest.hexdigest(),
        description="all layers",
        progress=progress,
    )
    graph = onnx.ModelProto()
    graph.CopyFrom(parts.graph)
    net.write_into(graph)
    trained = replace(parts, graph=graph)
    settings = {"steps": steps, "batch_size": batch_size, "peak": peak, "seed": seed}
    card = card_of(history, settings | {"lines": len(samples), "held_out": len(held_out)})
    return write_head(trained, Head(*head_of(trained)), out, characters, card)
