import subprocess
import sys

import pytest

from tools import chinese
from tools.chinese import LOCALE, Lengths, Message, faults, length, lost_numbers, sentences, typography, wording

FILES = {path.relative_to(LOCALE).as_posix(): chinese.read(path) for path in chinese.catalogs()}


def test_a_sentence_ends_with_its_mark_and_code_roles_formulas_and_targets_are_left_out():
    text = "见[`read`](a_file.md)和 {term}`检测模型`！为什么？取 $x_1$ 的值。没有句号的结尾"
    assert sentences(text) == ["见[]和", "为什么", "取  的值"]
    assert [length(sentence) for sentence in sentences(text)] == [2, 3, 3]
    assert length("用 OCR 读 3 页") == 7


@pytest.mark.parametrize("text", ["一个标题", "表格的一格", "`代码。`", "**。**", ""])
def test_text_without_a_mark_and_marks_without_text_are_no_sentences(text):
    assert sentences(text) == []


def test_short_sentences_are_counted_up_to_both_lengths():
    messages = [Message("", "八个汉字正好八个。" + "九个汉字就不算短了。" + "十三个汉字无论怎么数都不短。")]
    assert chinese.lengths(messages) == Lengths(sentences=3, short=1, brief=2)
    assert not Lengths(1000, 29, 89).too_many()
    assert Lengths(1000, 30, 89).too_many()
    assert Lengths(1000, 29, 90).too_many()
    assert not Lengths(5, 2, 3).too_many()  # a page of a few lines may have some


@pytest.mark.parametrize(
    ("english", "text", "fault"),
    [
        ("The pipeline", "整条流水线", "流水线"),
        ("The pipeline", "整个流程", "流程"),
        ("The whole process", "整个流程", None),
        ("Each notebook", "每篇笔记", "笔记"),
        ("The PPOCR-SIG notebooks", "PPOCR-SIG 实战笔记", None),
        ("a laptop", "合上笔记本电脑", None),
        ("a cell", "这个单元", "单元"),
        ("a cell", "这个单元格", None),
        ("the detector", "{term}`检测器`", "检测器"),
        ("the class", "`检测器`", None),
        ("the file", "[文件](检测器.md)", None),
        ("percentage", "百分数", None),
        ("three programs", "三个程序", "三个程序"),
        ("a program that draws", "一个画图的程序", None),
    ],
)
def test_forbidden_words_are_found_where_the_term_is_meant(english, text, fault):
    found = wording(Message(english, text))
    assert len(found) == (fault is not None)
    assert all(line.startswith(f"{fault} -> ") for line in found)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("这是 *斜体* 的", "slanted"),
        ("这是 _斜体_ 的", "slanted"),
        ("错误率为 7 %", "percent"),
        ("错误率为百分之七", "percent"),
        ("框(矩形)", "brackets"),
        ("文字,然后", "after Chinese"),
        ("文字:", "after Chinese"),
        ("结束了.", "after Chinese"),
        ("用 OCR,然后", "before Chinese"),
        ('叫做"检测"', "quotation"),
        ("**注意。** 后面", "after full-width"),
        ("一句。 另一句", "after full-width"),
        ("电子书 《动手学OCR》", "before full-width"),
        ("两个 汉字", "between Chinese"),
        ("方案 **可微二值化**", "between Chinese"),
        ("Liao et al., 2020", "et al"),
    ],
)
def test_typography_that_is_not_chinese_is_found(text, rule):
    (line,) = typography(text)
    assert rule in line


@pytest.mark.parametrize(
    "text",
    [
        "**粗体**没有问题，*Real-time Scene Text Detection* 也没有",
        "占 7%，比 `a, b` 和 `甲 乙` 少；见[一页](a%20b.md)",
        "用 OCR（光学字符识别）读 3.5 版：`x`",
        "a_b 与 c_d 以及 2 * 3 * 4",
        "文件 images.txt，例如 1,500 行",
    ],
)
def test_good_typography_is_left_alone(text):
    assert typography(text) == []


@pytest.mark.parametrize(
    ("english", "text", "lost"),
    [
        ("up to 3 units, 1,600 pages, 7 %.", "零到几个单位，1600 页，7%", ["3"]),
        ("see `f(5)` and 0.5.", "见 `f(5)`，为 0.5。", []),
        ("three units of PP-OCRv6", "3 个单位", []),
    ],
)
def test_numbers_of_the_english_must_not_get_lost(english, text, lost):
    assert [line.split(":")[0] for line in lost_numbers(Message(english, text))] == [
        f"the English says {number}" for number in lost
    ]


@pytest.mark.parametrize("name", FILES)
def test_terms_typography_and_numbers(name):
    found = [line for each in FILES[name] for line in faults(each)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", FILES)
def test_sentences_are_those_of_a_tutorial(name):
    counts = chinese.lengths(FILES[name])
    assert not counts.too_many(), str(counts)


def test_sentences_of_the_whole_book():
    total = sum(map(chinese.lengths, FILES.values()), Lengths())
    assert not total.too_many(), str(total)


def test_the_command_lists_faults_and_short_sentences(tmp_path):
    path = tmp_path / "a.po"
    path.write_text('msgid "A pipeline."\nmsgstr "流水线。"\n', "utf-8")
    command = [sys.executable, "-m", "tools.chinese", "--worst", "1", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.returncode == 1
    assert "3 letters: 流水线" in done.stdout
    assert "流水线 -> 产线" in done.stdout
    path.write_text('msgid "A pipeline."\nmsgstr "产线。"\n', "utf-8")
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert (done.returncode, "0 faults" in done.stdout) == (0, True)
