"""The rules that every notebook keeps, so that it reads, runs and translates like the others."""

import itertools
import json
import re
from pathlib import Path

import nbformat
import pytest
import yaml

from tools import run_notebooks, translate
from tools.book_files import ROOT, documents, notebooks

PATHS = [path.as_posix() for path in notebooks()]
TEMPLATE = "notebooks/_template.ipynb"
every_notebook = pytest.mark.parametrize("path", [*PATHS, TEMPLATE])
every_chapter = pytest.mark.parametrize("path", PATHS)


def cells(path, kind):
    return [cell for cell in nbformat.read(ROOT / path, as_version=4).cells if cell.cell_type == kind]


def outputs(path):
    return [output for cell in cells(path, "code") for output in cell.outputs]


@every_notebook
def test_begins_with_one_h1_title(path):
    first = nbformat.read(ROOT / path, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    assert re.match(r"# \S", first.source)
    titles = [line for cell in cells(path, "markdown") for line in cell.source.splitlines() if line.startswith("# ")]
    assert len(titles) == 1


@every_notebook
def test_first_code_cell_is_the_same_everywhere_and_hidden(path):
    first, template = cells(path, "code")[0], cells(TEMPLATE, "code")[0]
    assert first.source == template.source
    assert first.metadata.tags == ["remove-cell"]


def test_first_code_cell_fetches_what_the_configuration_names():
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    url, branch = config["repository"]["url"], config["repository"]["branch"]
    archives = config["sphinx"]["config"]["launch"]["archives"]
    assert archives[0] == f"{url}/archive/refs/heads/{branch}.tar.gz"
    written = re.search(r"archives = \(.*\n((?: .*\n)+?)    \)", cells(TEMPLATE, "code")[0].source)[1]
    assert re.findall(r'"(.+)"', written) == archives
    for name in ("README.md", "README.zh-CN.md", "book/install.md"):
        assert f"git clone {url}\n" in (ROOT / name).read_text("utf-8"), name


@every_notebook
def test_metadata_is_normalised(path):
    assert nbformat.read(ROOT / path, as_version=4).metadata == run_notebooks._METADATA


@every_notebook
def test_every_code_cell_has_a_sentence_before_it_and_one_idea(path):
    for before, cell in itertools.pairwise(nbformat.read(ROOT / path, as_version=4).cells):
        if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", []):
            assert before.cell_type == "markdown", f"no sentence before: {cell.source[:60]}"
            assert cell.source.count("\n") < 30, f"too long: {cell.source[:60]}"


@every_chapter
def test_was_executed_from_top_to_bottom_without_errors(path):
    assert [cell.execution_count for cell in cells(path, "code")] == list(range(1, len(cells(path, "code")) + 1))
    assert not [output for output in outputs(path) if output.output_type == "error"]


@every_chapter
def test_outputs_are_those_of_this_code(path):
    record = json.loads(run_notebooks.RECORD.read_text("utf-8"))
    assert record[path]["digest"] == run_notebooks.digest(path), f"{path} has changed: run make notebooks"


@every_chapter
def test_outputs_show_no_path_of_a_machine_no_warning_and_no_progress_bar(path):
    text = "\n".join(
        output.get("text", "") + str(output.get("data", {}).get("text/plain", "")) for output in outputs(path)
    )
    assert not [output for output in outputs(path) if output.get("name") == "stderr"]
    for pattern in (
        r"(?<![\w.])/(home|root|tmp|usr|var|work|Users)/",
        r"[A-Z]:\\\\",
        r"Warning:",
        r"\d+%\|",
        r"0x[0-9a-f]{6}",
    ):
        assert not re.search(pattern, text), pattern


@every_notebook
def test_sources_show_no_path_of_a_machine(path):
    text = "\n".join(cell.source for cell in nbformat.read(ROOT / path, as_version=4).cells)
    assert not re.search(r"(?<![\w.~])/(root|tmp|work|Users)/", text)


@every_chapter
def test_outputs_are_smaller_than_500_kilobytes(path):
    assert len(json.dumps([dict(output) for output in outputs(path)])) < 500_000


@every_chapter
def test_pictures_have_alternative_text(path):
    for cell in cells(path, "code"):
        if any("image/" in kind for output in cell.outputs for kind in output.get("data", {})):
            assert len(cell.metadata.mystnb.image.alt) > 20, cell.source[:60]


@every_chapter
def test_exercises_have_a_solution_and_a_check(path):
    text = "\n".join(cell.source for cell in cells(path, "markdown"))
    labels = re.findall(r"```\{exercise\}.*\n:label: (\S+)", text)
    assert len(labels) >= 2
    assert labels == re.findall(r"\{solution-start\} (\S+)", text)
    assert text.count("{solution-end}") == len(labels)


PARTS = [  # of a chapter, in this order
    r":::\{admonition\} You will learn\n:class: learn\n\s*(?:- .+\n){3,5}:::$",
    r"^## Before you start$",
    r"^## .*(?:fail|does not).*$",
    r":::\{admonition\} Key points\n:class: keypoints\n\s*(?:- .+\n){3,5}:::$",
    r"^## Check yourself$(?:(?!^:::|^#)[\s\S])*(?::::\{quiz\} (?:(?!^:::$)[\s\S])+^:::\s*){3,5}(?=^## )",
    r"^## Exercises$",
    r"^```\{exercise\} ",
    r"^```\{exercise\} ",
    r"^### Change it, predict, run$(?:(?!^#)[\s\S])*^1\. .+\n\s*2\. .+\n\s*^:::\{dropdown\} What you should see$",
    r"^## (?:On|In) your own .*$",
    r"^## Where next$",
    r"^## References$",
]


def missing_part(path):
    """The first part that a chapter lacks, or has in another place; None where nothing is missing."""
    text = "\n\n".join(cell.source for cell in cells(path, "markdown"))
    place = 0
    for part in PARTS:
        found = re.compile(part, re.MULTILINE).search(text, place)
        if not found:
            return part
        place = found.end()
    return None


@every_notebook
def test_has_the_parts_of_a_chapter(path):
    assert missing_part(path) is None
    assert "You will learn" in cells(path, "markdown")[0].source


def test_exempted_outputs_print_times_and_are_fewer_than_a_tenth():
    exempted, printing = [], 0
    for path in PATHS:
        for cell in cells(path, "code"):
            printing += bool(cell.outputs)
            if any(tag.startswith("nbval") for tag in cell.metadata.get("tags", [])):
                exempted.append((path, cell))
    print("\n".join(f"{path}: {cell.source.splitlines()[0]}" for path, cell in exempted))
    assert len(exempted) < printing / 10
    for path, cell in exempted:
        assert cell.metadata.tags == ["nbval-ignore-output"], path
        assert "second" in cell.source, f"{path}: only times are exempted"


def test_every_page_and_notebook_is_in_the_table_of_contents():
    found = {path.relative_to(ROOT) for folder in ("book", "notebooks") for path in (ROOT / folder).rglob("*")}
    found = {path for path in found if path.suffix in (".md", ".ipynb") and not path.name.startswith("_")}
    found = {path for path in found if ".ipynb_checkpoints" not in path.parts}
    assert found == {*documents(), translate.README}


def test_every_chapter_is_listed_in_its_folder():
    for path in notebooks():
        assert f"[]({path.name})" in (ROOT / path.parent / "index.md").read_text("utf-8"), path


def test_names_are_ordered_snake_case():
    for path in notebooks():
        assert re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem), path


def test_status_page_shows_the_record():
    record = json.loads(run_notebooks.RECORD.read_text("utf-8"))
    assert sorted(record) == sorted(PATHS)
    assert run_notebooks.status_table(record) in run_notebooks.STATUS.read_text("utf-8")


def test_every_drawing_and_picture_beside_the_pages_is_shown():
    pages = [path for path in [*documents(), Path("README.md")] if path.suffix in (".md", ".ipynb")]
    text = "\n".join((ROOT / path).read_text("utf-8") for path in pages)
    for folder in ("showcase", "schematics"):
        for path in (ROOT / "book" / folder).iterdir():
            assert f"{folder}/{path.name}" in text, f"{path.name}: no page shows it"
