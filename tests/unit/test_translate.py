import base64
import json

import numpy as np
import pytest
import yaml
from babel.messages.pofile import read_po

from ocrbook import show
from tools import translate
from tools.book_files import ROOT, documents


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small book of its own: one page and one notebook, not yet translated."""
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "\n", "See `code`."]},
        {
            "cell_type": "code",
            "metadata": {"mystnb": {"image": {"alt": "Seen"}}},
            "source": ["x = 1  # one"],
            "outputs": [],
        },
    ]
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "index.md").write_text("# Welcome\n\nGood day.\n")
    (tmp_path / "book" / "bundle.md").write_text("# Zip\n")
    (tmp_path / "note.ipynb").write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
    toc = {"root": "book/index", "parts": [{"caption": "Part", "chapters": [{"file": "note", "title": "Short"}]}]}
    (tmp_path / "_toc.yml").write_text(yaml.safe_dump(toc))
    settings = {"language": "en", "launch": {"sources": "blob/en"}}
    config = {"title": "Book", "html": {"baseurl": "https://book/en/"}, "sphinx": {"config": settings}}
    (tmp_path / "_config.yml").write_text(yaml.safe_dump(config))
    for module in (translate, __import__("tools.book_files", fromlist=["ROOT"])):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(translate, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(translate, "TREE", tmp_path / "tree")
    return tmp_path


def fill(project, name, **translations):
    """Write translations into a PO file, as a person would."""
    path = project / "locale" / name
    text = path.read_text("utf-8")
    for message, translation in translations.items():
        assert f'msgid "{message}"\nmsgstr ""' in text
        text = text.replace(f'msgid "{message}"\nmsgstr ""', f'msgid "{message}"\nmsgstr "{translation}"')
    path.write_text(text, "utf-8")


def all_problems():
    return [line for document in translate._all_documents() for line in translate.problems(document)]


def test_new_text_is_reported_until_it_is_translated(project):
    translate.update()
    # Three of the book and its contents, two of the page, four of the notebook, one of the bundle's page.
    assert len(all_problems()) == 10
    fill(project, "_config.po", Book="书", Part="部", Short="短")
    fill(project, "book/index.po", Welcome="欢迎", **{"Good day.": "你好。"})
    fill(project, "book/bundle.po", Zip="压缩包")
    fill(project, "note.po", Title="标题", Seen="图", one="一", **{"See `code`.": "见 `code`。"})
    assert all_problems() == []


def test_edited_text_becomes_fuzzy_and_fuzzy_is_an_error(project):
    translate.update()
    fill(project, "book/index.po", Welcome="欢迎", **{"Good day.": "你好。"})
    (project / "book" / "index.md").write_text("# Welcome\n\nGood day!\n")
    translate.update()
    assert [line for line in all_problems() if "index" in line] == [
        "locale/book/index.po: fuzzy, the English has changed: 'Good day!'"
    ]
    translate.write_tree()
    assert "Good day!" in (project / "tree" / "book" / "index.md").read_text("utf-8")


def test_vanished_text_is_stale_until_update_drops_it(project):
    translate.update()
    fill(project, "book/index.po", Welcome="欢迎", **{"Good day.": "你好。"})
    (project / "book" / "index.md").write_text("# Welcome\n")
    assert any("no longer in the text: 'Good day.'" in line for line in all_problems())
    translate.update()
    assert not [line for line in all_problems() if "index" in line]


def test_translation_that_lost_its_code_is_an_error(project):
    translate.update()
    fill(project, "note.po", **{"See `code`.": "见代码。"})
    assert any("lacks `code`" in line for line in all_problems())


def test_links_to_the_glossary_are_words_and_no_code(project):
    (project / "book" / "index.md").write_text("# Welcome\n\nThe {term}`gate` is before the {term}`worker`.\n")
    translate.update()
    fill(
        project,
        "book/index.po",
        **{"The {term}`gate` is before the {term}`worker`.": "{term}`工作进程`前是{term}`网关`。"},
    )
    assert not any("lacks" in line for line in all_problems())


@pytest.mark.parametrize(
    ("translation", "shown"), [("*解决：*把它", True), ("*解决：* 把它", False), ("**好**的", False)]
)
def test_emphasis_that_would_show_its_asterisks_is_an_error(project, translation, shown):
    translate.update()
    fill(project, "book/index.po", **{"Good day.": translation})
    assert any("asterisks are shown" in line for line in all_problems()) is shown


def test_update_leaves_an_unchanged_file_alone(project):
    translate.update()
    path = project / "locale" / "note.po"
    before = path.stat().st_mtime_ns, path.read_bytes()
    translate.update()
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before


def test_tree_holds_translated_prose_and_comments_and_the_same_code(project):
    translate.update()
    fill(project, "_config.po", Book="书", Part="部", Short="短")
    fill(project, "book/bundle.po", Zip="压缩包")
    fill(project, "note.po", Title="标题", Seen="图", one="一", **{"See `code`.": "见 `code`。"})
    translate.write_tree()
    assert (project / "tree" / "book" / "bundle.md").read_text("utf-8") == "# 压缩包\n"
    markdown, code = json.loads((project / "tree" / "note.ipynb").read_text("utf-8"))["cells"]
    assert "".join(markdown["source"]) == "# 标题\n\n见 `code`。"
    assert code["source"] == ["x = 1  # 一"]
    assert code["metadata"]["mystnb"]["image"]["alt"] == "图"
    config = yaml.safe_load((project / "tree" / "_config.yml").read_text("utf-8"))
    assert config["title"] == "书"
    assert config["sphinx"]["config"]["language"] == "zh_CN"
    assert config["html"]["baseurl"] == "https://book/zh/"
    assert config["sphinx"]["config"]["theme_words"]["Back to top"] == "回到顶部"
    (part,) = yaml.safe_load((project / "tree" / "_toc.yml").read_text("utf-8"))["parts"]
    assert part == {"caption": "部", "chapters": [{"file": "note", "title": "短"}]}
    assert config["sphinx"]["config"]["launch"]["sources"] == "blob/zh"


def test_schematic_and_pictures_of_the_start_page_are_those_of_the_edition(project):
    svg = '<svg viewBox="0 0 9 9"><text x="1">28 boxes</text><text x="1">0.3</text></svg>'
    (project / "book" / "schematics").mkdir()
    (project / "book" / "schematics" / "map.svg").write_text(svg)
    notebook = json.loads((project / "note.ipynb").read_text())
    sheet = show.grid([np.zeros((9, 9, 3), np.uint8)], ["page"])
    data = {"image/jpeg": base64.b64encode(sheet.data).decode()}
    notebook["cells"][1]["metadata"]["showcase"] = "picture"
    notebook["cells"][1]["outputs"] = [
        {"output_type": "display_data", "data": data, "metadata": {"image/jpeg": sheet.metadata}}
    ]
    (project / "note.ipynb").write_text(json.dumps(notebook))
    translate.update()
    fill(project, "book/schematics/map.po", **{"{} boxes": "框"})
    fill(project, "note.po", page="页面")
    assert [line for line in all_problems() if "map" in line] == [
        "locale/book/schematics/map.po: the translation of '{} boxes' has other places for numbers"
    ]
    path = project / "locale" / "book" / "schematics" / "map.po"
    path.write_text(path.read_text("utf-8").replace('"框"', '"{} 个框"'), "utf-8")
    translate.write_tree()
    drawn = (project / "tree" / "book" / "schematics" / "map.svg").read_text("utf-8")
    assert ">28 个框</text>" in drawn and ">0.3</text>" in drawn and "@font-face" in drawn
    shown = json.loads((project / "tree" / "note.ipynb").read_text("utf-8"))["cells"][1]["outputs"][0]["data"]
    picture = (project / "tree" / "book" / "showcase" / "picture.jpg").read_bytes()
    assert base64.b64decode(shown["image/jpeg"]) == picture != sheet.data


def test_tree_is_rewritten_only_where_something_changed(project):
    translate.update()
    translate.write_tree()
    (project / "tree" / "left_over.md").write_text("")
    before = (project / "tree" / "note.ipynb").stat().st_mtime_ns
    translate.write_tree()
    assert (project / "tree" / "note.ipynb").stat().st_mtime_ns == before
    assert not (project / "tree" / "left_over.md").exists()


def test_the_real_book_is_translated_completely():
    assert all_problems() == []


def test_the_real_translations_are_chinese():
    for document in documents():
        with translate.catalog_path(document).open("rb") as file:
            entries = [entry for entry in read_po(file) if entry.id]
        chinese = sum(any("\u4e00" <= c <= "\u9fff" for c in entry.string) for entry in entries)
        assert chinese >= 0.8 * len(entries), document
    assert (ROOT / "README.zh-CN.md").is_file()
