"""The first cell of every notebook, where it finds the book's folder and where it has to fetch it."""

import os
import re
import subprocess
import sys

import nbformat

from tools.book_files import ROOT

CELL = nbformat.read(ROOT / "notebooks" / "_template.ipynb", as_version=4).cells[1].source
ASK = "\nimport ocrbook\nprint(os.getcwd(), pathlib.Path(ocrbook.__file__).parent)"


def run_in(folder, **environment):
    done = subprocess.run(
        [sys.executable, "-c", CELL + ASK],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()[-1]


def test_folder_is_found_from_inside_the_clone():
    assert run_in(ROOT / "notebooks" / "start") == f"{ROOT} {ROOT / 'ocrbook'}"


def test_folder_is_fetched_where_the_notebook_is_alone(tmp_path):
    url = re.search(r'"(https://[^"]+)"', CELL)[1]
    redirect = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{ROOT}.insteadOf", "GIT_CONFIG_VALUE_0": url}
    book = tmp_path / "hands-on-ocr"
    assert run_in(tmp_path, **redirect) == f"{book} {book / 'ocrbook'}"
    assert (book / "requirements.txt").is_file()
    assert run_in(tmp_path) == f"{book} {book / 'ocrbook'}"  # the second time nothing needs to be fetched
