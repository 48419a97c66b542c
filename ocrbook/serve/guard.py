"""Around the application: who may come in, how much may be sent, and what is written down of it."""

from __future__ import annotations

import asyncio
import hmac
import json
import sys
import time
import uuid
from collections.abc import Callable
from datetime import datetime, timezone

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocrbook.serve.errors import Refusal
from ocrbook.serve.metrics import Metrics
from ocrbook.serve.settings import Settings

OPEN = ("/health", "/ready")
"""Paths that need no key."""


def refused(refusal: Refusal, number: str) -> JSONResponse:
    """A refusal as PaddleX serving words it."""
    content = {"logId": number, "errorCode": refusal.status, "errorMsg": refusal.message}
    return JSONResponse(content, refusal.status, refusal.headers)


class Guard:
    """Reads requests up to their limits, measures and logs them. Contents are never logged."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics, log: Callable[[str], object]) -> None:
        self.app, self.settings, self.metrics, self.log = app, settings, metrics, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number, began = uuid.uuid4().hex, time.monotonic()
        scope.setdefault("state", {})["number"] = number
        record = {"status": 499, "bytes": 0}  # 499: the client had gone before there was an answer

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                record["status"] = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = number
            await send(message)

        try:
            self._check_key(scope)
            body = await self._body(scope, receive)
            record["bytes"] = len(body)
            await self._unless_gone(scope, body, receive, sending)
        except Refusal as refusal:
            await refused(refusal, number)(scope, receive, sending)
        finally:
            seconds = time.monotonic() - began
            # of a path that does not exist nobody knows what is in it, so its name is not kept
            route = getattr(scope.get("route"), "path", None) or "other"
            self.metrics.seen(route, record["status"], seconds)
            self.log(json.dumps({
                "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"), "request": number,
                "method": scope["method"] if scope["method"] in ("GET", "POST") else "other", "route": route,
                "status": record["status"], "milliseconds": round(1000 * seconds), "bytes": record["bytes"],
                **scope["state"].get("notes", {}),
            }))  # fmt: skip

    def _check_key(self, scope: Scope) -> None:
        if not self.settings.api_key or scope["path"] in OPEN:
            return
        given = Headers(scope=scope).get("authorization", "")
        if not hmac.compare_digest(given.encode("utf-8"), f"Bearer {self.settings.api_key}".encode()):
            raise Refusal(401, "a valid key is needed: Authorization: Bearer KEY")

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """All of the request, unless it is too long or comes too slowly."""
        most = self.settings.most_body
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > most:
            raise Refusal(413, f"the request is longer than {most:,} bytes")
        body = bytearray()
        try:
            return bytes(await asyncio.wait_for(self._read(receive, body, most), self.settings.body_seconds))
        except asyncio.TimeoutError:
            raise Refusal(408, f"the request was not sent within {self.settings.body_seconds:g} seconds") from None

    async def _read(self, receive: Receive, body: bytearray, most: int) -> bytearray:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refusal(400, "the request ended too early")
            body += message.get("body", b"")
            if len(body) > most:
                raise Refusal(413, f"the request is longer than {most:,} bytes")
            if not message.get("more_body"):
                return body

    async def _unless_gone(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Run the application, and stop it when the client goes: what waits for nobody must not wait."""
        given = False

        async def once() -> Message:
            nonlocal given
            if not given:
                given = True
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        work = asyncio.ensure_future(self.app(scope, once, send))
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work  # raises what the application has raised
        finally:
            work.cancel()
            gone.cancel()


def to_standard_error(line: str) -> None:
    """The usual place for a log."""
    print(line, file=sys.stderr, flush=True)
