"""ocrbook: what more than one chapter of *Hands-On OCR* needs.

Import it before paddleocr. Inside a notebook that quiets the logs of paddle, paddlex and their companions;
`ocrbook.verbose()` brings them back, and so does the environment variable OCRBOOK_VERBOSE=1. Everywhere it tells
paddlex to draw with a font that is installed instead of fetching one.
"""

import os
import sys
from contextlib import suppress

from ocrbook.fonts import font_path
from ocrbook.logs import quiet, verbose

__all__ = ["quiet", "verbose"]
__version__ = "0.1.0"

# The notebooks' first cell looks for this line; one more whenever older notebooks and newer modules no longer fit.
EDITION = 1

with suppress(FileNotFoundError):  # `ocrbook check` says what is missing
    os.environ.setdefault("PADDLE_PDX_LOCAL_FONT_FILE_PATH", str(font_path()))
if "ipykernel" in sys.modules and os.environ.get("OCRBOOK_VERBOSE", "0") in ("", "0"):
    quiet()
