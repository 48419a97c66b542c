"""Label Studio's JSON: tasks to import there, and what it exports (format JSON, not JSON_MIN).

A label becomes a rectangle or a polygon, a class, and a text area that share an id. Places are percentages of the
image's sides. Confirmed pages become annotations, others predictions with their scores.
Format: https://labelstud.io/guide/task_format and https://labelstud.io/templates/optical_character_recognition
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from xml.sax.saxutils import quoteattr

import numpy as np

from ocrbook.files import write_atomically
from ocrbook.labels.checked import checked_label, checked_labels
from ocrbook.labels.files import (
    Parsed,
    as_list,
    at,
    check_text,
    image_name,
    image_size,
    locate,
    member,
    number,
    read_json,
    shown,
)
from ocrbook.labels.ppocrlabel import Label
from ocrbook.labels.project import SUFFIXES
from ocrbook.names import parts
from ocrbook.page import Page

_CLASS = "Text"  # the class of labels that have none
_LOCAL = "/data/local-files/?d="
_SERVED = re.compile(r"\w+://|/data/")
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
_DIFFICULT = "difficult"
_TRANSCRIPTION = "transcription"
_KEYS = ("ocr", "image", "img", "url")  # of the image in a task's data, the usual ones
_SIDES = 16  # of the polygon that an ellipse becomes


def config(classes: Sequence[str] = ()) -> str:
    """The labelling interface to paste into Label Studio's settings, with KIE classes if there are any."""
    labels = "".join(f"<Label value={quoteattr(name)}/>" for name in (_CLASS, *classes))
    return f"""<View>
  <Image name="image" value="$ocr" zoom="true" zoomControl="true" rotateControl="true"/>
  <Labels name="label" toName="image">{labels}</Labels>
  <Rectangle name="bbox" toName="image" strokeWidth="3"/>
  <Polygon name="poly" toName="image" strokeWidth="3"/>
  <TextArea name="{_TRANSCRIPTION}" toName="image" editable="true" perRegion="true" required="false" maxSubmissions="1"
    displayMode="region-list"/>
  <Choices name="{_DIFFICULT}" toName="image" perRegion="true"><Choice value="{_DIFFICULT}"/></Choices>
</View>
"""


def write(path: str | Path, pages: Iterable[Page], *, confirmed: bool = True, address: str = _LOCAL) -> None:
    """Write tasks for Label Studio. Lost: the class "Text", which labels without a class have there.

    Parameters
    ----------
    path : str or Path
    pages : iterable of Page
    confirmed : bool
        Whether people have confirmed them; else they are predictions of a model.
    address : str
        Put in front of the image's path, which is relative to the file. The default is Label Studio's local storage,
        for a server that was started with LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT set to the file's folder.

    Raises
    ------
    FileNotFoundError, ValueError
        If an image is missing, or not an image: places are percentages of its sides. Or if a name or a label can't be
        held by a file.
    """
    path = Path(path)
    tasks = []
    for page in pages:
        name, size = image_name(page.image, path.parent), image_size(page.image)
        result = [part for index, label in enumerate(checked_labels(page)) for part in _region(index, label, size)]
        outcome = {"result": result}
        if not confirmed:
            outcome |= {"score": min((line.score for line in page.lines), default=0.0)}
        data = {"ocr": address + quote(name)}
        tasks.append({"data": data, "annotations" if confirmed else "predictions": [outcome]})
    write_atomically(path, json.dumps(tasks, ensure_ascii=False, indent=1).encode())


def _region(index: int, label: Label, size: tuple[int, int]) -> list[dict]:
    points = label.points * 100 / size
    left, top, right, bottom = label.box
    if np.array_equal(label.points, [[left, top], [right, top], [right, bottom], [left, bottom]]):
        kind, name = "rectangle", "bbox"
        (x, y), (width, height) = points[0], points[2] - points[0]
        place = {"x": x, "y": y, "width": width, "height": height, "rotation": 0}
    else:
        kind, name, place = "polygon", "poly", {"points": points.tolist(), "closed": True}
    parts = [
        (kind, name, {}),
        ("labels", "label", {"labels": [_CLASS if label.key_cls is None else label.key_cls]}),
        ("textarea", _TRANSCRIPTION, {"text": [label.text]}),
    ]
    if label.difficult:
        parts.append(("choices", _DIFFICULT, {"choices": [_DIFFICULT]}))
    shared = {
        "id": f"label{index + 1}",
        "to_name": "image",
        "original_width": size[0],
        "original_height": size[1],
        "image_rotation": 0,
        "score": label.score,
    }
    return [shared | {"type": kind, "from_name": name, "value": place | extra} for kind, name, extra in parts]


