"""The annotator without Jupyter: its page, and its messages over HTTP on 127.0.0.1.

The server is the standard library's: a handful of tabs of one person need no framework, and whoever labels need not
install one. A page asks twice at a time: `/send` carries a message and comes back with the answers, `/news` waits
until another page has changed something. Images come only as answers to messages, so that no address leads to a file.

Other programs and other people's pages in the same browser can reach 127.0.0.1, too. So each request must carry a
random token, and name this server as `Host` and, where there is one, as `Origin`.
"""

from __future__ import annotations

import hmac
import html
import json
import secrets
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from ocrbook.annotate.edits import Recogniser
from ocrbook.annotate.session import Session
from ocrbook.annotate.standalone import HERE, MODULE, STYLE, label_to_json
from ocrbook.labels import Project

REMOTE = HERE / "remote.js"

LARGEST = 16_000_000
"""Bytes of a request: labels of an image; a page of 2,000 lines has half a million."""

PATIENCE = 20
"""Seconds that a page waits for news before it asks again."""


class LocalServer(ThreadingHTTPServer):
    """Serves the annotator over a project, to this machine only.

    Parameters
    ----------
    project : Project
        Stays open while the server runs; whoever has opened it closes it, holding `lock`.
    recogniser : Recogniser, optional
    classes : sequence of str
    port : int
        0 takes one that is free.

    Attributes
    ----------
    lock : threading.RLock
        Held while a message is handled.
    """

    daemon_threads = True

    def __init__(
        self, project: Project, recogniser: Recogniser | None = None, classes: Sequence[str] = (), port: int = 0
    ) -> None:
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise OSError(f"port {port} of 127.0.0.1 can't be used: {error.strerror}") from None
        self.project, self.session = project, Session(project, recogniser, classes, self._collect)
        self.token, self._once = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._answers: list[tuple[dict[str, Any], list[bytes]]] = []
        self._number = 0  # of changes so far
        self._rows: dict[str, int] = {}  # image -> number of its last change
        self._edits: dict[str, tuple[int, object]] = {}  # image -> number of the last change of labels, and whose

    @property
    def address(self) -> str:
        """Where the page is. Whoever knows it may label."""
        return f"http://127.0.0.1:{self.server_port}/?token={self.token}"

    @property
    def first_address(self) -> str:
        """Leads to the page once. The command line of a browser can be seen by others, so it gets this one."""
        return f"http://127.0.0.1:{self.server_port}/?once={self._once}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A page that was closed meanwhile is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def admits(self, token: str) -> bool:
        """Whether it is the token."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def admits_once(self, code: str) -> bool:
        """Whether it is the code of `first_address`, for the first time."""
        with self.lock:
            right = hmac.compare_digest(code.encode(), self._once.encode())
            if right:
                self._once = secrets.token_urlsafe(32)
            return right

    def page(self, nonce: str) -> str:
        """The page with the annotator."""
        return (
            '<!doctype html><html><meta charset="utf-8"><link rel="icon" href="data:,">'
            f"<title>{html.escape(self.project.folder.resolve().name)}</title>"
            f'<style nonce="{nonce}">{STYLE.read_text("utf-8")}</style><body class="oa-alone">'
            f'<script type="module" nonce="{nonce}">{MODULE.read_text("utf-8")}\n{REMOTE.read_text("utf-8")}</script>'
        )

    def send(self, message: dict[str, Any]) -> bytes:
        """Handle a message of a page: the answers as a line of JSON, then the bytes that belong to them.

        Labels that were changed on a page that did not know what another page had done are refused; that page gets
        the present ones.
        """
        with self.lock:
            name, view = message.get("name"), message.get("view")
            edit, editor = self._edits.get(name, (0, None))
            refused = "labels" in message and edit > _number(message.get("seen")) and editor != view
            if refused:
                content = {"show": "image", "image": self.session.row(name), "labels": self._labels(name)}
                self._answers = [(content, [])]
            else:
                self._answers = []
                self.session.answer(message)
            if not refused and any(content["show"] == "image" for content, _ in self._answers):
                self._number += 1
                self._rows[name] = self._number
                if "labels" in message:
                    self._edits[name] = self._number, view
                self._changed.notify_all()
            answers = [content | {"bytes": [len(each) for each in buffers]} for content, buffers in self._answers]
            head = json.dumps({"number": self._number, "refused": refused, "answers": answers})
            return b"\n".join([head.encode(), b"".join(each for _, buffers in self._answers for each in buffers)])

    def news(self, message: dict[str, Any]) -> bytes:
        """What other pages have changed after a number, as JSON; waits `PATIENCE` seconds for it."""
        after, view = _number(message.get("after")), message.get("view")
        end = time.monotonic() + PATIENCE
        with self.lock:
            while self._number <= after and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            answers = []
            for name, number in self._rows.items():
                if number > after:
                    edit, editor = self._edits.get(name, (0, None))
                    labels = self._labels(name) if edit > after and editor != view else None
                    answers.append({"show": "image", "image": self.session.row(name), "labels": labels})
            return json.dumps({"number": self._number, "answers": answers}).encode()

    def _collect(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self._answers.append((content, buffers))

    def _labels(self, name: str) -> list[dict]:
        return [label_to_json(label) for label in self.project.labels(name)]


def _message(content: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) and isinstance(message.get("name", ""), str) else None


def _number(value: object) -> int:
    return value if type(value) is int else 0


class _Handler(BaseHTTPRequestHandler):
    server: LocalServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "ocrbook", ""
    timeout = 60  # seconds without a byte

    def do_GET(self) -> None:
        """The page."""
        path, _, query = self.path.partition("?")
        given = parse_qs(query)
        if self._is_foreign():
            return
        if self.server.admits_once(given.get("once", [""])[0]):
            self._answer(303, b"", {"Location": f"/?token={self.server.token}"})
        elif not self.server.admits(given.get("token", [""])[0]):
            self._refuse(403, "this address is not the one that `ocrbook label` has printed")
        elif path != "/":
            self._refuse(404, "there is nothing at this address")
        else:
            nonce = secrets.token_urlsafe(16)
            policy = (
                f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src blob: data:; "
                "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            )
            kind = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
            self._answer(200, self.server.page(nonce).encode(), kind)

    def do_POST(self) -> None:
        """A message of the page."""
        length = self.headers.get("Content-Length") or ""
        action = {"/send": self.server.send, "/news": self.server.news}.get(self.path)
        if self._is_foreign():
            pass
        elif not self.server.admits((self.headers.get("Authorization") or "").removeprefix("Bearer ")):
            self._refuse(403, "this page belongs to a session that has ended")
        elif action is None:
            self._refuse(404, "there is nothing at this address")
        elif self.headers.get_content_type() != "application/json":
            self._refuse(415, "a message must be JSON")
        elif "Transfer-Encoding" in self.headers or not (length.isascii() and length.isdigit()):
            self._refuse(411, "a message must say how long it is")
        elif len(length) > 12 or int(length) > LARGEST:
            self._refuse(413, f"a message may have {LARGEST:,} bytes")
        elif (message := _message(self.rfile.read(int(length)))) is None:
            self._refuse(400, "a message must be an object in JSON, and its name a text")
        else:
            self._answer(200, action(message), {"Content-Type": "application/octet-stream"})

    def _is_foreign(self) -> bool:
        """Whether the request was meant for another server, or comes from another one's page; then it is refused."""
        hosts = [f"{name}:{self.server.server_port}" for name in ("127.0.0.1", "localhost")]
        host, origin = self.headers.get_all("Host", []), self.headers.get_all("Origin", [])
        own = host in [[each] for each in hosts] and origin in [[], *([f"http://{each}"] for each in hosts)]
        if not own:
            self._refuse(403, f"this server answers at {hosts[0]} only, and only to its own pages")
        return not own

    def _refuse(self, status: int, reason: str) -> None:
        self.close_connection = True  # what is left of the request is not read
        self._answer(status, f"{reason}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})

    def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        headers = headers | {
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing: addresses hold the token."""
