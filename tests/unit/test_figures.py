"""The words in figures, and what the Chinese edition makes of them."""

import base64
import html
import io
import json
import re

import cv2
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ocrbook import show
from ocrbook.fonts import font_path
from tools import figures, run_notebooks, translate
from tools.book_files import ROOT, notebooks

CHINESE = {"lines right": "识别正确的行", "epoch": "训练轮次", "{} pages, {} lines": "{1} 行，共 {0} 页"}
TEXTS = st.text(st.sampled_from("ab12., {}→电<>&-'\"\n"), max_size=20) | st.text(max_size=20)


def chinese(message):
    return CHINESE.get(message, message)


def svg_of(figure):
    content = io.StringIO()
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "figures"}):
        figure.savefig(content, format="svg", metadata={"Date": None})
    plt.close(figure)
    return content.getvalue()


def chart():
    with plt.style.context("ocrbook.book"):
        figure, axes = plt.subplots()
        axes.plot([1, 2, 3], [0.1, 0.5, 0.9])
        axes.set(title="28 pages, 372 lines", xlabel="epoch", ylabel="lines right")
        axes.text(1, 0.5, "$x^2$")
    return figure


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("28 pages, 1,372 lines", "{} pages, {} lines"),
        ("PP-OCRv6 small, 0.95", "PP-OCRv6 small, {}"),
        ("  two\n words ", "two words"),
        ("12345.6", None),
        ("INVOICE → 1NV0ICE", None),
        ("电能表 meter", None),
        ("x", None),
        ("literal {} stays", "literal {} stays"),
    ],
)
def test_message_holds_words_without_their_numbers(text, message):
    assert figures.message_of(text) == message


@given(TEXTS)
def test_number_is_never_in_a_message_and_the_same_in_both_editions(text):
    if message := figures.message_of(text):
        assert not re.search(r"(?<![A-Za-z\d.,])\d", message)
        assert figures.translated(text, lambda message: message) == " ".join(text.split())
    else:
        assert figures.translated(text, lambda message: "") == text


def test_translation_may_turn_the_order_of_numbers_around_but_lose_none():
    assert figures.translated("28 pages, 372 lines", chinese) == "372 行，共 28 页"
    assert not figures.loses_numbers("{} pages, {} lines", CHINESE["{} pages, {} lines"])
    assert not figures.loses_numbers("$41^{40}$ paths", "$41^{40}$ 条路径")
    for translation in ("{} 页", "{0} 页，{0} 行", "{} 页，{1} 行", "{1} 页，{2} 行", "{} {} {}"):
        assert figures.loses_numbers("{} pages, {} lines", translation), translation


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=4))
def test_texts_of_an_svg_are_replaced_and_nothing_else(pairs):
    def svg(texts):
        shapes = (f'<path d="M 0 0"/><text x="1" y="2"> {html.escape(t, quote=False)}</text>' for t in texts)
        return f'<svg width="9"><style>text>tspan{{fill:red}}</style>{"".join(shapes)}<text/>more words</svg>'

    known = {message: new for old, new in pairs if (message := figures.message_of(old)) and "{" not in message + new}
    wanted = [known.get(figures.message_of(old)) for old, _ in pairs]
    drawn = figures.translate_svg(svg([old for old, _ in pairs]), lambda message: known.get(message, message))
    kept = [old if new is None else new for (old, _), new in zip(pairs, wanted, strict=True)]
    texts = [html.unescape(text) for text in re.findall(r'y="2">(.*?)</text>', drawn, re.DOTALL)]
    assert [" ".join(text.split()) for text in texts] == [" ".join(text.split()) for text in kept]
    assert re.sub(r'y="2">.*?</text>', "", drawn, flags=re.DOTALL) == re.sub(
        r'y="2">.*?</text>', "", svg([old for old, _ in pairs]), flags=re.DOTALL
    )


