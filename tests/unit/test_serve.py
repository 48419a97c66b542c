import asyncio
import base64
import errno
import gzip
import http.client
import json
import os
import re
import runpy
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from types import SimpleNamespace

import cv2
import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import JSONResponse

from ocrbook.serve import Settings, create_gate, create_server, lifeline, process
from ocrbook.serve import __main__ as main_module
from ocrbook.serve import pool as pool_module
from ocrbook.serve.__main__ import main
from ocrbook.serve.errors import Refusal
from ocrbook.serve.files import content_of
from ocrbook.serve.gate import _answered, _parsed
from ocrbook.serve.guard import Guard
from ocrbook.serve.log import to_standard_error
from ocrbook.serve.pool import Pool, _result
from ocrbook.serve.schemas import MeterRequest, OcrRequest
from ocrbook.serve.settings import LIMITS
from tests.pictures import PNG, chunk
from tests.processes import running, until

FAKE = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))


def picture(seconds: float = 0, dies: int = 0, fails: int = 0, size=(40, 60)) -> str:
    """An image that tells the fake worker what to do, as base64."""
    image = np.full((*size, 3), (int(100 * seconds), dies, fails), np.uint8)
    return base64.b64encode(cv2.imencode(".png", image)[1].tobytes()).decode()


def bomb(width: int, height: int, packed: bytes = zlib.compress(bytes(1000))) -> bytes:
    """A PNG of a few bytes that says it is huge."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return PNG + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND")


class Service:
    """A gate in a thread, on a port of its own."""

    def __init__(self, **fields) -> None:
        self.lines: list[str] = []
        self.app = create_gate(Settings(**fields), self.lines.append, FAKE)
        self.pool = self.app.state.pool
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        self.port = listening.getsockname()[1]
        self.server = create_server(self.app)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listening]}, daemon=True)
        self.thread.start()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)
        until(lambda: self.client.get("/ready").status_code == 200)

    def ocr(self, **image) -> httpx.Response:
        return self.client.post("/ocr", json={"file": picture(**image)})

    def metric(self, name: str) -> float:
        rows = [row.split() for row in self.client.get("/metrics").text.splitlines() if row.startswith(name)]
        return sum(float(row[-1]) for row in rows)

    def stop(self) -> None:
        self.client.close()
        self.server.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture(scope="module")
def service():
    one = Service(waiting=2, seconds=1.5, body_seconds=1.0, most_bytes=100_000, most_pixels=1_000_000)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def patient():
    """A service that waits for the successor of a worker, however busy the machine is."""
    one = Service(seconds=60)
    yield one
    one.stop()


def refused(response: httpx.Response, status: int, text: str) -> None:
    assert response.status_code == status, response.text
    answer = response.json()
    assert answer["errorCode"] == status and text in answer["errorMsg"] and "\n" not in answer["errorMsg"], answer
    assert answer["logId"] == response.headers["X-Request-Id"]


def test_an_image_is_answered_in_the_words_of_paddlex_serving(service):
    response = service.ocr()
    assert response.status_code == 200
    answer = response.json()
    assert answer["errorCode"] == 0 and answer["errorMsg"] == "Success" and answer["result"]["seconds"] == 0


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"file": "no base64!"}, 422, "base64"),
        ({"file": ""}, 422, "file"),
        ({}, 422, "file"),
        ([], 422, "the request"),
        ({"file": 5}, 422, "file"),
        ({"file": None}, 422, "file"),
        ({"file": "QUJD", "fileType": 0}, 422, "fileType"),
        ({"file": "QUJD", "unknown": 1}, 422, "unknown"),
        ({"file": "QUJD", "textDetThresh": 2}, 422, "textDetThresh"),
        ({"file": "QUJD"}, 415, "not an image"),
        ({"file": base64.b64encode(b"%PDF-1.7").decode()}, 415, "not an image"),
        ({"file": base64.b64encode(bomb(60_000, 60_000)).decode()}, 413, "pixels"),
        ({"file": base64.b64encode(bomb(1001, 1000)).decode()}, 413, "pixels"),
        ({"file": base64.b64encode(bytes(100_001)).decode()}, 413, "bytes"),
        ({"file": base64.b64encode(bytes(200_000)).decode()}, 413, "longer than"),
        ({"file": base64.b64encode(bomb(10, 10, b"damaged")).decode()}, 422, "damaged"),
        ({"file": "http://127.0.0.1:1/x.png"}, 403, "fetches nothing"),
        ({"file": "HTTPS://[broken/x.png"}, 422, "no URL"),
    ],
)
def test_what_can_not_be_read_is_refused_in_a_line(service, body, status, text):
    refused(service.client.post("/ocr", json=body), status, text)


def test_a_request_that_is_no_json_is_refused(service):
    for content in (b"", b"{", b"\xff\xfe", b"[" * 20_000):
        answer = service.client.post("/ocr", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422) and "\n" not in answer.json()["errorMsg"]


def test_unknown_paths_and_methods_are_refused_in_a_line(service):
    refused(service.client.get("/nothing"), 404, "Not Found")
    refused(service.client.get("/ocr"), 405, "Method Not Allowed")


def test_a_body_without_a_length_is_cut_off_at_the_limit(service):
    refused(service.client.post("/ocr", content=(b"x" * 50_000 for _ in range(10))), 413, "longer than")


def test_a_body_that_comes_too_slowly_is_refused(service):
    with socket.create_connection(("127.0.0.1", service.port)) as line:
        line.sendall(b"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert b"408" in line.recv(1000).split(b"\r\n")[0]


def test_more_than_may_wait_are_told_when_to_come_back():
    one = Service(waiting=2, seconds=20)
    try:
        with ThreadPoolExecutor(6) as threads:  # on a busy machine they take a while to arrive
            answers = list(threads.map(lambda _: one.ocr(seconds=1.0), range(6)))
    finally:
        one.stop()
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses.count(200) == 3 and statuses.count(429) == 3, statuses
    for answer in answers:
        if answer.status_code == 429:
            refused(answer, 429, "waiting")
            assert answer.headers["Connection"] == "close"  # or it might be closed just when the client asks again
            assert 1 <= int(answer.headers["Retry-After"]) <= 10


class OneWorker:
    """A worker of a pool that notes whom it serves, and takes a moment for it."""

    ready, starts = True, 1

    def __init__(self) -> None:
        self.client, self.served = self, []

    async def stop(self, life: int, patience: float = 0) -> int | None:
        self.ready = False
        return 1

    async def post(self, path: str, json: dict) -> httpx.Response:
        self.served.append(json["number"])
        await asyncio.sleep(0.01)
        return httpx.Response(200, json=json)


def test_a_burst_fills_the_queue_to_its_end_and_not_beyond_and_is_served_in_order():
    async def burst() -> tuple[list, list]:
        pool, worker = Pool(Settings(waiting=5), ["true"]), OneWorker()
        pool.workers = [worker]
        pool.put(worker)
        answers = await asyncio.gather(*(pool.run("/ocr", {"number": i}) for i in range(40)), return_exceptions=True)
        assert pool.waiting == pool.busy == 0
        return worker.served, [answer.status for answer in answers if isinstance(answer, Refusal)]

    served, refusals = asyncio.run(burst())
    assert served == [0, 1, 2, 3, 4, 5] and refusals == [429] * 34


def test_who_leaves_the_line_takes_no_worker_along():
    async def leave() -> None:
        pool, worker = Pool(Settings(seconds=5), ["true"]), OneWorker()
        pool.workers = [worker]
        pool.put(worker)
        tasks = [asyncio.create_task(pool.run("/ocr", {"number": i})) for i in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        tasks[2].cancel()
        assert (await tasks[3])["number"] == 3
        assert (await pool.run("/ocr", {"number": 4}))["number"] == 4
        assert worker.served == [0, 3, 4]

    asyncio.run(leave())


def test_who_had_a_worker_that_died_is_first_in_the_line():
    class Dying(OneWorker):
        async def post(self, path: str, json: dict) -> httpx.Response:
            answer = await super().post(path, json)
            if len(self.served) == 1:
                raise httpx.ReadError("gone")
            return answer

    async def fail() -> list:
        pool, worker = Pool(Settings(seconds=5), ["true"]), Dying()
        pool.workers = [worker]
        pool.put(worker)
        tasks = [asyncio.create_task(pool.run("/ocr", {"number": i})) for i in range(3)]
        await asyncio.sleep(0.1)
        assert pool.waiting == 3
        worker.ready = True
        pool.put(worker)  # as the supervisor does once the successor is ready
        await asyncio.gather(*tasks)
        return worker.served

    assert asyncio.run(fail()) == [0, 0, 1, 2]


def test_a_worker_that_died_while_it_was_free_is_not_given_out():
    async def die() -> list:
        pool, worker = Pool(Settings(seconds=0.1), ["true"]), OneWorker()
        pool.workers = [worker]
        pool.put(worker)
        pool.withdraw(worker)
        with pytest.raises(Refusal, match="no worker was free"):
            await pool.run("/ocr", {"number": 0})
        pool.put(worker)
        await pool.run("/ocr", {"number": 1})
        return worker.served

    assert asyncio.run(die()) == [1]


class Faulty(OneWorker):
    """A worker with a supervisor: who stops it gets a successor a little later. Its answers are told beforehand."""

    def __init__(self, pool: Pool, outcomes: list[str]) -> None:
        super().__init__()
        self.pool, self.outcomes, self.socket = pool, outcomes, Path("0.sock")
        self.lived, self.tries, self.stops = True, 0, 0

    async def stop(self, life: int, patience: float = 0) -> int | None:
        self.stops += 1
        self.ready = False
        self.pool.withdraw(self)
        asyncio.get_running_loop().call_later(0.001, self.succeed)
        return {"killed": -9, "crashed": -11}.get(self.last)

    def succeed(self) -> None:
        self.ready, self.starts = True, self.starts + 1
        self.pool.put(self)

    async def post(self, path: str, json: dict) -> httpx.Response:
        self.last = self.outcomes.pop(0) if self.outcomes else "good"
        await asyncio.sleep(0.001)
        if self.last == "hangs":
            await asyncio.sleep(60)
        if self.last in ("gone", "killed", "crashed", "lives"):
            raise (httpx.ConnectError if self.last == "gone" else httpx.ReadError)("gone")
        if self.last == "fault":
            raise RuntimeError("can't start new thread")
        return httpx.Response({"damaged": 422, "failed": 500}.get(self.last, 200), json={"result": {}})


OUTCOMES = ("good", "damaged", "failed", "gone", "killed", "crashed", "lives", "fault", "hangs")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(OUTCOMES), max_size=6), min_size=1, max_size=3),
    st.lists(st.sampled_from((None, 0, 0.0005, 0.002)), min_size=1, max_size=8),
)
def test_whatever_happens_no_worker_is_lost_and_everybody_is_answered(outcomes, patience):
    async def ask(pool: Pool, seconds: float | None) -> object:
        asked = asyncio.create_task(pool.run("/ocr", {}))
        if seconds is not None:  # this client goes
            await asyncio.sleep(seconds)
            asked.cancel()
        return (await asyncio.gather(asked, return_exceptions=True))[0]

    async def run() -> None:
        pool = Pool(Settings(seconds=1.0, waiting=20), ["true"])
        pool.settings = SimpleNamespace(seconds=0.02 if "hangs" in str(outcomes) else 10, waiting=20)
        pool.workers = [Faulty(pool, list(each)) for each in outcomes]
        for worker in pool.workers:
            pool.put(worker)
        answers = await asyncio.gather(*(ask(pool, each) for each in patience))
        assert all(isinstance(each, dict | Refusal | RuntimeError | asyncio.CancelledError) for each in answers)
        for _ in range(1000):
            if not pool.busy and all(worker.ready for worker in pool.workers):
                break
            await asyncio.sleep(0.005)
        assert pool.ready and not pool.busy and not pool.waiting
        assert set(pool._free) == set(pool.workers) and len(pool._free) == len(pool.workers)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("outcomes", "answer"),
    [
        (["gone"] * 5, 200),  # these never had the image
        (["killed"] * 3, 200),  # somebody else did that
        (["killed"] * 8, 502),  # or this image takes all memory
        (["crashed"], 200),
        (["crashed"] * 2, 502),
        (["gone", "crashed", "gone", "killed", "gone"], 200),
        (["lives"] * 2, 502),
    ],
)
def test_only_what_a_worker_dies_of_counts_against_an_image(outcomes, answer):
    async def run() -> int:
        pool = Pool(Settings(), ["true"])
        pool.workers = [Faulty(pool, list(outcomes))]
        pool.put(pool.workers[0])
        try:
            await pool.run("/ocr", {})
        except Refusal as refusal:
            return refusal.status
        return 200

    assert asyncio.run(run()) == answer


def test_under_too_much_load_some_wait_in_vain_and_no_worker_is_stopped():
    class Slow(Faulty):
        async def post(self, path: str, json: dict) -> httpx.Response:
            await asyncio.sleep(0.25)
            return httpx.Response(200, json={"result": {}})

    async def run() -> tuple[Counter, int]:
        pool = Pool(Settings(seconds=2.0, waiting=40), ["true"])
        pool.workers = [Slow(pool, [])]
        pool.put(pool.workers[0])
        answers = await asyncio.gather(*(pool.run("/ocr", {}) for _ in range(20)), return_exceptions=True)
        assert not pool.busy and not pool.waiting
        return Counter(getattr(each, "status", 200) for each in answers), pool.workers[0].stops

    answers, stops = asyncio.run(run())
    assert answers[200] >= 2 and answers[504] >= 5 and answers.total() == 20 and stops == 0, (answers, stops)


def test_a_worker_that_was_lost_is_noticed_and_replaced(service):
    """Nobody knows of a way to lose one; if there is, it must not stay lost."""
    before = service.pool.restarts
    service.pool._free.clear()
    assert not service.pool.ready
    until(lambda: service.pool.restarts > before and service.pool.ready)
    assert any('"worker lost"' in line for line in service.lines)
    assert service.ocr().status_code == 200


def test_a_worker_that_can_not_be_reached_is_replaced_and_the_request_is_served(patient):
    before = patient.pool.restarts
    patient.pool.workers[0].socket.unlink()
    assert patient.ocr().status_code == 200
    assert patient.pool.restarts == before + 1
    assert json.loads([line for line in patient.lines if '"worker ended"' in line][-1])["code"] == -9


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(process, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(pool_module, "WATCH", 0.02)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EAGAIN, errno.ENOMEM])
def test_a_supervisor_outlives_what_goes_wrong_when_it_starts_a_worker(monkeypatch, hurried, number):
    real, failures = asyncio.create_subprocess_exec, []

    async def failing(*words, **options):
        if len(failures) < 6:
            failures.append(words)
            raise OSError(number, os.strerror(number))
        return await real(*words, **options)

    async def run() -> list[str]:
        lines: list[str] = []
        pool = Pool(Settings(), ["sleep", "60"], lines.append)
        pool.workers[0].lived = True  # there was one before
        monkeypatch.setattr(asyncio, "create_subprocess_exec", failing)
        await pool.start()
        while not pool.workers[0].starts:
            await asyncio.sleep(0.01)
        await pool.stop()
        assert not pool.failure
        return lines

    lines = [json.loads(line) for line in asyncio.run(run())]
    assert [os.strerror(number) in line["said"] for line in lines[:6]] == [True] * 6


@pytest.mark.parametrize("task", [0, 1])
def test_a_background_task_that_ends_ends_the_service(hurried, monkeypatch, task):
    async def broken(_) -> None:
        raise KeyError("nobody thought of that")

    async def run() -> str:
        pool = Pool(Settings(), ["sleep", "60"])
        monkeypatch.setattr(*((process.Worker, "keep_running"), (Pool, "_watch"))[task], broken)
        await pool.start()
        while not pool.failure:
            await asyncio.sleep(0.01)
        assert not pool.ready
        await pool.stop()
        return pool.failure

    assert "nobody thought of that" in asyncio.run(run())


def test_where_no_worker_ever_starts_the_service_says_why_and_ends(hurried, monkeypatch, capsys):
    dying = "import sys; sys.exit('Traceback\\n  many lines\\nImportError: libGL.so.1 is missing')"
    make = lambda settings: create_gate(settings, worker=(sys.executable, "-S", "-c", dying))  # noqa: E731
    monkeypatch.setattr(main_module, "create_gate", make)
    assert main(["--port", "0"]) == 1
    *events, last = capsys.readouterr().err.splitlines()
    assert last == "ocrbook.serve: no worker could be started; the last one said: ImportError: libGL.so.1 is missing"
    assert all(json.loads(line)["event"] for line in events) and len(events) < 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_stop_that_was_asked_for_is_no_error(number):
    server = create_server(create_gate(Settings(), print, ("true",)))
    before = signal.signal(number, signal.SIG_DFL)  # who starts the tests in the background may have it ignored
    try:
        with server.capture_signals():
            os.kill(os.getpid(), number)
            while not server.should_exit:
                time.sleep(0.01)
    finally:
        signal.signal(number, before)


def test_a_worker_ends_when_its_gate_was_killed_and_takes_its_folder_along(tmp_path):
    folder = tmp_path / "sockets"
    folder.mkdir()
    (folder / "0.sock").touch()
    hold = f"runpy.run_path({lifeline.__file__!r})['hold'](pathlib.Path({str(folder)!r}))"
    code = f"import pathlib, runpy, time; {hold}; print(flush=True); time.sleep(60)"
    start = f"subprocess.Popen([sys.executable, '-S', '-c', {code!r}], stdin=subprocess.PIPE)"
    gate = f"import subprocess, sys, time; {start}; time.sleep(60)"
    environment = os.environ | {lifeline.VARIABLE: "0"}
    killed = subprocess.Popen([sys.executable, "-S", "-c", gate], env=environment, stdout=subprocess.PIPE)
    assert killed.stdout.readline() == b"\n" and folder.is_dir()  # the worker runs
    killed.kill()
    assert killed.stdout.read() == b""  # nobody has this pipe any more: the worker has ended
    assert not folder.exists()
    killed.wait()


def test_what_takes_too_long_is_refused_and_the_next_request_is_served(service):
    refused(service.ocr(seconds=2.5), 504, "1.5 seconds")
    until(lambda: service.client.get("/ready").status_code == 200)
    assert service.ocr().status_code == 200


def test_an_image_that_kills_one_worker_is_read_by_the_next(patient):
    before = patient.metric("ocr_worker_restarts")
    assert patient.ocr(dies=2).status_code == 200
    assert patient.metric("ocr_worker_restarts") == before + 1


def test_a_worker_that_fails_is_not_the_clients_fault(service):
    refused(service.ocr(fails=1), 502, "could not be read")


def test_a_client_that_goes_away_leaves_the_queue(service):
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(service.ocr, seconds=0.8)
        until(lambda: service.metric("ocr_busy") == 1)
        with pytest.raises(httpx.TimeoutException):
            httpx.post(f"{service.client.base_url}/ocr", json={"file": picture()}, timeout=0.2)
        until(lambda: service.metric("ocr_waiting") == 0)
        assert not first.done() and service.metric("ocr_busy") == 1
        assert first.result().status_code == 200


def test_log_lines_are_json_and_hold_no_content(service):
    secret = picture(size=(41, 61))
    service.client.post("/ocr?secret=1", json={"file": secret})
    service.client.get("/a/secret/path")
    lines = [json.loads(line) for line in service.lines]
    assert {"time", "request", "method", "route", "status", "milliseconds", "bytes"} <= set(lines[-1])
    assert not any("secret" in line or secret[:40] in line for line in service.lines)
    assert any(line.get("pixels") == 41 * 61 for line in lines)


def test_metrics_count_what_was_answered(service):
    before = service.metric('ocr_requests_total{route="/ocr",status="200"}')
    service.ocr()
    assert service.metric('ocr_requests_total{route="/ocr",status="200"}') == before + 1
    assert service.metric("ocr_workers_ready") == 1


def test_a_key_is_asked_for_where_there_is_one():
    one = Service(api_key="key")
    try:
        refused(one.ocr(), 401, "key")
        assert one.client.get("/metrics").status_code == 401 and one.client.get("/health").status_code == 200
        one.client.headers["Authorization"] = "Bearer wrong"
        refused(one.ocr(), 401, "key")
        one.client.headers["Authorization"] = "Bearer key"
        assert one.ocr().status_code == 200
    finally:
        one.stop()


def test_workers_that_die_again_and_again_end_in_a_refusal_and_nobody_else_is_lost():
    one = Service(workers=2, seconds=20)
    try:
        with ThreadPoolExecutor(5) as threads:
            poison = threads.submit(one.ocr, dies=1)
            others = [threads.submit(one.ocr, seconds=0.2) for _ in range(4)]
            refused(poison.result(), 502, "died")
            assert [other.result().status_code for other in others] == [200] * 4
    finally:
        one.stop()


@pytest.fixture(scope="module")
def host():
    """A host of files: /page.png, /endless, /moved."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/page.png")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            if self.path == "/page.png":
                self.wfile.write(base64.b64decode(picture()))
            else:
                for _ in range(1000):
                    try:
                        self.wfile.write(bytes(10_000))
                    except OSError:
                        return

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()


