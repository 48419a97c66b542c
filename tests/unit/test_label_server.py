"""What the server of `ocrbook label` lets in, and that pages lose nothing of each other."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest

from ocrbook import cli
from ocrbook.annotate import local
from ocrbook.annotate.local import LocalServer
from ocrbook.annotate.standalone import label_to_json
from ocrbook.labels import Label, Project
from tests.processes import running
from tools.book_files import ROOT

BOX = [[10, 20], [60, 20], [60, 40], [10, 40]]
FIELDS = label_to_json(Label(BOX, "新"))


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "b.tif"):
        cv2.imwrite(str(folder / name), np.full((100, 200, 3), 200, np.uint8))
    (tmp_path / "secret.png").write_bytes(b"secret")
    return folder


@pytest.fixture
def server(folder):
    with Project.open(folder) as project, LocalServer(project) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()


def ask(server, method="POST", path="/send", body=b'{"do": "start", "view": 1}', length=None, **headers):
    """Status, headers and content; a header that is None is left out, one with a list comes several times."""
    usual = {
        "Host": f"127.0.0.1:{server.server_port}",
        "Authorization": f"Bearer {server.token}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)) if length is None else length,
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in (usual | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        for each in value if isinstance(value, list) else [value]:
            if each is not None:
                connection.putheader(name, each)
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


def send(server, **message):
    """The number, whether the message was refused, the answers, and the bytes behind them."""
    status, _, content = ask(server, body=json.dumps(message).encode())
    assert status == 200, content
    head, _, rest = content.partition(b"\n")
    head = json.loads(head)
    return head["number"], head["refused"], head["answers"], rest


def test_only_this_machine_is_served(server):
    assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": None},
        {"Authorization": ""},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer ä"},
        {"Host": None},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": ["127.0.0.1:{port}", "evil.example"]},
        {"Origin": "null"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:{port}.evil.example"},
        {"Origin": ["http://127.0.0.1:{port}", "http://evil.example"]},
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/?token={token}"), ("POST", "/send"), ("POST", "/news")])
def test_strangers_are_refused(server, method, path, headers):
    def filled(value):
        return value and value.format(port=server.server_port)

    headers = {k: [filled(each) for each in v] if isinstance(v, list) else filled(v) for k, v in headers.items()}
    by_header = "Authorization" in headers
    token = "wrong" if by_header else server.token
    status, answered, content = ask(server, method, path.format(token=token), **headers)
    assert status == 403 and server.token.encode() not in content and answered["Connection"] == "close"
    assert not server.project.history("a.png").edits


@pytest.mark.parametrize("path", ["http://[x/", "//[/", "/?token=%ff", "*", "/?" + "a=1&" * 1000, "/?once=\xe4"])
def test_addresses_that_can_not_be_are_refused(server, capfd, path):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode("latin-1"))
        assert b" 403 " in line.recv(100)
    assert "Traceback" not in capfd.readouterr().err


def test_a_port_that_is_taken_is_a_line(server, folder, monkeypatch, capsys):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    server.project.close()
    assert cli.main(["label", str(folder), "--port", str(server.server_port), "--no-browser"]) == 2
    assert capsys.readouterr().err == (
        f"ocrbook label: port {server.server_port} of 127.0.0.1 can't be used: Address already in use\n"
    )


def test_its_own_page_is_let_in_by_either_name(server):
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{server.server_port}"
        assert ask(server, Host=host, Origin=f"http://{host}")[0] == 200
        assert ask(server, "GET", f"/?token={server.token}", b"", Host=host)[0] == 200


def test_the_page_may_run_and_reach_nothing_else(server):
    status, headers, content = ask(server, "GET", f"/?token={server.token}", b"")
    policy = headers["Content-Security-Policy"]
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert status == 200 and content.count(f'nonce="{nonce}"'.encode()) == 2 and content.count(b"<script") == 1
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert server.token.encode() not in content and "python" not in headers["Server"].lower()


def test_the_address_on_a_browsers_command_line_leads_there_once(server):
    first = urlsplit(server.first_address)
    assert server.token not in server.first_address
    status, headers, _ = ask(server, "GET", f"/?{first.query}", b"")
    assert (status, headers["Location"]) == (303, f"/?token={server.token}")
    assert ask(server, "GET", f"/?{first.query}", b"")[0] == 403


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (404, {"path": "/other"}),
        (404, {"path": "/photos/a.png"}),
        (404, {"path": "/../secret.png", "method": "GET"}),
        (404, {"path": "/%2e%2e/secret.png", "method": "GET"}),
        (501, {"method": "PUT"}),
        (501, {"method": "OPTIONS"}),
        (415, {"Content_Type": "text/plain"}),
        (415, {"Content_Type": "application/x-www-form-urlencoded"}),
        (411, {"length": "-1"}),
        (411, {"length": "²"}),
        (411, {"Transfer_Encoding": "chunked"}),
        (413, {"length": str(local.LARGEST + 1)}),
        (413, {"length": "9" * 5000}),
        (400, {"body": b""}),
        (400, {"body": b"{"}),
        (400, {"body": b"[" * 100_000}),
        (400, {"body": b"[]"}),
        (400, {"body": b"\xff"}),
        (400, {"body": b'{"do": "open", "name": ["a.png"]}'}),
    ],
)
def test_requests_that_are_no_messages_are_refused(server, capfd, status, request_):
    if request_.get("method") == "GET":
        request_ = request_ | {"path": f"{request_['path']}?token={server.token}"}
    assert ask(server, **request_)[0] == status
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "secret.png", ".labels.lock", "a.png/../a.png", ""])
def test_no_name_leads_out_of_the_project(server, name):
    for kind in ("open", "read", "change", "confirm", "reopen", "flag"):
        _, _, (answer,), rest = send(server, do=kind, name=name, labels=[FIELDS], boxes=[], ids=[], reason="", view=1)
        assert answer["show"] == "error" and not rest


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 5), ("text", None), ("points", [[1, 2]]), ("points", [[1, 2], [3, float("nan")], [5, 6]]),
        ("points", "abc"), ("score", 2), ("score", "1"), ("difficult", 1), ("key_cls", 7),
        ("points", [[1, 2], [3, 4], [1e99, 0]]),
    ],
)  # fmt: skip
def test_labels_are_read_as_strictly_as_those_of_a_file(server, field, value):
    before = server.project.history("a.png").parts
    for kind in ("change", "confirm"):
        _, _, (answer,), _ = send(server, do=kind, name="a.png", labels=[FIELDS | {field: value}], view=1)
        assert answer["show"] == "error" and answer["message"].startswith("ValueError: label 1")
    assert server.project.history("a.png").parts == before


def test_images_come_with_their_page_and_as_png_where_browsers_know_no_better(server, folder):
    number, refused, answers, content = send(server, do="start", view=1)
    assert (number, refused, [answer["show"] for answer in answers]) == (0, False, ["project", "page"])
    assert answers[1]["bytes"] == [len(content)] and content == (folder / "a.png").read_bytes()
    *_, content = send(server, do="open", name="b.tif", view=1)
    assert cv2.imdecode(np.frombuffer(content, np.uint8), 1).shape == (100, 200, 3)
    (folder / "a.png").unlink()
    _, _, (page,), content = send(server, do="open", name="a.png", view=1)
    assert not content and "a.png" in page["problem"]


def test_a_change_on_labels_that_another_page_has_changed_is_refused(server):
    def change(view, seen, text):
        return send(server, do="change", name="a.png", labels=[FIELDS | {"text": text}], view=view, seen=seen)[:3]

    assert change(1, 0, "one")[:2] == (1, False)
    assert change(1, 0, "two")[:2] == (2, False)  # its own changes it knows, whatever has been answered
    number, refused, (answer,) = change(2, 0, "three")
    assert (number, refused, answer["labels"][0]["text"], answer.get("view")) == (2, True, "two", None)
    assert change(2, number, "three")[:2] == (3, False)
    send(server, do="flag", name="a.png", reason="?", view=1, seen=2)  # a flag takes nothing away
    assert change(2, 3, "four")[:2] == (5, False)
    assert change(1, 2, "five")[1]
    assert server.project.labels("a.png")[0].text == "four"


def test_other_pages_hear_of_changes_and_wait_for_them(server, monkeypatch):
    def news(after, view):
        return json.loads(ask(server, path="/news", body=json.dumps({"after": after, "view": view}).encode())[2])

    heard = []
    waiting = threading.Thread(target=lambda: heard.append(news(0, 2)))
    waiting.start()
    time.sleep(0.1)
    send(server, do="change", name="a.png", labels=[FIELDS], view=1)
    waiting.join(10)
    (answer,) = heard[0]["answers"]
    assert (heard[0]["number"], answer["labels"], answer["image"]["state"]) == (1, [FIELDS], "proposed")
    assert news(0, 1)["answers"][0]["labels"] is None  # it has them itself
    monkeypatch.setattr(local, "PATIENCE", 0.05)
    assert news(1, 2) == {"number": 1, "answers": []}


def test_a_closed_terminal_saves_and_a_second_program_is_told(folder, monkeypatch, capsys):
    command = [sys.executable, "-m", "ocrbook", "label", folder, "--no-browser"]
    with running(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        address = urlsplit(process.stdout.readline())
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        assert cli.main(["label", str(folder)]) == 2
        assert "open in another program" in (err := capsys.readouterr().err) and err.count("\n") == 1
        connection = http.client.HTTPConnection(address.netloc, timeout=10)
        message = {"do": "confirm", "name": "a.png", "labels": [FIELDS], "view": 1}
        token = address.query.strip().partition("=")[2]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("POST", "/send", json.dumps(message), headers)
        assert connection.getresponse().status == 200
        process.send_signal(signal.SIGHUP)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0 and "1 of 2 images are confirmed" in err and "Traceback" not in err
    assert "新" in (folder / "Label.txt").read_text("utf-8") and not (folder / "labels_journal.jsonl").exists()
