"""What is seen of MyST Markdown in plain Jupyter."""

import json
from pathlib import Path

import pytest
import yaml

from tools.outside import Outside

NAME = Path("notebooks/part/02_here.ipynb")
BESIDE = {NAME, Path("notebooks/part/01_before.ipynb"), Path("book/showcase/a.png"), Path("data/x/one.jpg")}


@pytest.fixture
def edition(tmp_path):
    """A small book with two pages and two notebooks, seen from one of the notebooks."""
    repository = {"url": "https://host/book", "branch": "main"}
    config = {"html": {"baseurl": "https://book/en/"}, "repository": repository}
    (tmp_path / "_config.yml").write_text(yaml.safe_dump(config))
    for name, title in (("book/install.md", "Install *it*"), ("book/glossary.md", "Glossary")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"(label)=\n# {title}\n\nText.\n")
    for name in ("01_before", "02_here"):
        path = tmp_path / "notebooks" / "part" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Before\n", "\n", "Text."]}]}))
    return tmp_path


def seen(edition, *sources, language="en", beside=BESIDE):
    """The cells of a notebook outside the book; a source that begins with `>>>` is code."""
    cells = [
        {"cell_type": "code" if s.startswith(">>>") else "markdown", "metadata": {}, "source": [s]} for s in sources
    ]
    text = Outside(edition, language, beside).notebook(json.dumps({"cells": cells}), NAME)
    return [cell | {"source": "".join(cell["source"])} for cell in json.loads(text)["cells"]]


def text(edition, source, **options):
    return seen(edition, source, **options)[0]["source"]