def test_urls_are_fetched_only_from_hosts_that_are_named(host):
    limits = Settings(fetch_from=(host,), most_bytes=100_000)
    content, pixels = asyncio.run(content_of(f"http://{host}/page.png", limits))
    assert content == base64.b64decode(picture()) and pixels == 2400
    for url, status in (
        (f"http://{host}/moved", 422),
        (f"http://{host}/endless", 413),
        (f"http://user@{host}/page.png", 403),
        (f"http://{host}.example/page.png", 403),
        ("http://127.0.0.1:1/page.png", 403),
    ):
        with pytest.raises(Refusal) as error:
            asyncio.run(content_of(url, limits))
        assert error.value.status == status, url


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 200), st.integers(0, 255))
def test_damaged_headers_are_refused_and_never_raise_anything_else(extra, place, value):
    content = bytearray(base64.b64decode(picture()) + extra)
    content[place % len(content)] = value
    try:
        read, pixels = asyncio.run(content_of(base64.b64encode(bytes(content)).decode(), Settings()))
        assert read == bytes(content) and pixels > 0
    except Refusal as refusal:
        assert refusal.status in (413, 415)


POST = b"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def silent(service, count: int, begin: bytes = b"") -> list[socket.socket]:
    """Connections of which no more comes than this."""
    lines = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(count)]
    for line in lines:
        line.sendall(begin)
    return lines


