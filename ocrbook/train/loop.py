"""One training loop for all: progress, early stop, seeds, and checkpoints that survive being killed."""

from __future__ import annotations

import io
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import paddle
from tqdm import tqdm

from ocrbook.files import write_atomically


@dataclass
class History:
    """What happened: the loss of each step, and the score on held-out data at some of them."""

    losses: list[float] = field(default_factory=list)
    scores: list[tuple[int, float]] = field(default_factory=list)
    best_step: int = 0
    seconds: float = 0.0

    @property
    def best(self) -> float:
        """The best score so far; minus infinity before the first."""
        return max((score for _, score in self.scores), default=-math.inf)


def learning_rate(step: int, steps: int, peak: float, warm_up: int) -> float:
    """Linear warm-up to `peak`, then a cosine down to zero at `steps`."""
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


class _Checkpoint:
    """Network, best network, optimiser and history in one .npz file, which is replaced as a whole or not at all."""

    def __init__(self, path: Path, purpose: str) -> None:
        self.path, self.purpose = path, purpose

    def write(
        self,
        net: paddle.nn.Layer,
        best: dict[str, np.ndarray],
        optimizer: paddle.optimizer.Optimizer,
        history: History,
        step: int,
    ) -> None:
        arrays = {f"net/{name}": value.numpy() for name, value in net.state_dict().items()}
        arrays |= {f"best/{name}": value for name, value in best.items()}
        arrays |= {f"optimizer/{name}": value for name, value in _optimizer_state(net, optimizer).items()}
        head = {"purpose": self.purpose, "step": step, "history": asdict(history)}
        arrays["head"] = np.frombuffer(json.dumps(head).encode(), np.uint8)
        content = io.BytesIO()
        np.savez(content, **arrays)
        Path(os.path.realpath(self.path.parent)).mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, content.getvalue())

    def read(
        self, net: paddle.nn.Layer, optimizer: paddle.optimizer.Optimizer
    ) -> tuple[int, History, dict[str, np.ndarray]] | None:
        """Step, history and best weights, with network and optimiser set; None if there is no checkpoint.

        Raises ValueError, and changes nothing, if it is damaged or belongs to another training or network.
        """
        if not os.path.lexists(self.path):
            return None
        try:
            head, parts = self._load()
        except Exception as error:  # a damaged archive raises errors of a dozen kinds
            reason = getattr(error, "strerror", None) or "damaged, or no checkpoint"
            raise ValueError(f"{self.path} can't be read ({reason}): delete that file to begin anew") from None
        if head.purpose != self.purpose:
            raise ValueError(
                f"{self.path} belongs to a training with other labels or settings: "
                "choose another folder, or delete that file"
            )
        if bool(parts["best"]) != bool(head.history.best_step):
            raise ValueError(f"{self.path} is damaged (without its best weights): delete that file to begin anew")
        state = _shapes(_weights(net))
        if _shapes(parts["net"]) != state or (parts["best"] and _shapes(parts["best"]) != state):
            raise ValueError(f"{self.path} belongs to another network: choose another folder, or delete that file")
        named = _named_state(net, parts["optimizer"])
        if named is None or not all(np.isfinite(value).all() for part in parts.values() for value in part.values()):
            raise ValueError(f"{self.path} is damaged (numbers that can't be): delete that file to begin anew")
        net.set_state_dict(parts["net"])
        optimizer.set_state_dict(named)
        return head.step, head.history, parts["best"]

    def _load(self) -> tuple[_Head, dict[str, dict[str, np.ndarray]]]:
        parts: dict[str, dict[str, np.ndarray]] = {"net": {}, "best": {}, "optimizer": {}}
        with np.load(self.path, allow_pickle=False) as stored:
            head = _Head.of(json.loads(stored["head"].tobytes()))
            for name in stored.files:
                part, _, rest = name.partition("/")
                if part in parts:
                    parts[part][rest] = stored[name]
        return head, parts


@dataclass(frozen=True)
class _Head:
    """What a checkpoint says about itself."""

    purpose: str
    step: int
    history: History

    @classmethod
    def of(cls, content: dict) -> _Head:
        """From JSON; raises an exception of some kind if anything is missing or has another type."""
        history = content["history"]
        losses = [float(loss) for loss in history["losses"]]
        scores = [(int(step), float(score)) for step, score in history["scores"]]
        known = History(losses, scores, int(history["best_step"]), float(history["seconds"]))
        if type(content["step"]) is not int or content["step"] != len(losses) or not math.isfinite(known.seconds):
            raise ValueError("its history has another length than the training")
        return cls(content["purpose"], content["step"], known)


def _optimizer_state(net: paddle.nn.Layer, optimizer) -> dict[str, np.ndarray]:
    """The state of the optimiser by number of the parameter: the names that Paddle gives change from run to run."""
    state = {}
    values = optimizer.state_dict()
    for index, parameter in enumerate(net.parameters()):
        for name, value in values.items():
            if name.startswith(f"{parameter.name}_"):
                state[f"{index}:{name[len(parameter.name) :]}"] = value.numpy()
    return state


