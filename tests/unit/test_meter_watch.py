"""Watching a meter: a folder that grows, a camera that fails, a broker that goes away, and what is written."""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from ocrbook import cli
from ocrbook.meters import History, Profile, Reading, cameras, mqtt, watch
from ocrbook.meters.places import DialPlace
from tests.processes import running, until

CORNERS = ((10, 8), (30, 8), (30, 13), (10, 13))
START = datetime(2026, 3, 1, tzinfo=timezone.utc)
SECRET = "green cucumber"
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")


def picture(value):
    """A small file that is a picture of a number, for a reader that knows how to read it."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:2, :16] = np.frombuffer(f"{value:<32}".encode(), np.uint8).reshape(2, 16, 1)
    return cv2.imencode(".png", image)[1].tobytes()


def shown(image, profile):
    text = bytes(image[:2, :16, 0]).decode().strip()
    return Reading(text, float(text), 0.9, True) if text[0] != "?" else Reading("", None, 0.1, False, "uncertain")


@pytest.fixture
def meter(tmp_path, monkeypatch):
    """A folder with a profile, and a reader without a network."""
    monkeypatch.setattr(watch, "read_photo", shown)
    monkeypatch.setattr(cameras, "SETTLE", 0.01)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    Profile("lcd", CORNERS, (64, 48), digits=6, decimals=1, unit="m3").save("water.json")
    Path("photos").mkdir()
    return tmp_path


def put(name, value, hour, content=None):
    path = Path("photos") / name
    path.write_bytes(picture(value) if content is None else content)
    os.utime(path, ((START + timedelta(hours=hour)).timestamp(),) * 2)


def watched(*arguments, source="photos", rate=("--max-rate", "3")):
    return cli.main(
        ["meters", "watch", str(source), "--profile", "water.json", "--history", "h.json", *rate, *map(str, arguments)]
    )


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


# -- folders


def test_photographs_of_a_folder_are_read_once_in_the_order_in_which_they_were_written(meter, capsys):
    put("c.PNG", 100, 1)
    put("a.jpg", 101.5, 2)
    put("b.png", "?", 3)
    put("d.png", 900, 4)
    put("e.png", 104, 4.5, b"no picture")
    put("notes.txt", 1, 5)
    assert watched("--rounds", 2, "--interval", 1) == 0
    rows = lines(capsys.readouterr().out)
    assert [row["image"] for row in rows] == ["c.PNG", "a.jpg", "b.png", "d.png", "e.png"]
    assert rows[1] == {
        "time": "2026-03-01T02:00:00+00:00", "image": "a.jpg", "text": "101.5", "value": 101.5, "accepted": True,
        "confidence": 0.9, "reason": "", "unit": "m3", "total": 1.5,
    }  # fmt: skip
    assert [row.get("reason") for row in rows[2:]] == ["uncertain", "rises by 798.5 in 2, the meter can do 6", None]
    assert "e.png is not an image" in rows[4]["error"]


def test_a_restart_goes_on_where_it_ended_and_needs_to_be_told_nothing_again(meter, capsys):
    put("a.png", 100, 1)
    put("b.png", 102, 2)
    assert watched("--rounds", 1) == 0
    put("c.png", 103, 3)
    capsys.readouterr()
    assert watched("--rounds", 1, rate=()) == 0
    rows = lines(capsys.readouterr().out)
    assert [(row["image"], row["total"]) for row in rows] == [("c.png", 3)]
    history = History.load("h.json")
    assert (history.digits, history.decimals, history.max_rate, history.total) == (6, 1, 3, 3)


def test_a_folder_that_grows_is_read_as_it_grows_also_where_it_is_gone_for_a_while(meter):
    source, history = cameras.Folder(Path("photos")), History(max_rate=3)
    profile = Profile.load("water.json")
    look = lambda: [line for line, _ in watch.look(source, profile, history, "h.json")]  # noqa: E731
    assert look() == []
    put("a.png", 100, 1)
    assert [row["value"] for row in look()] == [100] and look() == []
    put("a.png", 101, 2)  # a camera that writes over it
    assert [row["value"] for row in look()] == [101]
    Path("photos").rename("elsewhere")
    (row,) = look()
    assert "photos" in row["error"] and set(row) == {"time", "error"}
    Path("elsewhere").rename("photos")
    put("1970.png", 102, -490_000)
    assert [row["accepted"] for row in look()] == [False]
    for path in Path("photos").iterdir():
        path.unlink()
    put("b.png", 102, 3)
    assert [row["accepted"] for row in look()] == [True] and len(source._seen) == 1


def test_a_file_that_is_being_written_is_left_alone_until_it_is_whole(meter, monkeypatch):
    source = cameras.Folder(Path("photos"))
    put("a.png", 100, 1)
    monkeypatch.setattr(cameras.time, "sleep", lambda _: put("a.png", 100, 2))
    assert list(source.photos()) == []
    monkeypatch.setattr(cameras.time, "sleep", lambda _: Path("photos/a.png").unlink())
    assert list(source.photos()) == []
    put("a.png", 100, 2)
    monkeypatch.setattr(cameras.time, "sleep", lambda _: None)
    assert [name for name, _, _ in source.photos()] == ["a.png"]


def test_no_file_is_larger_than_a_photograph(meter, monkeypatch, capsys):
    monkeypatch.setattr(cameras, "MOST_BYTES", 1_000)
    put("a.png", 1, 1, b"x" * 1_001)
    assert watched("--rounds", 1) == 0
    assert lines(capsys.readouterr().out)[0]["error"] == "a.png has more than 1,000 bytes"


# -- what is written


def test_lines_are_appended_whole_after_one_that_was_cut(meter):
    Path("out.jsonl").write_bytes(b'{"cut": ')
    put("a.png", 100, 1)
    watched("--rounds", 1, "--output", "out.jsonl")
    put("b.png", 101, 2)
    watched("--rounds", 1, "--output", "out.jsonl")
    first, *rest = Path("out.jsonl").read_text("utf-8").splitlines()
    assert first == '{"cut": ' and [json.loads(line)["value"] for line in rest] == [100, 101]


def test_a_full_disk_is_a_message_and_the_watch_goes_on(meter, monkeypatch, capsys):
    put("a.png", 100, 1)
    put("b.png", 101, 2)
    write, full = watch.files.write, []

    def failing(file, content):
        if not full and content.startswith(b'{"time'):
            full.append(os.write(file, content[:5]))
            raise OSError(28, "No space left on device")
        write(file, content)

    monkeypatch.setattr(watch.files, "write", failing)
    Path("out.jsonl").touch()
    assert watched("--rounds", 1, "--output", "out.jsonl") == 0
    assert "No space left" in capsys.readouterr().err
    assert [row["value"] for row in lines(Path("out.jsonl").read_text())] == [101]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--interval", "0"], "--interval is 1 to 86400 seconds, got 0"),
        (["--interval", "nan"], "--interval is 1 to 86400 seconds, got nan"),
        (["--max-rate", "nan"], "max_rate must be finite"),
        (["--max-rate", "0"], "max_rate must be above 0"),
        (["--mqtt", "mqtt://localhost"], "--mqtt wants --device-class"),
        (["--mqtt", "http://localhost", "--device-class", "gas"], "an address is mqtt://HOST or mqtts://HOST"),
        (["--mqtt", f"mqtt://me:{SECRET}@localhost", "--device-class", "gas"], "no password in an address"),
        (["--mqtt", "mqtt://localhost", "--device-class", "energy"], "measures energy in kWh, Wh, MWh"),
        (["--mqtt", "mqtt://h", "--device-class", "gas", "--name", "a/b"], "a name for MQTT has up to 40 letters"),
        (["--mqtt", "mqtt://h", "--device-class", "gas", "--mqtt-password-file", "none"], "none"),
    ],
)
def test_what_can_not_be_is_a_line_and_2(meter, capsys, arguments, said):
    assert watched(*arguments) == 2
    out, err = capsys.readouterr()
    assert not out and said in err and err.count("\n") == 1 and SECRET not in err


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere", "there is no folder nowhere"),
        ("ftp://host/a.jpg", "an address is http://HOST or https://HOST"),
        ("http:///a.jpg", "an address is http"),
        (f"http://me:{SECRET}@host/a.jpg", "no password in an address"),
    ],
)
def test_what_is_no_source_is_a_line_and_2(meter, capsys, source, said):
    assert watched(source=source) == 2
    out, err = capsys.readouterr()
    assert not out and said in err and err.count("\n") == 1 and SECRET not in err


def test_a_password_that_cameras_can_not_be_told_is_refused_without_a_letter_of_it(meter, capsys, monkeypatch):
    monkeypatch.setenv("OCRBOOK_CAMERA_PASSWORD", "größer")
    assert watched(source="http://me@host/a.jpg") == 2
    err = capsys.readouterr().err
    assert "a camera's password has ASCII characters only" in err and "ö" not in err


def test_a_history_that_is_new_another_one_or_none_is_said(meter, capsys):
    assert watched(rate=()) == 2
    assert "h.json is new: --max-rate says" in capsys.readouterr().err
    assert watched("--rounds", 1) == 0
    assert watched("--rounds", 1, "--max-rate", 4) == 2
    assert "h.json has max_rate 3.0, not 4.0" in capsys.readouterr().err
    Path("h.json").write_text("{")
    assert watched("--rounds", 1) == 2
    assert "h.json is not JSON" in capsys.readouterr().err and Path("h.json").read_text() == "{"


def test_all_windows_and_dials_of_a_profile_are_the_digits_of_its_history():
    dials = tuple(DialPlace.around(20 + 15 * n, 30, radius=6, multiplier=10.0**-n) for n in range(1, 3))
    profile = Profile("drum", CORNERS, (64, 48), 5, dials=dials, unit="m3")
    assert watch.shown_by(profile) == (7, 2)
    assert watch.shown_by(Profile("drum", CORNERS, (64, 48), digits=3, decimals=3)) == (3, 3)


# -- cameras


@contextmanager
def camera(answer):
    """A camera on this machine, and its address; `answer` is given each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/snapshot.jpg?size=2"
    finally:
        server.shutdown()
        server.server_close()