def ended(line: socket.socket) -> bool:
    line.settimeout(20)
    try:
        return line.recv(100) == b""
    except ConnectionResetError:
        return True


def test_silent_connections_shut_nobody_out_and_are_closed(service):
    lines = silent(service, 70) + silent(service, 70, b"POST /ocr HTTP/1.1\r\nHost: x\r\n")
    for path in ("/health", "/ready"):
        assert httpx.get(f"{service.client.base_url}{path}").status_code == 200
    assert httpx.post(f"{service.client.base_url}/ocr", json={"file": picture()}).status_code == 200
    assert all(ended(line) for line in lines)
    assert (
        service.metric('ocr_closed_total{reason="full"') > 30 and service.metric('ocr_closed_total{reason="slow"') > 30
    )
    until(lambda: service.metric('ocr_connections{state="silent"') <= 1)
    for line in lines:
        line.close()


def test_bodies_that_do_not_come_shut_nobody_out(service):
    lines = silent(service, 104, POST + b"Content-Length: 100\r\n\r\n{")
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", service.port)) as line:
            line.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in line.recv(1000)
    until(lambda: service.ocr().status_code == 200)
    for line in lines:
        line.close()


def test_who_does_not_take_what_was_asked_for_is_cut_off(service):
    before = service.metric('ocr_closed_total{reason="slow"')
    with socket.socket() as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        greedy.settimeout(20)
        greedy.connect(("127.0.0.1", service.port))
        asked = 0
        with pytest.raises(ConnectionError):
            while True:
                greedy.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
                asked += 100
    assert service.metric('ocr_closed_total{reason="slow"') > before and asked
    until(lambda: service.metric('ocr_connections{state="asking"') <= 1)


