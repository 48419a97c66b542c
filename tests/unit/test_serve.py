import asyncio
import base64
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrbook.serve import Settings, create_gate, create_server
from ocrbook.serve.__main__ import main
from ocrbook.serve.errors import Refusal
from ocrbook.serve.files import content_of
from ocrbook.serve.pool import Pool

FAKE = (sys.executable, str(Path(__file__).with_name("fake_worker.py")))


def picture(seconds: float = 0, dies: int = 0, fails: int = 0, size=(40, 60)) -> str:
    """An image that tells the fake worker what to do, as base64."""
    image = np.full((*size, 3), (int(100 * seconds), dies, fails), np.uint8)
    return base64.b64encode(cv2.imencode(".png", image)[1].tobytes()).decode()


def bomb(width: int, height: int, packed: bytes = zlib.compress(bytes(1000))) -> bytes:
    """A PNG of a few bytes that says it is huge."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + packed
    chunks = b"".join(
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (head, data, b"IEND")
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


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
        self.until(lambda: self.client.get("/ready").status_code == 200)

    def until(self, condition, seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.05)

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


def test_what_takes_too_long_is_refused_and_the_next_request_is_served(service):
    refused(service.ocr(seconds=2.5), 504, "1.5 seconds")
    service.until(lambda: service.client.get("/ready").status_code == 200)
    assert service.ocr().status_code == 200


def test_an_image_that_kills_one_worker_is_read_by_the_next():
    one = Service(seconds=20)
    try:
        assert one.ocr(dies=2).status_code == 200
        assert one.metric("ocr_worker_restarts") == 1
    finally:
        one.stop()


def test_a_worker_that_fails_is_not_the_clients_fault(service):
    refused(service.ocr(fails=1), 502, "could not be read")


def test_a_client_that_goes_away_leaves_the_queue(service):
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(service.ocr, seconds=0.8)
        service.until(lambda: service.metric("ocr_busy") == 1)
        with pytest.raises(httpx.TimeoutException):
            httpx.post(f"{service.client.base_url}/ocr", json={"file": picture()}, timeout=0.2)
        service.until(lambda: service.metric("ocr_waiting") == 0)
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


@pytest.mark.parametrize("arguments", [["--workers", "0"], ["--waiting", "-1"], ["--most-bytes", "0"]])
def test_settings_that_can_not_be_are_refused(arguments, capsys):
    assert main(arguments) == 2
    assert "must be" in capsys.readouterr().err


def test_stopping_lets_requests_finish_and_leaves_no_process(tmp_path):
    code = (
        "import uvicorn; from ocrbook.serve import Settings, create_gate; import sys;"
        f"uvicorn.run(create_gate(Settings(), worker={FAKE!r}), port=int(sys.argv[1]), log_level='critical')"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", code, str(port)], stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            if httpx.get(f"{base}/ready").status_code == 200:
                break
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(httpx.post, f"{base}/ocr", json={"file": picture(seconds=1.0)}, timeout=20)
        time.sleep(0.4)
        process.terminate()
        assert answer.result().status_code == 200
        worker = answer.result().json()["result"]["process"]
    process.wait(20)
    time.sleep(0.2)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
