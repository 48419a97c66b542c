"""Train the networks of ocrbook.meters again: python -m tools.weights [names]. See `make weights`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tools.book_files import ROOT
from tools.fetching import npm_packages

BUILD = ROOT / "_build" / "weights"
FONTS = ROOT / "_build" / "fonts"
TARGET = ROOT / "ocrbook" / "meters" / "weights"
INVENTED = 1600
HELD = 0.02  # the share of the drawn samples that chooses the best weights


def install_fonts() -> None:
    """The typefaces of tools/fonts/package.json, from npm; all are free (SIL Open Font License, Apache License)."""
    npm_packages(ROOT / "tools" / "fonts", FONTS)


def _draw(job: tuple[str, int]) -> Path:
    import cv2

    from ocrbook.meters.training import RECIPES
    from ocrbook.render.meters import training_faces

    cv2.setNumThreads(1)
    name, shard = job
    path = BUILD / "data" / f"{name}_{shard:02d}.npz"
    if not path.is_file():
        recipe = RECIPES[name]
        arrays = recipe.draw(recipe.per_shard, shard, training_faces(FONTS, INVENTED))
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, *arrays)
        part.replace(path)
    return path


def batches_of(count: int, size: int, rng: np.random.Generator, extent: np.ndarray | None = None) -> np.ndarray:
    """The rows of an epoch in random batches: int (count // size, size).

    With an extent for each row, those of a batch are nearly alike in it: of every sixteen batches drawn together, the
    rows are sorted by it and dealt out again.
    """
    batches = rng.permutation(count)[: count // size * size].reshape(-1, size)
    if extent is None:
        return batches
    for start in range(0, len(batches), 16):
        rows = batches[start : start + 16].reshape(-1)
        batches[start : start + 16] = rows[np.argsort(extent[rows], kind="stable")].reshape(-1, size)
    return rng.permutation(batches)


def train(name: str, workers: int = 1) -> None:
    """Draw, train, export and write the card of one network."""
    from ocrbook.meters.training import RECIPES

    recipe = RECIPES[name]
    began = time.process_time()
    with ProcessPoolExecutor(workers) as pool:
        jobs = [(name, shard) for shard in range(recipe.shards)]
        paths = list(tqdm(pool.map(_draw, jobs), total=len(jobs), desc=f"drawing {name}"))
    parts = []
    for path in paths:
        with np.load(path, allow_pickle=False) as stored:
            parts.append([stored[key] for key in stored.files])
    arrays = [np.concatenate(each) for each in zip(*parts, strict=True)]
    del parts

    import paddle

    from ocrbook.train import fit

    count = len(arrays[0])
    held = max(recipe.size, int(HELD * count))
    count -= held  # the last ones
    extent = recipe.extent and recipe.extent(*(array[:count] for array in arrays))
    per_epoch = count // recipe.size
    orders: dict[int, np.ndarray] = {}

    def batch(step: int):
        epoch, place = divmod(step, per_epoch)
        if epoch not in orders:
            orders.clear()
            orders[epoch] = batches_of(count, recipe.size, np.random.default_rng([7, epoch]), extent)
        rows = np.sort(orders[epoch][place])
        return recipe.batch(*(array[rows] for array in arrays), np.random.default_rng([3, step]))

    def score(net) -> float:
        losses = []
        with paddle.no_grad():
            for start in range(count, count + held - recipe.size + 1, recipe.size):
                rows = slice(start, start + recipe.size)
                made = recipe.batch(*(array[rows] for array in arrays), np.random.default_rng([5, start]))
                losses.append(float(recipe.loss(net, *map(paddle.to_tensor, made))))
        return -float(np.mean(losses))

    paddle.seed(0)
    net = recipe.network()
    history = fit(
        net, batch, recipe.loss, steps=recipe.steps, evaluate=score, every=max(200, recipe.steps // 20),
        peak=recipe.peak, warm_up=200, checkpoint=BUILD / f"{name}.npz",
        purpose=f"{name} {recipe.steps} {recipe.size} {count}", description=f"training {name}",
    )  # fmt: skip
    export(name, net, {
        "parameters": int(sum(p.size for p in net.parameters())),
        "drawn samples": count + held, "steps": recipe.steps, "batch": recipe.size,
        "held-out loss": round(-history.best, 4), "training seconds": round(history.seconds),
        "seconds in all": round(time.process_time() - began), **_origin(),
    })  # fmt: skip


def tune_lines() -> None:
    """Fine-tune PP-OCRv6 on drawn windows, and write the difference and its card."""
    from ocrbook.folders import exchanged
    from ocrbook.meters import line_training
    from ocrbook.render.meters import training_faces

    faces = training_faces(FONTS, INVENTED)
    with exchanged(TARGET / "lines", ("delta.npz", "card.json")) as draft:
        history = line_training.tune(faces, draft / "delta.npz", BUILD / "lines.npz")
        card = {
            "base": "PP-OCRv6_small_rec", "drawn samples": line_training.STEPS * line_training.SIZE,
            "steps": line_training.STEPS, "batch": line_training.SIZE, "held-out right": round(history.best, 4),
            "training seconds": round(history.seconds), **_origin(),
        }  # fmt: skip
        (draft / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _origin() -> dict:
    """What every card says of where the weights come from."""
    return {
        "seed": 0,
        "fonts": len(json.loads((ROOT / "tools" / "fonts" / "package.json").read_text())["dependencies"]),
        "invented faces": INVENTED, "images of real meters": 0,
        "versions": {package: version(package) for package in ("paddlepaddle", "opencv-python", "numpy", "pillow")},
    }  # fmt: skip


def export(name: str, net, card: dict) -> None:
    """Exchange inference.onnx and card.json, after checking that onnxruntime computes what Paddle does."""
    from ocrbook.folders import exchanged
    from ocrbook.meters.export import to_onnx
    from ocrbook.meters.training import RECIPES

    with exchanged(TARGET / name, ("inference.onnx", "card.json")) as draft:
        to_onnx(net, RECIPES[name].inputs, draft / "inference.onnx")
        (draft / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Everything, two networks at a time."""
    from ocrbook.meters.training import RECIPES

    known = [*RECIPES, "lines"]
    names = sys.argv[1:] or known
    if unknown := set(names) - set(known):
        sys.exit(f"no network called {', '.join(unknown)}; there are {', '.join(known)}")
    install_fonts()
    if len(names) == 1:
        return tune_lines() if names == ["lines"] else train(names[0])
    waiting, running = names[:], []
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    while waiting or running:
        while waiting and len(running) < 2:
            name = waiting.pop(0)
            running.append(subprocess.Popen([sys.executable, "-m", "tools.weights", name], env=environment, cwd=ROOT))
        time.sleep(1)
        for each in [each for each in running if each.poll() is not None]:
            running.remove(each)
            if each.returncode:
                sys.exit(f"{' '.join(each.args[1:])} failed: exit code {each.returncode}")
    return None


if __name__ == "__main__":
    main()
