"""The gate: the application that clients talk to."""

from __future__ import annotations

import asyncio
import base64
import codecs
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from ocrbook.serve.errors import Refusal, one_line
from ocrbook.serve.files import content_of
from ocrbook.serve.guard import Guard, refused
from ocrbook.serve.log import Log, to_standard_error, write
from ocrbook.serve.metrics import Metrics
from ocrbook.serve.pool import Pool
from ocrbook.serve.schemas import Answer, FileRequest, MeterAnswer, MeterRequest, OcrAnswer, OcrRequest
from ocrbook.serve.settings import Settings

PARTS = b"{[,:"
MOST_PARTS = 1000
"""Of a request's JSON. It has some twenty; a million take seconds and gigabytes to read."""

ReadAs = TypeVar("ReadAs", bound=FileRequest)

REFUSALS = {
    400: "The request ended too early.",
    401: "No valid key, where one is needed.",
    403: "The file is a URL, and may not be fetched.",
    408: "The request came too slowly.",
    413: "Too many bytes or pixels.",
    415: "The file is no image that can be read, or the request is compressed.",
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
    log: Log = to_standard_error,
    worker: Sequence[str] = (sys.executable, "-m", "ocrbook.serve.worker"),
) -> FastAPI:
    """The application. Its workers start and stop with it.

    `ocrbook.serve.server.create_server` serves it with limits for connections, which an application can't have itself.

    Parameters
    ----------
    settings : Settings, optional
    log : function of a line of JSON
        Called once for each request, and for what happens to workers.
    worker : sequence of str
        The command that starts a worker; `--socket PATH --threads N` are added to it.

    Examples
    --------
    >>> app = create_gate(Settings(workers=2, waiting=4))
    >>> sorted(app.openapi()["paths"])
    ['/health', '/meter', '/metrics', '/ocr', '/ready']
    """
    settings = settings or Settings()
    pool = Pool(settings, worker, log)
    metrics = Metrics(pool)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_exception_handler(_to_log(log))
        await pool.start()
        yield
        await pool.stop()

    # the usual pages of documentation fetch scripts from elsewhere; the description itself is at /openapi.json
    app = FastAPI(
        title="Hands-On OCR", version="1", lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False,
        description="Reads pages and meters. An answer carries its number as `logId` and in the header X-Request-Id.",
    )  # fmt: skip
    app.state.pool, app.state.metrics, app.state.settings, app.state.log = pool, metrics, settings, log
    app.add_middleware(Guard, settings=settings, metrics=metrics, log=log)

    async def read(path: str, model: type[FileRequest], request: Request) -> Response:
        given = await _given(model, request)
        content, pixels = await content_of(given.file, settings)
        request.state.notes = {"pixels": pixels, "waiting": pool.waiting}
        number = given.logId or request.state.number
        body = given.model_dump(exclude_none=True, exclude={"file", "logId"})
        body["file"] = (await asyncio.to_thread(base64.b64encode, content)).decode("ascii")
        del given, content  # who waits has the image once
        answer = await pool.run(path, body)
        return Response(await asyncio.to_thread(_answered, answer, number), media_type="application/json")

    @app.post("/ocr", response_model=OcrAnswer, responses=ANSWERS, openapi_extra=_described(OcrRequest))
    async def ocr(request: Request) -> Response:
        """Read the lines of a page. As PaddleX serving, so that clients written for it work."""
        return await read("/ocr", OcrRequest, request)

    @app.post("/meter", response_model=MeterAnswer, responses=ANSWERS, openapi_extra=_described(MeterRequest))
    async def meter(request: Request) -> Response:
        """Read a meter: in a photograph, in its window cut out, or one of its digits."""
        return await read("/meter", MeterRequest, request)

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

    return app


def _described(model: type[FileRequest]) -> dict[str, Any]:
    """What the description of the service says of a request's body."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


async def _given(model: type[ReadAs], request: Request) -> ReadAs:
    """The body of a request, as described. Read in a thread, and within limits: others wait for this one."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # a page in somebody's browser can send anything else without being asked
        raise Refusal(422, "the request is not JSON: Content-Type must be application/json")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise Refusal(415, "the request is compressed; send it as it is")
    return await asyncio.to_thread(_parsed, model, request.scope["state"].pop("body"))


def _parsed(model: type[ReadAs], body: bytes) -> ReadAs:
    parts, step = 0, 1_000_000
    for start in range(0, len(body), step):
        parts += sum(body.count(each, start, start + step) for each in PARTS)
        if parts > MOST_PARTS:
            raise Refusal(422, "the request has far more fields than are described")
    try:
        return model.model_validate_json(body.removeprefix(codecs.BOM_UTF8))  # some programs begin every text with it
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        raise Refusal(422, "the request is not JSON")
    place = ".".join(str(part)[:100] for part in first["loc"]) or "the request"
    raise Refusal(422, f"{place}: {first['msg']}")


def _answered(answer: dict[str, Any], number: str) -> bytes:
    """An answer as PaddleX serving words it, which has places for pictures."""
    answer = {"logId": number, "errorCode": 0, "errorMsg": "Success", "result": answer["result"]}
    for page in answer["result"].get("ocrResults", []):
        for name in ("ocrImage", "docPreprocessingImage", "inputImage"):
            page.setdefault(name, None)
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _to_log(log: Log) -> Any:
    """A handler for what goes wrong where nobody waits for it."""

    def handle(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        said = f"{context.get('message')}: {type(error).__name__}: {error}" if error else str(context.get("message"))
        write(log, event="fault", said=one_line(said))

    return handle
