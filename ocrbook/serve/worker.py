"""A worker: PaddleX serving on the offline pipeline, and the meters, on a local socket. The gate starts it."""

from __future__ import annotations

import argparse
import base64
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import uvicorn
from fastapi import FastAPI
from paddleocr import PaddleOCR
from paddlex.inference.serving.basic_serving import create_pipeline_app
from paddlex.inference.serving.infra import utils
from starlette.requests import Request
from starlette.responses import JSONResponse

from ocrbook import images
from ocrbook.logs import quiet
from ocrbook.meters import Reading, read_digit, read_photo, read_window
from ocrbook.models import local_models
from ocrbook.serve import lifeline
from ocrbook.serve.errors import Refusal
from ocrbook.serve.schemas import MeterRequest


def create_worker(threads: int) -> FastAPI:
    """PaddleX's own application for the OCR pipeline, with one more route; models are loaded before it returns."""
    ocr = PaddleOCR(**local_models(), engine_config={"intra_op_num_threads": threads})
    utils.image_bytes_to_array = _decode  # PaddleX has no setting for how pictures are decoded
    app = create_pipeline_app(ocr.paddlex_pipeline, {"pipeline_name": "OCR", "Serving": {"visualize": False}})

    @app.post("/meter")
    def _meter(request: MeterRequest) -> dict[str, Any]:
        image = images.decode(base64.b64decode(request.file), "file")
        return {"result": _read(image, request).to_dict()}

    @app.exception_handler(ValueError)
    @app.exception_handler(cv2.error)
    async def _unreadable(_: Request, error: Exception) -> JSONResponse:
        """A picture, or what is asked of it, that nothing can be done with."""
        return JSONResponse(Refusal(422, _reason(error)).content(""), 422)

    return app


class _Unreadable(images.ImageError, utils.ImageTooLargeError):
    """The one error of which PaddleX serving tells the reason."""


def _decode(content: bytes) -> np.ndarray:
    try:
        return images.decode(content, "file")
    except (ValueError, cv2.error) as error:
        raise _Unreadable(_reason(error)) from None


def _reason(error: Exception) -> str:
    return error.err if isinstance(error, cv2.error) else str(error)


def _read(image: np.ndarray, request: MeterRequest) -> Reading:
    if request.part == "digit":
        return read_digit(image, request.kind)
    if request.part == "window":
        return read_window(image, request.kind, request.digits, request.decimals)
    return read_photo(image)


def main() -> None:
    """Serve on a socket until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m ocrbook.serve.worker", description="Started by ocrbook.serve.")
    parser.add_argument("--socket", required=True)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    lifeline.hold(Path(given.socket).parent)
    quiet()
    # PaddleX writes an error for each image that a client should not have sent; those of its own have a traceback
    logging.getLogger("paddlex").addFilter(lambda record: record.exc_info is not None)
    cv2.setNumThreads(given.threads)
    uvicorn.run(create_worker(given.threads), uds=given.socket, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
