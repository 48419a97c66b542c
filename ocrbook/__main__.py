"""The command without an installation: python -m ocrbook."""

import sys

from ocrbook.cli import main

if __name__ == "__main__":
    sys.exit(main())
