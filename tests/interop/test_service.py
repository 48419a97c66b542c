"""The whole service, as clients see it: Python, C#, curl and JavaScript, a fuzzer, and a worker that is killed."""

import base64
import collections
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from paddlex.inference.serving.schemas.ocr import InferRequest, OCRResult
from PIL import Image

from ocrbook.meters import read_photo, read_window
from ocrbook.serve.schemas import OcrRequest
from tests.processes import running, until
from tools.book_files import ROOT

CLIENTS = ROOT / "notebooks" / "deployment" / "clients"
PAGE = ROOT / "datasets" / "documents" / "clean_03.jpg"
METER = sorted((ROOT / "datasets" / "meter-photo").glob("*.jpg"))[1]
WINDOW = sorted((ROOT / "datasets" / "meter-drum").glob("*.jpg"))[1]


@pytest.fixture(scope="module")
def service():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "ocrbook.serve", "--port", str(port), "--waiting", "40", "--seconds", "60"]

    def ready():
        assert process.poll() is None
        try:
            return httpx.get(f"http://127.0.0.1:{port}/ready").status_code == 200
        except httpx.HTTPError:
            return False

    with running(command, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        until(ready)
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        assert process.wait(80) == 0


def body(path: Path, **fields) -> dict:
    return {"file": base64.b64encode(path.read_bytes()).decode(), **fields}


@pytest.fixture(scope="module")
def texts(ocr):
    return list(ocr.predict(cv2.imread(str(PAGE)))[0]["rec_texts"])


def test_a_page_is_read_as_by_paddleocr(service, texts):
    answer = httpx.post(f"{service}/ocr", json=body(PAGE, fileType=1), timeout=60).json()
    assert answer["errorCode"] == 0
    assert answer["result"]["ocrResults"][0]["prunedResult"]["rec_texts"] == texts


def test_thresholds_reach_the_pipeline(service, texts):
    answer = httpx.post(f"{service}/ocr", json=body(PAGE, textRecScoreThresh=1.0), timeout=60).json()
    assert len(answer["result"]["ocrResults"][0]["prunedResult"]["rec_texts"]) < len(texts)


def test_every_request_of_paddlex_is_understood(service, texts):
    assert set(InferRequest.model_fields) <= set(OcrRequest.model_fields)
    off = ["useDocOrientationClassify", "useDocUnwarping", "useTextlineOrientation", "visualize", "returnWordBox"]
    fields = dict.fromkeys(off, False) | {"textDetLimitSideLen": 64, "textDetLimitType": "min", "logId": "mine"}
    answer = httpx.post(
        f"{service}/ocr", json=body(PAGE, **dict.fromkeys(InferRequest.model_fields) | fields | body(PAGE)), timeout=60
    ).json()
    (result,) = answer["result"]["ocrResults"]
    assert answer["logId"] == "mine" and result["prunedResult"]["rec_texts"] == texts
    assert set(result) == set(OCRResult.model_fields)
    words = httpx.post(f"{service}/ocr", json=body(PAGE, returnWordBox=True), timeout=60).json()["result"]
    assert len(words["ocrResults"][0]["prunedResult"]["text_word"]) == len(texts)


def test_what_can_not_be_read_has_its_reason(service):
    def said(path: str, content: bytes, **fields) -> tuple[int, str]:
        file = base64.b64encode(content).decode()
        answer = httpx.post(f"{service}{path}", json={"file": file, **fields}, timeout=60)
        return answer.status_code, answer.json()["errorMsg"]

    status, reason = said("/meter", WINDOW.read_bytes(), part="window", digits=2, decimals=3)
    assert status == 422 and "decimals" in reason
    parts = [("/ocr", {}), ("/meter", {}), ("/meter", {"part": "digit"}), ("/meter", {"part": "window"})]
    too_long = [(34_464, 250), (3_000_000, 1), (60, 34_000)]  # OpenCV does not stretch them, or not even decode
    for size in [*too_long, (1, 1), (2000, 2), (2, 2000)]:
        statuses = {413} if size in too_long else {200, 422}
        content = io.BytesIO()
        Image.new("RGB", size).save(content, "BMP")
        assert {said(path, content.getvalue(), **fields)[0] for path, fields in parts} <= statuses


def test_meters_are_read_as_by_ocrbook(service):
    photo = httpx.post(f"{service}/meter", json=body(METER), timeout=60).json()["result"]
    assert photo == json.loads(json.dumps(read_photo(cv2.imread(str(METER))).to_dict()))
    window = httpx.post(f"{service}/meter", json=body(WINDOW, part="window", decimals=1), timeout=60).json()["result"]
    assert window == json.loads(json.dumps(read_window(cv2.imread(str(WINDOW)), decimals=1).to_dict()))


@pytest.fixture(scope="module")
def sharp_client(tmp_path_factory):
    if not shutil.which("mcs"):
        pytest.skip("no mono-mcs: tools/setup.sh system")
    folder = tmp_path_factory.mktemp("client")
    subprocess.run([ROOT / "notebooks" / "deployment" / "csharp" / "build.sh", folder], check=True)
    return ["mono", folder / "client.exe"]


def commands(sharp_client):
    node = shutil.which("node") or Path(sys.executable).parent / "node"
    return [[sys.executable, CLIENTS / "client.py"], [node, CLIENTS / "client.mjs"], sharp_client]


def test_every_client_prints_the_texts(service, sharp_client, texts):
    for command in commands(sharp_client):
        done = subprocess.run([*command, service, PAGE], capture_output=True, text=True)
        assert done.returncode == 0 and done.stdout.splitlines() == texts, (command, done.stderr)
        done = subprocess.run([*command, service, METER, "meter"], capture_output=True, text=True)
        assert done.stdout.strip() == read_photo(cv2.imread(str(METER))).text, (command, done.stderr)
    done = subprocess.run([CLIENTS / "client.sh", service, PAGE], capture_output=True, text=True)
    assert json.loads(done.stdout)["result"]["ocrResults"][0]["prunedResult"]["rec_texts"] == texts


def test_every_client_says_in_a_line_what_was_refused(service, sharp_client):
    for command in commands(sharp_client):
        for address, said in ((service, "not an image"), ("http://127.0.0.1:1", "")):
            done = subprocess.run([*command, address, ROOT / "README.md"], capture_output=True, text=True)
            assert done.returncode == 1 and done.stderr.strip() and said in done.stderr, (command, done.stderr)
            assert done.stderr.count("\n") == 1 and not done.stdout
    done = subprocess.run([CLIENTS / "client.sh", service, ROOT / "README.md"], capture_output=True, text=True)
    assert done.returncode != 0 and "not an image" in done.stdout


def test_every_client_says_in_a_line_what_somebody_else_answered(sharp_client):
    """C# has tests of its own."""

    class Busy(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b"<html>\n<h1>Service Unavailable</h1>")

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for command in commands(sharp_client)[:2]:
        done = subprocess.run(
            [*command, f"http://127.0.0.1:{server.server_port}", PAGE], capture_output=True, text=True
        )
        assert done.returncode == 1 and not done.stdout and done.stderr.count("\n") == 1, (command, done.stderr)
        assert "503" in done.stderr and "Service Unavailable" in done.stderr
    server.shutdown()


def test_a_fuzzer_that_reads_the_description_finds_no_server_error(service, tmp_path):
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = [Path(sys.executable).parent / "schemathesis", "run", f"{service}/openapi.json", "--no-color"]
    command += ["--checks", checks, "--max-examples", "150", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Tested: 5" in done.stdout


def test_hundreds_of_damaged_images_are_answered_and_none_with_a_500(service):
    rng, contents = np.random.default_rng(0), []
    small = cv2.resize(cv2.imread(str(PAGE)), (96, 96))
    for kind in (".jpg", ".png", ".bmp", ".webp"):
        whole = cv2.imencode(kind, small)[1].tobytes()
        for _ in range(60):
            bad = bytearray(whole[: int(rng.integers(1, len(whole) + 1))])
            for _ in range(int(rng.integers(0, 4))):
                bad[int(rng.integers(len(bad)))] = int(rng.integers(256))
            contents.append(bytes(bad))
    statuses = collections.Counter()
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(4) as threads:
        for status in threads.map(
            lambda content: (
                client.post(f"{service}/ocr", json={"file": base64.b64encode(content).decode()}).status_code
            ),
            contents,
        ):
            statuses[status] += 1
    assert set(statuses) <= {200, 413, 415, 422} and statuses.total() == 240, statuses
    assert statuses[415] > 20 and statuses[422] > 20 >= statuses[200]  # what is not whole is not read


def worker_of(service: str) -> int:
    """The process that serves the socket of the worker."""
    found = subprocess.run(["pgrep", "-f", "ocrbook.serve.worker"], capture_output=True, text=True).stdout.split()
    (mine,) = [int(each) for each in found if port_of_parent(int(each)) == service.rsplit(":", 1)[1]]
    return mine


def port_of_parent(process: int) -> str:
    parent = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[1]
    words = Path(f"/proc/{parent}/cmdline").read_text().split("\0")
    return words[words.index("--port") + 1] if "--port" in words else ""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_a_worker_that_is_killed_under_load_costs_time_and_no_request(service):
    image = cv2.imencode(".png", cv2.imread(str(PAGE))[:160])[1].tobytes()
    content = {"file": base64.b64encode(image).decode()}
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(client.post, f"{service}/ocr", json=content) for _ in range(16)]
        until(lambda: "ocr_busy 1.0" in httpx.get(f"{service}/metrics").text)
        os.kill(worker_of(service), signal.SIGKILL)
        statuses = collections.Counter(answer.result().status_code for answer in answers)
    assert statuses == {200: 16}
    metrics = httpx.get(f"{service}/metrics").text
    assert "ocr_worker_restarts 1.0" in metrics
