import importlib.metadata
import re
import sys

import cv2
import pytest

from tools.book_files import ROOT

REQUIREMENTS = re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text("utf-8"), re.MULTILINE)


def test_opencv_is_4_10_whatever_was_installed_last():
    assert cv2.__version__ == "4.10.0"


@pytest.mark.parametrize(("name", "version"), REQUIREMENTS)
def test_requirement_is_installed_as_pinned(name, version):
    assert importlib.metadata.version(name) == version


def test_every_requirement_is_pinned_exactly():
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    names = [line for line in lines if line and not line.startswith(("#", "-c"))]
    assert len(names) == len(REQUIREMENTS) > 30


def test_constraints_pin_what_requirements_pull_in():
    pinned = dict(
        re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "tools" / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    )
    assert dict(REQUIREMENTS).items() <= pinned.items()


def test_python_is_a_supported_one():
    assert (3, 10) <= sys.version_info[:2] <= (3, 12)


def test_no_file_names_a_package_registry():
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "debian" + ".org")
    for path in ("requirements.txt", "tools/constraints.txt", "Makefile", "tools/setup.sh", "tools/build_book.py"):
        text = (ROOT / path).read_text("utf-8")
        assert not [host for host in hosts if host in text], path
