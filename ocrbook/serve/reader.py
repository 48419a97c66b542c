"""What a worker is: PaddleX serving on the offline pipeline, and the meters."""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np
from fastapi import FastAPI
from paddleocr import PaddleOCR
from paddlex.inference.serving.basic_serving import create_pipeline_app
from paddlex.inference.serving.infra import utils
from starlette.requests import Request
from starlette.responses import JSONResponse

from ocrbook import images
from ocrbook.meters import Reading, read_digit, read_photo, read_window
from ocrbook.models import local_models
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
