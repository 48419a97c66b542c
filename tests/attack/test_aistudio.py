"""The steps of book/elsewhere for AI Studio, as the page has them, on a machine made to be like it.

A user without administrator rights, without git, with a home of its own; another NumPy and OpenCV are found first. The
packages are fetched: about five minutes for each of the two ways.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

from tools import bundle
from tools.book_files import ROOT

NOBODY = 65534
PROGRAMS = ("cat", "mkdir", "ls", "env", "sh", "uname", "nproc", "ldconfig")

# The first cell of a chapter and what the page says about checking it, in the kernel that is asked for.
CHECK = """
import os, sys, nbformat
from nbclient import NotebookClient
from pathlib import Path
path = Path.home() / "hands-on-ocr/notebooks/start/01_first_page.ipynb"
first = next(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code")
child = "!{sys.executable} -c 'import numpy; print(numpy.__file__)'"
cells = [nbformat.v4.new_code_cell(source) for source in (first, "%run -m ocrbook check", child)]
place = {"metadata": {"path": str(path.parent)}}
notebook = nbformat.v4.new_notebook(cells=cells)
NotebookClient(notebook, timeout=600, kernel_name=sys.argv[1], resources=place).execute(
    env=os.environ | {"PYTHONPATH": sys.argv[2]}
)
for cell in notebook.cells:
    print("".join(output.text for output in cell.outputs))
"""


def commands():
    """What the page has one type into a terminal: unpacking, the environment, its kernel; and the other way."""
    page = (ROOT / "book" / "elsewhere.md").read_text("utf-8")
    section = page.partition("## Baidu AI Studio")[2].partition("\n## ")[0]
    unpack, environment, kernel, check, folder = re.findall(r"^ *```\n(.*?)^ *```$", section, re.DOTALL | re.MULTILINE)
    assert check.strip() == "%run -m ocrbook check"
    return [textwrap.dedent(each) for each in (unpack, environment, kernel, folder)]


def runs(python, user):
    """Whether a user can make environments with a Python."""
    try:
        return (
            subprocess.run([python, "-c", "import ensurepip, pip, venv"], capture_output=True, **user).returncode == 0
        )
    except PermissionError:
        return False


@pytest.fixture
def studio():
    """A function that runs a script there and returns what it prints, and the home."""
    with tempfile.TemporaryDirectory() as folder:  # no place of pytest's, which are closed to other users
        Path(folder).chmod(0o755)
        yield machine(Path(folder))


def machine(tmp_path):
    """Lay out the home, the programs and what is preinstalled."""
    home, programs, before = tmp_path / "aistudio", tmp_path / "bin", tmp_path / "preinstalled"
    for folder in (home, programs, before):
        folder.mkdir()
    shutil.copy(bundle.write_bundle("en"), home)
    for name in PROGRAMS:
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    other = ["ipykernel", "numpy==1.26.4", "opencv-python-headless==4.8.1.78"]
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "-t", before, *other], check=True)
    pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    environment = pip | {"HOME": str(home), "PATH": str(programs), "PYTHONPATH": str(before), "PIP_QUIET": "2"}
    user = {}
    if os.getuid() == 0:
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        for path in (home, *home.iterdir()):
            os.chown(path, NOBODY, NOBODY)
    python = next(path for path in (sys.executable, "/usr/bin/python3") if runs(path, user))
    (programs / "python").write_text(f'#!/bin/sh\nexec "{python}" "$@"\n')
    (programs / "python").chmod(0o755)

    def run(script):
        script = script.replace("/home/aistudio", str(home))
        done = subprocess.run(
            ["/bin/sh", "-e", "-c", script], cwd=home, env=environment, capture_output=True, text=True, **user
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run, home


def assert_right(printed, place):
    assert "All is right." in printed and "!!" not in printed, printed
    for name in ("numpy", "cv2", "paddle", "paddleocr"):
        assert re.search(rf"^   {name} +[\d.]+  {re.escape(str(place))}/", printed, re.MULTILINE), printed
    assert printed.strip().splitlines()[-1].startswith(f"{place}/")  # of a program that the notebook starts


def test_environment_of_its_own_wins_over_what_is_preinstalled(studio):
    run, home = studio
    unpack, environment, kernel, _ = commands()
    run(unpack + environment + kernel)
    (home / "check.py").write_text(CHECK)
    assert_right(run("/home/aistudio/ocr-env/bin/python -I check.py hands-on-ocr $PYTHONPATH"), home / "ocr-env")


def test_folder_in_front_wins_over_what_is_preinstalled(studio):
    run, home = studio
    unpack, *_, folder = commands()
    run(unpack + folder)
    (home / "check.py").write_text(CHECK)
    assert_right(
        run("before=$PYTHONPATH; PYTHONPATH=external-libraries python check.py python3 $before"),
        home / "external-libraries",
    )
