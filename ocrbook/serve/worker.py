"""A worker, on a local socket. The gate starts it."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from ocrbook.serve import lifeline


def main() -> None:
    """Serve on a socket until told to stop, or until the gate that has started it has ended."""
    parser = argparse.ArgumentParser(prog="python -m ocrbook.serve.worker", description="Started by ocrbook.serve.")
    parser.add_argument("--socket", required=True)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    lifeline.hold(Path(given.socket).parent)

    import cv2  # only now: what follows takes seconds, in which the gate may end
    import uvicorn

    from ocrbook.logs import quiet
    from ocrbook.serve.reader import create_worker

    quiet()
    # PaddleX writes an error for each image that a client should not have sent; those of its own have a traceback
    logging.getLogger("paddlex").addFilter(lambda record: record.exc_info is not None)
    cv2.setNumThreads(given.threads)
    uvicorn.run(create_worker(given.threads), uds=given.socket, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
