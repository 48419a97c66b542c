"""Put the first code cell of notebooks/_template.ipynb into every notebook: python -m tools.first_cell.

It is the same everywhere, hidden in the book, and prints nothing, so that the stored outputs stay what they are. The
addresses in it are those of `launch: archives` in _config.yml.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from tools import code_messages
from tools.book_files import ROOT, notebooks, write_if_changed

TEMPLATE = Path("notebooks/_template.ipynb")
_SENTENCE = re.compile(r"""(?<=")[^"\n]*\b[A-Za-z']{2,} [a-z]+ [a-z]+\b[^"\n]*(?=")""")


def archives() -> list[str]:
    """Where the book is fetched from, the first address first."""
    return yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["sphinx"]["config"]["launch"]["archives"]


def main() -> int:
    """Write the template and the notebooks, of which nothing but that cell changes."""
    source = _first_code_cell(json.loads((ROOT / TEMPLATE).read_text("utf-8")))["source"]
    listed = "".join(f'        "{url}",\n' for url in archives())
    text = re.sub(r"(    archives = \(.*\n)(?:        \".*\n)+", rf"\g<1>{listed}", "".join(source))
    for path in (TEMPLATE, *notebooks()):
        notebook = json.loads((ROOT / path).read_text("utf-8"))
        _first_code_cell(notebook)["source"] = text.splitlines(keepends=True)
        write_if_changed(ROOT / path, (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode())
    return 0


def messages(source: str) -> list[str]:
    """What a reader may see of the cell: its comments, and its strings that have three words in a row."""
    return [*code_messages.messages(source), *_SENTENCE.findall(source)]


def translate(source: str, translation: Callable[[str], str]) -> str:
    """The cell with every message replaced."""
    return _SENTENCE.sub(lambda match: translation(match[0]), code_messages.translate(source, translation))


def _first_code_cell(notebook: dict) -> dict:
    return next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")


if __name__ == "__main__":
    sys.exit(main())