def test_chart_has_its_words_as_messages_and_its_formula_is_left_alone():
    svg = svg_of(chart())
    assert figures.svg_messages(svg) == ["epoch", "lines right", "{} pages, {} lines"]
    drawn = figures.translate_svg(svg, chinese)
    assert figures.svg_messages(drawn) == []
    assert all(f">{text}</text>" in drawn for text in ("训练轮次", "识别正确的行", "372 行，共 28 页"))


def test_execution_stores_words_of_charts_beside_the_picture_and_titles_of_grids(tmp_path, monkeypatch):
    monkeypatch.setattr(run_notebooks, "ROOT", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    sources = [
        "import numpy as np, pandas as pd\nfrom ocrbook import show\n"
        "show.bars(pd.DataFrame({'before': [1], 'after': [2]}, index=['drums']))",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.title('Losses by epoch'); plt.show()",
        "plt.plot([1, 2]); plt.show()",
        "show.grid([np.zeros((9, 9, 3), np.uint8)], ['as it is'])",
    ]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    run_notebooks.execute("a.ipynb")
    stored = [cell.outputs[0] for cell in nbformat.read(tmp_path / "a.ipynb", as_version=4).cells]
    assert [set(output.data) - {"text/plain"} for output in stored] == [{"image/png"}] * 3 + [{"image/jpeg"}]
    assert [figures.output_messages(output) for output in stored] == [
        ["drums", "before", "after"], ["Losses by epoch"], [], ["as it is"]
    ]  # fmt: skip
    assert "svg" not in stored[2].metadata.get("image/png", {})


def ink_beside(picture, other):
    """Whether a picture is dark somewhere more than four pixels away from where another has ink."""
    shades = [np.array(each.convert("L")) for each in (picture, other)]
    near = cv2.dilate(np.uint8(shades[1] < 230), np.ones((9, 9)))
    return bool(((shades[0] < 120) & (near == 0)).any())


def test_chinese_chart_is_as_large_and_without_words_the_same_picture():
    svg, english = svg_of(chart()), io.BytesIO()
    figure = chart()
    figure.savefig(english, format="png")
    plt.close(figure)
    kept = Image.open(english)
    for translation, differs in ((lambda message: message, False), (chinese, True)):
        output = {
            "data": {"image/png": base64.b64encode(english.getvalue()).decode()},
            "metadata": {"image/png": {"svg": svg}},
        }
        figures.translate_output(output, translation)
        drawn = Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"])))
        assert drawn.size == kept.size
        assert (ink_beside(drawn, kept) or ink_beside(kept, drawn)) is differs
        assert output["metadata"] == {"image/png": {}}


def test_chinese_is_drawn_with_glyphs_of_its_own():
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="30"><text x="5" y="20">{}</text></svg>'
    assert len({figures.draw_svg(svg.format(text), 60) for text in ("训", "练", "\ue123")}) == 3


def test_every_character_of_the_figures_is_in_their_fonts():
    fonts = [TTFont(font_path(name), lazy=True).getBestCmap() for name in ("dejavu-sans", "noto-sans-cjk")]
    for document in translate._all_documents():
        text, catalog = (ROOT / document).read_text("utf-8"), translate._read(document)
        cells = json.loads(text)["cells"] if document.suffix == ".ipynb" else []
        found = figures.svg_messages(text) if document.suffix == ".svg" else []
        found += [
            each for cell in cells for output in cell.get("outputs", []) for each in figures.output_messages(output)
        ]
        for message in found:
            assert all(any(ord(letter) in font for font in fonts) for letter in catalog[message].string), message


def test_no_text_of_a_chinese_chart_is_cut_off():
    for path in notebooks():
        catalog = translate._read(path)
        for cell in json.loads((ROOT / path).read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if svg := output.get("metadata", {}).get("image/png", {}).get("svg"):
                    drawn = figures.translate_svg(svg, lambda message, catalog=catalog: catalog[message].string)
                    assert not reaches_beyond(drawn), f"{path}: {figures.svg_messages(svg)}"


def reaches_beyond(svg):
    """Whether a chart shows anything in a wide margin around it."""
    width, height = (float(side) for side in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    sides = f'width="{width + 100}" height="{height + 100}" viewBox="-50 -50 {width + 100} {height + 100}"'
    wider = re.sub(r'width="[\d.]+pt" height="[\d.]+pt" viewBox="[^"]+"', sides, svg, count=1)
    drawn = np.array(Image.open(io.BytesIO(figures.draw_svg(wider, round(width + 100)))).convert("L"))
    assert drawn[50:-50, 50:-50].min() < 100
    drawn[50:-50, 50:-50] = 255
    return drawn.min() < 250


def test_text_beyond_the_edge_is_noticed():
    svg = svg_of(chart())
    assert not reaches_beyond(svg)
    assert reaches_beyond(figures.translate_svg(svg, lambda message: "很长的文字" * 20))


def test_grid_keeps_its_pixels_outside_of_the_titles():
    rng = np.random.default_rng(0)
    images = [cv2.GaussianBlur(rng.integers(0, 256, (90, 140, 3), np.uint8), (0, 0), 3) for _ in range(5)]
    stored = show.grid(images, ["lines right", "A → B", "12", "epoch", "epoch"], columns=3, width=600)
    before = cv2.imdecode(np.frombuffer(stored.data, np.uint8), cv2.IMREAD_COLOR)
    after = figures.translate_titles(stored.data, stored.metadata["titles"], chinese)
    after = cv2.imdecode(np.frombuffer(after, np.uint8), cv2.IMREAD_COLOR)
    strips = np.zeros(before.shape[:2], bool)
    for left, top, width, _ in stored.metadata["titles"]:
        strips[top : top + show.TITLE_HEIGHT, left : left + width] = True
    apart = np.abs(before.astype(int) - after).mean(axis=2)
    near = cv2.dilate(strips.astype(np.uint8), np.ones((33, 33))).astype(bool)  # in the same blocks of JPEG
    assert apart[~strips].mean() < 1.5
    assert apart[~near].max() < 16
    assert apart[: show.TITLE_HEIGHT, :190].max() > 100


def test_grid_without_words_is_left_as_it_is():
    stored = show.grid([np.zeros((9, 9, 3), np.uint8)] * 2, ["12", "A → B"])
    assert figures.translate_titles(stored.data, stored.metadata["titles"], chinese) == stored.data


def test_names_of_rows_and_columns_of_a_table_are_replaced():
    page = pd.DataFrame({"epoch": [1], "right & wrong": ["epoch"]}, index=["lines right"]).to_html()
    output = {"data": {"text/html": page.splitlines(keepends=True)}}
    assert figures.output_messages(output) == ["epoch", "right & wrong", "lines right"]
    figures.translate_output(output, chinese)
    wanted = page.replace("<th>epoch", "<th>训练轮次").replace("lines right", "识别正确的行")
    assert output["data"]["text/html"] == wanted


def test_schematic_brings_the_characters_of_its_texts():
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><text x="1">a &amp; 训练</text></svg>'
    drawn = figures.embed_font(svg)
    assert svg.removeprefix('<svg xmlns="http://www.w3.org/2000/svg">') in drawn
    (font,) = re.findall(r"data:font/woff;base64,([^)]+)\)", drawn)
    assert {*map(ord, "a& 训练")} <= set(TTFont(io.BytesIO(base64.b64decode(font))).getBestCmap())
    assert len(drawn) < 10_000
    assert figures.embed_font(svg) == drawn


def test_schematics_of_the_book_have_a_size_and_no_words_out_of_reach():
    for path in (ROOT / "book" / "schematics").glob("*.svg"):
        svg = path.read_text("utf-8")
        assert re.search(r'<svg\b[^>]*\bviewBox="[-\d.]+ [-\d.]+ [\d.]+ [\d.]+"', svg), path.name
        assert figures.svg_messages(svg), path.name
        assert "<text>" not in svg, f"{path.name}: a text without attributes is taken for a formula"
