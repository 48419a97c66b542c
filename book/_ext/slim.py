"""Take a script of 1.5 MB off every page.

The theme brings its icons twice, as fonts with a style sheet and as a script that draws them. The fonts are enough.
"""

import re
from pathlib import Path

_SCRIPT = re.compile(r"\s*<script[^>]*/fontawesome/[^>]*></script>")


def _strip(app, exception):
    if exception is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            text = path.read_text("utf-8")
            if _SCRIPT.search(text):
                path.write_text(_SCRIPT.sub("", text), "utf-8")


def setup(app):
    """Work on the pages once they are all written."""
    app.connect("build-finished", _strip)
    return {"parallel_read_safe": True}
