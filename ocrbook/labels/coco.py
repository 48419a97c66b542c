"""COCO: all images and labels of a data set in one JSON file, as detectors outside OCR read it.

COCO has no place for texts. They stand in each annotation's `attributes`, as CVAT writes them; of other data sets,
`utf8_string` (COCO-Text) and `text` are understood, too.
Format: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import Polygon

from ocrbook.crops import smallest_rectangle
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
from ocrbook.page import Page

_TEXT = "text"  # the category of labels without a KIE class
_TEXT_FIELDS = ("transcription", "utf8_string", "text")


def write(path: str | Path, pages: Iterable[Page]) -> None:
    """Write pages into a COCO file; nothing is lost. Images are named relative to the file.

    Raises
    ------
    FileNotFoundError, ValueError
        If an image is missing, or not an image: COCO wants its size. Or if a name or a label can't be held by a file.
    """
    path = Path(path)
    images, annotations, categories = [], [], {_TEXT: 1}
    for image_id, page in enumerate(pages, 1):
        name = image_name(page.image, path.parent)
        width, height = image_size(page.image)
        images.append({"id": image_id, "file_name": name, "width": width, "height": height})
        for label in checked_labels(page):
            category = categories.setdefault(label.key_cls or _TEXT, len(categories) + 1)
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image_id, "category_id": category} | _annotation(label)
            )
    content = {
        "images": images,
        "categories": [{"id": number, "name": name, "supercategory": _TEXT} for name, number in categories.items()],
        "annotations": annotations,
    }
    write_atomically(path, json.dumps(content, ensure_ascii=False, indent=1).encode())


def _annotation(label: Label) -> dict:
    left, top, right, bottom = label.box
    attributes = {"transcription": label.text, "difficult": label.difficult, "score": label.score}
    return {
        "segmentation": [label.points.ravel().tolist()],
        "bbox": [left, top, right - left, bottom - top],
        "area": Polygon(label.points).area,
        "iscrowd": 0,
        "attributes": attributes if label.key_cls is None else attributes | {"key_cls": label.key_cls},
    }


def read(path: str | Path) -> Parsed[Page]:
    """Read the pages of a COCO file, also those without labels.

    An annotation without a polygon becomes its box, one with several the smallest rectangle around them, and one with
    a bit mask its box. A crowd is difficult. Categories of other programs become KIE classes, except "text".

    Returns
    -------
    Parsed list of Page. `passed_over` counts bit masks that became boxes ("bit mask"), annotations with more than one
    polygon ("several polygons"), and those that have no place on the image ("no place").

    Raises
    ------
    ValueError
        If the file is not COCO; the message names the annotation and what is wrong with it.
    """
    path = Path(path)
    content = read_json(path)
    if not isinstance(content, dict) or not {"images", "annotations"} <= content.keys():
        raise ValueError(f"{path} is not a COCO file: it has no images and annotations")
    with at(f"{path} is not a COCO file"):
        categories, images, annotations = (
            member({"categories": []} | content, name, list) for name in ("categories", "images", "annotations")
        )
    classes: dict[float | str, str] = {}
    for index, category in enumerate(categories, 1):
        with at(f"{path}, category {index}"):
            if classes.setdefault(_id(category, "id"), name := member(category, "name", str)) != name:
                raise ValueError(f"another one has the id {category['id']!r}, too")
    pages: dict[float | str, Page] = {}
    for index, image in enumerate(images, 1):
        with at(f"{path}, image {index}"):
            if _id(image, "id") in pages:
                raise ValueError(f"another one has the id {image['id']!r}, too")
            check_text(name := member(image, "file_name", str), "file_name")
            pages[image["id"]] = Page((locate(name, path.parent) or path.parent / name).as_posix())
    passed_over: Counter[str] = Counter()
    for index, annotation in enumerate(annotations, 1):
        with at(f"{path}, annotation {index}"):
            if (image := _id(annotation, "image_id")) not in pages:
                raise ValueError(f"image_id {image!r} is not one of the images")
            points = _points(annotation, passed_over)
            if points is None:
                passed_over["no place"] += 1
            else:
                pages[image].lines.append(checked_label(_entry(annotation, classes) | {"points": points}))
    return Parsed(pages.values(), passed_over)


def _id(record: Any, name: str) -> float | str:
    value = member(record, name, object)
    if type(value) not in (int, float, str):  # the float of a whole number is the same key
        raise ValueError(f"{name} is {shown(value)}, expected a number")
    return value


def _points(annotation: dict, passed_over: Counter[str]) -> list[list[float]] | None:
    """The corners of an annotation; None if it has no place."""
    shape, box = annotation.get("segmentation"), annotation.get("bbox")
    if isinstance(shape, dict):
        passed_over["bit mask"] += 1
        shape = None
    polygons = as_list(shape)
    if polygons and not isinstance(polygons[0], list):
        polygons = [polygons]  # one polygon where a list of them is expected
    corners = []
    for flat in polygons:
        if not isinstance(flat, list) or len(flat) % 2:
            raise ValueError(f"its polygon is {shown(flat)}, expected x and y of each corner")
        values = [number(value, "a coordinate") for value in flat]
        if values:
            corners.append([values[i : i + 2] for i in range(0, len(values), 2)])
    if len(corners) > 1:
        passed_over["several polygons"] += 1
        return smallest_rectangle(np.array([point for each in corners for point in each])).tolist()
    if corners:
        return corners[0]
    if not box:
        return None
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError(f"bbox is {shown(box)}, expected left, top, width, height")
    left, top, width, height = (number(value, "a value of bbox") for value in box)
    if width < 0 or height < 0:
        raise ValueError(f"bbox is {shown(box)}: its width or height is less than zero")
    return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]


def _entry(annotation: dict, classes: dict[float | str, str]) -> dict:
    """What an annotation says beside its place; null says nothing."""
    attributes = annotation.get("attributes")
    known = annotation | (attributes if isinstance(attributes, dict) else {})
    known = {name: value for name, value in known.items() if value is not None}
    category = known.get("category_id")
    if category is not None and _id(known, "category_id") not in classes:
        raise ValueError(f"category_id {category!r} is not one of the categories")
    name = classes.get(category, _TEXT)
    key_cls = known.get("key_cls", None if name == _TEXT else name)
    difficult = known.get("difficult", known.get("iscrowd", False))
    return {
        "transcription": next((known[field] for field in _TEXT_FIELDS if field in known), ""),
        "difficult": difficult == 1 if difficult in (0, 1) else difficult,
        "score": known.get("score", 1.0),
    } | ({} if key_cls is None else {"key_cls": key_cls})
