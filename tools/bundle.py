"""One zip per language: notebooks, helper package, data sets and requirements, to unpack and run anywhere.

The notebooks in it are what plain Jupyter renders. The same ones, whose links lead to the online book, are written
beside it for the buttons that open a notebook elsewhere.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import zipfile
from pathlib import Path

import yaml

from ocrbook.files import write_atomically
from tools import translate
from tools.book_files import ROOT, notebooks, write_if_changed
from tools.outside import Outside, title_of

TARGET = ROOT / "_build" / "bundle"
NAME = "hands-on-ocr"
_SHARED = (
    "ocrbook", "datasets", "book/showcase", "book/schematics", "notebooks/foundations/07_stored.json",
    "notebooks/deployment/csharp", "notebooks/deployment/clients", "notebooks/deployment/container",
    "requirements-run.txt", "tools/constraints.txt", "LICENSE",
)  # fmt: skip


def _files() -> list[Path]:
    """Files that both bundles have, relative to the root of the clone."""
    found = []
    for name in _SHARED:
        path = ROOT / name
        found += [path] if path.is_file() else sorted(path.rglob("*"))
    return [path.relative_to(ROOT) for path in found if path.is_file() and "__pycache__" not in path.parts]


def _root(language: str) -> Path:
    return ROOT if language == "en" else translate.TREE


def _index(language: str) -> str:
    """A notebook that links to all others, with the minutes that each says it takes."""
    root = _root(language)
    lines = [f"# {yaml.safe_load((root / '_config.yml').read_text('utf-8'))['title']}"]
    for part in yaml.safe_load((root / "_toc.yml").read_text("utf-8"))["parts"]:
        entries = [entry for chapter in part["chapters"] for entry in (chapter, *chapter.get("sections", []))]
        rows = [path for entry in entries if (root / (path := Path(entry["file"] + ".ipynb"))).is_file()]
        if rows:
            lines += ["", f"## {part['caption']}", "", "| | |", "|---|---|"]
            lines += [f"| [{title_of(root / path)}]({path.as_posix()}) | {_time(root / path)} |" for path in rows]
    template = json.loads((ROOT / "notebooks" / "_template.ipynb").read_text("utf-8"))
    cell = {"cell_type": "markdown", "id": "index", "metadata": {}, "source": "\n".join(lines)}
    return json.dumps(template | {"cells": [cell]}, ensure_ascii=False, indent=1) + "\n"


def _time(path: Path) -> str:
    """What a notebook says of its time, in the first row of its table without a header."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return re.search(r"^\| \| \|\n\|[-|]+\|\n\|[^|]*\| *(.*?) *\|$", prose, re.MULTILINE)[1]


def _members(language: str) -> dict[Path, bytes]:
    """What the bundle of a language holds: the edition's own file where it has one."""
    root = _root(language)
    names = {*_files(), *notebooks()}
    outside = Outside(root, language, names)
    members = {}
    for name in names:
        source = root / name if (root / name).is_file() else ROOT / name
        members[name] = source.read_bytes()
    for name in notebooks():
        members[name] = outside.notebook(members[name].decode(), name).encode()
    for name in translate.bundled():
        members[name] = outside.page((root / name).read_text("utf-8"), name).encode()
    members[Path("README.md")] = members.pop(translate.README)
    members[Path("index.ipynb")] = _index(language).encode()
    return members


def write_bundle(language: str) -> Path:
    """Write `_build/bundle/hands-on-ocr-<language>.zip`; the same content gives the same bytes."""
    TARGET.mkdir(parents=True, exist_ok=True)
    path = TARGET / f"{NAME}-{language}.zip"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        for member, part in sorted(_members(language).items()):
            info = zipfile.ZipInfo(f"{NAME}/{member.as_posix()}")
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o755 if os.access(ROOT / member, os.X_OK) else 0o644) << 16
            bundle.writestr(info, part)
    write_atomically(path, content.getvalue())
    return path


def write_single(language: str) -> Path:
    """Write notebooks that are opened alone to `_build/bundle/<language>`, from where they are published."""
    outside = Outside(_root(language), language)
    for name in notebooks():
        content = outside.notebook((_root(language) / name).read_text("utf-8"), name)
        write_if_changed(TARGET / language / name, content.encode())
    return TARGET / language


def main() -> int:
    """Write both bundles, and the notebooks that are opened alone."""
    translate.write_tree()
    for language in ("en", "zh"):
        write_single(language)
        path = write_bundle(language)
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
