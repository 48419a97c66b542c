"""The package by itself: what it says it needs, and what comes along when it is installed."""

import ast
import json
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from ocrbook import __version__, cli
from tools.book_files import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CORE = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {name: [Requirement(line) for line in lines] for name, lines in PROJECT["optional-dependencies"].items()}
REQUIREMENTS = [*CORE, *(requirement for part in EXTRAS.values() for requirement in part)]

MODULES = {
    "opencv-python-headless": "cv2", "paddlepaddle": "paddle", "pillow": "PIL", "ipython": "IPython", "pyyaml": "yaml",
}  # fmt: skip
"""Modules of packages that are called otherwise."""

ROOMS_OF_EXTRAS = {
    "serve": ["ocrbook/serve"],
    "train": ["ocrbook/train", "ocrbook/meters/export.py", "ocrbook/meters/line_training.py", "ocrbook/meters/networks.py",
              "ocrbook/meters/training.py",
              "ocrbook/labels/lmdb_store.py"],
    "notebook": ["ocrbook/show.py", "ocrbook/annotate/widget.py"],
}  # fmt: skip
"""Files that may import what the optional parts of the package bring; all others get along without."""


def modules_of(requirements):
    return {MODULES.get(each.name, each.name.replace("-", "_")) for each in requirements}


def imports_of(path):
    """Top-level names of the modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module)
    return {name.partition(".")[0] for name in found} - {"ocrbook"} - sys.stdlib_module_names


FILES = sorted((ROOT / "ocrbook").rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_is_imported_that_the_package_does_not_ask_for(path):
    name = path.relative_to(ROOT).as_posix()
    allowed = modules_of(CORE)
    for part, rooms in ROOMS_OF_EXTRAS.items():
        if name.startswith(tuple(rooms)):
            allowed |= modules_of(EXTRAS[part])
    assert imports_of(path) <= allowed


def test_nothing_is_asked_for_that_is_not_imported():
    imported = set.union(*map(imports_of, FILES))
    indirectly = {"rapidocr", "mplfonts", "matplotlib", "filetype", "paddleocr"}  # weights, fonts; of PaddleX serving
    assert modules_of(REQUIREMENTS) - imported <= indirectly


def test_the_command_knows_what_to_install_for_a_module():
    assert {part: set(modules) for part, modules in cli.EXTRAS.items()} == {
        part: modules_of(requirements) for part, requirements in EXTRAS.items()
    }


def test_the_versions_that_the_book_is_made_with_are_within_the_ranges():
    pins = {}
    for file in ("requirements.txt", "tools/constraints.txt"):
        for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / file).read_text("utf-8"), re.MULTILINE):
            pins.setdefault(re.sub(r"[-_.]+", "-", name).lower(), set()).add(version)
    for requirement in REQUIREMENTS:
        assert pins[requirement.name] and all(requirement.specifier.contains(each) for each in pins[requirement.name])


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An empty environment into which pip has installed the package, without a network; what it needs is borrowed."""
    folder = tmp_path_factory.mktemp("installed")
    source, environment = folder / "source", folder / "environment"
    shutil.copytree(ROOT / "ocrbook", source / "ocrbook", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):  # a copy, since a build leaves files behind
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    borrowed = f"{sysconfig.get_path('purelib')}\n"
    (packages_of(environment) / "borrowed.pth").write_text(borrowed, "utf-8")
    install = [
        "-m",
        "pip",
        "--quiet",
        "install",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "--ignore-installed",
    ]
    subprocess.run([environment / "bin" / "python", *install, source], check=True)
    return environment


def packages_of(environment):
    return Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))


def test_all_files_of_the_package_come_along_and_nothing_else(environment):
    (installed,) = metadata.distributions(name="ocrbook", path=[str(packages_of(environment))])
    files = {str(file) for file in installed.files if file.parts[0] == "ocrbook" and "__pycache__" not in file.parts}
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "ocrbook"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert files == set(tracked)
    assert installed.version == __version__


def test_installed_into_an_empty_environment_the_command_reads_a_meter(environment, tmp_path):
    def run(*arguments):
        command = [environment / "bin" / "ocrbook", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    row, *_ = (ROOT / "datasets" / "meter-photo" / "Label.txt").read_text("utf-8").splitlines()
    name, labels = row.split("\t")
    done = run("meters", ROOT / "datasets" / name)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"] == json.loads(labels)[0]["transcription"]
    assert run("--version").stdout == f"ocrbook {__version__}\n"
    assert str(environment) in done.args[0].read_text("utf-8")
