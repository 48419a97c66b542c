"""ocrbook: what more than one chapter of *Hands-On OCR* needs.

Inside a notebook, importing it quiets the logs of paddle, paddlex and their companions. `ocrbook.verbose()` brings
them back; so does the environment variable OCRBOOK_VERBOSE=1.
"""

import os
import sys

from ocrbook.logs import quiet, verbose

__all__ = ["quiet", "verbose"]

if "ipykernel" in sys.modules and os.environ.get("OCRBOOK_VERBOSE", "0") in ("", "0"):
    quiet()
