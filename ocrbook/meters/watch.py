"""Read a meter again and again: ocrbook meters watch SOURCE. Writes JSON lines, and publishes them over MQTT."""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ocrbook import files, images
from ocrbook.meters import cameras, mqtt
from ocrbook.meters.history import History
from ocrbook.meters.models import own_networks
from ocrbook.meters.photos import read_photo
from ocrbook.meters.profile import Profile
from ocrbook.meters.reading import MOST

PASSWORDS = {"camera": "OCRBOOK_CAMERA_PASSWORD", "mqtt": "OCRBOOK_MQTT_PASSWORD"}
"""The variables of the environment that hold passwords."""

HISTORY = ("max_rate", "max_fall", "dead_band", "confirm")
"""What may be said of a meter's history; each means what it means in `History`, with an hour as the unit of time."""

EXAMPLES = """
examples:
  ocrbook meters watch photos --profile water.json --history water-history.json --max-rate 3
  ocrbook meters watch http://camera.local/capture --profile water.json --history water-history.json \\
      --interval 300 --output water.jsonl --mqtt mqtt://me@homeassistant.local --device-class water

Each photograph gives a line of JSON: the time (UTC), the reading, whether it is accepted and why not, and what the
meter has counted in total; or, where there is no photograph, the error. --max-rate is needed once: what is said of a
history is kept in its file. A folder's photographs are read in the order in which they were written, which is also
their time. The program ends with Ctrl-C, or when it is told to (SIGTERM).

passwords: a file, or OCRBOOK_CAMERA_PASSWORD and OCRBOOK_MQTT_PASSWORD in the environment; the user's name stands in
the address, http://user@camera.local/capture
"""