def test_a_header_that_comes_byte_by_byte_comes_too_slowly(service):
    with socket.create_connection(("127.0.0.1", service.port)) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in line.recv(1000)
        with pytest.raises(OSError):  # also the second header of a connection
            for _ in range(200):
                line.sendall(b"G")
                time.sleep(0.1)


def spoken(service, *parts: bytes) -> tuple[int, dict]:
    """Status and content of what is answered to some bytes."""
    with socket.create_connection(("127.0.0.1", service.port)) as line:
        line.settimeout(20)
        try:
            for part in parts:
                line.sendall(part)
                time.sleep(0.02)
        except OSError:
            pass
        answer = b""
        while part := line.recv(10_000):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    content = json.loads(body)
    assert f"X-Request-Id: {content['logId']}".lower().encode() in head.lower()
    return int(head.split()[1]), content


@pytest.mark.parametrize(
    ("status", "parts"),
    [
        (400, [b"hello\r\n\r\n"]),
        (400, [b"\x16\x03\x01\x00\xa5 not TLS\r\n\r\n"]),
        (400, [POST + b"Content-Length: x\r\n\r\n"]),
        (400, [POST + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"no number\r\n"]),
        (431, [b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000]),
        (431, [b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000 + b"\r\nConnection: close\r\n\r\n"]),
        (431, [b"GET /health HTTP/1.1\r\nHost: x\r\nX: ", *[b"x" * 6000] * 3]),
        (413, [POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 15_000]),
    ],
)
def test_what_is_not_http_is_refused_as_everything_else(service, status, parts):
    number, content = spoken(service, *parts)
    assert (number, content["errorCode"]) == (status, status) and content["errorMsg"]
    until(lambda: any(content["logId"] in line and f'"status": {status}' in line for line in service.lines))


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (413, {}, bytes(20_000_000)),
        (413, {"Transfer-Encoding": "chunked"}, (bytes(50_000) for _ in range(400))),
        (413, {"Transfer-Encoding": "chunked"}, (b" " for _ in range(40_000))),
        (501, {"Transfer-Encoding": "gzip"}, bytes(20_000_000)),
        (431, {"X": "x" * 20_000}, bytes(20_000_000)),
    ],
)
def test_who_still_sends_hears_why_it_was_refused(service, status, headers, body):
    headers = {"Content-Type": "application/json"} | headers
    request = urllib.request.Request(f"{service.client.base_url}/ocr", body, headers)
    with pytest.raises(urllib.error.HTTPError) as answer:  # urllib asks for the connection to be closed
        urllib.request.urlopen(request, timeout=20)
    assert answer.value.code == status and json.load(answer.value)["errorCode"] == status


