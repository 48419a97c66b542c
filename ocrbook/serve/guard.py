"""Around the application: who may come in, how much may be sent, and what is written down of it."""

from __future__ import annotations

import asyncio
import hmac
import re
import time
import traceback
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocrbook.serve.errors import Refusal, one_line
from ocrbook.serve.log import Log, write
from ocrbook.serve.metrics import Metrics
from ocrbook.serve.settings import Settings

OPEN = ("/health", "/ready")
"""Paths that need no key, and are answered however many requests there are."""

ABSOLUTE = re.compile("^https?://[^/]*", re.IGNORECASE)
"""What proxies and their clients write before the path."""


def refused(refusal: Refusal, number: str) -> JSONResponse:
    """A refusal as PaddleX serving words it."""
    return JSONResponse(refusal.content(number), refusal.status, refusal.headers)


class Guard:
    """Reads requests up to their limits, measures and logs them. Contents are never logged."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics, log: Log) -> None:
        self.app, self.settings, self.metrics, self.log = app, settings, metrics, log
        self.active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number, began = scope.setdefault("state", {}).setdefault("number", uuid.uuid4().hex), time.monotonic()
        record = {"status": 499, "bytes": 0}  # 499: the client had gone before there was an answer
        method = scope["method"]
        # who asks for the head of an answer is told what GET would say; the server leaves the rest away
        path = ABSOLUTE.sub("", scope["path"]) or "/"
        scope = {**scope, "method": "GET" if method == "HEAD" else method, "path": path}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                record["status"] = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = number
            await send(message)

        self.active += 1
        try:
            self._check(scope)
            # kept there only, so that whoever has read it can let it go: it may be megabytes, and the request may wait
            scope["state"]["body"] = await self._body(scope, receive)
            record["bytes"] = len(scope["state"]["body"])
            await self._unless_gone(scope, receive, sending)
        except Refusal as refusal:
            await refused(refusal, number)(scope, receive, sending)
        except Exception as error:  # a fault of the service, of which the log says where
            place = traceback.extract_tb(error.__traceback__)[-1]
            said = one_line(f"{type(error).__name__}: {error}")
            write(self.log, event="fault", request=number, said=said, place=f"{place.name}:{place.lineno}")
            if record["status"] == 499:
                await refused(Refusal(500, "the service failed; its log says where"), number)(scope, receive, sending)
        finally:
            self.active -= 1
            seconds = time.monotonic() - began
            # of a path that does not exist nobody knows what is in it, so its name is not kept
            route = getattr(scope.get("route"), "path", None) or "other"
            self.metrics.seen(route, record["status"], seconds)
            write(
                self.log, request=number, method=method if method in ("GET", "HEAD", "POST") else "other", route=route,
                status=record["status"], milliseconds=round(1000 * seconds), bytes=record["bytes"],
                **scope["state"].get("notes", {}),
            )  # fmt: skip

    def _check(self, scope: Scope) -> None:
        if scope["path"] in OPEN:
            return
        if self.active > self.settings.most_connections:
            raise Refusal(429, "too many requests at a time", retry_after=1)
        given = Headers(scope=scope).get("authorization", "")
        expected = f"Bearer {self.settings.api_key}"
        if self.settings.api_key and not hmac.compare_digest(given.encode(), expected.encode()):
            raise Refusal(401, "a valid key is needed: Authorization: Bearer KEY")

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """All of the request, unless it is too long or comes too slowly."""
        most = self.settings.most_body
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdecimal() and int(length[:20]) > most:
            raise Refusal(413, f"the request is longer than {most:,} bytes")
        try:
            return await asyncio.wait_for(self._read(scope, receive, most), self.settings.body_seconds)
        except asyncio.TimeoutError:
            raise Refusal(408, f"the request was not sent within {self.settings.body_seconds:g} seconds") from None

    async def _read(self, scope: Scope, receive: Receive, most: int) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise scope["state"].get("refusal") or Refusal(400, "the request ended too early")
            body += message.get("body", b"")
            if len(body) > most:
                raise Refusal(413, f"the request is longer than {most:,} bytes")
            if not message.get("more_body"):
                return bytes(body)

    async def _unless_gone(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application, and stop it when the client goes: what waits for nobody must not wait."""
        work = asyncio.ensure_future(self.app(scope, receive, send))
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work  # raises what the application has raised
        finally:
            for task in (work, gone):
                task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