def send(request, content, code=200, **headers):
    request.send_response(code)
    for name, value in ({"Content-Length": len(content)} | headers).items():
        request.send_header(name.replace("_", "-"), str(value))
    request.end_headers()
    request.wfile.write(content)


def errors_of(source, n):
    found = []
    for _ in range(n):
        (_, _, fetch), = source.photos()  # fmt: skip
        try:
            fetch()
            found.append("")
        except (OSError, ValueError) as error:
            found.append(str(error))
    return found


def test_a_camera_is_read_and_each_of_its_failures_is_a_line(meter, capsys, monkeypatch):
    monkeypatch.setattr(cameras, "MOST_BYTES", 100_000)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    answers = iter(
        [
            lambda r: send(r, picture(100)),
            lambda r: send(r, picture(100)),
            lambda r: send(r, b"", 503),
            lambda r: send(r, picture(100)[:50]),
            lambda r: r.wfile.write(b"what?\r\n\r\n"),
            lambda r: send(r, b"x" * 200_000),
            lambda r: send(r, b"<html>log in</html>"),
            lambda r: send(r, b"", 302, Location=r.path),
            lambda r: send(r, picture("100.1")),
        ]
    )
    with camera(lambda request: next(answers)(request)) as address:
        assert watched("--rounds", 8, source=address) == 0
        rows = lines(capsys.readouterr().out)
    assert watched("--rounds", 1, source=address) == 0
    rows += lines(capsys.readouterr().out)
    said = [row.get("error", row.get("value")) for row in rows]
    wanted = [100, "byte for byte", "503", "damaged", "what", "more than 100,000", "not an image", 100.1, "reached"]
    assert all(str(want) in str(got) for got, want in zip(said, wanted, strict=True)), said
    assert all("\n" not in str(each) and "image" not in row for each, row in zip(said, rows, strict=True))


