"""Execute the notebooks and store their outputs. Run from the root of the clone: `make notebooks`.

Only notebooks whose code, inputs, helper modules or requirements changed are executed; --all takes every one. CPU
seconds, peak memory and versions go to book/notebooks.json and from there into the table of book/status.md.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.metadata
import json
import platform
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from tqdm import tqdm

from tools.book_files import ROOT, notebooks, write_if_changed
from tools.figures import keep_words

RECORD = ROOT / "book" / "notebooks.json"
SHOWCASE = ROOT / "book" / "showcase"
STATUS = ROOT / "book" / "status.md"
_VERSIONS = ("paddleocr", "paddlepaddle", "paddlex", "onnxruntime", "rapidocr", "opencv-python", "numpy")
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
}
_QUICK = 120  # seconds of a notebook that fits into the five minutes of `make check`
_ASSETS = ("*.js", "*.css", "*.mplstyle", "weights/*.json", "weights/*/inference.onnx")  # what modules read
_WIDGET = "application/vnd.jupyter.widget-view+json"  # shows nothing without the kernel that made it
_FIGURES = """
import matplotlib as _m
_m.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "figures", "font.sans-serif": ["DejaVu Sans"]})
get_ipython().config.InlineBackend.figure_formats = ["png", "svg"]
"""  # charts with their texts, from which the Chinese edition draws its own
_IMPORT = re.compile(r"^\s*(?:from\s+(ocrbook[\w.]*)\s+import\s+\(?([\w, ]*)|import\s+(ocrbook[\w.]*))", re.MULTILINE)
_PROGRAM = re.compile(r'"-m",\s*"(ocrbook[\w.]*)"')
_FOLDER = re.compile(r"(?:datasets|notebooks/deployment)/[\w-]+")  # data, and code in other languages


def code_of(notebook: NotebookNode) -> str:
    """The code of a notebook, cell after cell, without the hidden first one, which is the same in all."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return "\n\n".join(cell.source for cell in cells if "remove-cell" not in cell.metadata.get("tags", []))


def helper_modules(code: str) -> set[Path]:
    """The files of ocrbook that a piece of code imports or starts, directly or through other files of ocrbook."""
    found: set[Path] = set()
    waiting = [code]
    while waiting:
        text = waiting.pop()
        names = {"ocrbook"} | {part for name in _PROGRAM.findall(text) for part in (name, f"{name}.__main__")}
        for module, members, plain in _IMPORT.findall(text):
            base = module or plain
            names |= {base} | {f"{base}.{member.strip()}" for member in members.split(",") if member.strip()}
        for name in names:
            parts = name.split(".")
            for depth in range(1, len(parts) + 1):
                stem = ROOT.joinpath(*parts[:depth])
                for path in (stem.with_suffix(".py"), stem / "__init__.py"):
                    if path.is_file() and path not in found:
                        found.add(path)
                        waiting.append(path.read_text("utf-8"))
    return found


def inputs(path: Path) -> list[Path]:
    """The files that decide the outputs of a notebook beside its code: helper modules, folders, requirements."""
    code = code_of(nbformat.read(ROOT / path, as_version=4))
    data = [ROOT / name for name in sorted(set(_FOLDER.findall(code)))]
    files = helper_modules(code) | {file for folder in data for file in folder.rglob("*") if file.is_file()}
    files |= {asset for file in files for kind in _ASSETS for asset in file.parent.glob(kind)}
    return sorted(files | {ROOT / "requirements.txt", ROOT / "tools" / "constraints.txt"})


def digest(path: Path) -> str:
    """A digest of all that decides the outputs of a notebook: its code and its inputs."""
    result = hashlib.sha256(code_of(nbformat.read(ROOT / path, as_version=4)).encode())
    for file in inputs(path):
        result.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return result.hexdigest()


