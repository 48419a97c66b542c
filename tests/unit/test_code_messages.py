import io
import json
import textwrap
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import first_cell
from tools import translate as edition
from tools.book_files import ROOT, notebooks
from tools.code_messages import WIDTH, columns, messages, syntax, translate

BLOCKS = {
    "comment": ("# One.\nx = 1\n", ["One."]),
    "lines of a comment": ("# One,\n# and on.\nx = 1\n", ["One, and on."]),
    "comments apart": ("# One.\n\n# Two.\n#\n# Three.\n", ["One.", "Two.", "Three."]),
    "other indentation": ("if x:\n    # Inside.\n    y = 1\n# Outside.\n", ["Inside.", "Outside."]),
    "trailing": ("x = 1  # one\ny = 2  # two\n# Three.\n", ["one", "two", "Three."]),
    "pragmas": ("x = 1  # fmt: skip\ny = 2  # noqa: E501\n# %% cell\n", []),
    "wordless": ("# ----\nx = 1  # 2.5 `code`\n", []),
    "no comment": ("x = '# none'\ny = '''\n# none\n'''\n", []),
    "docstring": ('def f():\n    """What it does."""\n', ["What it does."]),
    "raw docstring": ('class C:\n    r"""A \\d."""\n', ["A \\d."]),
    "one quote": ("async def f():\n    'What.'\n", ["What."]),
    "paragraphs": (
        'def f():\n    """First,\n    and on.\n\n    Second.\n    """\n    return 1\n',
        ["First, and on.", "Second."],
    ),
    "sections": (
        'def f(x):\n    """What.\n\n    Parameters\n    ----------\n    x : int\n        A number.\n    """\n',
        ["What.", "Parameters ---------- x : int", "A number."],
    ),
    "doctest": ('def f():\n    """See:\n    >>> f()  # call\n    out\n\n    Done.\n    """\n', ["See:", "Done."]),
    "no docstring": ('def f():\n    x = """None."""\n    return x\n\n"a value"\n', []),
    "in two parts": ('def f():\n    "One " "two."\n', []),
    "wide": ('标题 = "文"; 乙 = 1  # one\nclass 类: "What."\n', ["one", "What."]),
    "magic": ("%matplotlib inline\nif x:\n    !ls # no\nx = 1  # one\n", ["one"]),
    "not Python": ("%%bash\nls 'a # no\n", []),
}


def tokens(source):
    """What a cell is made of: no comments, no line breaks without a meaning, no docstrings."""
    left_out = (tokenize.COMMENT, tokenize.NL)
    found = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in left_out]
    return [
        (token.type, token.string)
        for before, token in zip([None, *found], found, strict=False)
        if not (token.type == tokenize.STRING and before and before.type == tokenize.INDENT)
    ]


@pytest.mark.parametrize("name", BLOCKS)
def test_messages_of_a_cell(name):
    source, expected = BLOCKS[name]
    assert messages(source) == expected
    assert translate(source, lambda message: message) == source


@pytest.mark.parametrize("name", BLOCKS)
def test_every_message_is_replaced_and_nothing_else(name):
    source, expected = BLOCKS[name]
    translated = translate(source, lambda message: f"译{expected.index(message)}文")
    assert messages(translated) == [f"译{number}文" for number in range(len(expected))]
    assert syntax(translated) == syntax(source)
    if not expected:
        assert translated == source


@given(
    st.lists(st.sampled_from(sorted(set(BLOCKS) - {"not Python"})), min_size=1, max_size=5),
    st.text("中文，。（）`a1 b-", min_size=1, max_size=200).filter(lambda text: text.strip() == text and "文" in text),
)
def test_any_chinese_leaves_the_code_alone_and_lines_short(names, chinese):
    source = "\n".join(BLOCKS[name][0] for name in names)
    chinese = " ".join(chinese.split())
    translated = translate(source, lambda message: chinese)
    assert syntax(translated) == syntax(source)
    whole = [line for line in translated.split("\n") if line.lstrip().startswith("#")]
    longest_word = max(map(columns, chinese.split()))
    assert all(columns(line) <= WIDTH or longest_word > 60 for line in whole)


@given(st.text("中文，。（）“”`'a1 b-", min_size=1, max_size=200).filter(lambda text: text.strip()))
def test_wrapping_loses_no_character(chinese):
    assert "".join(translate("# One.\n", lambda message: chinese).replace("#", "").split()) == "".join(chinese.split())


def test_long_chinese_is_wrapped_with_the_indentation_of_the_message():
    source = textwrap.dedent('''
        def f():
            """First.

            Second.
            """
            # Third.
            return 1  # fourth
    ''')
    long = "这是一段很长的说明，用来检查换行之后每一行的缩进是否正确。" * 3
    translated = translate(source, lambda message: long if message != "fourth" else "第四")
    assert syntax(translated) == syntax(source)
    lines = translated.split("\n")
    assert max(map(columns, lines)) <= WIDTH
    assert all(line.startswith("    ") for line in lines[2:] if line)
    assert sum(line.startswith("    # ") for line in lines) == 3
    assert not any(line.strip("# ").startswith(("，", "。")) for line in lines)
    assert lines[-2] == "    return 1  # 第四"


@pytest.mark.parametrize("broken", ['a"""b', 'ends with "', "ends with \\", "two\nlines"])
def test_translation_that_would_change_the_code_is_refused(broken):
    source = 'def f():\n    """What."""\n    return 1  # one\n'
    with pytest.raises(ValueError, match="breaks the code"):
        translate(source, lambda message: broken)


def code_cells(path):
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


def skeleton(source):
    """The tokens of a cell, without its comments and line breaks."""
    left_out = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER)
    return [each for each in tokenize.generate_tokens(io.StringIO(source).readline) if each.type not in left_out]


@pytest.mark.parametrize("document", notebooks(), ids=str)
def test_both_editions_have_the_same_code_with_chinese_comments(document, chinese_tree):
    english, chinese = code_cells(ROOT / document), code_cells(chinese_tree / document)
    ours, theirs = (skeleton("".join(cells[0]["source"])) for cells in (english, chinese))
    assert len(theirs) > len(ours)  # a line that sets the language
    told = first_cell.messages("".join(english[0]["source"]))
    for one, other in zip(ours, theirs, strict=False):
        translated = one.type == tokenize.STRING and any(message in one.string for message in told)
        assert other.type == one.type and (other.string != one.string) == translated
    for ours, theirs in zip(english[1:], chinese[1:], strict=True):
        ours, theirs = "".join(ours["source"]), "".join(theirs["source"])
        assert syntax(theirs) == syntax(ours)
        assert tokens(theirs) == tokens(ours)
        if theirs != ours:
            assert max(map(columns, theirs.split("\n"))) <= WIDTH


@pytest.mark.parametrize("document", notebooks(), ids=str)
def test_every_comment_and_docstring_is_a_message(document):
    """Found here by another way than in the tool: by the words themselves."""
    wanted = edition.extract(document)
    for cell in code_cells(ROOT / document)[1:]:
        source = "".join(cell["source"])
        before = None
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT and token.string[:6] not in ("# fmt:", "# noqa"):
                words = token.string.strip("# ")
                assert any(words in message for message in wanted) or not any(map(str.isalpha, words)), words
            elif token.type == tokenize.STRING and before == tokenize.INDENT:
                line = token.string.strip("r\"' \n").split("\n")[0]
                assert any(line in message for message in wanted), line
            before = token.type


@pytest.fixture(scope="module")
def chinese_tree():
    edition.write_tree()
    return edition.TREE
