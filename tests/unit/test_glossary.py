"""The glossary can be looked through in both languages, and in the order of the language."""

import re

import pytest

from tools import translate
from tools.book_files import ROOT
from tools.glossary import pinyin_key, sort_by_pinyin

# How the first characters of the terms are read: independent of the encoding that the order is taken from.
READ = {
    "b": "百版编标表", "c": "裁测产超", "d": "导冻读端队", "e": "二", "f": "反泛方服覆", "g": "概感工骨关官归过",
    "h": "合后", "j": "基计检交解进精颈拒卷", "k": "空扩", "l": "类量", "m": "模", "p": "配批平", "q": "迁倾权",
    "r": "热容", "s": "深神十时识视收手输数死损", "t": "特梯图推吞", "w": "外完网微伪文", "x": "学训",
    "y": "延验一印预阈阅", "z": "灾噪召真指置注准自字",
}  # fmt: skip


def entries(page):
    """The spellings of each entry, in order."""
    (body,) = re.findall(r"^```\{glossary\}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [[line for line in entry.splitlines() if line[:1].strip()] for entry in body.split("\n\n")]


@pytest.fixture(scope="module")
def english():
    return (ROOT / translate._GLOSSARY).read_text("utf-8")


@pytest.fixture(scope="module")
def chinese(english):
    catalog = translate._read(translate._GLOSSARY)
    return sort_by_pinyin(translate.translate(english, lambda message: catalog.get(message).string))


def test_english_terms_are_in_alphabetical_order(english):
    terms = [spellings[0].casefold() for spellings in entries(english)]
    assert terms == sorted(terms)


def test_chinese_terms_are_in_the_order_of_pinyin_after_those_in_latin_letters(chinese):
    initials = [next((sound for sound in READ if terms[0][0] in READ[sound]), "") for terms in entries(chinese)]
    assert initials == sorted(initials)
    assert all(terms[0].isascii() or sound for terms, sound in zip(entries(chinese), initials, strict=True))


def test_no_term_stands_in_two_places(english, chinese):
    for page in (english, chinese):
        spellings = [spelling.casefold() for terms in entries(page) for spelling in terms]
        assert len(set(spellings)) == len(spellings)


def test_sorting_keeps_explanations_with_their_terms_and_names_a_spelling_once():
    page = "# T\n\n```{glossary}\n阈值\n  a\n\n颈部网络\n颈部网络\n  b\n\nCTC\n连接\n  c\n\n预测\n  d\n```\n\nEnd.\n"
    wanted = "# T\n\n```{glossary}\nCTC\n连接\n  c\n\n颈部网络\n  b\n\n预测\n  d\n\n阈值\n  a\n```\n\nEnd.\n"
    assert sort_by_pinyin(page) == wanted


def test_character_whose_place_is_not_known_is_an_error():
    with pytest.raises(ValueError, match="鼉"):
        pinyin_key("鼉龙")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("english", "handwriting Docker blur overfitting KIE tariff kernel crop recognizer"),
        ("chinese", "手写体 过拟合 数据增强 版面分析 端侧 感受野 学习率 数码管 水表 泛化 收敛"),
    ],
)
def test_glossary_has_the_words_that_people_search_for(request, language, words):
    assert not [word for word in words.split() if word not in request.getfixturevalue(language)]
