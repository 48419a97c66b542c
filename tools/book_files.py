"""What the book consists of: pages and notebooks, in the order of _toc.yml."""

from __future__ import annotations

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent


def toc() -> dict:
    """The table of contents as it stands in _toc.yml."""
    return yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))


def documents() -> list[Path]:
    """Pages and notebooks, relative to the root of the clone.

    Raises
    ------
    FileNotFoundError
        If the table of contents names a file that does not exist.
    """
    names = [toc()["root"]]

    def collect(entries: list[dict]) -> None:
        for entry in entries:
            names.append(entry["file"])
            collect(entry.get("sections", []))

    for part in toc()["parts"]:
        collect(part["chapters"])
    found = []
    for name in names:
        paths = [path for suffix in (".md", ".ipynb") if (path := ROOT / (name + suffix)).is_file()]
        if not paths:
            raise FileNotFoundError(f"_toc.yml names {name}, but there is neither {name}.md nor {name}.ipynb")
        found.append(paths[0].relative_to(ROOT))
    return found


def notebooks() -> list[Path]:
    """The notebooks among the documents."""
    return [path for path in documents() if path.suffix == ".ipynb"]


def write_if_changed(path: Path, content: bytes) -> None:
    """Write a file, and leave it and its time stamp alone where it already says the same."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def remove_others(folder: Path, keep: set[Path]) -> None:
    """Remove the files of a folder that are not among `keep`, and folders that become empty."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in keep:
            path.unlink()
