"""One zip per language: notebooks, helper package, data sets and requirements, to unpack and run anywhere."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

from tools import translate
from tools.book_files import ROOT, notebooks

TARGET = ROOT / "_build" / "bundle"
NAME = "hands-on-ocr"
_SHARED = (
    "ocrbook", "datasets", "book/showcase", "notebooks/foundations/07_stored.json",
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


def write_bundle(language: str) -> Path:
    """Write `_build/bundle/hands-on-ocr-<language>.zip`; the same content gives the same bytes."""
    notebook_root = ROOT if language == "en" else translate.TREE
    readme = "README.md" if language == "en" else "README.zh-CN.md"
    members = {path: ROOT / path for path in _files()}
    members |= {path: notebook_root / path for path in notebooks()}
    members[Path(readme)] = ROOT / readme
    TARGET.mkdir(parents=True, exist_ok=True)
    path = TARGET / f"{NAME}-{language}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for member, source in sorted(members.items()):
            info = zipfile.ZipInfo(f"{NAME}/{member.as_posix()}")
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o755 if os.access(source, os.X_OK) else 0o644) << 16
            bundle.writestr(info, source.read_bytes())
    return path


def main() -> int:
    """Write both bundles."""
    translate.write_tree()
    for language in ("en", "zh"):
        path = write_bundle(language)
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
