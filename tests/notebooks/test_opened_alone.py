"""The first cell of every notebook, where it finds the book's folder and where it has to fetch it."""

import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from tools.book_files import ROOT

CELL = nbformat.read(ROOT / "notebooks" / "_template.ipynb", as_version=4).cells[1].source
URL = re.search(r'"(https://[^"]+)"', CELL)[1]
ASK = "\nimport ocrbook\nprint(os.getcwd(), pathlib.Path(ocrbook.__file__).parent)"


def run(folder, before="", **environment):
    """Run the cell in a folder, after some code that stands for another machine."""
    return subprocess.run(
        [sys.executable, "-c", before + CELL + ASK],
        cwd=folder,
        env=os.environ | {"PIP_NO_INDEX": "1"} | environment,  # pip finds all installed already
        capture_output=True,
        text=True,
    )


def run_in(folder, **environment):
    done = run(folder, **environment)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    return line


def line_of(done):
    """What the cell says where it can't go on: one line, no traceback."""
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """Environment variables with which git finds what is in this clone, committed or not, in place of the address."""
    copy = tmp_path_factory.mktemp("origin")
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True
    )
    for name in filter(None, names.stdout.split("\0")):
        if re.fullmatch(r"ocrbook/.*\.py", name):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    (copy / "requirements.txt").write_text("numpy\n")  # all of them would take pip half a minute
    git = ["git", "-C", str(copy), "-c", "user.name=a", "-c", "user.email=a"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], check=True)
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{copy}.insteadOf", "GIT_CONFIG_VALUE_0": URL}


def test_folder_is_found_from_inside_the_clone():
    assert run_in(ROOT / "notebooks" / "start") == f"{ROOT} {ROOT / 'ocrbook'}"


def test_folder_is_fetched_where_the_notebook_is_alone(tmp_path, origin):
    book = tmp_path / "hands-on-ocr"
    assert run_in(tmp_path, **origin) == f"{book} {book / 'ocrbook'}"
    assert (book / "requirements.txt").is_file()
    assert run_in(tmp_path) == f"{book} {book / 'ocrbook'}"  # the second time nothing needs to be fetched
    assert list(tmp_path.iterdir()) == [book]


def test_empty_folder_of_an_interrupted_clone_is_filled(tmp_path, origin):
    (tmp_path / "hands-on-ocr").mkdir()
    assert run_in(tmp_path, **origin).startswith(f"{tmp_path / 'hands-on-ocr'} ")


@pytest.mark.parametrize("files", [[], ["ocrbook/__init__.py"], ["ocrbook/__init__.py", "ocrbook/models.py"]])
def test_another_folder_of_that_name_is_not_taken(tmp_path, origin, files):
    (tmp_path / "ocrbook").mkdir()
    for name in files:
        (tmp_path / name).write_text("raise SystemExit('taken')")
    (tmp_path / "below").mkdir()
    book = tmp_path / "below" / "hands-on-ocr"
    assert run_in(tmp_path / "below", **origin) == f"{book} {book / 'ocrbook'}"


@pytest.mark.parametrize("name", ["ocrbook/__init__.py", "ocrbook/models.py", ".git/HEAD"])
def test_old_or_broken_clone_is_named(tmp_path, origin, name):
    file = tmp_path / "hands-on-ocr" / name
    file.parent.mkdir(parents=True)
    file.write_text("old")
    line = line_of(run(tmp_path, **origin))
    assert line == f"{tmp_path / 'hands-on-ocr'} is another edition: git pull there, or move it away."


def test_no_network_is_one_line(tmp_path):
    nowhere = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{tmp_path}/no.insteadOf",
        "GIT_CONFIG_VALUE_0": URL,
    }
    line = line_of(run(tmp_path, **nowhere))
    assert line.startswith("Can't fetch the book: ")
    assert line.endswith(" With a network, run this cell again.")
    assert not list(tmp_path.iterdir())


def test_no_git_is_one_line(tmp_path):
    line = line_of(run(tmp_path, PATH=str(tmp_path)))
    assert line.startswith("Can't fetch the book: ") and "git" in line


def test_packages_that_could_not_be_installed_are_installed_the_next_time(tmp_path, origin):
    for more in (origin, {}):  # the second time nothing needs to be fetched, and still they are missing
        line = line_of(run(tmp_path, **more, PIP_REQUIREMENT="no.txt"))
        assert re.match("Can't install the packages: .*no.txt.* With a network, run this cell again.", line)
    assert run_in(tmp_path).startswith(f"{tmp_path / 'hands-on-ocr'} ")
    assert not (tmp_path / "hands-on-ocr" / ".installing").exists()


def test_missing_packages_are_named_with_the_command(tmp_path):
    hide = "import importlib.util\nimportlib.util.find_spec = lambda name: None\n"
    line = line_of(run(ROOT, hide))
    assert line == f"Packages of the book are missing: {sys.executable} -m pip install -r {ROOT / 'requirements.txt'}"


@pytest.mark.parametrize("library", ["libGL.so.1", "libgomp.so.1"])
def test_missing_library_is_named_with_the_command(library):
    reason = f"{library}: cannot open shared object file: No such file or directory"
    hide = {
        "libGL.so.1": "import importlib as module; name = 'import_module'",
        "libgomp.so.1": "import cv2, ctypes as module; name = 'CDLL'",
    }[library]
    hide += f"\ndef fail(name): raise ImportError('{reason}')\nsetattr(module, name, fail)\n"
    assert line_of(run(ROOT, hide)) == f"{reason}: apt-get install libgl1 libglib2.0-0 libgomp1"


@pytest.mark.parametrize("open_to_all", [".", "ocrbook"])
def test_folder_that_others_can_write_to_is_not_imported(tmp_path, open_to_all):
    (tmp_path / "ocrbook").mkdir()
    (tmp_path / "ocrbook" / "__init__.py").write_text("print('run')\nEDITION = 1\n")
    (tmp_path / "below").mkdir()
    (tmp_path / open_to_all).chmod(0o777)
    line = line_of(run(tmp_path / "below"))
    assert line == f"Others can change what you would run: chmod o-w {tmp_path / open_to_all}"
