"""Put the first code cell of notebooks/_template.ipynb into every notebook: python -m tools.first_cell.

It is the same everywhere, hidden in the book, and prints nothing, so that the stored outputs stay what they are.
"""

from __future__ import annotations

import json
import sys

from tools.book_files import ROOT, notebooks, write_if_changed


def main() -> int:
    """Write the notebooks, of which nothing but that cell changes."""
    template = json.loads((ROOT / "notebooks" / "_template.ipynb").read_text("utf-8"))
    source = next(cell["source"] for cell in template["cells"] if cell["cell_type"] == "code")
    for path in notebooks():
        notebook = json.loads((ROOT / path).read_text("utf-8"))
        next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")["source"] = source
        write_if_changed(ROOT / path, (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
