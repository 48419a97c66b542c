"""The book's own Sphinx extensions for the parts of a chapter, on a book of two pages."""

import io
import re
import sys

import pytest
from sphinx import locale
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from tools.book_files import ROOT

CONFIGURATION = {
    "extensions": ["myst_parser", "sphinx_exercise", "exercise_numbers", "once", "quiz"],
    "source_suffix": {".md": "markdown"},  # Sphinx keeps in its default what an earlier book has added
    "myst_enable_extensions": ["colon_fence"],
    "html_theme": "basic",
}
ONCE = ":::{once} 2026-11-20\n:how: `make x`, see [](other)\nOf 120 pages, 96 are right.\n\n| a |\n|---|\n| 7 |\n:::\n"
QUIZ = """
:::{quiz} Which `model` finds *text*?
- [x] The `detector`

  It draws boxes.

  They have four corners.
- [ ] The recogniser

  It never sees the page.
:::
"""
EXERCISE = """
```{{exercise}} Title
:label: {0}
Do it, after {{ref}}`{1}`.
```

````{{solution}} {0}
Done.
````
"""
PAGES = {
    "index": "# First\n\n```{toctree}\nother\n```\n"
    + ONCE
    + QUIZ
    + EXERCISE.format("a", "b")
    + EXERCISE.format("b", "a"),
    "other": "# Other\n\n"
    + ONCE
    + ONCE.replace("11-20", "11-19")
    + EXERCISE.format("c", "b")
    + "```{once-list}\n```\n",
}


def build(folder, pages, language="en"):
    """Build pages into a folder; return what is written into each article of the book, and the warnings."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    for name, text in pages.items():
        (source / f"{name}.md").write_text(text, "utf-8")
    log = io.StringIO()
    locale.translators.clear()  # what an earlier build of this process spoke
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    try:
        with docutils_namespace():
            settings = CONFIGURATION | {"language": language}
            paths = (source, None, folder / "html", folder / "doctrees")
            Sphinx(*paths, "html", settings, status=None, warning=log).build()
    finally:
        sys.path.pop(0)
    written = {name: (folder / "html" / f"{name}.html").read_text("utf-8") for name in pages}
    return {name: page.split('role="main">')[1].split("clearer")[0] for name, page in written.items()}, log.getvalue()


def text_of(page):
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", "", page))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("en")


@pytest.fixture(scope="module")
def english(folder):
    pages, warnings = build(folder, PAGES)
    assert warnings == ""
    return pages


@pytest.fixture(scope="module")
def chinese(tmp_path_factory):
    pages, warnings = build(tmp_path_factory.mktemp("zh"), PAGES, "zh_CN")
    assert warnings == ""
    return pages


def test_mark_shows_date_text_and_the_way_to_repeat_it(english, chinese):
    for page, title, how in (
        (english, "Measured once, on 2026-11-20", "How to repeat it: make x, see Other"),
        (chinese, "仅测一次，2026-11-20", "复现方法：make x, see Other"),
    ):
        box = re.search(r'<div class="once admonition" id="once-1">.*?</div>', page["index"], re.DOTALL)[0]
        assert f'<p class="admonition-title">{title}</p>' in box
        assert "<td><p>7</p></td>" in box
        assert how in text_of(box)


def test_list_has_each_mark_once_with_its_place_in_the_order_of_the_book(english, chinese):
    for page, count in ((english, "were measured once: 3."), (chinese, "全书共有 3 处")):
        assert count in text_of(page["other"])
        table = page["other"][page["other"].rindex("<table") :]
        assert re.findall(r'href="(\w*\.?h?t?m?l?#once-\d)">(\w+)<', table) == [
            ("index.html#once-1", "First"),
            ("#once-1", "Other"),
            ("#once-2", "Other"),
        ]
        assert re.findall(r"<p>(2026-11-\d\d)</p>", table) == ["2026-11-20", "2026-11-20", "2026-11-19"]
        assert table.count('href="#"') + table.count('href="other.html"') == 3  # the links inside `how`


def test_answers_open_without_a_script_and_say_what_they_are(english, chinese):
    for page, right, wrong in ((english, "Right. ", "No. "), (chinese, "正确。", "不对。")):
        quiz = re.search(r'<div [^>]*class="quiz".*?</div>', page["index"], re.DOTALL)[0]
        assert 'role="group"' in quiz
        label = re.search('aria-labelledby="(.*?)"', quiz)[1]
        assert re.search(f'<p class="quiz-question" id="{label}">Which .*<em>text</em>', quiz)
        first, second = re.findall(r"<details.*?</details>", quiz, re.DOTALL)
        assert first.startswith('<details class="quiz-answer right">')
        assert second.startswith('<details class="quiz-answer wrong">')
        assert text_of(re.search("<summary>.*?</summary>", first, re.DOTALL)[0]).strip() == "The detector"
        assert f"<p><strong>{right}</strong>It draws boxes.</p>\n<p>They" in first
        assert f"<p><strong>{wrong}</strong>It never" in second


def test_exercises_are_counted_on_each_page(english, chinese):
    first, other = text_of(english["index"]), text_of(english["other"])
    assert re.findall(r"Exercise \d", first) == [f"Exercise {n}" for n in (1, 2, 1, 2, 1, 2)]
    assert "Solution to Exercise 2 (Title)" in first
    assert "Exercise 1 (Title) Do it, after Exercise 2." in other
    first, other = text_of(chinese["index"]), text_of(chinese["other"])
    assert "解答：练习 2（Title）" in first
    assert "练习 1 （Title） Do it, after 练习 2." in other


def test_list_and_numbers_are_right_after_a_change_on_another_page(english, folder):
    before = (folder / "html" / "other.html").read_text("utf-8")
    pages, _ = build(folder, {"index": PAGES["index"].replace(ONCE, "")})
    assert "once-1" not in pages["index"]
    after = (folder / "html" / "other.html").read_text("utf-8")
    assert "measured once: 3." in text_of(before)
    assert "measured once: 2." in text_of(after)
    assert "Exercise 1 (Title) Do it, after Exercise 2." in text_of(after)


MISTAKES = {
    "'2026-13-20' is not a date": ONCE.replace("11-20", "13-20"),
    "the option `how` is missing": ONCE.replace(":how: `make x`, see [](other)\n", ""),
    "Content block expected": ":::{once} 2026-11-20\n:how: so\n:::\n",
    "[x] before one of them at least": QUIZ.replace("[x]", "[ ]"),
    "no paragraph below the answer '[ ] The recogniser' explains it": QUIZ.replace("\n  It never sees the page.\n", ""),
    "'The recogniser' does not begin with [x] or [ ]": QUIZ.replace("[ ] ", ""),
    "expected one list of answers": ":::{quiz} So?\nYes.\n:::\n",
    "expected two answers or more": ":::{quiz} So?\n- [x] Yes\n\n  Why.\n:::\n",
}


def test_mistake_is_an_error_with_its_file_and_line(tmp_path):
    pages = {f"page{number}": f"# Title\n\n{source.lstrip()}" for number, source in enumerate(MISTAKES.values())}
    _, warnings = build(tmp_path, {"index": "# All"} | pages)
    for number, message in enumerate(MISTAKES):
        (line,) = (line for line in warnings.splitlines() if f"page{number}.md:3: ERROR" in line)
        assert message in line