UNCHANGED = [
    "# Title\n\nA *b* **c** `d` $e_1$ [f](https://host/g).\n\n- h\n  - i\n\n1. j",
    "| a | b |\n|---|--:|\n| c | d |",
    "```python\n{term}`x` [](y.md)\n% z\n```",
    "The role is written ``{term}`x` `` and the link `[](y.md)`.",
    "$$\na \\\\ b\n$$",
    "[a][b]\n\n[b]: https://host/c",
    "![A picture](../../book/showcase/a.png)",
    "See [the images](../../data/x).",
]
CHANGED = {
    "Builds on [](01_before.ipynb), [that](01_before.ipynb#x).": (
        "Builds on [Before](01_before.ipynb), [that](01_before.ipynb)."
    ),
    "[](../../book/install.md) [b](../../book/install.md#c)": (
        "[Install *it*](https://book/en/book/install.html) [b](https://book/en/book/install.html#c)"
    ),
    "| a | [](01_before.ipynb) |\n|---|---|\n| b | {doc}`01_before` |": (
        "| a | [Before](01_before.ipynb) |\n|---|---|\n| b | [Before](01_before.ipynb) |"
    ),
    "A {term}`character error rate`, {term}`words <word>`.": (
        "A [character error rate](https://book/en/book/glossary.html#term-character-error-rate), "
        "[words](https://book/en/book/glossary.html#term-word)."
    ),
    "{term}`检测`": "[检测](https://book/en/book/glossary.html#:~:text=%E6%A3%80%E6%B5%8B)",
    "See [the code](../deployment/csharp).": (
        "See [the code](https://host/book/tree/main/notebooks/deployment/csharp)."
    ),
    "See {ref}`there <label>` and [here](#x), {kbd}`Tab`.": "See there and here, Tab.",
    "(label)=\n## A\n\n% a comment\n\nb": "## A\n\nb",
    "![a](../../book/showcase/none.png){width=200px}": "![a](https://book/en/_images/none.png)",
    ":::{note}\nA [](01_before.ipynb).\n\n- b\n:::\nc": "> **Note**\n>\n> A [Before](01_before.ipynb).\n>\n> - b\n\nc",
    "```{warning} A.\n```": "> **Warning**\n>\n> A.",
    ":::{admonition} You will *learn*\n:class: learn\n- a\n:::": "> **You will *learn***\n>\n> - a",
    ":::{admonition} A `b`\n:class: dropdown tip\nc\n:::": (
        "<details>\n<summary>A <code>b</code></summary>\n\nc\n\n</details>"
    ),
    "::::{dropdown} A\n:::{tip}\nb\n:::\n::::": (
        "<details>\n<summary>A</summary>\n\n> **Tip**\n>\n> b\n\n</details>"
    ),
    ":::{once} 2026-11-20\n:how: `python -m a`\nB 3.\n\n- c\n:::": (
        "> **Measured once, on 2026-11-20**\n>\n> B 3.\n>\n> - c\n>\n> How to repeat it: `python -m a`"
    ),
    ":::{quiz} Which `a`?\n- [x] The *b*\n\n  It is.\n\n  Really.\n- [ ] c\n\n  It is not.\n:::": (
        "### Which `a`?\n\n"
        "<details>\n<summary>The <em>b</em></summary>\n\n**Right.** It is.\n\nReally.\n\n</details>\n\n"
        "<details>\n<summary>c</summary>\n\n**No.** It is not.\n\n</details>"
    ),
    "```{figure} ../../book/showcase/a.png\n:alt: A b\n:name: c\n\nD e.\n```": (
        "![A b](../../book/showcase/a.png)\n\nD e."
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", UNCHANGED)
def test_plain_markdown_stays_as_it_is(edition, source):
    assert text(edition, source) == source


@pytest.mark.parametrize("source", CHANGED)
def test_what_only_the_book_renders_is_replaced(edition, source):
    assert text(edition, source) == CHANGED[source]


def test_opened_alone_a_notebook_leads_to_the_online_book(edition):
    assert text(edition, "[](01_before.ipynb) ![a](../../book/showcase/a.png)", beside=()) == (
        "[Before](https://book/en/notebooks/part/01_before.html) ![a](https://book/en/_images/a.png)"
    )


EXERCISES = [
    "## Exercises\n\n```{exercise} Count *it*\n:label: one\n\nDo.\n```",
    ">>> 1",
    "````{solution-start} one\n:class: dropdown\n````\n\nBecause.",
    ">>> 2",
    "````{solution-end}\n````",
    ">>> 3",
    "```{exercise}\n:class: x\n:label: two\n\nLike {ref}`one`.\n```\n\n:::{solution} two\n:class: dropdown\nSo.\n:::",
]


def test_exercises_are_numbered_and_their_solutions_folded(edition):
    cells = seen(edition, *EXERCISES)
    assert [cell["source"] for cell in cells] == [
        "## Exercises\n\n### Exercise 1: Count *it*\n\nDo.",
        ">>> 1",
        "<details>\n<summary>Solution to exercise 1</summary>\n\nBecause.\n\n</details>\n\n"
        "**Solution to exercise 1** (expand the cell below)",
        ">>> 2",
        ">>> 3",
        "### Exercise 2\n\nLike Exercise 1.\n\n"
        "<details>\n<summary>Solution to exercise 2</summary>\n\nSo.\n\n</details>",
    ]
    hidden = {"source_hidden": True, "outputs_hidden": True}
    assert [cell["metadata"].get("jupyter") for cell in cells if cell["cell_type"] == "code"] == [None, hidden, None]


def test_solution_without_code_is_only_folded(edition):
    (cell,) = seen(edition, EXERCISES[0] + "\n\n````{solution-start} one\n````\n\nSo.\n\n````{solution-end}\n````")
    assert cell["source"].endswith("Do.\n\n<details>\n<summary>Solution to exercise 1</summary>\n\nSo.\n\n</details>")


def test_words_are_those_of_the_edition(edition):
    sources = [cell["source"] for cell in seen(edition, *EXERCISES, language="zh")]
    assert "### 练习 1：Count *it*" in sources[0]
    assert sources[2].endswith("**练习 1 参考答案**（展开下面的单元格）")
    assert text(edition, ":::{once} 2026-11-20\nA.\n:::", language="zh") == "> **仅测一次，2026-11-20**\n>\n> A."
    assert text(edition, ":::{tip}\nA.\n:::", language="zh") == "> **提示**\n>\n> A."


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (":::{unheard-of}\n:::", "does not know the directive"),
        ("[a](none.md)", "leads nowhere"),
        ("````{solution-start} none\n````", "no exercise 'none'"),
    ],
)
def test_what_would_be_lost_is_an_error(edition, source, reason):
    with pytest.raises(ValueError, match=reason):
        text(edition, source)