def test_a_camera_that_sends_a_byte_now_and_then_is_given_up_in_time(meter):
    stopped, first = threading.Event(), threading.Event()

    def drip(request):
        if first.is_set():
            return send(request, picture(1))
        first.set()
        while not stopped.wait(0.05):
            request.wfile.write(b"H")
            request.wfile.flush()
        return None

    with camera(drip) as address:
        source = cameras.Camera(address, timeout=0.2)
        begin = time.monotonic()
        assert "no photograph in 0.2 seconds" in errors_of(source, 1)[0]
        assert "sends what it was asked for before" in errors_of(source, 1)[0]
        assert time.monotonic() - begin < 2
        stopped.set()
        source._thread.join(5)
        assert errors_of(source, 1) == [""]


@pytest.mark.parametrize("digest", [False, True])
def test_a_camera_is_told_its_password_and_nobody_else_is(meter, monkeypatch, capsys, digest):
    monkeypatch.setenv("OCRBOOK_CAMERA_PASSWORD", SECRET)

    def answer(request):
        told = request.headers.get("Authorization", "")
        if digest:
            asked = 'Digest realm="cam", nonce="abc", qop="auth"'
            field = dict(re.findall(r'(\w+)="?([^",]*)', told))
            hashed = lambda *parts: hashlib.md5(":".join(parts).encode()).hexdigest()  # noqa: E731
            right = "response" in field and field["response"] == hashed(
                hashed("me", "cam", SECRET), "abc", field["nc"], field["cnonce"], "auth", hashed("GET", request.path)
            )
        else:
            asked, right = 'Basic realm="cam"', told == "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
        send(request, picture(5)) if right else send(request, b"", 401, WWW_Authenticate=asked)

    with camera(answer) as address:
        assert watched("--rounds", 1, source=address.replace("//", "//me@")) == 0
        monkeypatch.setenv("OCRBOOK_CAMERA_PASSWORD", "wrong" + SECRET)
        assert watched("--rounds", 1, source=address.replace("//", "//me@")) == 0
    out, err = capsys.readouterr()
    good, bad = lines(out)
    assert good["value"] == 5 and "401" in bad["error"] and SECRET not in out + err


