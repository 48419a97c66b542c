"""The first cell of every notebook, where it finds the book's folder and where it has to fetch it."""

import os
import re
import shutil
import subprocess
import sys
import tarfile

import nbformat
import pytest

from tools import first_cell
from tools.book_files import ROOT
from tools.translate import translation_of

CELL = nbformat.read(ROOT / first_cell.TEMPLATE, as_version=4).cells[1].source
ASK = "\nimport ocrbook\nprint(os.getcwd(), pathlib.Path(ocrbook.__file__).parent)"

# The network as another machine has it: each address gives the archive, or the reason why not.
NETWORK = """
import io, urllib.error, urllib.request
ARCHIVES, REASONS = {archives!r}, {reasons!r}
def urlopen(url, timeout):
    assert url in ARCHIVES, url
    if url in REASONS:
        raise urllib.error.URLError(REASONS[url])
    return open({copy!r}, "rb")
urllib.request.urlopen = urlopen
"""

# pip as another machine has it: what it was given is printed, with what it answers.
PIP = """
import subprocess, pathlib
def pip(command, **_):
    wanted = pathlib.Path(command[-1]).read_text().split()
    return subprocess.CompletedProcess(command, {code}, "", {said!r}.format(wanted=wanted))
subprocess.run = pip
"""
INSTALLED = PIP.format(code=0, said="")


def run(folder, before="", cell=CELL, **environment):
    """Run the cell in a folder, after some code that stands for another machine."""
    return subprocess.run(
        [sys.executable, "-c", before + cell + ASK],
        cwd=folder,
        env=os.environ | {"PIP_NO_INDEX": "1"} | environment,  # pip finds all installed already
        capture_output=True,
        text=True,
    )


def run_in(folder, before="", **environment):
    done = run(folder, before, **environment)
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


def network(copy, reasons=(), archives=None):
    """Code after which the addresses of the archives give a file, but for those that there is a reason for."""
    return NETWORK.format(archives=archives or first_cell.archives(), reasons=dict(reasons), copy=str(copy))


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The archive of this clone's helper package, as a repository's host packs it."""
    folder = tmp_path_factory.mktemp("host")
    book = folder / "hands-on-ocr-main"
    shutil.copytree(ROOT / "ocrbook", book / "ocrbook", ignore=shutil.ignore_patterns("__pycache__", "weights"))
    script = "notebooks/deployment/csharp/build.sh"
    (book / script).parent.mkdir(parents=True)
    shutil.copy(ROOT / script, book / script)
    (book / "requirements-run.txt").write_text("numpy\npaddlepaddle\n")  # all of them would take pip half a minute
    with tarfile.open(folder / "main.tar.gz", "w:gz", compresslevel=1) as packed:
        packed.add(book, book.name)
    return folder / "main.tar.gz"


def test_folder_is_found_from_inside_the_clone():
    assert run_in(ROOT / "notebooks" / "start") == f"{ROOT} {ROOT / 'ocrbook'}"


def test_folder_is_fetched_where_the_notebook_is_alone_and_nothing_else_is_left(tmp_path, archive):
    book = tmp_path / "hands-on-ocr"
    book.mkdir()  # of an interrupted clone
    assert run_in(tmp_path, network(archive), PATH="") == f"{book} {book / 'ocrbook'}"  # there is no git
    assert os.access(book / "notebooks/deployment/csharp/build.sh", os.X_OK)
    assert run_in(tmp_path) == f"{book} {book / 'ocrbook'}"  # the second time nothing needs to be fetched
    assert list(tmp_path.iterdir()) == [book]


def test_mirror_is_a_line_of_the_configuration(tmp_path, archive, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / first_cell.TEMPLATE, tmp_path / first_cell.TEMPLATE)
    first, mirror = first_cell.archives()[0], "https://mirror.example/repository/archive/main.tar.gz"
    monkeypatch.setattr(first_cell, "archives", lambda: [first, mirror])
    monkeypatch.setattr(first_cell, "notebooks", list)
    monkeypatch.setattr(first_cell, "ROOT", tmp_path)
    assert first_cell.main() == 0
    cell = nbformat.read(tmp_path / first_cell.TEMPLATE, as_version=4).cells[1].source
    reached = run(tmp_path, network(archive, {first: "timed out"}, [first, mirror]) + INSTALLED, cell)
    assert reached.returncode == 0, reached.stderr
    shutil.rmtree(tmp_path / "hands-on-ocr")
    line = line_of(run(tmp_path, network(archive, {first: "timed out", mirror: "refused"}, [first, mirror]), cell))
    assert f"{first}: <urlopen error timed out>; {mirror}: <urlopen error refused>" in line


@pytest.mark.parametrize("files", [[], ["ocrbook/__init__.py"], ["ocrbook/__init__.py", "ocrbook/models.py"]])
def test_another_folder_of_that_name_is_not_taken(tmp_path, archive, files):
    (tmp_path / "ocrbook").mkdir()
    for name in files:
        (tmp_path / name).write_text("raise SystemExit('taken')")
    (tmp_path / "below").mkdir()
    book = tmp_path / "below" / "hands-on-ocr"
    assert run_in(tmp_path / "below", network(archive) + INSTALLED) == f"{book} {book / 'ocrbook'}"


@pytest.mark.parametrize("name", ["ocrbook/__init__.py", "ocrbook/models.py", ".git/HEAD"])
def test_old_or_broken_clone_is_named(tmp_path, archive, name):
    file = tmp_path / "hands-on-ocr" / name
    file.parent.mkdir(parents=True)
    file.write_text("old")
    line = line_of(run(tmp_path, network(archive)))
    assert line == f"{tmp_path / 'hands-on-ocr'} is another edition: move it away, run this cell again."


def test_archive_of_another_edition_or_half_of_one_is_refused(tmp_path, archive):
    (tmp_path / "old").mkdir()
    with tarfile.open(tmp_path / "old.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "old", "hands-on-ocr-main")
    (tmp_path / "half.tar.gz").write_bytes(archive.read_bytes()[:100_000])
    (tmp_path / "below").mkdir()
    for name, reason in (("old", "another edition than this notebook"), ("half", "")):
        line = line_of(run(tmp_path / "below", network(tmp_path / f"{name}.tar.gz")))
        assert line.startswith("Can't fetch the book (") and reason in line
        assert not list((tmp_path / "below").iterdir())


def test_no_network_is_one_line_with_the_reason_and_what_to_do(tmp_path):
    (url,) = first_cell.archives()
    line = line_of(run(tmp_path, network("", {url: "Name or service not known"})))
    what_to_do = "with a network run this cell again, or unpack the book's zip here"
    assert line == f"Can't fetch the book ({url}: <urlopen error Name or service not known>): {what_to_do}."
    assert not list(tmp_path.iterdir())


def test_chinese_notebooks_say_it_in_chinese(tmp_path):
    (url,) = first_cell.archives()
    cell = first_cell.translate(CELL, translation_of(first_cell.TEMPLATE))
    line = line_of(run(tmp_path, network("", {url: "timed out"}), cell))
    what_to_do = "请连接网络后重新运行这个单元格，或者把本书的 zip 压缩包解压到这里"
    assert line == f"无法下载本书（{url}: <urlopen error timed out>）：{what_to_do}。"


def test_packages_that_could_not_be_installed_are_installed_the_next_time(tmp_path, archive):
    for more in (network(archive), ""):  # the second time nothing needs to be fetched, and still they are missing
        line = line_of(run(tmp_path, more, PIP_REQUIREMENT="no.txt"))
        assert re.match("Can't install the packages: ERROR: .*no.txt.* Solve that, then run this cell again.", line)
    assert run_in(tmp_path).startswith(f"{tmp_path / 'hands-on-ocr'} ")
    assert not (tmp_path / "hands-on-ocr" / ".installing").exists()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("WARNING: Retrying\nERROR: No space left\n\n[notice] A new release of pip", "ERROR: No space left"),
        ("ERROR: Exception:\nTraceback (most recent call last):\n  File\nTimeoutError: read\n", "TimeoutError: read"),
        ("error: externally-managed-environment\n\nhint: See PEP 668", "error: externally-managed-environment"),
        ("/usr/bin/python3: No module named pip\n", "/usr/bin/python3: No module named pip"),
        ("", "no reason given"),
    ],
)
def test_reason_of_pip_is_the_one_that_is_shown(tmp_path, archive, said, reason):
    line = line_of(run(tmp_path, network(archive) + PIP.format(code=1, said=said)))
    assert line == f"Can't install the packages: {reason}. Solve that, then run this cell again."


@pytest.mark.parametrize(
    ("installed", "kept"),
    [("paddlepaddle 3.3.1", True), ("paddlepaddle-gpu 3.4.0.post1", True), ("paddlepaddle 2.6.2", False), ("", False)],
)
def test_paddle_of_the_platform_is_kept_where_it_suits(tmp_path, archive, installed, kept):
    platform = f"""
