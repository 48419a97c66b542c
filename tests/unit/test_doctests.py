"""Every name that the package offers has an example, and examples are true."""

import doctest
import inspect
import pkgutil
from importlib import import_module

import pytest

import ocrbook
from tools.book_files import ROOT

MODULES = sorted(
    each.name for each in pkgutil.walk_packages(ocrbook.__path__, "ocrbook.") if not each.name.endswith("__main__")
)


def has_example(name):
    path = ROOT / name.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ">>>" in path.read_text("utf-8")


def offered(module):
    """Functions and classes among the names that a module offers."""
    names = getattr(module, "__all__", ())
    return {
        name: value for name in names if inspect.isroutine(value := getattr(module, name)) or inspect.isclass(value)
    }


@pytest.mark.parametrize("name", ["ocrbook", *MODULES])
def test_what_is_offered_has_an_example_that_is_run(name):
    found = {
        key: doctest.DocTestFinder(recurse=False).find(value)[0] for key, value in offered(import_module(name)).items()
    }
    without = {key for key, test in found.items() if not any("SKIP" not in each.source for each in test.examples)}
    assert not without


@pytest.mark.parametrize("name", [name for name in MODULES if has_example(name)])
def test_examples_are_true(name, tmp_path, monkeypatch):
    for number, test in enumerate(doctest.DocTestFinder().find(import_module(name))):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "datasets").symlink_to(ROOT / "datasets")
        monkeypatch.chdir(folder)  # each begins with nothing else
        said = []
        failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
        ocrbook.quiet()  # as it was
        assert not failed, "".join(said)
