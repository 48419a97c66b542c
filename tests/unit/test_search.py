"""The search of the book: how texts are cut into terms, and which pages come first."""

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from tools.book_files import ROOT, documents

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import full_text

STUBS = """
const _ready = () => {}, SPHINX_HIGHLIGHT_ENABLED = false, Documentation = { TRANSLATIONS: {} };
const document = { documentElement: { lang: "en" } };
var Search = {};
"""
PAGES = {
    "index": "# Contents\n```{toctree}\n:hidden:\nboxes\ncurves\nmeters\nodds\n```\n",
    "boxes": "# Boxes\n## The threshold\nEvery box has a score. 检测框的阈值。\n",
    "curves": "# Threshold\nScore, threshold and a curve. 训练曲线。\n",
    "meters": "# Meters\nA threshold, a score, a label, a box and a needle. 电能表的读数，无需网络。"
    + "\nA gauge.\n" * 9,
    "odds": "# Odds\nA studio, a gauge and PaddleOCR.\n"
    "```{code-cell} ipython3\nhidden(constrained)\n```\n\nThe span `use_gpu` is read. 字轮在转动。\n",
}
CONFIGURATION = {
    "extensions": ["myst_nb", "full_text"],
    "source_suffix": {".md": "myst-nb"},  # Sphinx keeps in its default what an earlier book has added
    "nb_execution_mode": "off",
    "html_theme": "basic",
}


def in_node(scripts, expression, values):
    """What a JavaScript expression of `value` is for each of the values, after some scripts have run."""
    read = "let text = ''; process.stdin.on('data', (part) => (text += part)).on('end', () => "
    write = f"console.log(JSON.stringify(JSON.parse(text).map((value) => {expression}))));"
    command = [Path(sys.executable).with_name("node"), "-e", "\n".join([*scripts, read + write])]
    done = subprocess.run(command, input=json.dumps(values).encode(), capture_output=True, check=True)
    return json.loads(done.stdout)


CHARACTERS = st.characters(exclude_categories=["Cs", "Cn"]) | st.sampled_from(
    "的和怎么微调模型电能表ＯＣ３１ aB_9.-、。"
)
TEXT = st.lists(CHARACTERS | st.sampled_from(full_text._STOP_HAN.split("|")), max_size=20).map("".join)


@settings(max_examples=3, deadline=None)
@given(st.lists(TEXT, min_size=100, max_size=100))
@example(["怎么微调自己的模型", "ＯＣＲ 部署到服务器", "cv2读取失败", "㎡②ﬁ", "框", "x_1 y-2", ""])
def test_both_sides_cut_texts_alike(texts):
    language = full_text.SearchWords({})
    assert in_node([STUBS, language.js_splitter_code], "splitQuery(value)", texts) == [*map(language.split, texts)]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("怎么微调自己的模型", ["微调", "模型"]),
        ("为什么", []),
        ("ＯＣＲ模型１２", ["OCR", "模型", "12"]),
        ("cv2读取失败", ["cv2", "读取", "取失", "失败"]),
        ("框 use_gpu=True", ["框", "use_gpu", "True"]),
    ],
)
def test_texts_are_cut_into_terms(text, terms):
    assert full_text.SearchWords({}).split(text) == terms


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A small book: its folder, and a function that builds it and returns a search."""
    folder = tmp_path_factory.mktemp("book")
    for name, text in PAGES.items():
        kernel = "---\nfile_format: mystnb\nkernelspec: {name: python3}\n---\n" if "code-cell" in text else ""
        (folder / f"{name}.md").write_text(kernel + text, "utf-8")

    def build(**configuration):
        output = folder / "_build"
        with pytest.MonkeyPatch.context() as patch, docutils_namespace():
            patch.setitem(full_text._WORDS["pages"], "odds", {"en": ["Chronometer"], "zh": ["秒表"]})
            app = Sphinx(folder, None, output, output, "html", CONFIGURATION | configuration, status=None, warning=None)
            app.build()
        scripts = [output / "_static" / "searchtools.js", output / "_static" / "language_data.js"]
        scripts = [STUBS.replace("var Search = {};", ""), *(path.read_text("utf-8") for path in scripts)]
        scripts.append((output / "searchindex.js").read_text("utf-8"))
        search = (
            "Search._performSearch(...Search._parseQuery(value)).reverse().map(([name, _, anchor]) => name + anchor)"
        )
        return lambda *queries: in_node(scripts, search, queries)

    return folder, build


@pytest.fixture(scope="module")
def search(project):
    """A search in the small book."""
    return project[1]()


def test_title_counts_more_than_heading_and_heading_more_than_text(search):
    assert search("thresholds") == [["curves", "boxes#the-threshold", "meters"]]


def test_pages_that_lack_a_term_are_found_and_rare_and_frequent_ones_count_more(search):
    assert search("score of the needle") == [["meters", "boxes", "curves"]]
    assert search("how do I get the needle please", "gauge") == [["meters"], ["meters", "odds"]]


def test_half_a_sentence_finds_its_page(search):
    meters, curves, boxes = search("怎么把电能表的读数读出来", "训练一开始的曲线", "ｔｈｒｅｓｈｏｌｄ 检测框怎么设")
    assert (meters[0], curves, boxes[0]) == ("meters", ["curves"], "boxes")


def test_spaces_too_many_and_too_few_are_forgiven(search):
    assert search("labelstudio", "paddle ocr", "电 能 表") == [["meters", "odds"], ["odds"], ["meters"]]


def test_code_cells_are_not_searched_and_spans_are(search):
    assert search("constrained", "hidden", "use_gpu") == [[], [], ["odds"]]


def test_words_of_the_table_count_for_their_page_in_their_edition(project, search):
    assert search("chronometers", "秒表") == [["odds"], []]
    assert project[1](language="zh_CN")("chronometers", "秒表") == [[], ["odds"]]


def test_what_says_nothing_finds_nothing(search):
    assert search("how can I", "怎么的", "37", "zxqvw", "鼉鼊", "") == [[]] * 6


def test_terms_that_left_the_book_leave_the_index(project):
    folder, build = project
    (folder / "curves.md").write_text("# Circles\nRound.\n", "utf-8")
    search = build()
    assert search("curve", "训练曲线", "circle") == [[], [], ["curves"]]
    assert "训练" not in (folder / "_build" / "searchindex.js").read_text("utf-8").encode().decode("unicode_escape")


def test_table_names_pages_of_the_book_and_words_in_both_languages():
    names = {path.with_suffix("").as_posix() for path in documents()}
    for name, words in full_text._WORDS["pages"].items():
        assert name in names
        assert words.keys() == {"en", "zh"} and all(words.values())
    assert all(unicodedata.normalize("NFKC", word) == word for word in full_text._STOP_HAN.split("|"))
