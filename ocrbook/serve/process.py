"""One process behind the gate: started, watched, and started again whenever it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from ocrbook.serve.errors import one_line
from ocrbook.serve.lifeline import VARIABLE

if TYPE_CHECKING:
    from ocrbook.serve.pool import Pool

STARTING = 120.0
"""Seconds that a worker may take until it is ready."""

LONGEST_PAUSE = 10.0
"""Seconds before another try to start a worker, at most."""

KILLED = [-getattr(signal, each) for each in ("SIGHUP", "SIGINT", "SIGKILL", "SIGTERM") if hasattr(signal, each)]
"""How a process ends that somebody else has ended."""


class Line:
    """The way to a process. Each request has a connection of its own: one that was kept may just be closing."""

    def __init__(self, socket: Path) -> None:
        way = httpx.AsyncHTTPTransport(uds=str(socket), limits=httpx.Limits(max_keepalive_connections=0))
        self._client = httpx.AsyncClient(transport=way, base_url="http://worker", timeout=None)

    async def get(self, path: str, timeout: float) -> httpx.Response:
        """Ask. Raises httpx.HTTPError."""
        return await self._client.get(path, timeout=timeout)

    async def post(self, path: str, json: dict[str, Any]) -> httpx.Response:
        """Send an object. Raises httpx.HTTPError."""
        content = await asyncio.to_thread(_encoded, json)
        return await self._client.post(path, content=content, headers={"Content-Type": "application/json"})

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode("ascii")


class Worker:
    """A process and its successors, one at a time.

    Attributes
    ----------
    ready : bool
        Whether the process of now can be asked.
    starts : int
        How many processes there were; it tells one from its successor.
    lived : bool
        Whether any of them ever became ready.
    tries : int
        How many in a row did not.
    why : str
        The last line that the process before wrote to its standard error, or why it could not be started.
    """

    def __init__(self, socket: Path, command: Sequence[str], pool: Pool) -> None:
        self.pool, self.socket = pool, socket
        self.command = [*command, "--socket", str(socket), "--threads", str(pool.settings.threads)]
        self.process: asyncio.subprocess.Process | None = None
        self.ready = False
        self.lived = False
        self.starts = self.tries = 0
        self.why = self._said = ""
        self.client = Line(socket)

    async def keep_running(self) -> None:
        """Start the process, wait for its end, start it again; until cancelled.

        Whatever goes wrong is noted, and tried again: without a supervisor the worker would be gone for good.
        """
        try:
            while True:
                lived = False
                try:
                    lived = await self._live()
                except Exception as error:  # no process, memory or descriptor is left; or what nobody thought of
                    self._said = one_line(f"{type(error).__name__}: {error}")
                self.why = self._said
                self.tries = 0 if lived else self.tries + 1
                code = self.process.returncode if self.process else None
                self.pool.note("worker ended", worker=self.socket.stem, code=code, said=self.why)
                await asyncio.sleep(min(LONGEST_PAUSE, 0.2 * 2 ** min(self.tries, 10)))
        finally:
            await self.stop()
            await self.client.close()

    async def _live(self) -> bool:
        """The life of one process; whether it was ever ready."""
        self._said, self.process = "", None
        self.socket.parent.mkdir(0o700, exist_ok=True)  # some systems tidy up where temporary files are
        self.socket.unlink(missing_ok=True)
        environment = os.environ | {"OMP_NUM_THREADS": str(self.pool.settings.threads), VARIABLE: "0"}
        environment.pop("OCRBOOK_API_KEY", None)
        # a group of its own: Ctrl-C at the terminal is for the gate, which lets requests finish first
        self.process = process = await asyncio.create_subprocess_exec(
            *self.command, env=environment, start_new_session=True, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        self.starts += 1
        listening = asyncio.create_task(self._listen(process.stderr))
        try:
            if await self._becomes_ready(process):
                self.ready = self.lived = True
                self.pool.put(self)
                await process.wait()
                return True
            return False
        finally:
            self.ready = False
            self.pool.withdraw(self)
            await self.stop()
            await asyncio.wait({listening}, timeout=1.0)  # the last words are still on their way
            listening.cancel()

    async def _becomes_ready(self, process: asyncio.subprocess.Process) -> bool:
        until = time.monotonic() + STARTING
        while time.monotonic() < until and process.returncode is None:
            with contextlib.suppress(httpx.HTTPError):
                if (await self.client.get("/health", timeout=2.0)).status_code == 200:
                    return True
            await asyncio.sleep(0.1)
        return False

    async def _listen(self, stream: asyncio.StreamReader) -> None:
        """Keep what the process says last; once it has been ready, log all of it."""
        rest = b""
        while part := await stream.read(4096):
            *lines, rest = (rest[-4096:] + part).split(b"\n")
            for line in lines:
                self._hear(line)
        self._hear(rest)

    def _hear(self, line: bytes) -> None:
        if said := one_line(line.decode("utf-8", "replace")):
            self._said = said
            if self.ready:
                self.pool.note("worker says", worker=self.socket.stem, said=said)

    async def stop(self, life: int | None = None, patience: float = 0.0) -> int | None:
        """End the process, at once: whoever stops a worker knows that nobody waits for it.

        Parameters
        ----------
        life : int, optional
            Of `starts`: a successor is left alone.
        patience : float
            Seconds in which it may end by itself.

        Returns
        -------
        How it had ended before it was stopped, or None.
        """
        process = self.process
        if process is None or (life is not None and life != self.starts):
            return None
        self.ready = False
        if patience and process.returncode is None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.wait(), patience)
        if (code := process.returncode) is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        return code