def _named_state(net: paddle.nn.Layer, state: dict[str, np.ndarray]) -> dict[str, paddle.Tensor] | None:
    """The state by the names of this run; None if it is not the state of this network's parameters."""
    parameters = net.parameters()
    named = {}
    for name, value in state.items():
        index, _, suffix = name.partition(":")
        if not index.isdecimal() or int(index) >= len(parameters) or value.dtype.kind != "f":
            return None
        parameter = parameters[int(index)]
        if list(value.shape) != (parameter.shape if "moment" in suffix else [1]):
            return None
        full = parameter.name + suffix
        named[full] = paddle.to_tensor(value)
        named[full].name = full
    return named


def _shapes(arrays: dict[str, np.ndarray]) -> dict[str, tuple]:
    return {name: (value.shape, value.dtype) for name, value in arrays.items()}


def _weights(net: paddle.nn.Layer) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in net.state_dict().items()}


def fit(
    net: paddle.nn.Layer,
    batches: Callable[[int], Sequence[np.ndarray]],
    loss: Callable[..., paddle.Tensor],
    *,
    steps: int,
    evaluate: Callable[[paddle.nn.Layer], float] | None = None,
    every: int = 200,
    patience: int | None = None,
    peak: float = 3e-3,
    warm_up: int = 50,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    purpose: str = "",
    description: str = "training",
    progress: bool = True,
) -> History:
    """Train a network, and leave in it the weights with the best score; the last ones where `evaluate` is not given.

    AdamW (Loshchilov and Hutter, 2019) with warm-up, cosine decay and gradients clipped to a norm of 5.

    Parameters
    ----------
    net : paddle.nn.Layer
        Changed in place.
    batches : function of the step number
        Returns the arrays of a batch. It must depend on the number alone: then a training that was interrupted ends
        with the same weights as one that was not.
    loss : function of (net, *tensors)
        Returns a scalar tensor.
    steps : int
        How many batches at most.
    evaluate : function of the network, optional
        A score on held-out data, higher is better; called every `every` steps and at the end, with the network in
        evaluation mode.
    patience : int, optional
        Stop after so many evaluations without a better score. The cosine is planned for all steps, so a small number
        stops too early.
    peak : float
        Highest learning rate.
    checkpoint : path, optional
        Where to keep the state, every `every` steps and at Ctrl-C; a training that finds it goes on from there.
    purpose : str
        What the checkpoint belongs to: one with another purpose is refused.
    progress : bool
        Show a progress bar.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If the checkpoint is damaged, or belongs to another training or network; nothing was changed then.
    FloatingPointError
        If the loss becomes infinite or not a number.

    Examples
    --------
    >>> import numpy as np
    >>> import paddle
    >>> from ocrbook.train import fit
    >>> net, x = paddle.nn.Linear(1, 1), np.array([[0], [1], [2]], np.float32)
    >>> def loss(net, x, y):
    ...     return ((net(x) - y) ** 2).mean()
    >>> history = fit(net, lambda step: (x, 2 * x + 1), loss, steps=300, peak=0.1, progress=False)
    >>> round(net(paddle.to_tensor([[3.0]])).item())
    7
    """
    optimizer = paddle.optimizer.AdamW(
        peak, parameters=net.parameters(), weight_decay=1e-2, grad_clip=paddle.nn.ClipGradByGlobalNorm(5.0)
    )
    keeper = _Checkpoint(Path(checkpoint), purpose) if checkpoint else None
    first, history, best = (keeper and keeper.read(net, optimizer)) or (0, History(), {})
    begin = time.process_time() - history.seconds
    stopped = patience is not None and _waited(history, every) >= patience
    bar = tqdm(total=steps, initial=first, desc=description, disable=not progress)
    step = first
    try:
        while step < steps and not stopped:
            net.train()
            optimizer.set_lr(learning_rate(step, steps, peak, warm_up))
            paddle.seed(1_000_003 * seed + step)
            value = loss(net, *(paddle.to_tensor(array) for array in batches(step)))
            number = float(value)
            if not math.isfinite(number):
                raise FloatingPointError(f"the loss is {number} at step {step}: lower the learning rate (peak={peak})")
            value.backward()
            optimizer.step()
            optimizer.clear_grad()
            history.losses.append(round(number, 5))
            step += 1
            bar.update()
            if step % every == 0 or step == steps:
                history.seconds = time.process_time() - begin
                if evaluate:
                    net.eval()
                    score = float(evaluate(net))
                    if score > history.best:
                        best, history.best_step = _weights(net), step
                    history.scores.append((step, score))
                    bar.set_postfix(loss=f"{np.mean(history.losses[-every:]):.3f}", score=f"{score:.3f}")
                    stopped = patience is not None and _waited(history, every) >= patience
                if keeper:
                    keeper.write(net, best, optimizer, history, step)
    except KeyboardInterrupt:
        if keeper and len(history.losses) == step:
            keeper.write(net, best, optimizer, history, step)
        raise
    finally:
        bar.close()
    if best:
        net.set_state_dict(best)
    net.eval()
    history.seconds = time.process_time() - begin
    return history


def _waited(history: History, every: int) -> int:
    """Evaluations since the best one."""
    return (history.scores[-1][0] - history.best_step) // every if history.scores else 0
