"""The workers behind the gate: who is free, who has died, and who waits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from ocrbook.serve.errors import Refusal
from ocrbook.serve.settings import Settings

TRIES = 2
"""How many workers may die of one image before it is given up."""

STARTING = 120.0
"""Seconds that a worker may take until it is ready."""


class Worker:
    """One process, which is started again whenever it ends."""

    def __init__(self, socket: Path, command: Sequence[str], pool: Pool) -> None:
        self.pool, self.socket = pool, socket
        self.command = [*command, "--socket", str(socket), "--threads", str(pool.settings.threads)]
        self.process: asyncio.subprocess.Process | None = None
        self.ready = False
        self.starts = 0
        self.client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket)), base_url="http://worker", timeout=None
        )

    async def keep_running(self) -> None:
        """Start the process, wait for its end, start it again; until cancelled."""
        try:
            early = 0
            while True:
                self.socket.unlink(missing_ok=True)
                environment = os.environ | {"OMP_NUM_THREADS": str(self.pool.settings.threads)}
                environment.pop("OCRBOOK_API_KEY", None)
                # a group of its own: Ctrl-C at the terminal is for the gate, which lets requests finish first
                self.process = await asyncio.create_subprocess_exec(
                    *self.command, env=environment, start_new_session=True, stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                )  # fmt: skip
                self.starts += 1
                if await self._becomes_ready():
                    early = 0
                    self.ready = True
                    self.pool.put(self)
                    await self.process.wait()
                else:
                    early += 1
                    await self.stop()
                self.ready = False
                self.pool.withdraw(self)
                await asyncio.sleep(min(10.0, 0.2 * 2**early))
        finally:
            self.ready = False
            await self.stop()
            await self.client.aclose()

    async def _becomes_ready(self) -> bool:
        until = time.monotonic() + STARTING
        while time.monotonic() < until and self.process.returncode is None:
            with contextlib.suppress(httpx.HTTPError):
                if (await self.client.get("/health", timeout=2.0)).status_code == 200:
                    return True
            await asyncio.sleep(0.1)
        return False

    async def stop(self) -> None:
        """End the process, at once: whoever stops a worker knows that nobody waits for it."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()


class Pool:
    """Workers, and a bounded queue before them."""

    def __init__(self, settings: Settings, command: Sequence[str]) -> None:
        self.settings = settings
        self.folder = tempfile.TemporaryDirectory(prefix="ocrbook-serve-")
        self.workers = [Worker(Path(self.folder.name, f"{i}.sock"), command, self) for i in range(settings.workers)]
        self._free: deque[Worker] = deque()
        self._line: deque[asyncio.Future[Worker]] = deque()  # who came first is first
        self.busy = 0
        self.usual = 1.0  # seconds that a request has taken lately
        self._tasks: list[asyncio.Task] = []

    async def start(self) -> None:
        """Start all workers; they become ready by and by."""
        self._tasks = [asyncio.create_task(worker.keep_running()) for worker in self.workers]

    async def stop(self) -> None:
        """Stop all workers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.folder.cleanup()

    @property
    def ready(self) -> bool:
        """Whether a worker runs."""
        return any(worker.ready for worker in self.workers)

    @property
    def restarts(self) -> int:
        """How often a worker was started again."""
        return sum(max(0, worker.starts - 1) for worker in self.workers)

    @property
    def waiting(self) -> int:
        """Requests that wait for a worker."""
        return len(self._line)

    def put(self, worker: Worker) -> None:
        """Say that a worker is free. It goes to the first in the line, and nobody can come between."""
        if self._line:
            self._line.popleft().set_result(worker)
        else:
            self._free.append(worker)

    def withdraw(self, worker: Worker) -> None:
        """Say that a worker that was free has died."""
        if worker in self._free:
            self._free.remove(worker)

    async def run(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Let a worker do it, and return its answer.

        Raises
        ------
        Refusal
            429 if too many wait, 504 if it takes too long, 422 if the file can't be decoded, 502 if workers die of it.
        """
        if not self._free and self.waiting >= self.settings.waiting:
            turns = (self.waiting + self.busy) / max(1, len(self.workers))
            raise Refusal(429, "too many requests are waiting", retry_after=self.usual * max(1.0, turns))
        until = time.monotonic() + self.settings.seconds
        for attempt in range(TRIES):
            worker = await self._next(until, first=attempt > 0)
            # shielded: where the client has gone, the worker finishes and is free again
            answer = await asyncio.shield(asyncio.create_task(self._ask(worker, path, body, until)))
            if answer is None:
                continue  # the worker has died; another one, or its successor, tries once more
            if isinstance(answer, Refusal):
                raise answer
            if answer.status_code == 200:
                return answer.json()
            if answer.status_code == 422:
                raise Refusal(422, "file: the image is damaged and can't be decoded")
            raise Refusal(502, "the image could not be read; the worker's log says why")
        raise Refusal(502, f"{TRIES} workers have died of this image")

    async def _ask(
        self, worker: Worker, path: str, body: dict[str, Any], until: float
    ) -> httpx.Response | Refusal | None:
        """What a worker answers; None if it has died. Nothing is raised: perhaps nobody is there to catch it."""
        began, life = time.monotonic(), worker.starts
        self.busy += 1
        try:
            answer = await asyncio.wait_for(worker.client.post(path, json=body), max(0.0, until - began))
        except asyncio.TimeoutError:
            await worker.stop()
            return Refusal(504, f"not read within {self.settings.seconds:g} seconds")
        except httpx.HTTPError:
            return None
        finally:
            self.busy -= 1
        self.usual = 0.8 * self.usual + 0.2 * (time.monotonic() - began)
        if worker.ready and worker.starts == life:
            self.put(worker)
        return answer

    async def _next(self, until: float, *, first: bool) -> Worker:
        """A worker that is free, in the order in which requests came; who has had a turn already is first."""
        if self._free:
            return self._free.popleft()
        turn: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        (self._line.appendleft if first else self._line.append)(turn)
        try:
            await asyncio.wait({turn}, timeout=max(0.0, until - time.monotonic()))
        except asyncio.CancelledError:  # the client has gone
            if turn.done():
                self.put(turn.result())
            else:
                self._line.remove(turn)
            raise
        if not turn.done():
            self._line.remove(turn)
            message = f"no worker was free within {self.settings.seconds:g} seconds"
            raise Refusal(504, message, retry_after=self.usual)
        return turn.result()
