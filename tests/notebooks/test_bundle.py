import re
import zipfile

import nbformat
import pytest
from nbclient import NotebookClient

from tools import bundle, translate


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """Both bundles, unpacked far away from the clone."""
    translate.write_tree()
    target = tmp_path_factory.mktemp("bundle")
    for language in ("en", "zh"):
        with zipfile.ZipFile(bundle.write_bundle(language)) as archive:
            archive.extractall(target / language)
    return target


def test_bundles_have_the_same_files_but_for_the_readme(unpacked):
    files = {
        language: {path.relative_to(unpacked / language).as_posix() for path in (unpacked / language).rglob("*")}
        for language in ("en", "zh")
    }
    assert files["en"] ^ files["zh"] == {"hands-on-ocr/README.md", "hands-on-ocr/README.zh-CN.md"}
    assert "hands-on-ocr/tools/constraints.txt" in files["zh"]
    assert "hands-on-ocr/datasets/documents/Label.txt" in files["zh"]


def test_pictures_that_notebooks_refer_to_are_in_the_bundle(unpacked):
    for path in unpacked.rglob("*.ipynb"):
        text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)
        for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", text):
            assert (path.parent / picture).is_file(), f"{path.name}: {picture}"


def test_pictures_of_a_bundle_speak_its_language(unpacked):
    english, chinese = (unpacked / language / "hands-on-ocr/book/showcase" for language in ("en", "zh"))
    same = {path.name for path in english.iterdir() if path.read_bytes() == (chinese / path.name).read_bytes()}
    assert "fine_tuning_curve.png" not in same
    assert "first_page.jpg" in same  # shows no words of ours


def test_code_in_other_languages_is_in_the_bundle_and_scripts_can_be_run():
    with zipfile.ZipFile(bundle.write_bundle("en")) as archive:
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    place = "hands-on-ocr/notebooks/deployment"
    assert modes[f"{place}/csharp/OcrEngine.cs"] == modes[f"{place}/clients/client.mjs"] == 0o644
    assert modes[f"{place}/csharp/build.sh"] == modes[f"{place}/clients/client.sh"] == 0o755


def test_same_content_gives_the_same_bytes():
    assert bundle.write_bundle("en").read_bytes() == bundle.write_bundle("en").read_bytes()


def test_chinese_notebook_runs_from_the_bundle_and_prints_what_the_english_one_stores(unpacked):
    name = "hands-on-ocr/notebooks/start/01_first_page.ipynb"
    path = unpacked / "zh" / name
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[0].source.startswith("# 第一页")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()

    def printed(cells):
        return ["".join(o.text for o in c.outputs if o.get("name") == "stdout") for c in cells if c.cell_type == "code"]

    stored = nbformat.read(unpacked / "en" / name, as_version=4)
    assert printed(notebook.cells) == printed(stored.cells)