@pytest.mark.parametrize(
    ("status", "path", "headers", "change"),
    [
        (200, "/ocr", {}, lambda body: b"\xef\xbb\xbf" + body),
        (200, "/ocr", {}, lambda body: re.sub(rb"([\w+/]{60})", rb"\1\\r\\n", body)),
        (200, "http://proxied.example/ocr", {}, bytes),
        (415, "/ocr", {"Content-Encoding": "gzip"}, gzip.compress),
    ],
)
def test_other_programs_say_the_same_in_other_ways(service, status, path, headers, change):
    body = change(json.dumps({"file": picture()}).encode())
    line = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    line.request("POST", path, body, {"Content-Type": "application/json"} | headers)
    answer = line.getresponse()
    assert (answer.status, json.load(answer)["errorCode"]) == (status, 0 if status == 200 else status)
    line.close()


def test_the_first_line_says_where_it_listens(service):
    events = [json.loads(line) for line in service.lines]
    addresses = [event["address"] for event in events if event.get("event") == "listening"]
    assert addresses == [f"http://127.0.0.1:{service.port}"]


def test_only_the_head_of_an_answer_can_be_asked_for(service):
    answer = service.client.head("/health")
    assert answer.status_code == 200 and answer.content == b"" and answer.headers["X-Request-Id"]
    refused(service.client.get("/ocr/"), 404, "Not Found")  # nobody is sent where the client says that we are


