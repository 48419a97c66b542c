"""The gate: the application that clients talk to."""

from __future__ import annotations

import base64
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from ocrbook.serve.errors import Refusal
from ocrbook.serve.files import content_of
from ocrbook.serve.guard import Guard, refused, to_standard_error
from ocrbook.serve.metrics import Metrics
from ocrbook.serve.pool import Pool
from ocrbook.serve.schemas import Answer, FileRequest, MeterAnswer, MeterRequest, OcrAnswer, OcrRequest
from ocrbook.serve.settings import Settings

REFUSALS = {
    400: "The request ended too early.",
    401: "No valid key, where one is needed.",
    403: "The file is a URL, and may not be fetched.",
    408: "The request came too slowly.",
    413: "Too many bytes or pixels.",
    415: "The file is no image that can be read.",
    422: "Something in the request is not as described, or the image is damaged.",
    429: "Too many requests wait; try again after `Retry-After` seconds.",
    502: "Workers die of this image.",
    504: "Not read in time.",
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {"model": Answer, "description": text} for status, text in REFUSALS.items()
}


def create_gate(
    settings: Settings | None = None,
    log: Callable[[str], object] = to_standard_error,
    worker: Sequence[str] = (sys.executable, "-m", "ocrbook.serve.worker"),
) -> FastAPI:
    """The application. Its workers start and stop with it.

    Parameters
    ----------
    settings : Settings, optional
    log : function of a line of JSON
        Called once for each request.
    worker : sequence of str
        The command that starts a worker; `--socket PATH --threads N` are added to it.
    """
    settings = settings or Settings()
    pool = Pool(settings, worker)
    metrics = Metrics(pool)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await pool.start()
        yield
        await pool.stop()

    # the usual pages of documentation fetch scripts from elsewhere; the description itself is at /openapi.json
    app = FastAPI(
        title="Hands-On OCR", version="1", lifespan=lifespan, docs_url=None, redoc_url=None,
        description="Reads pages and meters. An answer carries its number as `logId` and in the header X-Request-Id.",
    )  # fmt: skip
    app.state.pool = pool
    app.add_middleware(Guard, settings=settings, metrics=metrics, log=log)

    async def read(path: str, given: FileRequest, request: Request) -> dict[str, Any]:
        content, pixels = await content_of(given.file, settings)
        request.state.notes = {"pixels": pixels, "waiting": pool.waiting}
        body = given.model_dump(exclude_none=True) | {"file": base64.b64encode(content).decode("ascii")}
        answer = await pool.run(path, body)
        return {"logId": request.state.number, "errorCode": 0, "errorMsg": "Success", "result": answer["result"]}

    @app.post("/ocr", response_model=OcrAnswer, responses=ANSWERS)
    async def ocr(given: OcrRequest, request: Request) -> dict[str, Any]:
        """Read the lines of a page. As PaddleX serving, so that clients written for it work."""
        return await read("/ocr", given, request)

    @app.post("/meter", response_model=MeterAnswer, responses=ANSWERS)
    async def meter(given: MeterRequest, request: Request) -> dict[str, Any]:
        """Read a meter: in a photograph, in its window cut out, or one of its digits."""
        return await read("/meter", given, request)

    @app.get("/health", response_model=Answer)
    async def health(request: Request) -> dict[str, Any]:
        """Whether the gate lives."""
        return {"logId": request.state.number, "errorCode": 0, "errorMsg": "Healthy"}

    @app.get("/ready", response_model=Answer, responses={503: {"model": Answer, "description": "No worker runs."}})
    async def ready(request: Request) -> dict[str, Any]:
        """Whether a worker runs, so that images can be read."""
        if not pool.ready:
            raise Refusal(503, "no worker is ready", retry_after=5)
        return {"logId": request.state.number, "errorCode": 0, "errorMsg": "Ready"}

    @app.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def figures() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.text(), media_type=metrics.content_type)

    @app.exception_handler(Refusal)
    async def _refusal(request: Request, refusal: Refusal) -> Response:
        return refused(refusal, request.state.number)

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        response = refused(Refusal(error.status_code, str(error.detail)), request.state.number)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "body") or "the request"
        message = "the request is not JSON" if first["type"] == "json_invalid" else f"{place}: {first['msg']}"
        return refused(Refusal(422, message), request.state.number)

    return app
