"""Label Studio's JSON: tasks to import there, and what it exports (format JSON, not JSON_MIN).

A label becomes a rectangle or a polygon, a class, and a text area that share an id. Places are percentages of the
image's sides. Confirmed pages become annotations, others predictions with their scores.
Format: https://labelstud.io/guide/task_format and https://labelstud.io/templates/optical_character_recognition
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote, unquote
from xml.sax.saxutils import quoteattr

import numpy as np

from ocrbook.files import write_atomically
from ocrbook.labels.files import image_size, read_json, relative
from ocrbook.labels.ppocrlabel import Label, check_entry, to_label
from ocrbook.page import Page

_CLASS = "Text"  # the class of labels that have none
_LOCAL = "/data/local-files/?d="
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
_DIFFICULT = "difficult"


def config(classes: Sequence[str] = ()) -> str:
    """The labelling interface to paste into Label Studio's settings, with KIE classes if there are any."""
    labels = "".join(f"<Label value={quoteattr(name)}/>" for name in (_CLASS, *classes))
    return f"""<View>
  <Image name="image" value="$ocr" zoom="true" zoomControl="true" rotateControl="true"/>
  <Labels name="label" toName="image">{labels}</Labels>
  <Rectangle name="bbox" toName="image" strokeWidth="3"/>
  <Polygon name="poly" toName="image" strokeWidth="3"/>
  <TextArea name="transcription" toName="image" editable="true" perRegion="true" required="false" maxSubmissions="1"
    displayMode="region-list"/>
  <Choices name="{_DIFFICULT}" toName="image" perRegion="true"><Choice value="{_DIFFICULT}"/></Choices>
</View>
"""


def write(path: str | Path, pages: Iterable[Page], *, confirmed: bool = True, address: str = _LOCAL) -> None:
    """Write tasks for Label Studio.

    Parameters
    ----------
    path : str or Path
    pages : iterable of Page
    confirmed : bool
        Whether people have confirmed them; else they are predictions of a model.
    address : str
        Put in front of the image's path, which is relative to the file. The default is Label Studio's local storage,
        for a server that was started with LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT set to the file's folder.
    """
    path = Path(path)
    tasks = []
    for page in pages:
        size = image_size(page.image)
        result = [part for number, line in enumerate(page.lines) for part in _region(number, Label.of(line), size)]
        outcome = {"result": result}
        if not confirmed:
            outcome |= {"score": min((line.score for line in page.lines), default=0.0)}
        data = {"ocr": address + quote(relative(page.image, path.parent))}
        tasks.append({"data": data, "annotations" if confirmed else "predictions": [outcome]})
    write_atomically(path, json.dumps(tasks, ensure_ascii=False, indent=1).encode())


def _region(number: int, label: Label, size: tuple[int, int]) -> list[dict]:
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
        ("textarea", "transcription", {"text": [label.text]}),
    ]
    if label.difficult:
        parts.append(("choices", _DIFFICULT, {"choices": [_DIFFICULT]}))
    shared = {
        "id": f"label{number + 1}",
        "to_name": "image",
        "original_width": size[0],
        "original_height": size[1],
        "image_rotation": 0,
        "score": label.score,
    }
    return [shared | {"type": kind, "from_name": name, "value": place | extra} for kind, name, extra in parts]


def read(path: str | Path, images: str | Path | None = None) -> list[Page]:
    """Read tasks: of each the last annotation that was not cancelled, or else the last prediction.

    Points are rounded to a thousandth of a pixel, since percentages are not exact.

    Parameters
    ----------
    path : str or Path
    images : str or Path, optional
        Where the images are; if None, as the tasks say, relative to the file. Files that were uploaded have eight
        digits in front of their names there, which are taken off where `images` has the name without them.

    Raises
    ------
    ValueError
        If the file is not Label Studio's; the message names the task and what is wrong with it.
    """
    path = Path(path)
    tasks = read_json(path)
    if not isinstance(tasks, list):
        raise ValueError(f"{path} is not a list of tasks: export as JSON")
    pages = []
    for number, task in enumerate(tasks, 1):
        try:
            pages.append(_page(task, path.parent, None if images is None else Path(images)))
        except KeyError as error:
            raise ValueError(f"{path}, task {number}: no {error}") from None
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{path}, task {number}: {error}") from None
    return pages


def _page(task: dict, folder: Path, images: Path | None) -> Page:
    address = unquote(task["data"]["ocr"])
    place = address.partition("?d=")[2] or address
    if images is None:
        image = folder / place
    else:
        name = Path(place).name
        image = images / name
        if not image.is_file():
            image = images / _UPLOADED.sub("", name)
    done = [outcome for outcome in task.get("annotations", []) if not outcome.get("was_cancelled")]
    outcomes = done or task.get("predictions", [])
    regions: dict[str, dict] = {}
    for part in outcomes[-1]["result"] if outcomes else []:
        _collect(regions.setdefault(part["id"], {}), part)
    lines = []
    for region, entry in regions.items():
        try:
            check_entry(entry)
        except ValueError as error:
            raise ValueError(f"region {region}: {error}") from None
        lines.append(to_label(entry))
    return Page(image.as_posix(), lines)


def _collect(entry: dict, part: dict) -> None:
    """Add what a part of a result says to the label's entry."""
    value, size = part["value"], (part["original_width"], part["original_height"])
    entry.setdefault("transcription", "")
    if part.get("score") is not None:
        entry["score"] = part["score"]
    if part["type"] in ("polygon", "polygonlabels"):
        entry["points"] = _pixels(np.array(value["points"], float), size)
    elif part["type"] in ("rectangle", "rectanglelabels"):
        entry["points"] = _rectangle(value, size)
    elif part["type"] == "textarea":
        entry["transcription"] = "\n".join(value["text"])
    elif part["type"] == "choices" and part["from_name"] == _DIFFICULT:
        entry["difficult"] = _DIFFICULT in value["choices"]
    classes = value.get(part["type"]) if part["type"].endswith("labels") else None
    if classes and classes[0] != _CLASS:
        entry["key_cls"] = classes[0]


def _rectangle(value: dict, size: tuple[int, int]) -> list[list[float]]:
    """Corners in pixels; Label Studio turns a rectangle clockwise around its top left corner."""
    start = np.array([value["x"], value["y"]]) * size / 100
    width, height = np.array([value["width"], value["height"]]) * size / 100
    angle = np.radians(value.get("rotation", 0))
    right, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    corners = np.array([start, start + width * right, start + width * right + height * down, start + height * down])
    return corners.round(3).tolist()


def _pixels(points: np.ndarray, size: tuple[int, int]) -> list[list[float]]:
    return (points * size / 100).round(3).tolist()
