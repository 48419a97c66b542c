"""The workers behind the gate: who is free, who has died, and who waits."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import deque
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import httpx

from ocrbook.serve.errors import Refusal, one_line
from ocrbook.serve.log import Log, write
from ocrbook.serve.process import KILLED, Worker
from ocrbook.serve.settings import Settings

TRIES = 2
"""How many workers may crash of one image before it is given up."""

KILLS = 8
"""How many may be killed while they read it: somebody else does that, unless the image takes all memory."""

STARTS = 4
"""How many processes may end before they are ready, if none ever was, until the service gives up."""

WATCH = 1.0
"""Seconds between two looks whether all workers are where they should be."""


class Pool:
    """Workers, and a bounded queue before them.

    Each worker that is ready is either free or busy. Who takes one gives it back, in `_ask` and nowhere else; a watch
    looks every second whether one was lost.
    """

    def __init__(self, settings: Settings, command: Sequence[str], log: Log = lambda _: None) -> None:
        self.settings, self.log = settings, log
        self.folder = tempfile.TemporaryDirectory(prefix="ocrbook-serve-")
        self.workers = [Worker(Path(self.folder.name, f"{i}.sock"), command, self) for i in range(settings.workers)]
        self.failure = ""  # why the service can't go on
        self.usual = 1.0  # seconds that a reading has taken lately
        self._free: deque[Worker] = deque()
        self._busy: dict[Worker, int] = {}  # and in which of its lives
        self._line: deque[asyncio.Future[Worker]] = deque()  # who came first is first
        self._tasks: list[asyncio.Task] = []
        self._asking: set[asyncio.Task] = set()

    async def start(self) -> None:
        """Start all workers; they become ready by and by."""
        self._tasks = [self._guarded(worker.keep_running()) for worker in self.workers]
        self._tasks.append(self._guarded(self._watch()))

    async def stop(self) -> None:
        """Stop all workers."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.folder.cleanup()

    def _guarded(self, work: Coroutine[Any, Any, None]) -> asyncio.Task:
        """A task that has to run as long as the service does; the service ends with it."""

        def ended(task: asyncio.Task) -> None:
            if not task.cancelled():
                self.failure = self.failure or one_line(str(task.exception()))
                self.note("failure", said=self.failure)

        task = asyncio.create_task(work)
        task.add_done_callback(ended)
        return task

    async def _watch(self) -> None:
        """Look for what must not be: a worker that is neither free nor busy, or none that ever starts."""
        while True:
            for worker in self._lost:
                self.note("worker lost", worker=worker.socket.stem)
                await worker.stop(worker.starts)  # its successor is free
            if all(worker.tries >= STARTS for worker in self.workers) and not any(each.lived for each in self.workers):
                raise RuntimeError(f"no worker could be started; the last one said: {self.workers[0].why}")
            await asyncio.sleep(WATCH)

    @property
    def _lost(self) -> list[Worker]:
        return [each for each in self.workers if each.ready and each not in self._busy and each not in self._free]

    def note(self, event: str, **fields: object) -> None:
        """Write to the log what happened."""
        write(self.log, event=event, **fields)

    @property
    def ready(self) -> bool:
        """Whether a worker runs, and none is lost."""
        return any(worker.ready for worker in self.workers) and not self._lost and not self.failure

    @property
    def restarts(self) -> int:
        """How often a worker was started again."""
        return sum(max(0, worker.starts - 1) for worker in self.workers)

    @property
    def waiting(self) -> int:
        """Requests that wait for a worker."""
        return len(self._line)

    @property
    def busy(self) -> int:
        """Workers that are reading."""
        return len(self._busy)

    def put(self, worker: Worker) -> None:
        """Say that a worker is free. It goes to the first in the line, and nobody can come between."""
        self._busy.pop(worker, None)
        self.withdraw(worker)
        if self._line:
            self._busy[worker] = worker.starts
            self._line.popleft().set_result(worker)
        else:
            self._free.append(worker)

    def withdraw(self, worker: Worker) -> None:
        """Say that a worker that was free has died."""
        if worker in self._free:
            self._free.remove(worker)

    def _give_back(self, worker: Worker, life: int) -> None:
        """Say that a worker is no longer needed. Where its process has died, its supervisor says when it is free."""
        if self._busy.get(worker) == life:
            del self._busy[worker]
            if worker.ready and worker.starts == life:
                self.put(worker)

    async def run(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Let a worker do it, and return its answer.

        Raises
        ------
        Refusal
            429 if too many wait, 504 if it takes too long, 422 if the image can't be read, 502 if workers die of it.
        """
        if not self._free and self.waiting >= self.settings.waiting:
            turns = (self.waiting + self.busy) / max(1, len(self.workers))
            raise Refusal(429, "too many requests are waiting", retry_after=self.usual * max(1.0, turns))
        until = time.monotonic() + self.settings.seconds
        again, crashes, kills = False, 0, 0
        while crashes < TRIES and kills < KILLS:
            worker = await self._next(until, first=again)
            task = asyncio.create_task(self._ask(worker, path, body))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
            # shielded: where the client has gone, the worker finishes and is free again
            answer = await asyncio.shield(task)
            if isinstance(answer, httpx.Response):
                return await asyncio.to_thread(_result, answer)
            if isinstance(answer, Refusal):
                raise answer
            again, crashes, kills = True, crashes + (answer == "crashed"), kills + (answer == "killed")
        raise Refusal(502, f"{crashes + kills} workers have died of this image")

    async def _ask(self, worker: Worker, path: str, body: dict[str, Any]) -> httpx.Response | Refusal | str:
        """What a worker answers; or, if it has died, how: "idle" where it never had the image, "killed", "crashed"."""
        began, life = time.monotonic(), worker.starts
        try:
            answer = await asyncio.wait_for(worker.client.post(path, json=body), self.settings.seconds)
        except asyncio.TimeoutError:
            await worker.stop(life)
            return Refusal(504, f"not read within {self.settings.seconds:g} seconds")
        except httpx.HTTPError as error:
            # one that lives and does not answer is of no more use than a dead one
            code = await worker.stop(life, patience=1.0)
            if isinstance(error, (httpx.ConnectError, httpx.WriteError)):
                return "idle"
            return "killed" if code in KILLED else "crashed"
        else:
            self.usual = 0.8 * self.usual + 0.2 * (time.monotonic() - began)
            return answer
        finally:
            self._give_back(worker, life)

    async def _next(self, until: float, *, first: bool) -> Worker:
        """A worker that is free, in the order in which requests came; who has had a turn already is first.

        It is given out only while there is time enough to read with it. Whoever gets it must give it back.
        """
        left = until - time.monotonic() - min(self.usual, self.settings.seconds / 2)
        if self._free and left > 0:
            worker = self._free.popleft()
            self._busy[worker] = worker.starts
            return worker
        turn: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        (self._line.appendleft if first else self._line.append)(turn)
        try:
            await asyncio.wait({turn}, timeout=max(0.0, left))
        except asyncio.CancelledError:  # the client has gone
            if turn.done():
                self._give_back(turn.result(), turn.result().starts)
            raise
        finally:
            if not turn.done():
                self._line.remove(turn)
        if not turn.done():
            message = f"no worker was free within {self.settings.seconds:g} seconds"
            raise Refusal(504, message, retry_after=self.usual)
        return turn.result()


def _result(answer: httpx.Response) -> dict[str, Any]:
    """What is in an answer, or what is told to the client instead."""
    try:
        content = answer.json()
    except ValueError:
        content = None
    content = content if isinstance(content, dict) else {}
    if answer.status_code == 200 and content:
        return content
    if answer.status_code == 422:
        reason = content.get("errorMsg")
        raise Refusal(422, reason if isinstance(reason, str) else "file: the image is damaged and can't be decoded")
    raise Refusal(502, "the image could not be read; the service's log says why")