def test_a_fault_of_the_service_is_refused_in_the_same_form(service, monkeypatch):
    async def broken(*_) -> None:
        raise KeyError("a\nb")

    monkeypatch.setattr(service.pool, "run", broken)
    refused(service.ocr(), 500, "failed")
    assert any('"fault"' in line and "KeyError" in line for line in service.lines)


def test_too_many_requests_at_a_time_are_told_so_and_health_is_answered():
    async def run() -> list[int]:
        guard = Guard(None, Settings(), SimpleNamespace(seen=lambda *_: None), lambda _: None)
        guard.active = Settings().most_connections
        statuses = []

        async def send(message: dict) -> None:
            statuses.append(message.get("status"))

        async def app(scope: dict, receive, send) -> None:
            await JSONResponse({})(scope, receive, send)

        async def receive() -> dict:
            await asyncio.sleep(0)
            return {"type": "http.request", "body": b""}

        guard.app = app
        for path in ("/ocr", "/health", "/ready"):
            scope = {"type": "http", "method": "GET", "path": path, "headers": []}
            await guard(scope, receive, send)
        return [status for status in statuses if status]

    assert asyncio.run(run()) == [429, 200, 200]


HOSTILE = {
    "a million fields": b'{"file": "QUJD"' + b"".join(b', "k%d": 1' % i for i in range(1_000_000)) + b"}",
    "millions of lists": b'{"file": [' + b"[]," * 4_400_000 + b"[]]}",
    "a deep list": b"[" * 10_000_000,
    "objects in objects": b'{"a":' * 2_000_000,
    "a long name": b'{"' + b"k" * 5_000_000 + b'": 1}',
    "a long number": b'{"file": "QUJD", "textDetThresh": ' + b"1" * 10_000_000 + b"}",
    "blanks": b" " * 13_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_json_that_is_made_to_take_long_does_not(name):
    began = time.process_time()
    with pytest.raises(Refusal) as error:
        _parsed(OcrRequest, HOSTILE[name])
    assert error.value.status == 422 and len(error.value.message) <= 300
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8" + b"\xff\xe1\x00\x02" * 2_400_000,
        b"\xff\xd8" + b"\xff" * 9_999_990,
        PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)) + chunk(b"teXt") * 700_000,
        b"RIFF" + struct.pack("<I", 9_000_000) + b"WEBP" + b"JUNK\0\0\0\0" * 1_100_000,
        b"BM" + bytes(9_999_990),
    ],
)
def test_headers_that_are_made_to_take_long_do_not(content):
    began = time.process_time()
    with pytest.raises(Refusal) as error:
        asyncio.run(content_of(base64.b64encode(content).decode(), Settings()))
    assert error.value.status == 415
    assert time.process_time() - began < 1.5


def test_images_that_are_too_long_are_refused():
    with pytest.raises(Refusal, match="side"):
        asyncio.run(content_of(base64.b64encode(bomb(1, 40_000)).decode(), Settings()))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([OcrRequest, MeterRequest]),
    st.dictionaries(st.sampled_from([*OcrRequest.model_fields, *MeterRequest.model_fields]) | st.text(), ANYTHING)
    | ANYTHING,
    st.binary(max_size=3),
)
def test_any_json_is_taken_or_refused_in_a_line(model, content, rubbish):
    body = json.dumps(content).encode() + rubbish
    try:
        given = _parsed(model, body)
        assert given.file and isinstance(content, dict)
    except Refusal as refusal:
        assert refusal.status == 422 and refusal.message.isprintable() and 0 < len(refusal.message) <= 300


