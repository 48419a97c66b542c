import nbformat
import pytest

from tools.prose_numbers import explain, main

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="16"><g id="ytick_1"><text>16</text></g>
<g id="text_17"><text x="17">{}</text></g></svg>"""
CODE, MARKDOWN = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell


def output(**data):
    return nbformat.v4.new_output("display_data", data={key.replace("_", "/"): text for key, text in data.items()})


def printing(text, code="pass"):
    return CODE(code, outputs=[nbformat.v4.new_output("stream", name="stdout", text=text)])


def kinds(*cells):
    """Each number and what explains it, in one line."""
    return ", ".join(f"{n.written} {n.kind}" for n in explain(nbformat.v4.new_notebook(cells=list(cells))))


def found(prose):
    return ", ".join(n.written for n in explain(nbformat.v4.new_notebook(cells=[MARKDOWN(prose)])))


@pytest.mark.parametrize(
    ("prose", "expected"),
    [
        ("It has 1,390 lines, 0.96 of 14, .5 more, 1e-5 less.", "1,390, 0.96, 14, .5, 1e-5"),
        ("A page of 640x480 or 64 × 48 pixels.", "640, 480, 64, 48"),
        ("From 7 to 12 of them, 2 in 5 and 10.", ""),
        ("Some 7 % more, from 5 to 8 percent.", "7 %, 5 %, 8 %"),
        ("`x = 14`, $y = 15$, [16](17.md), ![18](19.png), {ref}`20`, <b id='21'>", ""),
        ("PaddleOCR 3.7, PP-OCRv6, Python 3.11, 2.x, 1.23.2, x86, UTF-8, 32-bit, 8 bits", ""),
        ("In 2024, on 2026-11-20, but 2,024 pages and 2024.5", "2,024, 2024.5"),
        ("Turned by 90 degrees, right 95 times of 100, 100 pages", "95, 100"),
        ("```python\nx = 14\n```\n\n- item 15\n\n| 16 | *17* |\n|---|---|\n| 18 | 19 a |", "15, 16, 17, 18, 19"),
        (":::{quiz} Are 14?\n- [x] 15\n\n  16\n:::\n\n:::{admonition} 17\n18\n:::", "14, 15, 16, 17, 18"),
    ],
)
def test_numbers_that_are_looked_at(prose, expected):
    assert found(prose) == expected


@pytest.mark.parametrize(
    ("printed", "written", "explained"),
    [
        ("0.957", "0.957", True),
        ("0.957", "0.96", True),
        ("0.957", "0.95", False),
        ("0.957", "1.0", True),
        ("0.957", "96 %", True),
        ("0.957", "95.7 percent", True),
        ("0.957", "95 %", False),
        ("95.7 % right", "96 %", True),
        ("96 right", "96 %", False),
        ("1390", "1,390", True),
        ("1390", "1,400", True),
        ("1390", "1,300", False),
        ("1390", "2,000", False),
        ("297", "300", False),
        ("12,345 pages", "12,345", True),
        ("[14,345]", "14", True),
        ("image_14.png v15", "15", False),
    ],
)
def test_computed_numbers_may_be_rounded(printed, written, explained):
    assert kinds(printing(printed), MARKDOWN(f"Here are {written}.")).endswith("computed" if explained else "open")


def test_only_what_is_above_explains_and_code_also_directly_below():
    assert kinds(MARKDOWN("So 14."), printing("14")) == "14 open"
    assert kinds(MARKDOWN("So 14."), CODE("x = 14")) == "14 setting"
    assert kinds(MARKDOWN("So 14."), CODE("x = 1"), CODE("x = 14")) == "14 open"
    assert kinds(CODE("x = 1_400"), CODE("y = 2"), MARKDOWN("So 1,400 and 1,401.")) == "1,400 setting, 1,401 open"


def test_code_explains_by_its_numbers_and_strings_not_by_comments_and_docstrings():
    code = 'def f():\n    """Up to 14."""\n    return g("--side 15", 0.05)  # 16'
    prose = MARKDOWN("These are 14, 15, 16, 5 %, and 0.051.")
    assert kinds(CODE(code), prose) == "14 open, 15 setting, 16 open, 5 % setting, 0.051 open"


def test_all_that_a_reader_sees_of_an_output_counts():
    figure = output(image_svg="") | {
        "metadata": {"image/png": {"titles": [[19, "18 right"]], "svg": SVG.format("26 &lt; 27")}}
    }
    figure["data"] = {
        "image/svg+xml": SVG.format("14&#37;"),
        "text/plain": "<Figure size 20x21 with 1 Axes>",
    }
    table = output(text_html="<style>a {width: 22px}</style><td title='23'>24</td><td>25</td>")
    cell = CODE("pass", outputs=[figure, table])
    seen = kinds(cell, MARKDOWN("14 %, 24, 25, 18, 26, 27, and 16, 17, 19, 20, 21, 22, 23."))
    assert seen.startswith("14 % computed, 24 computed, 25 computed, 18 computed, 26 computed, 27 computed, 16 open")
    assert seen.count("computed") == 6


def test_place_of_a_number_explains_it():
    mark = ":::{once} 2026-11-20\n:how: 15 times `make`\nOf 16, 17.\n\n- 18\n:::"
    start = "## Before you start\n\n| | |\n|---|---|\n| Time | 19 minutes |\n\nAnd 20."
    prose = f"So 14.\n\n{mark}\n\nAnd 14.\n\n{start}"
    end = "## References\n\n- 21 by a vendor."
    assert kinds(MARKDOWN(prose), CODE("pass"), MARKDOWN(end), CODE("pass"), MARKDOWN("Still 22.")) == (
        "14 open, 15 once, 16 once, 17 once, 18 once, 14 open, 19 before, 20 open, 21 references, 22 references"
    )


def test_command_prints_each_number_with_its_sentence(tmp_path, monkeypatch, capsys):
    path = tmp_path / "a.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[MARKDOWN("One. It has 14 *legs*. Two.")]), path)
    monkeypatch.setattr("sys.argv", ["prose_numbers", str(path)])
    main()
    assert capsys.readouterr().out == f"        14  It has 14 legs.\n{path}: 1 unexplained\n"