def read(path: str | Path, images: str | Path | None = None, *, key: str | None = None) -> Parsed[Page]:
    """Read tasks: of each the annotation that is marked as ground truth, or else the last one that was not cancelled,
    or else the last prediction.

    Points are rounded to a thousandth of a pixel, since percentages are not exact. An ellipse becomes a polygon of 16
    corners.

    Parameters
    ----------
    path : str or Path
    images : str or Path, optional
        Where the images are; if None, as the tasks say, relative to the file. Files that were uploaded have eight
        digits in front of their names there, which are taken off where there is a file without them.
    key : str, optional
        What the image is called in a task's data. If None, the only part of the data that is the name of an image, or
        else what is called "ocr", "image", "img" or "url".

    Returns
    -------
    Parsed list of Page, one for each image of each task. `passed_over` counts by their type the parts of results that
    are no places, texts, classes or marks of lines, such as "relation" or "brush", and the texts of such parts; and
    "cancelled annotation", "other annotation", "other prediction", "draft".

    Raises
    ------
    ValueError
        If the file is not Label Studio's; the message names the task and what is wrong with it.
    """
    path = Path(path)
    tasks = read_json(path)
    if isinstance(tasks, dict) and "data" in tasks:
        tasks = [tasks]
    if not isinstance(tasks, list):
        raise ValueError(f"{path} is not a list of tasks: export as JSON")
    pages: Parsed[Page] = Parsed()
    for index, task in enumerate(tasks, 1):
        with at(f"{path}, task {index}"):
            pages += _pages(task, path.parent, None if images is None else Path(images), key, pages.passed_over)
    return pages


def _pages(task: Any, folder: Path, images: Path | None, key: str | None, passed_over: Counter[str]) -> list[Page]:
    addresses = _addresses(member(task, "data", dict), key)
    pages = [Page(_find(address, folder, images).as_posix()) for address in addresses]
    for outcome in _outcome(task, passed_over):
        regions: dict[str, list[dict]] = {}
        for index, part in enumerate(as_list(outcome.get("result")), 1):
            member(part, "type", str)
            name = f"of part {index}" if part.get("id") is None else str(part["id"])
            regions.setdefault(name, []).append(part)
        for name, region in regions.items():
            with at(f"region {name}"):
                _add_region(region, pages, passed_over)
    return pages


def _addresses(data: dict, key: str | None) -> list[str]:
    """Where the data of a task says that its images are."""
    texts = {
        name: as_list(value)
        for name, value in data.items()
        if value and all(isinstance(each, str) and each for each in as_list(value)) and key in (None, name)
    }
    found = [name for name, each in texts.items() if all(map(_is_picture, each))] or list(texts)
    if not found:
        raise ValueError(f"no {_KEYS[0] if key is None else key!r}, nor another image, in its data")
    known = [name for name in _KEYS if name in found]
    if len(found) > 1 and not known:
        raise ValueError(f"which of {', '.join(map(repr, found))} in its data is the image? Say so with key=")
    return texts[(known or found)[0]]


def _is_picture(address: str) -> bool:
    return _place(address).lower().endswith(SUFFIXES)


def _place(address: str) -> str:
    """The path in an address: what follows ?d= on Label Studio's own server, and otherwise that of the address."""
    if "?d=" in address:
        return address.partition("?d=")[2].partition("&")[0]
    if _SERVED.match(address):
        return re.sub(r"^\w+://[^/]*|[?#].*", "", address, flags=re.S)
    return address


def _find(address: str, folder: Path, images: Path | None) -> Path:
    """The image of an address, or where it should be."""
    check_text(address, "the address of the image")
    place = _place(address)
    plain = unquote(place)
    last = parts(plain)[-1] if parts(plain) else plain
    stripped = _UPLOADED.sub("", last)
    if images is None:
        served = _SERVED.match(address) and "?d=" not in address  # then its folders are those of the server
        known = (plain, place, last, stripped) if served else (plain, place)
        return next(filter(None, (locate(name, folder) for name in known)), folder / plain)
    inside = [] if ".." in parts(plain) else ["/".join(parts(name)) for name in (plain, place)]
    return next(filter(None, (locate(name, images) for name in (*inside, last, stripped))), images / stripped)


def _outcome(task: dict, passed_over: Counter[str]) -> list[dict]:
    """The annotation or prediction to read, in a list of one, or of none; the others are counted."""
    found = {name: as_list(task.get(name)) for name in ("annotations", "predictions", "drafts")}
    for name, outcomes in found.items():
        if not all(isinstance(outcome, dict) for outcome in outcomes):
            raise ValueError(f"{name} has what is not an object")
    done = [outcome for outcome in found["annotations"] if not outcome.get("was_cancelled")]
    chosen = ([each for each in done if each.get("ground_truth") is True] or done or found["predictions"])[-1:]
    passed_over["cancelled annotation"] += len(found["annotations"]) - len(done)
    passed_over["other annotation"] += max(0, len(done) - 1)
    passed_over["other prediction"] += 0 if done else max(0, len(found["predictions"]) - 1)
    passed_over["draft"] += len(found["drafts"])
    passed_over += Counter()  # drops what was counted zero times
    return chosen


