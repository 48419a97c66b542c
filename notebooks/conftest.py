"""What nbval compares, and which notebooks need more than Python."""

import shutil

import pytest


def pytest_collectstart(collector):
    """Compare every text output; stored notebooks have no stderr."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)


def pytest_collection_modifyitems(items):
    """Skip the notebooks whose outputs come from a program that is not installed."""
    if shutil.which("tesseract"):
        return
    reason = "apt install tesseract-ocr tesseract-ocr-chi-sim"
    for item in items:
        if item.path.suffix == ".ipynb" and "pytesseract" in item.path.read_text():
            item.add_marker(pytest.mark.skip(reason=reason))
