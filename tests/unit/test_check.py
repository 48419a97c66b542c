"""The check: whether it finds what keeps chapters from running."""

import subprocess
import sys
import types

import pytest

from ocrbook import check, cli, models
from ocrbook.check import __main__ as command
from tests.unit.test_packaging import MODULES, REQUIREMENTS
from tools.book_files import ROOT


def test_versions_that_suit_are_those_of_the_package():
    names = {MODULES.get(each.name, each.name): each.specifier for each in REQUIREMENTS}
    for name, (least, below) in check.PACKAGES.items():
        asked = {each.operator: each.version for each in names[name]}
        assert asked["<"] == check._dotted(below)
        assert check._numbers(asked[">="] + ".0")[: len(least)] == least


def test_programs_that_chapters_look_for_are_listed():
    code = "".join(path.read_text("utf-8") for path in ROOT.glob("notebooks/*/*.ipynb"))
    code += "".join(path.read_text("utf-8") for path in ROOT.glob("notebooks/deployment/**/*.sh"))
    for name in check.PROGRAMS:
        assert name in code


@pytest.mark.parametrize(
    ("version", "right"),
    [("1.26.4", False), ("2.0.0", True), ("2.10.1", True), ("3.0.0rc1", False), ("unknown", False)],
)
def test_package_of_another_version_is_a_problem_with_its_place(monkeypatch, version, right):
    other = types.ModuleType("numpy")
    other.__version__, other.__file__ = version, "/platform/numpy/__init__.py"
    monkeypatch.setitem(sys.modules, "numpy", other)
    finding = check._package("numpy")
    assert finding.found == f"{version}  /platform/numpy"
    assert (finding.problem == "") == right and (right or "2.0 or newer, below 3" in finding.problem)
    assert "numpy from" in check._child().found  # a program that is started imports another one


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("libGL.so.1: cannot open", "opencv-python-headless==4.10.0.84"),
        ("libgomp.so.1: cannot open", "libgomp1"),
        ("No module named 'cv2'", "pip install -r requirements-run.txt"),
    ],
)
def test_package_that_can_not_be_imported_comes_with_what_to_do(monkeypatch, error, advice):
    def fail(name):
        raise ImportError(error)

    monkeypatch.setattr(check, "import_module", fail)
    finding = check._package("cv2")
    assert error in finding.problem and advice in finding.problem
    if "==" in advice:
        assert f"\n{advice}\n" in (ROOT / "requirements.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({}, None),
        ({"proc/meminfo": "MemFree: 9 kB\nMemAvailable: 8000000 kB\n"}, 8_192_000_000),
        ({"sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/memory.current": "5\n"}, 8_192_000_000),
        ({"sys/fs/cgroup/memory.max": "3000000000\n", "sys/fs/cgroup/memory.current": "1000000000\n"}, 2_000_000_000),
        (
            {
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "4000\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "1000\n",
            },
            3000,
        ),
    ],
)
def test_memory_is_what_the_container_leaves(tmp_path, files, free):
    memory = {"proc/meminfo": "MemAvailable: 8000000 kB\n"} if files else {}
    for name, text in (memory | files).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert check._free_memory(tmp_path) == free


def test_cache_that_can_not_be_written_to_is_a_problem(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OCRBOOK_CACHE", str(tmp_path / "file" / "cache"))
    assert "OCRBOOK_CACHE" in check._cache().problem
    monkeypatch.setattr(models, "local_models", lambda: None)
    monkeypatch.setattr(models, "model_folder", lambda task: None)
    assert check._cache().problem == ""


def test_programs_beside_this_python_count(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    (tmp_path / "schemathesis").write_text("")
    (tmp_path / "schemathesis").chmod(0o755)
    assert check._program("schemathesis", {}) == str(tmp_path / "schemathesis")
    assert check._program("mcs", {}) is None


def test_command_prints_all_and_its_exit_code_says_whether_all_is_right(monkeypatch, capsys):
    found = [check.Finding("cores", "2"), check.Finding("numpy", "1.26.4", "too old")]
    monkeypatch.setattr(command, "findings", lambda: found[:1])
    assert cli.main(["check"]) == 0
    assert capsys.readouterr().out == "   cores         2\nAll is right.\n"
    monkeypatch.setattr(command, "findings", lambda: found)
    assert cli.main(["check"]) == 1
    assert "!! numpy         1.26.4\n                 too old\nProblems: 1\n" in capsys.readouterr().out


def test_without_any_package_the_check_still_says_what_is_missing():
    done = subprocess.run(
        [sys.executable, "-S", "-m", "ocrbook", "check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    for name in check.PACKAGES:
        assert f"!! {name:12}  can't be imported" in done.stdout