def normalise(notebook: NotebookNode) -> None:
    """Leave nothing in a notebook that differs from run to run, or that a reader should not see."""
    notebook.metadata = nbformat.from_dict(_METADATA)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            outputs: list[NotebookNode] = []
            for output in cell.outputs:
                if output.get("name") == "stdout" and outputs and outputs[-1].get("name") == "stdout":
                    outputs[-1].text += output.text  # a text arrives in one piece or in several, by chance
                elif output.get("name") != "stderr":
                    output.get("data", {}).pop(
                        "application/vnd.jupyter.widget-view+json", None
                    )  # of a kernel that is gone
                    keep_words(output)
                    outputs.append(output)
            cell.outputs = outputs


def execute(path: Path) -> dict[str, float]:
    """Execute a notebook in place; return CPU seconds and peak memory in megabytes (10^6 bytes)."""
    notebook = nbformat.read(ROOT / path, as_version=4)
    client = NotebookClient(notebook, timeout=900, resources={"metadata": {"path": str((ROOT / path).parent)}})
    with client.setup_kernel():
        _hidden(client, _FIGURES)
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        seconds, peak = _usage(client)
    normalise(notebook)
    nbformat.write(notebook, ROOT / path)
    _store_showcase(notebook)
    return {"seconds": round(seconds), "peak_megabytes": round(peak)}


def _usage(client: NotebookClient) -> tuple[float, float]:
    """CPU seconds of the kernel and of the programs that it has started, which other work on the machine changes
    little, and the most memory that the kernel has held at once, in megabytes: both as the kernel reports them."""
    seconds, peak = _hidden(
        client,
        "import resource as _r, sys as _s\n"
        "_u = [_r.getrusage(_who) for _who in (_r.RUSAGE_SELF, _r.RUSAGE_CHILDREN)]\n"
        "print(sum(_each.ru_utime + _each.ru_stime for _each in _u))\n"
        "print(_u[0].ru_maxrss * (1 if _s.platform == 'darwin' else 1024) / 1e6)",
    ).split()
    return float(seconds), float(peak)


def _hidden(client: NotebookClient, code: str) -> str:
    """What a piece of code prints in the kernel of a notebook, which does not show it."""
    cell = nbformat.v4.new_code_cell(code)
    client.nb.cells.append(cell)
    client.execute_cell(cell, len(client.nb.cells) - 1, store_history=False)
    return "".join(output.text for output in client.nb.cells.pop().outputs)


def showcase_pictures(notebook: NotebookNode) -> dict[str, bytes]:
    """The pictures that the start page shows: of each cell with `showcase` in its metadata, by name."""
    pictures = {}
    for cell in notebook.cells:
        if name := cell.metadata.get("showcase"):
            data = next(output.data for output in cell.outputs if "data" in output and _picture_type(output.data))
            kind = _picture_type(data)
            pictures[f"{name}.{kind.removeprefix('image/').replace('jpeg', 'jpg')}"] = base64.b64decode(data[kind])
    return pictures


def _picture_type(data: dict) -> str | None:
    return next((kind for kind in ("image/jpeg", "image/png") if kind in data), None)


def _store_showcase(notebook: NotebookNode) -> None:
    for name, content in showcase_pictures(notebook).items():
        write_if_changed(SHOWCASE / name, content)


