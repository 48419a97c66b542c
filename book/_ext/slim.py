"""Make the pages lighter: one copy of the icons, and pictures that load when the reader comes near.

The theme brings its icons twice, as fonts with a style sheet and as a script of 1.5 MB that draws them. The fonts are
enough. Pictures get their size written beside them, so that the text does not jump when they arrive.
"""

import re
from pathlib import Path

from PIL import Image

_SCRIPT = re.compile(r"\s*<script[^>]*/fontawesome/[^>]*></script>")
_PICTURE = re.compile(r'<img (?![^>]*\bloading=)(?=[^>]*\bsrc="([^":]+\.(?:png|jpe?g))")')


def _lighten(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):

        def lazy(match, folder=path.parent):
            with Image.open(folder / match[1]) as picture:
                width, height = picture.size
            return f'<img loading="lazy" width="{width}" height="{height}" '

        text = path.read_text("utf-8")
        lighter = _PICTURE.sub(lazy, _SCRIPT.sub("", text))
        if lighter != text:
            path.write_text(lighter, "utf-8")


def setup(app):
    """Work on the pages once they are all written."""
    app.connect("build-finished", _lighten)
    return {"parallel_read_safe": True}
