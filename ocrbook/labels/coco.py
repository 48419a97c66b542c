"""COCO: all images and labels of a data set in one JSON file, as detectors outside OCR read it.

COCO has no place for texts. They stand in each annotation's `attributes`, as CVAT writes them; of other data sets,
`utf8_string` (COCO-Text) and `text` are understood, too.
Format: https://cocodataset.org/#format-data
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from shapely.geometry import Polygon

from ocrbook.files import write_atomically
from ocrbook.labels.files import image_size, read_json, relative
from ocrbook.labels.ppocrlabel import Label, check_entry, to_label
from ocrbook.page import Page

_TEXT = "text"  # the category of labels without a KIE class
_TEXT_FIELDS = ("transcription", "utf8_string", "text")


def write(path: str | Path, pages: Iterable[Page]) -> None:
    """Write pages into a COCO file; nothing is lost. Images are named relative to the file.

    Raises
    ------
    FileNotFoundError, ValueError
        If an image is missing, or not an image: COCO wants its size.
    """
    path = Path(path)
    images, annotations, categories = [], [], {_TEXT: 1}
    for image_id, page in enumerate(pages, 1):
        width, height = image_size(page.image)
        images.append(
            {"id": image_id, "file_name": relative(page.image, path.parent), "width": width, "height": height}
        )
        for label in map(Label.of, page.lines):
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


def read(path: str | Path) -> list[Page]:
    """Read the pages of a COCO file, also those without labels.

    An annotation without a polygon becomes its box. Categories of other programs become KIE classes, except "text".

    Raises
    ------
    ValueError
        If the file is not COCO; the message names the annotation and what is wrong with it.
    """
    path = Path(path)
    content = read_json(path)
    try:
        names = {category["id"]: category["name"] for category in content["categories"]}
        pages = {image["id"]: Page((path.parent / image["file_name"]).as_posix()) for image in content["images"]}
        annotations = content["annotations"]
    except (TypeError, KeyError) as error:
        raise ValueError(f"{path} is not a COCO file: {error!r} in its images, categories or annotations") from None
    for number, annotation in enumerate(annotations, 1):
        try:
            entry = _entry(annotation, names)
            check_entry(entry)
            pages[annotation["image_id"]].lines.append(to_label(entry))
        except (ValueError, TypeError, KeyError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else error
            raise ValueError(f"{path}, annotation {number}: {reason}") from None
    return list(pages.values())


def _entry(annotation: dict, names: dict) -> dict:
    known = annotation | annotation.get("attributes", {})
    polygons = annotation.get("segmentation") or []
    if isinstance(polygons, dict):
        raise ValueError("its shape is a bit mask, expected a polygon")
    if len(polygons) > 1:
        raise ValueError(f"it has {len(polygons)} polygons, expected one")
    if polygons:
        flat = polygons[0]
        points = [flat[i : i + 2] for i in range(0, len(flat), 2)]
    else:
        left, top, width, height = annotation["bbox"]
        points = [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]
    name = names[annotation["category_id"]]
    key_cls = known.get("key_cls", None if name == _TEXT else name)
    return {
        "transcription": next((known[field] for field in _TEXT_FIELDS if field in known), ""),
        "points": points,
        "difficult": known.get("difficult", False),
        "score": known.get("score", 1.0),
    } | ({} if key_cls is None else {"key_cls": key_cls})