@settings(deadline=None)
@given(st.text(), st.integers(1, 400))
def test_a_message_is_one_line(text, times):
    message = Refusal(422, text * times).message
    assert (message.isprintable() or not message) and len(message) <= 300


@pytest.mark.parametrize(
    "fields",
    [
        {"fileType": None, "visualize": None, "logId": None, "textDetLimitSideLen": None, "returnWordBox": None},
        {"useDocOrientationClassify": False, "useDocUnwarping": False, "useTextlineOrientation": False},
        {"visualize": False, "logId": "3f1c-Ü", "returnWordBox": True, "textDetLimitType": "max", "textDetThresh": 1},
    ],
)
def test_requests_of_paddlex_clients_are_taken(service, fields):
    answer = service.client.post("/ocr", json={"file": picture(), **fields})
    assert answer.status_code == 200, answer.text
    asked = {name: value for name, value in fields.items() if value is not None and name != "logId"}
    assert answer.json()["result"]["asked"] == {"fileType": 1, **asked}
    assert answer.json()["logId"] == (fields.get("logId") or answer.headers["X-Request-Id"])


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"fileType": True}, "fileType: Input should be 1"),
        ({"fileType": 1.0}, "fileType: Input should be 1"),
        ({"useDocUnwarping": True}, "useDocUnwarping: this service doesn't"),
        ({"visualize": True}, "visualize: this service doesn't"),
        ({"useDocUnwarping": 0}, "useDocUnwarping"),
        ({"textDetLimitSideLen": 100_000}, "textDetLimitSideLen"),
        ({"textDetLimitType": "longest"}, "textDetLimitType"),
        ({"k" * 50_000: 1}, "kkk"),
        ({"a\nb\r\nInjected: 1": 1}, "Injected"),
    ],
)
def test_what_is_not_done_is_refused(service, fields, text):
    answer = service.client.post("/ocr", json={"file": picture(), **fields})
    refused(answer, 422, text)
    assert len(answer.content) < 500


def test_pages_have_places_for_pictures_as_paddlex_has_them():
    answer = json.loads(_answered({"result": {"ocrResults": [{"prunedResult": {}}]}}, "5"))
    assert answer["result"]["ocrResults"] == [
        {"prunedResult": {}, "ocrImage": None, "docPreprocessingImage": None, "inputImage": None}
    ]


def test_what_a_worker_says_of_an_image_is_what_the_client_is_told():
    for content, told in (
        ({"errorMsg": "decimals must be from 0 to 2"}, "decimals must be from 0 to 2"),
        ({"errorMsg": 5}, "damaged"),
        ([], "damaged"),
    ):
        with pytest.raises(Refusal, match=told):
            _result(httpx.Response(422, json=content))
    for answer in (httpx.Response(200, text="<html>"), httpx.Response(500), httpx.Response(404, json={})):
        with pytest.raises(Refusal, match="could not be read") as error:
            _result(answer)
        assert error.value.status == 502


@pytest.fixture(scope="module")
def canned():
    """A host that answers what its path says: bytes and all."""
    answers = {
        "/plain/ocr": b"HTTP/1.1 503 Busy\r\nContent-Type: text/plain\r\n\r\nService Unavailable",
        "/html/ocr": b"HTTP/1.1 200 OK\r\n\r\n<html>\n<h1>Welcome</h1>",
        "/empty/ocr": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        "/list/ocr": b"HTTP/1.1 200 OK\r\n\r\n[1, 2]",
        "/short/ocr": b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        "/other/ocr": b'HTTP/1.1 200 OK\r\n\r\n{"result": {}}',
        "/noise/ocr": b"\xff\xfe no HTTP",
        "/nothing/ocr": b"",
        "/later/ocr": b'HTTP/1.1 429 Later\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n{"errorMsg": "a\\nb"}',
        "/slow": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10,
        "/packed": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\n" + zlib.compress(bytes(1000)),
        "/long": b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n",
    }

    class Handler(BaseRequestHandler):
        def handle(self):
            request = b""
            while b"\r\n\r\n" not in request:
                request += self.request.recv(100_000)
            path = request.split()[1].decode()
            answer = answers[path]
            head, _, body = answer.partition(b"\r\n\r\n")
            self.request.sendall(head + b"\r\n\r\n" * bool(_))
            for byte in body:
                time.sleep(0.2 if path == "/slow" else 0)
                self.request.sendall(bytes([byte]))
            length = int(re.search(rb"(?i)content-length: (\d+)", request)[1]) if b"POST" in request else 0
            while (length := length - len(request.partition(b"\r\n\r\n")[2])) > 0:
                request = b"\r\n\r\n" + self.request.recv(100_000)

    server = ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.handle_error = True, lambda *_: None  # clients go before all was sent
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [("slow", 422, "within 0.5 seconds"), ("packed", 422, "compressed"), ("long", 413, "more than")],
)
def test_hosts_that_send_slowly_or_too_much_or_packed_are_given_up(canned, path, status, text):
    limits = Settings(fetch_from=(canned,), body_seconds=0.5)
    with pytest.raises(Refusal, match=text) as error:
        asyncio.run(content_of(f"http://{canned}/{path}", limits))
    assert error.value.status == status


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:80\\@{}/x", "http://{}@evil.example/", "http://{}%40evil.example/", "http://{}.evil.example/",
        "http://evil.example#@{}/", "http://evil.example?@{}/", "http://{}\t.evil.example/", "http://\ud800/", "http:///x",
        "https://evil.example/http://{}/", "http://[::1]/", "http://{}:80/", "http://" + "a" * 70_000,
    ],
)  # fmt: skip
def test_addresses_that_look_like_one_that_is_allowed_are_not_fetched(address):
    with pytest.raises(Refusal) as error:
        asyncio.run(content_of(address.format("good.example:8000"), Settings(fetch_from=("good.example:8000",))))
    assert error.value.status in (403, 422)


