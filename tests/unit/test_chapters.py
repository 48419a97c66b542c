"""The tables of all chapters say what the chapters say."""

import re

import pytest

from tools import chapters
from tools.book_files import ROOT, notebooks

PAGES = ["book/index.md", "README.md", "README.zh-CN.md"]


def test_tables_of_chapters_are_up_to_date():
    old = [path.as_posix() for path, text in chapters.pages().items() if (ROOT / path).read_text("utf-8") != text]
    assert not old, "run: python -m tools.chapters"


@pytest.mark.parametrize("name", PAGES)
def test_table_has_a_line_for_each_chapter(name):
    text = (ROOT / name).read_text("utf-8")
    (table,) = re.findall(rf"{chapters._BEGIN}(.*?)\n(?:%|<!--) {chapters._END}", text, re.DOTALL)
    assert re.findall(r"notebooks/(\w+/\d\w+)", table) == [f"{path.parent.name}/{path.stem}" for path in notebooks()]


def test_every_card_of_the_start_page_has_minutes_and_level_once():
    page = chapters.pages()[chapters.START]
    cards = page.count("{grid-item-card}")
    assert len(re.findall(r"\n\+\+\+\n\d+ minutes, \w+\n:::\n", page)) == page.count("+++") == cards > 5
    assert chapters.with_feet(page) == page


def test_every_chapter_has_one_of_three_levels():
    assert {each.level for each in chapters.chapters()} == {"beginner", "intermediate", "advanced"}


def test_table_goes_between_its_marks():
    text = "before\n% begin\n\nold\n\n% end\nafter % end\n"
    assert chapters.put_in(text, "new", ("% begin", "% end")) == "before\n% begin\n\nnew\n\n% end\nafter % end\n"


def test_chapter_without_minutes_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01_a.ipynb").write_text('{"cells": [{"cell_type": "markdown", "source": "# A"}]}')
    (tmp_path / "notebooks" / "index.md").write_text("| [](01_a.ipynb) | beginner | to read | nothing |\n")
    parts = [{"caption": "Part", "chapters": [{"file": "notebooks/01_a"}]}]
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    monkeypatch.setattr(chapters, "toc", lambda: {"parts": parts})
    monkeypatch.setattr(chapters, "notebooks", lambda: [chapters.Path("notebooks/01_a.ipynb")])
    with pytest.raises(ValueError, match="no minutes"):
        chapters.chapters()
