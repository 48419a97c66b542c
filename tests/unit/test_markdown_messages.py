import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.markdown_messages import messages, translate

BLOCKS = {
    "paragraph": ("One sentence.\n", ["One sentence."]),
    "two lines": ("One sentence\nover two lines.\n", ["One sentence over two lines."]),
    "heading": ("## A `title` here\n", ["A `title` here"]),
    "list": ("- first\n- second *one*\n\n1. third\n", ["first", "second *one*", "third"]),
    "nested": ("- outer\n  goes on\n  - inner\n", ["outer goes on", "inner"]),
    "quote": ("> quoted\n> twice\n", ["quoted twice"]),
    "table": ("| Head | |\n|---|--:|\n| cell one | `code` |\n| cell one | 12 |\n", ["Head", "cell one"]),
    "code": ("```python\nx = 'no message'\n```\n", []),
    "indented code": ("    no message\n", []),
    "math": ("$$\na = b\n$$\n", []),
    "target": ("(label)=\n# Title\n", ["Title"]),
    "front matter": ("---\nkey: no message\n---\n\ntext\n", ["text"]),
    "comment": ("% no message\n", []),
    "wordless": ("`code` $x$ 12 [](other.md) {doc}`a`\n", []),
    "image": ("![Shown](path.png)\n", ["![Shown](path.png)"]),
    "exercise": ("```{exercise} A title\n:label: key\n\nDo it.\n```\n", ["A title", "Do it."]),
    "gate": ("````{solution-start} key\n:class: dropdown\n````\n", []),
    "figure": ("```{figure} path.png\n:alt: Shown\n:name: key\n\nCaption\n```\n", ["Shown", "Caption"]),
    "grid": (
        "::::{grid} 1 2\n:gutter: 3\n\n:::{grid-item-card} Name\n:link: a/b\n:img-alt: Seen\n\nText\n:::\n::::\n",
        ["Name", "Seen", "Text"],
    ),
    "once": (
        "```{once} 2026-11-20\n:how: With `make x`, again\n\nSome 14.\n\n- and a list\n```\n",
        ["With `make x`, again", "Some 14.", "and a list"],
    ),
    "quiz": (
        ":::{quiz} Which `one`?\n- [x] This\n\n  Because *so*.\n- [ ] That\n  other\n\n  Because not.\n:::\n",
        ["Which `one`?", "This", "Because *so*.", "That other", "Because not."],
    ),
    "glossary": (
        "```{glossary}\nterm\n  What it\n  means.\n\nother\n  More.\n```\n",
        ["term", "What it means.", "other", "More."],
    ),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_messages_of_a_block(name):
    source, expected = BLOCKS[name]
    assert messages(source) == expected


@pytest.mark.parametrize("name", BLOCKS)
def test_translation_to_itself_keeps_the_text_apart_from_line_breaks(name):
    source, _ = BLOCKS[name]
    assert messages(translate(source, lambda message: message)) == messages(source)


@pytest.mark.parametrize("name", BLOCKS)
def test_every_message_is_replaced_and_nothing_else(name):
    source, expected = BLOCKS[name]
    translated = translate(source, lambda message: f"译{expected.index(message)}文")
    assert messages(translated) == [f"译{number}文" for number in range(len(expected))]
    if not expected:
        assert translated == source


@given(st.lists(st.sampled_from(sorted(set(BLOCKS) - {"front matter", "target", "indented code"})), max_size=8))
def test_blocks_do_not_disturb_each_other(names):
    source = "start\n\n" + "\n\n---\n\n".join(BLOCKS[name][0] for name in names)
    expected = dict.fromkeys(message for name in names for message in BLOCKS[name][1])
    assert messages(source) == ["start", *expected]


def test_code_in_a_translated_list_stays_where_it_was():
    source = "1. First `a` b.\n2. Second.\n\n```sh\nmake first\n```\n\nFirst\n"
    assert translate(source, str.upper) == "1. FIRST `A` B.\n2. SECOND.\n\n```sh\nmake first\n```\n\nFIRST\n"


def test_indented_directive_is_refused():
    with pytest.raises(ValueError, match="indented directive"):
        messages("- item\n\n  ```{note}\n  text\n  ```\n")