def main(arguments: list[str]) -> int:
    """0 after as many rounds as were asked for, 2 if it could not begin."""
    parser = argparse.ArgumentParser(
        prog="ocrbook meters watch",
        description="Read a meter at an interval.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="a folder, or a camera's address: http://...")
    parser.add_argument("--profile", type=Path, metavar="FILE", required=True, help="a saved Profile")
    parser.add_argument("--history", type=Path, metavar="FILE", required=True, help="is made where there is none")
    parser.add_argument("--max-rate", type=float, metavar="N", help="the most that the meter can count in an hour")
    parser.add_argument("--max-fall", type=float, metavar="N", help="the same backwards, for solar feed-in; 0")
    parser.add_argument("--dead-band", type=float, metavar="N", help="how far a value may fall without a meaning; 0")
    parser.add_argument("--confirm", type=int, metavar="N", help="how many readings set a wrong one right; 3")
    parser.add_argument("--interval", type=float, metavar="SECONDS", default=60.0, help="1 to 86400; 60")
    parser.add_argument("--output", type=Path, metavar="FILE", help="append the lines to a file instead")
    parser.add_argument("--rounds", type=int, metavar="N", help="end after so many looks; otherwise it goes on")
    parser.add_argument("--networks", type=Path, metavar="FOLDER", help="own networks, as `adapt` has written them")
    parser.add_argument("--camera-password-file", type=Path, metavar="FILE")
    parser.add_argument("--mqtt", metavar="ADDRESS", help="mqtt://[USER@]HOST[:PORT]; mqtts:// for TLS")
    parser.add_argument("--mqtt-password-file", type=Path, metavar="FILE")
    parser.add_argument("--device-class", choices=mqtt.UNITS, help="what the meter counts, for Home Assistant")
    parser.add_argument("--name", help="of the meter, for MQTT; the profile's name if there is none")
    given = parser.parse_args(arguments)
    broker, networks = None, ExitStack()
    try:
        if not 1 <= given.interval <= 86_400:
            raise ValueError(f"--interval is 1 to 86400 seconds, got {given.interval:g}")
        profile = Profile.load(given.profile)
        history = open_history(given.history, profile, {name: getattr(given, name) for name in HISTORY})
        source = open_source(given.source, history, _password("camera", given.camera_password_file))
        if given.networks:
            networks.enter_context(own_networks(given.networks))
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if given.mqtt:
            broker = _broker(given, profile, history)
        write = _appending(given.output) if given.output else lambda line: print(line, flush=True)
        for _ in _every(given.interval, given.rounds):
            for line, value in look(source, profile, history, given.history):
                _trying(write, json.dumps(line, ensure_ascii=False, allow_nan=False))
                if broker:
                    broker.publish(line, value)
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        _say(str(error))
        return 2
    finally:
        networks.close()
        if broker:
            broker.close()
    return 0


def open_history(path: Path, profile: Profile, told: dict[str, Any]) -> History:
    """The history of a file, or a new one; ValueError where what is told contradicts it."""
    told = {name: value for name, value in told.items() if value is not None}
    digits, decimals = shown_by(profile)
    shown = {"digits": digits, "decimals": decimals}
    try:
        history = History.load(path)
    except FileNotFoundError:
        if "max_rate" not in told:
            raise ValueError(f"{path} is new: --max-rate says what the meter can count in an hour") from None
        history = History(**told, **shown)
        history.save(path)
    for name, value in (told | shown).items():
        if getattr(history, name) != value:
            raise ValueError(f"{path} has {name} {getattr(history, name)}, not {value}")
    return history


def shown_by(profile: Profile) -> tuple[int, int]:
    """How many digits all windows and dials of a profile show together, and how many of them are decimals."""
    whole = round(math.log10(profile.row[0].weights[0])) + 1
    decimals = min(max(0, -round(math.log10(profile.row[-1].weights[-1]))), MOST - whole)
    return whole + decimals, decimals


def open_source(source: str, history: History, password: str | None) -> cameras.Folder | cameras.Camera:
    """A folder, without what the history has seen, or a camera."""
    if "://" in source:
        return cameras.Camera(source, password)
    if not Path(source).is_dir():
        raise ValueError(f"there is no folder {source}")
    times = [time for time, _ in (*history.accepted[-1:], *history.aside[-1:])]
    return cameras.Folder(Path(source), max(times, default=None))


def look(
    source: cameras.Folder | cameras.Camera, profile: Profile, history: History, path: Path
) -> Iterator[tuple[dict[str, Any], str | None]]:
    """A line for each new photograph, and the value if it is accepted. Whatever goes wrong is the line's `error`."""
    line: dict[str, Any] = {}
    try:
        for name, taken, load in source.photos():
            line = {"time": taken.isoformat(timespec="seconds")} | ({"image": name} if name else {})
            value = None
            try:
                reading = read_photo(images.decode(load(), name or "the camera's photograph"), profile)
                judged = history.add(taken, reading)
                if reading.accepted:
                    _trying(history.save, path)
                if judged.accepted:
                    value = str(round(judged.value, 6))
                told = judged.to_dict()
                line |= {each: told[each] for each in ("text", "value", "accepted", "confidence", "reason")}
                line |= {"unit": profile.unit, "total": round(history.total, 6)}
            except Exception as error:  # of one photograph; the next one is another
                line["error"] = _one_line(error)
            yield line, value
    except OSError as error:  # of the folder
        yield {"time": datetime.now(timezone.utc).isoformat(timespec="seconds"), "error": _one_line(error)}, None


def _broker(given: argparse.Namespace, profile: Profile, history: History) -> mqtt.Broker:
    if not given.device_class:
        raise ValueError("--mqtt wants --device-class: water, gas or energy")
    name = given.name or given.profile.stem
    payload = mqtt.discovery(name, given.device_class, profile.unit, history.decimals, history.max_fall > 0)
    return mqtt.Broker(given.mqtt, _password("mqtt", given.mqtt_password_file), name, payload, _say)


def _password(what: str, path: Path | None) -> str | None:
    """From a file, without the line's end, or from the environment."""
    return path.read_text("utf-8").rstrip("\r\n") if path else os.environ.get(PASSWORDS[what])


def _every(interval: float, rounds: int | None) -> Iterator[None]:
    """Wait until the next round is due; those that were missed are left out."""
    due, done = time.monotonic(), 0
    while True:
        yield
        done += 1
        if done == rounds:
            return
        due = max(due + interval, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def _appending(path: Path) -> Callable[[str], None]:
    """A function that appends a line to a file, whole or not at all."""

    def append(line: str) -> None:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | files.FLAGS, 0o666)
        try:
            size = os.fstat(file).st_size
            os.lseek(file, max(0, size - 1), os.SEEK_SET)
            cut = b"\n" if os.read(file, 1) not in (b"", b"\n") else b""  # a line that a power failure has cut
            try:
                files.write(file, cut + line.encode() + b"\n")
            except OSError:
                os.ftruncate(file, size)
                raise
        finally:
            os.close(file)

    return append


def _trying(write: Callable[[Any], None], what: Any) -> None:
    """Write something; where that can't be done, say so and go on, except where nobody reads any more."""
    try:
        write(what)
    except BrokenPipeError:
        raise
    except OSError as error:
        _say(str(error))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _say(text: str) -> None:
    print(f"ocrbook meters watch: {text}", file=sys.stderr, flush=True)