# -- MQTT


def test_the_discovery_is_what_home_assistant_asks_for():
    told = mqtt.discovery("cellar", "water", "m3", 3)
    assert told["unit_of_measurement"] == "m³" and told["suggested_display_precision"] == 3
    assert (told["device_class"], told["state_class"]) == ("water", "total_increasing")
    where = mqtt.topics("cellar")
    assert (told["state_topic"], told["availability_topic"]) == (where["value"], where["status"])
    assert where["discovery"] == "homeassistant/sensor/ocrbook_cellar/config"
    assert mqtt.discovery("roof", "energy", "kWh", falls=True)["state_class"] == "total"


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@contextmanager
def broker(folder, port):
    """A real broker that wants a password."""
    with running([MOSQUITTO, "-c", folder / "mosquitto.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)))
        yield


@contextmanager
def home(port):
    """What Home Assistant would see: the latest of each topic, and all values."""
    client, seen, values = Client(CallbackAPIVersion.VERSION2), {}, []

    def heard(_, __, message):
        seen[message.topic] = message.payload.decode()
        if message.topic.endswith("/value"):
            values.append(message.payload.decode())

    client.on_message = heard
    client.on_connect = lambda *_: client.subscribe("#")
    client.username_pw_set("me", SECRET)
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        yield seen, values
    finally:
        client.disconnect()
        client.loop_stop()


needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto")


@pytest.fixture
def port(tmp_path):
    port = free_port()
    (tmp_path / "passwords").write_text(f"me:{SECRET}\n")
    subprocess.run(["mosquitto_passwd", "-U", tmp_path / "passwords"], check=True)
    (tmp_path / "passwords").chmod(0o644)
    (tmp_path / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\npassword_file {tmp_path / 'passwords'}\nuser {os.environ.get('USER', 'root')}\n"
    )
    return port


@needs_broker
def test_a_broker_that_goes_away_is_told_the_latest_when_it_is_back(tmp_path, port, monkeypatch):
    said, topics = [], mqtt.topics("cellar")
    connect = Client.reconnect_delay_set
    monkeypatch.setattr(Client, "reconnect_delay_set", lambda self, low, high: connect(self, 0.1, 0.1))
    publisher = mqtt.Broker(
        f"mqtt://me@127.0.0.1:{port}", SECRET, "cellar", mqtt.discovery("cellar", "water", "m3", 1), said.append
    )
    publisher.publish({"value": 1}, "1.0")
    until(lambda: said)  # there is no broker yet
    with broker(tmp_path, port), home(port) as (seen, values):
        until(lambda: topics["value"] in seen)
        assert json.loads(seen[topics["discovery"]])["unique_id"] == "ocrbook_cellar"
        assert seen[topics["status"]] == "online" and values == ["1.0"]
        publisher.publish({"value": None, "reason": "uncertain"}, None)
        until(lambda: "uncertain" in seen[topics["reading"]])
        assert values == ["1.0"]
    until(lambda: len(said) == 3)
    for value in ("2.0", "3.0"):
        publisher.publish({"value": float(value)}, value)
    with broker(tmp_path, port), home(port) as (seen, values):
        until(lambda: topics["value"] in seen)
        publisher.close()
        until(lambda: seen[topics["status"]] == "offline")
        assert values == ["3.0"] and topics["discovery"] in seen
    host = "the broker 127.0.0.1"
    assert said == [f"{host} can't be reached, is tried again", f"{host} is there", f"{host} is gone, is tried again",
                    *said[3:]]  # fmt: skip
    assert SECRET not in str(said)


@needs_broker
def test_the_command_publishes_and_its_last_will_says_when_it_is_killed(meter, port):
    topics = mqtt.topics("water")
    put("a.png", "?", 1)
    Path("password").write_text(SECRET + "\n", "utf-8")
    command = [sys.executable, "-m", "ocrbook", "meters", "watch", "photos", "--profile", "water.json",
               "--history", "h.json", "--max-rate", "3", "--interval", "1", "--device-class", "gas",
               "--mqtt", f"mqtt://me@127.0.0.1:{port}"]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])}
    with broker(meter, port), home(port) as (seen, _):
        with running([*command, "--mqtt-password-file", "password"], env=environment, stdout=subprocess.PIPE) as first:
            assert json.loads(first.stdout.readline())["accepted"] is False
            until(lambda: topics["reading"] in seen)
            assert seen[topics["status"]] == "online" and topics["value"] not in seen
            assert json.loads(seen[topics["discovery"]])["device_class"] == "gas"
            assert SECRET.encode() not in Path(f"/proc/{first.pid}/cmdline").read_bytes()
            first.kill()
            until(lambda: seen[topics["status"]] == "offline")
        wrong = environment | {"OCRBOOK_MQTT_PASSWORD": "wrong" + SECRET}
        with running(command, env=wrong, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as second:
            said = second.stderr.readline()
            second.send_signal(signal.SIGTERM)
            said += second.stderr.read()
            assert second.wait() == cli.INTERRUPTED
    assert "refuses: Not authorized" in said and "stopped" in said and "wrong" not in said and said.count("\n") == 2
