"""Numbers in the prose of a chapter have a source: an output above, the code, a directive `once`, or a reference."""

import nbformat
import pytest

from tools.book_files import ROOT, notebooks
from tools.prose_numbers import explain

PATHS = [path.as_posix() for path in notebooks()]
# By chapter: a number as it is written, or words of its sentence, and why it needs no source.
EXCEPTIONS: dict[str, dict[str, str]] = {}


def unexplained(path):
    found = explain(nbformat.read(ROOT / path, as_version=4))
    return [number for number in found if number.kind == "open"]


def covers(exception, number):
    return exception == number.written or exception in number.sentence


@pytest.mark.parametrize("path", PATHS)
def test_numbers_in_prose_have_a_source(path):
    exceptions = EXCEPTIONS.get(path, {})
    left = [each for each in unexplained(path) if not any(covers(exception, each) for exception in exceptions)]
    assert not left, "\n".join(f"{each.written}: {each.sentence}" for each in left)


def test_exceptions_are_needed_and_have_a_reason():
    for path, exceptions in EXCEPTIONS.items():
        found = unexplained(path)
        for exception, reason in exceptions.items():
            assert reason
            assert any(covers(exception, each) for each in found), f"{path}: {exception!r} is no longer needed"
