"""Labels on their way into a file and out of it, by the same checks: what is accepted can be read back."""

from __future__ import annotations

from typing import Any

from ocrbook.labels.files import at, check_text
from ocrbook.labels.ppocrlabel import Label, check_entry, to_label
from ocrbook.page import Page


def checked_label(entry: dict[str, Any]) -> Label:
    """The label of an entry, as in a row of PPOCRLabel, with a score; ValueError says what is wrong with it."""
    check_entry(entry)
    check_text(entry["transcription"])
    check_text(entry.get("key_cls") or "", "the class")
    return to_label(entry)


def checked_labels(page: Page) -> list[Label]:
    """The lines of a page as labels. Raises ValueError with image, label number and reason if no file can hold one."""
    labels = []
    for number, label in enumerate(map(Label.of, page.lines), 1):
        entry = {
            "transcription": label.text,
            "points": label.points.tolist(),
            "difficult": label.difficult,
            "score": label.score,
        }
        with at(f"{page.image}, label {number}"):
            labels.append(checked_label(entry if label.key_cls is None else entry | {"key_cls": label.key_cls}))
    return labels
