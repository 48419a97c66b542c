"""The service under attack: rubbish from many clients, kills, floods of connections. Minutes, and loopback only.

SCALE=0.1 in the environment makes everything ten times smaller. The gate is a process of its own, as it is served; its
worker is a stand-in that decodes as the real one does, and reads nothing.
"""

import asyncio
import base64
import collections
import json
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import httpx
import numpy as np
import psutil
import pytest

from ocrbook.serve import lifeline
from ocrbook.serve.schemas import MeterRequest, OcrRequest
from tests.pictures import PNG, chunk

ROOT = Path(__file__).parents[2]
SCALE = float(os.environ.get("SCALE", "1"))
REQUESTS, KILLS, GOOD, CLIENTS = int(10_000 * SCALE), int(60 * SCALE), int(3000 * SCALE), 64

WORKER = """
import argparse, base64, json, runpy, time
from pathlib import Path
parser = argparse.ArgumentParser()
parser.add_argument("--socket")
parser.add_argument("--threads")
given = parser.parse_args()
# by itself: the whole package takes a while to import, and workers start again and again here
runpy.run_path({lifeline!r})["hold"](Path(given.socket).parent)
import uvicorn
from ocrbook import images

def read(body):
    try:
        images.decode(base64.b64decode(json.loads(body)["file"]), "file")
    except Exception as error:
        return 422, {{"errorMsg": str(error)}}
    time.sleep(0.02)
    return 200, {{"result": {{"ocrResults": [{{"prunedResult": {{"rec_texts": ["x" * 20] * 50}}}}]}}}}

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body")
    status, answer = (200, {{}}) if scope["path"] == "/health" else read(body)
    await send({{"type": "http.response.start", "status": status, "headers": []}})
    await send({{"type": "http.response.body", "body": json.dumps(answer).encode()}})

uvicorn.run(app, uds=given.socket, log_level="critical", lifespan="off")
"""

GATE = """
import sys
import ocrbook.serve.__main__ as main
real = main.create_gate
main.create_gate = lambda settings: real(settings, worker=(sys.executable, {worker!r}))
sys.exit(main.main(sys.argv[1:]))
"""


class Gate:
    """A gate in a process, its log in a file."""

    def __init__(self, *options: str, files: int | None = None) -> None:
        self.folder = tempfile.TemporaryDirectory()
        here = Path(self.folder.name)
        (here / "worker.py").write_text(WORKER.format(lifeline=lifeline.__file__))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [
            sys.executable,
            "-c",
            GATE.format(worker=str(here / "worker.py")),
            "--port",
            str(self.port),
            *options,
        ]
        self.sockets = here / "sockets"
        self.sockets.mkdir()
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(self.sockets)}

        def prepare() -> None:
            for number in (signal.SIGHUP, signal.SIGINT):  # ignored where the tests run in the background
                signal.signal(number, signal.SIG_DFL)
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        with (here / "log").open("w") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log, preexec_fn=prepare)
        self.url = f"http://127.0.0.1:{self.port}"
        self.until_ready()

    def until_ready(self, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log()[-5:]
            try:
                if httpx.get(f"{self.url}/ready", timeout=10).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"not ready: {self.log()[-5:]}")

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def log(self) -> list[str]:
        return Path(self.folder.name, "log").read_text().splitlines()

    def figures(self) -> tuple[float, int, float]:
        """Megabytes, descriptors, CPU seconds."""
        it = psutil.Process(self.process.pid)
        return it.memory_info().rss / 1e6, it.num_fds(), sum(it.cpu_times()[:2])

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(90) == 0
        assert not list(self.sockets.iterdir())
        rows = self.log()
        assert all(isinstance(json.loads(row), dict) for row in rows), [row for row in rows if row[:1] != "{"][:5]
        faults = [row for row in rows if '"event": "fault"' in row and "socket.accept()" not in row]
        assert not faults, faults[:5]
        self.folder.cleanup()


@pytest.fixture
def gate():
    one = Gate("--body-seconds", "3")
    yield one
    one.stop()


def image(size: tuple[int, int] = (40, 60), kind: str = ".png") -> bytes:
    return cv2.imencode(kind, np.full((*size, 3), 200, np.uint8))[1].tobytes()


def head(method: str, path: str, body: bytes, *lines: str) -> bytes:
    first = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*first, "", ""]).encode("latin-1") + body


