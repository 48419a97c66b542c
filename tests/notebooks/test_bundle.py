import json
import re
import zipfile
from html.parser import HTMLParser
from urllib.parse import unquote

import nbformat
import pytest
import yaml
from markdown_it import MarkdownIt
from nbclient import NotebookClient

from tools import bundle, translate
from tools.book_files import ROOT, notebooks

LANGUAGES = ("en", "zh")
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def archives():
    """The zip of each language."""
    translate.write_tree()
    return {language: bundle.write_bundle(language) for language in LANGUAGES}


@pytest.fixture(scope="module")
def unpacked(archives, tmp_path_factory):
    """Both bundles, unpacked far away from the clone."""
    target = tmp_path_factory.mktemp("bundle")
    for language, path in archives.items():
        with zipfile.ZipFile(path) as archive:
            archive.extractall(target / language)
    return target


def test_bundles_have_the_same_files(unpacked):
    files = {
        language: {path.relative_to(unpacked / language).as_posix() for path in (unpacked / language).rglob("*")}
        for language in LANGUAGES
    }
    assert files["en"] == files["zh"]
    for name in ("README.md", "index.ipynb", "tools/constraints.txt", "datasets/documents/Label.txt"):
        assert f"hands-on-ocr/{name}" in files["zh"]


class Rendered(HTMLParser):
    """The Markdown of a document as Jupyter renders it: its links, pictures, headings and what is folded."""

    def __init__(self, markdown):
        super().__init__()
        self.links, self.pictures, self.headings, self.texts = [], [], [], []
        self.open, self.link = [], None
        self.feed(MarkdownIt("commonmark").enable("table").render(markdown))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "a":
            self.links.append([attributes["href"], ""])
        elif tag == "img":
            assert attributes["alt"]
            self.pictures.append(attributes["src"])
        elif tag in ("h1", "h2", "h3", "h4"):
            self.headings.append("")
        elif tag == "code":
            assert not attributes.get("class", "").startswith("language-{")  # a directive
            assert not re.search(r"\{[\w:-]+\}$", "".join(self.texts[-1:]))  # a role
        if tag not in ("img", "br", "hr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "a" in self.open:
            self.links[-1][1] += data
        if {"h1", "h2", "h3", "h4"} & set(self.open):
            self.headings[-1] += data
        if not {"code", "pre"} & set(self.open):
            self.texts.append(data)


def documents(folder):
    """Each document: its path, its Markdown as it is rendered, a cell after the other, and its code cells."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".md":
            yield path, [Rendered(path.read_text("utf-8"))], []
        elif path.suffix == ".ipynb":
            cells = json.loads(path.read_text("utf-8"))["cells"]
            prose = [Rendered("".join(cell["source"])) for cell in cells if cell["cell_type"] == "markdown"]
            yield path, prose, [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.fixture(scope="module", params=LANGUAGES)
def edition(request, unpacked):
    """A language, the folder of its bundle, and the documents in it."""
    folder = unpacked / request.param / "hands-on-ocr"
    found = list(documents(folder))
    assert len(found) >= len(notebooks()) + 8  # the index, its README, and the data set cards
    return request.param, folder, found


def test_nothing_is_left_that_only_the_book_renders(edition):
    for path, cells, _ in edition[2]:
        for cell in cells:
            assert cell.open == [], path
            assert all(cell.headings), path
            text = "".join(cell.texts)
            assert not re.search(r":::|```|\[\]\(|^\([\w-]+\)=|^%|^:[\w-]+:", text, re.MULTILINE), path


def test_every_link_says_where_it_leads_and_leads_there(edition):
    language, folder, found = edition
    online = CONFIG["html"]["baseurl"].replace("/en/", f"/{language}/")
    for path, cells, _ in found:
        source = ROOT / path.relative_to(folder)
        written = source.read_text("utf-8") if source.is_file() else ""
        for address, text in (link for cell in cells for link in cell.links):
            assert text.strip(), f"{path}: {address}"
            if address.startswith(online):
                page = address.removeprefix(online).split("#")[0].removesuffix(".html")
                assert any((ROOT / f"{page}{suffix}").is_file() for suffix in (".md", ".ipynb")), f"{path}: {address}"
            elif address.startswith("http"):
                assert address in written, f"{path}: {address}"
            else:
                assert (path.parent / unquote(address)).exists(), f"{path}: {address}"
        for picture in (picture for cell in cells for picture in cell.pictures):
            assert (path.parent / unquote(picture)).is_file(), f"{path}: {picture}"


def test_exercises_are_headings_and_solutions_folded(edition):
    language, folder, found = edition
    heading = re.compile({"en": r"Exercise (\d+): ", "zh": r"练习 (\d+)："}[language])
    for path, cells, code in found:
        if not path.is_relative_to(folder / "notebooks") or path.suffix == ".md":
            continue
        exercises, inside, hidden = 0, False, []
        for cell in json.loads((ROOT / path.relative_to(folder)).read_text("utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code":
                hidden.append(inside)
            else:
                exercises += source.count("{exercise}")
                inside = source.rfind("{solution-start}") > source.rfind("{solution-end}") or (
                    inside and "{solution-end}" not in source
                )
        numbers = [int(match[1]) for cell in cells for text in cell.headings if (match := heading.match(text))]
        assert numbers == list(range(1, exercises + 1)), path
        assert [cell["metadata"].get("jupyter", {}).get("source_hidden", False) for cell in code] == hidden, path


def test_index_lists_all_chapters_with_their_minutes(edition):
    language, _, found = edition
    (index,) = next(cells for path, cells, _ in found if path.name == "index.ipynb")
    assert [address for address, _ in index.links] == [path.as_posix() for path in notebooks()]
    titles = [text for _, text in index.links]
    minutes = {"en": "minute", "zh": "分钟"}[language]
    assert sum(minutes in text for text in index.texts if text not in titles) == len(notebooks())


def test_pages_of_the_bundle_are_in_its_language(edition):
    language, _, found = edition
    for path, (first, *_), _ in found:
        if path.suffix == ".md":
            assert bool(re.search("[一-鿿]", "".join(first.texts))) == (language == "zh"), path


def test_notebooks_that_are_opened_alone_are_published_and_lead_to_the_online_book():
    assert "-C _build bundle " in (ROOT / ".github" / "workflows" / "publish.yml").read_text("utf-8")
    for language in LANGUAGES:
        folder = bundle.write_single(language)
        sources = CONFIG["sphinx"]["config"]["launch"]["sources"].replace("/en", f"/{language}")
        assert sources.endswith(f"/{folder.relative_to(ROOT / '_build').as_posix()}")
        for path, cells, _ in documents(folder):
            for cell in cells:
                for address in [*cell.pictures, *(address for address, _ in cell.links)]:
                    assert address.startswith("https://"), f"{path}: {address}"


def test_pictures_of_a_bundle_speak_its_language(unpacked):
    english, chinese = (unpacked / language / "hands-on-ocr/book/showcase" for language in ("en", "zh"))
    same = {path.name for path in english.iterdir() if path.read_bytes() == (chinese / path.name).read_bytes()}
    assert "counters.png" not in same
    assert "first_page.jpg" in same  # shows no words of ours


def test_code_in_other_languages_is_in_the_bundle_and_scripts_can_be_run(archives):
    with zipfile.ZipFile(archives["en"]) as archive:
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    place = "hands-on-ocr/notebooks/deployment"
    assert modes[f"{place}/csharp/OcrEngine.cs"] == modes[f"{place}/clients/client.mjs"] == 0o644
    assert modes[f"{place}/csharp/build.sh"] == modes[f"{place}/clients/client.sh"] == 0o755


def test_same_content_gives_the_same_bytes(archives):
    before = archives["en"].read_bytes()
    assert bundle.write_bundle("en").read_bytes() == before


def test_chinese_notebook_runs_from_the_bundle_and_prints_what_the_english_one_stores(unpacked):
    name = "hands-on-ocr/notebooks/start/01_first_page.ipynb"
    path = unpacked / "zh" / name
    notebook = nbformat.read(path, as_version=4)
    assert re.match("# [一-鿿]", notebook.cells[0].source)
    speak = "from ocrbook.annotate import annotate\nfrom ocrbook.labels import Project\n"
    speak += 'print(annotate(Project.open("datasets/documents")).language)'
    notebook.cells.append(nbformat.v4.new_code_cell(speak))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()

    def printed(cells):
        return ["".join(o.text for o in c.outputs if o.get("name") == "stdout") for c in cells if c.cell_type == "code"]

    stored = nbformat.read(unpacked / "en" / name, as_version=4)
    assert printed(notebook.cells) == [*printed(stored.cells), "zh\n"]