CLIENT = runpy.run_path(str(Path(__file__).parents[2] / "notebooks" / "deployment" / "clients" / "client.py"))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("plain", "answered 503, and no JSON of the service: Service Unavailable"),
        ("html", "answered 200, and no JSON of the service: <html> <h1>Welcome</h1>"),
        ("empty", "answered 502, and no JSON of the service: (empty)"),
        ("list", "answered 200, and no JSON of the service: [1, 2]"),
        ("short", "did not answer"),
        ("other", "no result"),
        ("noise", "did not answer"),
        ("nothing", "did not answer"),
        ("later", "a b"),
        ("no such", "did not answer"),
    ],
)
def test_the_client_says_in_a_line_what_was_answered(canned, path, said, monkeypatch, capsys, tmp_path):
    (tmp_path / "x.png").write_bytes(b"x")
    monkeypatch.setattr(sys, "argv", ["client.py", f"http://{canned}/{path}", str(tmp_path / "x.png")])
    assert CLIENT["main"]() == 1
    out, err = capsys.readouterr()
    assert said in err and err.count("\n") == 1 and not out


def test_the_client_says_in_a_line_that_nobody_is_there(monkeypatch, capsys):
    for address, file in (("http://127.0.0.1:1", __file__), ("nonsense", __file__), ("http://127.0.0.1:1", "none.png")):
        monkeypatch.setattr(sys, "argv", ["client.py", address, file])
        assert CLIENT["main"]() == 1
        out, err = capsys.readouterr()
        assert err.count("\n") == 1 and not out


def test_a_log_that_can_not_be_written_stops_nobody(monkeypatch):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        monkeypatch.setattr(sys, "stderr", full)
        to_standard_error("x")
        monkeypatch.undo()
        with pytest.raises(OSError):
            full.close()


@pytest.mark.parametrize("key", [" ", "key ", "\tkey", "ke\ny", "schlüssel", "ключ", "\ud800", "k" * 1001, "a\x00b"])
def test_keys_that_no_client_can_send_are_refused(key, monkeypatch, capsys):
    with pytest.raises(ValueError, match="api_key must"):
        Settings(api_key=key)
    if "\0" not in key and key.isprintable():
        monkeypatch.setenv("OCRBOOK_API_KEY", key)
        assert main([]) == 2 and capsys.readouterr().err.count("\n") == 1


def test_a_key_that_is_set_but_empty_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("OCRBOOK_API_KEY", "")
    assert main([]) == 2
    assert "set, but empty" in capsys.readouterr().err


@settings(deadline=None)
@given(
    st.sampled_from(sorted(LIMITS)),
    st.sampled_from([True, None, "1", [], float("nan"), float("inf"), -float("inf"), -1, -0.5, 10**30, 1e300]),
)
def test_numbers_that_can_not_be_meant_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be"):
        Settings(**{name: value})


@pytest.mark.parametrize(
    "host",
    [
        "",
        "Host.example",
        "host.example:80",
        "host.example:443",
        "http://host.example",
        "host.example/",
        "a@b",
        "a b",
        ":8000",
    ],
)
def test_hosts_that_no_url_can_name_are_refused(host):
    with pytest.raises(ValueError, match="fetch_from"):
        Settings(fetch_from=(host,))


@pytest.mark.parametrize("arguments", [
    ["--workers", "0"], ["--waiting", "-1"], ["--most-bytes", "0"], ["--seconds", "nan"], ["--body-seconds", "inf"],
    ["--workers", "1000"], ["--port", "65536"], ["--port", "-1"],
])  # fmt: skip
def test_settings_that_can_not_be_are_refused(arguments, capsys):
    assert main(arguments) == 2
    assert "must be" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "no host"])
def test_where_it_can_not_listen_it_says_so_in_a_line_and_ends(host, monkeypatch, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(main_module, "create_gate", lambda settings: create_gate(settings, lambda _: None, FAKE))
        port = taken.getsockname()[1]
        assert main(["--host", host, "--port", str(port)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"can't listen at {host}, port {port}: " in said


def test_stopping_lets_requests_finish_and_leaves_no_process():
    code = (
        "import uvicorn; from ocrbook.serve import Settings, create_gate; import sys;"
        f"uvicorn.run(create_gate(Settings(), worker={FAKE!r}), port=int(sys.argv[1]), log_level='critical')"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"

    def says(path, text):
        try:
            return text in httpx.get(base + path).text
        except httpx.HTTPError:
            return False

    with running([sys.executable, "-c", code, str(port)], stderr=subprocess.DEVNULL) as process:
        until(lambda: says("/metrics", "ocr_workers_ready 1.0"))
        with ThreadPoolExecutor(1) as threads:
            answer = threads.submit(httpx.post, f"{base}/ocr", json={"file": picture(seconds=1.0)}, timeout=20)
            until(lambda: says("/metrics", "ocr_busy 1.0"))
            process.terminate()
            assert answer.result().status_code == 200
            worker = answer.result().json()["result"]["process"]
        process.wait(20)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
