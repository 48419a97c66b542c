"""What nbval compares, and which notebooks need more than Python."""

import shutil

import pytest


def pytest_collectstart(collector):
    """Compare every text output; stored notebooks have no stderr."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)


def pytest_collection_modifyitems(items):
    """Skip the notebooks whose outputs come from a program that is not installed."""
    programs = {"tesseract": "tesseract-ocr tesseract-ocr-chi-sim", "ssocr": "ssocr"}
    missing = {n: packages for n, packages in programs.items() if not shutil.which(n)}
    for item in items:
        for name, packages in missing.items():
            call = f'which(\\"{name}\\")'
            if item.path.suffix == ".ipynb" and call in item.path.read_text():
                item.add_marker(pytest.mark.skip(reason=f"apt install {packages}"))