def _add_region(region: list[dict], pages: list[Page], passed_over: Counter[str]) -> None:
    """Make a label of the parts of a result that share an id; all are passed over if none says where it is."""
    entry: dict[str, Any] = {"transcription": ""}
    texts: dict[str, str] = {}
    unused: list[str] = []
    for part in region:
        kind, name = part["type"], part.get("from_name")
        shape = kind.removesuffix("labels")
        if part.get("value") is None:
            unused.append(kind)
            continue
        value = member(part, "value", dict)
        if part.get("score") is not None:
            entry["score"] = part["score"]
        if shape in _SHAPES:
            size = _size(part, pages[_item(part, pages)])
            with at(kind):
                points = _SHAPES[shape](value, size).round(3).tolist()
            if entry.setdefault("points", points) != points:
                raise ValueError("two places for one region")
        elif kind == "textarea":
            texts[str(name)] = "\n".join(_texts(part, "text"))
        elif kind == "choices" and name == _DIFFICULT:
            entry["difficult"] = _DIFFICULT in _texts(part, "choices")
        elif kind != "labels":
            unused.append(kind)
        if kind.endswith("labels") and kind in value:
            first, *others = [*_texts(part, kind), None]
            unused += ["label"] * (len(others) - 1)
            if first not in (None, _CLASS):
                entry["key_cls"] = first
    if "points" not in entry:
        passed_over.update(part["type"] for part in region)
        return
    if texts:
        chosen = _TRANSCRIPTION if _TRANSCRIPTION in texts else next(iter(texts))
        entry["transcription"] = texts.pop(chosen)
    passed_over.update(unused + ["textarea"] * len(texts))
    pages[_item(region[0], pages)].lines.append(checked_label(entry))


def _item(part: dict, pages: list[Page]) -> int:
    """Which of the images of a task a part belongs to."""
    index = part.get("item_index") or 0
    if type(index) is not int or not 0 <= index < len(pages):
        raise ValueError(f"item_index is {shown(index)}, but there are {len(pages)} images")
    return index


def _texts(part: dict, name: str) -> list[str]:
    """The texts of a value, which may be one text, or a list of them."""
    texts = as_list(part["value"].get(name))
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{name} is {shown(texts)}, expected a list of texts")
    return texts


def _size(part: dict, page: Page) -> np.ndarray:
    """Width and height of the image, as the part says, or else as the file says."""
    if part.get("image_rotation"):
        raise ValueError(
            f"drawn on the image turned by {shown(part['image_rotation'])} degrees: turn it back in Label Studio"
        )
    sides = [part.get("original_width"), part.get("original_height")]
    if None in sides:
        try:
            return np.array(image_size(page.image), float)
        except (OSError, ValueError):
            raise ValueError(f"no original_width or original_height, nor an image {page.image} to measure") from None
    size = np.array([number(side, "a side of the image") for side in sides], float)
    if not (size > 0).all():
        raise ValueError(f"the image is said to have {shown(sides)} pixels")
    return size


def _rectangle(value: dict, size: np.ndarray) -> np.ndarray:
    """Label Studio turns a rectangle clockwise around its top left corner."""
    start, sides = _numbers(value, "x", "y") * size / 100, _numbers(value, "width", "height") * size / 100
    return start + np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * sides @ _turn(value)


def _ellipse(value: dict, size: np.ndarray) -> np.ndarray:
    centre, radii = _numbers(value, "x", "y") * size / 100, _numbers(value, "radiusX", "radiusY") * size / 100
    angles = np.arange(_SIDES) * 2 * np.pi / _SIDES - 0.75 * np.pi  # from the top left, clockwise
    return centre + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii @ _turn(value)


def _polygon(value: dict, size: np.ndarray) -> np.ndarray:
    points = member(value, "points", list)
    if len(points) < 3 or not all(isinstance(point, list) and len(point) == 2 for point in points):
        raise ValueError(f"points are {shown(points)}, expected three corners or more")
    return np.array([[number(part, "a coordinate") for part in point] for point in points]) * size / 100


_SHAPES = {"rectangle": _rectangle, "polygon": _polygon, "ellipse": _ellipse}


def _turn(value: dict) -> np.ndarray:
    """The matrix that turns rows of x and y by the rotation of a shape."""
    angle = np.radians(number(value.get("rotation") or 0, "rotation"))
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _numbers(value: dict, *names: str) -> np.ndarray:
    return np.array([number(member(value, name, object), name) for name in names], float)