import importlib.metadata
def version(name, installed={installed.split()!r}):
    if name not in installed:
        raise importlib.metadata.PackageNotFoundError(name)
    return installed[1]
importlib.metadata.version = version
"""
    line = line_of(run(tmp_path, network(archive) + PIP.format(code=1, said="error: {wanted}") + platform))
    assert ("paddlepaddle" not in line) == kept and "numpy" in line


def test_packages_that_are_loaded_already_need_a_new_kernel(tmp_path, archive):
    line = line_of(run(tmp_path, "import numpy\n" + network(archive) + INSTALLED))
    assert line == "The packages are installed: restart the kernel, run all cells."
    assert run_in(tmp_path).startswith(f"{tmp_path / 'hands-on-ocr'} ")


def test_missing_packages_are_named_with_the_command():
    hide = "import importlib.util\nimportlib.util.find_spec = lambda name: None\n"
    line = line_of(run(ROOT, hide))
    command = f"{sys.executable} -m pip install -r {ROOT / 'requirements-run.txt'}"
    assert line == f"Packages of the book are missing: {command}"


@pytest.mark.parametrize("library", ["libGL.so.1", "libgomp.so.1"])
def test_missing_library_is_named_with_the_command(library):
    reason = f"{library}: cannot open shared object file: No such file or directory"
    hide = {
        "libGL.so.1": "import importlib as module; name = 'import_module'",
        "libgomp.so.1": "import cv2, ctypes as module; name = 'CDLL'",
    }[library]
    hide += f"\ndef fail(name): raise ImportError('{reason}')\nsetattr(module, name, fail)\n"
    line = line_of(run(ROOT, hide))
    assert line.startswith(f"{reason}: apt-get install libgl1 libglib2.0-0 libgomp1; ")
    assert line.split()[-1] in (ROOT / "requirements.txt").read_text("utf-8").splitlines()  # the one without libGL


@pytest.mark.parametrize("open_to_all", [".", "ocrbook"])
def test_folder_that_others_can_write_to_is_not_imported(tmp_path, open_to_all):
    (tmp_path / "ocrbook").mkdir()
    (tmp_path / "ocrbook" / "__init__.py").write_text("print('run')\nEDITION = 1\n")
    (tmp_path / "below").mkdir()
    (tmp_path / open_to_all).chmod(0o777)
    line = line_of(run(tmp_path / "below"))
    assert line == f"Others can change what you would run: chmod o-w {tmp_path / open_to_all}"
