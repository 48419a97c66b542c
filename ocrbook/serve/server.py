"""How the gate is served: connections with limits, and an end that is clean."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from ocrbook.serve.errors import Refusal, one_line
from ocrbook.serve.log import write

MOST_HEADER = 16_384
"""Bytes of a request's header."""

MOST_LINES = 20_000
"""Lines of a request that is sent in pieces: each has two, and could be a single byte."""

SPARE = 20
"""Connections beyond the limit, for those who only ask whether the service lives."""

SAID = {431: "the header is too long", 501: "no transfer encoding but chunked is known"}
"""What is not HTTP, in the statuses that the protocol hints at."""

STOPS = [signal.SIGINT, signal.SIGTERM] + ([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])


class Patient:
    """A transport that is closed when the other side has sent all: until then it would not hear the answer.

    Where a socket is closed with something unread in it, the other side is told that the connection is broken.
    """

    def __init__(self, transport: asyncio.Transport, is_sending: Callable[[], bool]) -> None:
        self._transport, self._is_sending = transport, is_sending
        self.lingers = False  # the answer is out, and what still comes is thrown away

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Whether there is nothing more to be said."""
        return self.lingers or self._transport.is_closing()

    def close(self) -> None:
        """End this side now, and the other one when it has ended, too."""
        if self.is_closing() or not self._is_sending():
            self._transport.close()
        else:
            self.lingers = True
            self._transport.write_eof()
            self._transport.resume_reading()


class Connection(H11Protocol):
    """A connection that may be silent for a while only.

    It is *silent* until a whole header has come, and again after each answer, until the next. Silent ones are closed
    after `body_seconds`, and so are those that don't take their answers, or still send when they have them; where there
    are too many connections, the one that is silent for the longest time is closed.
    """

    def connection_made(self, transport: Any) -> None:
        """A client has come."""
        super().connection_made(Patient(transport, self._is_sending))
        self.state = self.config.app.state
        self.header, self.lines = b"", 0
        self.counted: str | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.untaken: asyncio.TimerHandle | None = None
        self._becomes("silent")
        most = self.state.settings.most_connections
        if len(self.connections) > most:
            silent = [each for each in self.connections if each is not self and each.counted == "silent"]
            if silent:
                min(silent, key=lambda each: each.since).cut_off("full")
            elif len(self.connections) > most + SPARE:
                self.cut_off("full")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        super().connection_lost(exc)
        self._becomes(None)
        self._forget()

    def _becomes(self, state: str | None) -> None:
        if self.timer:
            self.timer.cancel()
        if self.counted:
            self.state.metrics.connected(self.counted, -1)
        if state:
            self.state.metrics.connected(state, 1)
        self.counted, self.since = state, time.monotonic()
        silence = self.state.settings.body_seconds
        self.timer = self.loop.call_later(silence, self.cut_off, "slow") if state == "silent" else None

    def pause_writing(self) -> None:
        """The client does not take what it has asked for."""
        super().pause_writing()
        self.untaken = self.loop.call_later(self.state.settings.body_seconds, self.cut_off, "slow")

    def resume_writing(self) -> None:
        """The client has taken it."""
        super().resume_writing()
        self._forget()

    def _forget(self) -> None:
        if self.untaken:
            self.untaken.cancel()

    def cut_off(self, reason: str) -> None:
        """Close the connection, without waiting for anything."""
        self.state.metrics.closed(reason)
        self._becomes(None)
        self.connections.discard(self)  # at once: the next one may come before this one has ended
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Part of a request has come."""
        if self.transport.lingers:
            return
        if self.conn.their_state is h11.IDLE:
            self.header = (self.header + data)[: MOST_HEADER + 4]
            if len(self.header) > MOST_HEADER and not re.search(rb"\n\r?\n", self.header):
                self._refuse(Refusal(431, f"the header is longer than {MOST_HEADER:,} bytes"))
                return
        if re.search(rb"(?i)\ntransfer-encoding:", self.header):
            self.lines += data.count(b"\n")
            if self.lines > MOST_LINES:
                self._refuse(Refusal(413, "the request comes in too many pieces"))
                return
        super().data_received(data)

    def handle_events(self) -> None:
        """Go on with what has come."""
        super().handle_events()
        if self.counted == "silent" and self._is_asking():
            self._becomes("asking")

    def _is_asking(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _is_sending(self) -> bool:
        """Whether the client is in the middle of a request, or of something else."""
        state = self.conn.their_state
        return state in (h11.SEND_BODY, h11.ERROR) or (state is h11.IDLE and bool(self.header))

    def on_response_complete(self) -> None:
        """An answer was given."""
        self.header, self.lines = b"", 0
        self._becomes("silent")
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """What came is not HTTP; called by the protocol while it handles the error."""
        status = getattr(sys.exc_info()[1], "error_status_hint", 400)
        self._refuse(Refusal(status, SAID.get(status, "the request is not HTTP")))

    def shutdown(self) -> None:
        """The server ends."""
        if self.transport.lingers:
            self.transport.abort()
        else:
            super().shutdown()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer in the place of the application, as it would, and close."""
        asking = self._is_asking()
        state = self.scope["state"] if asking else {}
        number = state.setdefault("number", uuid.uuid4().hex)
        if asking:  # the guard writes it down
            state["refusal"] = refusal
        else:
            self.state.metrics.seen("other", refusal.status, 0.0)
            write(
                self.state.log, request=number, method="other", route="other", status=refusal.status, milliseconds=0,
                bytes=0,
            )  # fmt: skip
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps(refusal.content(number)).encode()
            headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
            headers += [("X-Request-Id", number), ("Connection", "close")]
            head = h11.Response(status_code=refusal.status, headers=headers)
            for event in (head, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
        if asking:
            self.cycle.disconnected = True  # what the application says now comes too late
        self.transport.close()
        self._becomes("silent")


class Server(uvicorn.Server):
    """A server that ends when it is told to, when its terminal is closed, and when the service can't go on."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say where; or, where that can't be, why."""
        logging.getLogger("uvicorn.error").addFilter(_is_not_said_elsewhere)
        try:
            await super().startup(sockets)
        except SystemExit as error:
            why, config = error.__context__, self.config
            if not isinstance(why, OSError):
                raise
            config.app.state.pool.failure = one_line(f"it can't listen at {config.host}, port {config.port}: {why}")
            self.should_exit, self.servers = True, []
            return
        for each in (each for server in self.servers for each in server.sockets):
            host, port = each.getsockname()[:2]
            host = f"[{host}]" if ":" in host else host
            write(self.config.app.state.log, event="listening", address=f"http://{host}:{port}")

    async def on_tick(self, counter: int) -> bool:
        """Whether to end; asked ten times a second."""
        return await super().on_tick(counter) or bool(self.config.app.state.pool.failure)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal, and end as after any other stop."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        # what is ignored stays ignored: nohup wants that of SIGHUP
        wanted = [each for each in STOPS if signal.getsignal(each) is not signal.SIG_IGN]
        before = {each: signal.signal(each, self.handle_exit) for each in wanted}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _is_not_said_elsewhere(record: logging.LogRecord) -> bool:
    return not isinstance(record.msg, OSError)


def create_server(app: FastAPI, host: str = "127.0.0.1", port: int = 8866) -> Server:
    """A server for what `create_gate` makes.

    Its `run()` returns when it has stopped; `app.state.pool.failure` says why, if nobody asked it to.

    Parameters
    ----------
    app : FastAPI
        From `create_gate`; others lack the limits that its connections obey.
    host : str
        "0.0.0.0" lets other machines in.
    port : int
        0 takes any that is free.

    Examples
    --------
    >>> from ocrbook.serve import create_gate
    >>> server = create_server(create_gate(), port=0)
    >>> server.config.timeout_graceful_shutdown
    61
    """
    seconds = 2 * app.state.settings.seconds  # to wait, and to read
    return Server(uvicorn.Config(
        app, host=host, port=port, http=Connection, ws="none", log_level="error", access_log=False,
        proxy_headers=False, server_header=False, timeout_keep_alive=5, timeout_graceful_shutdown=int(seconds) + 1,
        backlog=512,
    ))  # fmt: skip