def anything(rng: random.Random, depth: int = 0) -> object:
    kind = rng.randrange(9 if depth < 3 else 7)
    if kind == 7:
        return [anything(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind == 8:
        return {rng.choice([*NAMES, "x" * 50]): anything(rng, depth + 1) for _ in range(rng.randrange(4))}
    return [None, True, -1, 1e308, "\u202e\n" * 5, rng.random() * 5, rng.randrange(-5, 5000)][kind]


NAMES = [*OcrRequest.model_fields, *MeterRequest.model_fields]
PATHS = [
    "/ocr",
    "/meter",
    "/health",
    "/ready",
    "/metrics",
    "/openapi.json",
    "/ocr/",
    "/nothing",
    "/%00",
    "//",
    "/ocr?a=b",
]
JSON = "Content-Type: application/json"


def damaged(rng: random.Random) -> bytes:
    content = bytearray(
        image((rng.randrange(1, 90), rng.randrange(1, 90)), rng.choice([".png", ".jpg", ".bmp", ".webp"]))
    )
    for _ in range(rng.randrange(6)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content[: rng.randrange(1, len(content) + 1)])


def rubbish(rng: random.Random) -> bytes:
    """One request, of one of many kinds; some are sound."""
    kind = rng.randrange(12)
    path = rng.choice(PATHS)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 300)) + b"\r\n\r\n"
    if kind == 1:
        return head(rng.choice(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"]), path, b"")
    if kind == 2:
        return head("POST", path, rng.randbytes(rng.randrange(3000)), JSON)
    if kind == 3:
        return head("GET", path, b"", "X: " + "y" * rng.randrange(30_000))
    if kind == 4:
        return head("POST", path, b"{", JSON, "Transfer-Encoding: chunked")
    if kind == 5:
        parts = b"".join(b"%x\r\n%s\r\n" % (n, b"x" * n) for n in rng.choices(range(1, 5), k=rng.randrange(12_000)))
        return (
            head("POST", path, b"", JSON, "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"") + parts
        )
    if kind == 6:
        return head("POST", path, b"[" * rng.randrange(200_000), JSON)
    if kind == 7:
        return head("POST", path, json.dumps({str(i): i for i in range(rng.randrange(20_000))}).encode(), JSON)
    fields = {} if kind == 8 else {"file": base64.b64encode(damaged(rng)).decode()}
    if kind in (8, 9):
        fields |= {rng.choice(NAMES): anything(rng) for _ in range(rng.randrange(4))}
    body = json.dumps(fields).encode()
    if kind == 10:
        body = body[: rng.randrange(len(body) + 1)]
    return head("POST", rng.choice(["/ocr", "/meter"]), body, JSON)


async def spoken(port: int, request: bytes, leaves: float = 1.0) -> int:
    """The status of what is answered; 0 where the client left before or sent less than it had said; -1 for none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request if leaves > 0.1 else request[: int(len(request) * leaves * 10)])
        if leaves < 0.1:
            await asyncio.sleep(leaves * 10 if leaves > 0.05 else 0)
            return 0
        try:
            first = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        except (asyncio.IncompleteReadError, ConnectionError):
            return -1
        status = int(first.split()[1])
        length = int(dict(row.lower().split(b": ", 1) for row in first.split(b"\r\n")[1:-2])[b"content-length"])
        if status != 200 and not request.startswith(b"HEAD"):
            answer = json.loads(await reader.readexactly(length))
            assert answer["errorCode"] == status and answer["errorMsg"].isprintable() and answer["logId"], answer
        return status
    finally:
        writer.close()


def test_ten_thousand_bad_requests_from_many_clients(gate):
    statuses, worst = collections.Counter(), [0.0]

    async def client(number: int) -> None:
        rng = random.Random(number)
        for _ in range(REQUESTS // CLIENTS):
            statuses[await spoken(gate.port, rubbish(rng), rng.random())] += 1

    async def probe() -> None:
        while True:
            began = time.monotonic()
            assert await spoken(gate.port, head("GET", "/health", b"")) == 200
            worst[0] = max(worst[0], time.monotonic() - began)
            await asyncio.sleep(0.2)

    async def run() -> None:
        probing = asyncio.create_task(probe())
        await asyncio.gather(*(client(number) for number in range(CLIENTS)))
        probing.cancel()

    asyncio.run(run())
    print(sum(statuses.values()), "requests:", dict(sorted(statuses.items())), f"| slowest /health {worst[0]:.1f} s")
    assert set(statuses) <= {-1, 0, 200, 400, 404, 405, 408, 413, 415, 422, 429, 431, 501, 504}
    assert statuses[-1] < REQUESTS / 100  # reset while they were still sending
    gate.until_ready()
    text = httpx.get(f"{gate.url}/metrics").text
    assert "ocr_worker_restarts 0.0" in text and "ocr_waiting 0.0" in text and "ocr_busy 0.0" in text
    assert httpx.post(f"{gate.url}/ocr", json={"file": base64.b64encode(image()).decode()}).status_code == 200


def test_sixty_kills_under_load_lose_no_request():
    gate = Gate("--workers", "2", "--seconds", "60", "--waiting", "32")
    file = {"file": base64.b64encode(image()).decode()}
    statuses, over = collections.Counter(), asyncio.Event()

    async def client(http: httpx.AsyncClient) -> None:
        while not over.is_set():
            answer = await http.post("/ocr", json=file)
            statuses[answer.status_code] += 1

    async def killer(http: httpx.AsyncClient) -> None:
        rng = random.Random(1)
        killed = 0
        while killed < KILLS:
            while (await http.get("/ready")).status_code != 200:
                await asyncio.sleep(0.05)
            await asyncio.sleep(rng.uniform(0, 0.5))
            if there := gate.workers():  # one of them reads, is free, or still starts
                rng.choice(there).send_signal(rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
                killed += 1
        over.set()

    async def run() -> None:
        async with httpx.AsyncClient(base_url=gate.url, timeout=200) as http:
            await asyncio.gather(killer(http), *(client(http) for _ in range(16)))

    asyncio.run(run())
    print(KILLS, "kills:", dict(statuses))
    assert set(statuses) <= {200, 429, 504} and statuses[200] > KILLS
    gate.until_ready()
    assert httpx.post(f"{gate.url}/ocr", json=file, timeout=60).status_code == 200
    gate.stop()


def test_thousands_of_good_requests_leave_nothing_behind(gate):
    content = [image((200 + i % 50, 300), kind) for i, kind in enumerate([".png", ".jpg", ".bmp", ".webp"] * 5)]
    files = [{"file": base64.b64encode(each).decode()} for each in content]
    seen = []

    async def run() -> None:
        async with httpx.AsyncClient(base_url=gate.url, timeout=100) as http:
            for done in range(0, GOOD + 8, 8):
                some = [http.post("/ocr", json=files[(done + i) % len(files)]) for i in range(8)]
                assert [answer.status_code for answer in await asyncio.gather(*some)] == [200] * 8
                if done % 500 < 8:
                    seen.append((done, *gate.figures()[:2]))

    asyncio.run(run())
    time.sleep(7)  # connections that are kept have ended
    last = gate.figures()
    print([(done, round(megabytes, 1), files) for done, megabytes, files in seen], [round(each, 1) for each in last])
    first = seen[1 if len(seen) > 2 else 0]
    assert abs(seen[-1][1] - first[1]) < 5 and seen[-1][2] == first[2]


def test_a_flood_of_connections_while_a_worker_dies():
    """Descriptors run out, also for the successor of a worker; afterwards all is as before."""
    gate = Gate("--body-seconds", "3", files=200)
    before = gate.figures()[1]
    lines = []
    for number in range(1100):
        line = socket.socket()
        line.setblocking(False)
        line.connect_ex(("127.0.0.1", gate.port))
        lines.append(line)
        if number == 600:
            gate.workers()[0].kill()
    assert httpx.get(f"{gate.url}/health", timeout=60).status_code == 200
    time.sleep(5)
    for line in lines:
        line.close()
    gate.until_ready()
    assert httpx.post(f"{gate.url}/ocr", json={"file": base64.b64encode(image()).decode()}).status_code == 200
    time.sleep(6)
    print("descriptors:", before, "->", gate.figures()[1])
    gate.stop()


def test_what_a_client_chooses_takes_little_time_and_others_are_served(gate):
    def sent(content: bytes) -> bytes:
        return json.dumps({"file": base64.b64encode(content).decode()}).encode()

    png = PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0))
    hostile = {
        "a million fields": b'{"file": "QUJD"' + b"".join(b', "k%d": 1' % i for i in range(800_000)) + b"}",
        "millions of lists": b'{"file": [' + b"[]," * 4_400_000 + b"[]]}",
        "APP1 segments": sent(b"\xff\xd8" + b"\xff\xe1\x00\x02" * 2_400_000),
        "fill bytes": sent(b"\xff\xd8" + b"\xff" * 9_999_990),
        "PNG chunks": sent(png + chunk(b"teXt") * 700_000),
        "a file of 10 MB": sent(image() + bytes(9_900_000)),
    }
    for name, body in hostile.items():
        before = gate.figures()

        async def run(body: bytes = body) -> tuple[int, float]:
            asked = asyncio.create_task(spoken(gate.port, head("POST", "/ocr", body, JSON)))
            worst = 0.0
            while not asked.done():
                began = time.monotonic()
                assert await spoken(gate.port, head("GET", "/health", b"")) == 200
                worst = max(worst, time.monotonic() - began)
                await asyncio.sleep(0.02)
            return await asked, worst

        status, worst = asyncio.run(run())
        after = gate.figures()
        print(f"{name}: {status}, {after[2] - before[2]:.2f} CPU s, slowest /health {worst:.2f} s, {after[0]:.0f} MB")
        assert status in (200, 413, 415, 422) and after[2] - before[2] < 1.5 and after[0] < 300


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_no_worker_and_no_folder_outlive_the_gate(number):
    gate = Gate("--workers", "2")
    workers = gate.workers()
    assert len(workers) == 2
    gate.process.send_signal(number)
    assert gate.process.wait(90) == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    _, alive = psutil.wait_procs(workers, 30)
    assert not alive and not list(gate.sockets.iterdir())