def status_table(record: dict) -> str:
    """The table of book/status.md, and the versions below it."""
    rows = [
        "| Notebook | CPU seconds | peak memory, MB | code cells | outputs compared | outputs exempted | executed |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for path in notebooks():
        cells = [cell for cell in nbformat.read(ROOT / path, as_version=4).cells if cell.cell_type == "code"]
        exempted = sum("nbval-ignore-output" in cell.metadata.get("tags", []) for cell in cells)
        compared = sum(bool(cell.outputs) for cell in cells) - exempted
        run = record[path.as_posix()]
        rows.append(
            f"| [](../{path.as_posix()}) | {run['seconds']} | {run['peak_megabytes']} | {len(cells)} | {compared} "
            f"| {exempted} | <time>{run['executed']}</time> |"
        )
    versions = sorted({" ".join(record[path.as_posix()]["versions"]) for path in notebooks()})
    return "\n".join([*rows, "", *(f"`{line}`\n" for line in versions)])


def write_status(record: dict) -> None:
    """Put the table between the markers of book/status.md."""
    begin, end = "% begin: made by tools/run_notebooks.py\n", "% end\n"
    text = STATUS.read_text("utf-8")
    head, tail = text.split(begin)[0], text.split(end)[1]
    write_if_changed(STATUS, f"{head}{begin}\n{status_table(record)}\n{end}{tail}".encode())


def touched(base: str) -> list[Path]:
    """The notebooks that have changed since a commit, or whose inputs have; all where git doesn't know the commit."""
    names = _git("diff", "--name-only", "-z", base, "HEAD")
    files = None if names is None else {ROOT / name for name in names.split("\0")}
    return [path for path in notebooks() if files is None or files & {ROOT / path, *inputs(path)}]


def changed() -> list[Path]:
    """The notebooks whose own code is not that of the main branch: two at most, of the quick ones; others are named.

    The main branch as this one left it (`origin/main`); where there is none, the last commit.
    """
    base = (_git("merge-base", "HEAD", "origin/main") or "HEAD").strip()
    record = json.loads(RECORD.read_text("utf-8"))
    found = []
    for path in notebooks():
        before = _git("show", f"{base}:{path.as_posix()}")
        if before is None or code_of(nbformat.reads(before, 4)) != code_of(nbformat.read(ROOT / path, as_version=4)):
            found.append(path)
    quick = [path for path in found if record.get(path.as_posix(), {}).get("seconds", 0) <= _QUICK][:2]
    if left := [path.as_posix() for path in found if path not in quick]:
        print("changed, too, and left to `make test`:", *left, file=sys.stderr)
    return quick


def _git(*arguments: str) -> str | None:
    """What a git command prints; None where it fails."""
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, encoding="utf-8")
    return done.stdout if done.returncode == 0 else None


def _print_names(paths: list[Path]) -> None:
    """Print paths for a command line, on which they can't mean anything else."""
    for path in paths:
        if not re.fullmatch(r"[\w/]+\.ipynb", path.as_posix()):
            sys.exit(f"{path}: the name of a notebook has letters, digits and _ only")
    print(*(path.as_posix() for path in paths))


def main() -> int:
    """Execute what has changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="execute every notebook")
    parser.add_argument("--changed", action="store_true", help="print the notebooks that `make check` runs, no more")
    parser.add_argument("--touched", metavar="COMMIT", help="print the notebooks touched since a commit, no more")
    parser.add_argument("notebooks", nargs="*", type=Path, help="execute these, whether changed or not")
    arguments = parser.parse_args()
    if arguments.changed or arguments.touched is not None:
        _print_names(changed() if arguments.changed else touched(arguments.touched))
        return 0
    record = json.loads(RECORD.read_text("utf-8")) if RECORD.is_file() else {}
    waiting = arguments.notebooks or [
        path for path in notebooks() if arguments.all or record.get(path.as_posix(), {}).get("digest") != digest(path)
    ]
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{name} {importlib.metadata.version(name)}" for name in _VERSIONS]
    progress = tqdm(waiting, disable=not waiting)
    for path in progress:
        progress.set_description(path.name)
        try:
            measured = execute(path)
        except CellExecutionError as error:
            print(f"{path} stopped:\n{error}", file=sys.stderr)
            return 1
        record[path.as_posix()] = measured | {
            "digest": digest(path),
            "executed": date.today().isoformat(),
            "versions": versions,
        }
        known = {path.as_posix() for path in notebooks()}
        kept = {name: record[name] for name in sorted(record) if name in known}
        write_if_changed(RECORD, (json.dumps(kept, indent=1) + "\n").encode())
    if all(path.as_posix() in record for path in notebooks()):
        write_status(record)
    print(f"{len(waiting)} of {len(notebooks())} notebooks executed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
