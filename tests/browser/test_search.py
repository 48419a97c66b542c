"""What readers type into the search field, and the pages that answer it."""

from urllib.parse import quote

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


def search(browser, site, language, query):
    """The addresses that a search finds, in order and below the edition's folder; and the line above them."""
    browser.get(f"{site}/{language}/search.html?q={quote(query)}")
    # Sphinx shows the list item by item and writes the summary when it is complete.
    summary = WebDriverWait(browser, 20).until(
        lambda page: page.execute_script("return document.querySelector('#search-results .search-summary')?.innerText")
    )
    links = browser.find_elements(By.CSS_SELECTOR, "#search-results ul.search > li > a")
    return [link.get_attribute("href").removeprefix(f"{site}/{language}/") for link in links], summary


@pytest.mark.parametrize(
    ("language", "query", "pages"),
    [
        ("zh", "安装失败 libGL", ["book/install"]),
        ("zh", "OCR模型导出", ["foundations/06"]),
        ("zh", "怎么微调自己的模型", ["foundations/07"]),
        ("zh", "机器上没有网络怎么办", ["book/install", "start/02"]),
        ("zh", "为什么训练一开始损失不下降", ["foundations/04"]),
        ("zh", "cv2 读取失败", ["start/01", "book/install"]),
        ("zh", "电能表识别", ["applications/04"]),
        ("zh", "数码管读数", ["applications/01"]),
        ("zh", "PPOCRLabel标注", ["data/03", "data/05"]),
        ("zh", "阈值怎么调", ["foundations/03"]),
        ("zh", "过拟合", ["book/glossary", "data/02"]),
        ("zh", "ＯＣＲ 部署到服务器", ["deployment/02"]),
        ("zh", "PaddleOCR 3.7 报错", ["start/02", "start/03"]),
        ("zh", "编辑距离", ["foundations/01"]),
        ("zh", "主动学习选哪些图片来标", ["data/04"]),
        ("en", "use_gpu", ["start/03"]),
        ("en", "how to train my own model", ["foundations/06"]),
        ("en", "skewed scan", ["foundations/02"]),
        ("en", "upside down", ["foundations/05"]),
        ("en", "blurry photo", ["foundations/02"]),
        ("en", "character error rate", ["foundations/01"]),
        ("en", "Label Studio", ["data/05"]),
        ("en", "Docker", ["deployment/02"]),
        ("en", "meter reading", ["applications/04"]),
        ("en", "receipt", ["start/01"]),
        ("en", "no network", ["book/install", "start/02"]),
        ("en", "handwriting", ["book/glossary"]),
        ("en", "labelstudio", ["data/05"]),
        ("en", "draw_ocr", ["start/03"]),
    ],
)
def test_search_finds_the_page_among_the_first_three(browser, site, language, query, pages):
    found, _ = search(browser, site, language, query)
    assert any(page in address for page in pages for address in found[:3]), found[:5]


@pytest.mark.parametrize(
    ("language", "query", "message"),
    [("en", "zxqvw", "Nothing was found."), ("en", "subplots", "Nothing was found."), ("zh", "鼉鼊", "没有找到")],
)
def test_search_says_when_it_finds_nothing(browser, site, language, query, message):
    found, summary = search(browser, site, language, query)
    assert not found
    assert summary.startswith(message)


def test_search_leads_to_the_section(browser, site):
    found, _ = search(browser, site, "en", "Label Studio")
    address = next(address for address in found if "#" in address)
    browser.get(f"{site}/en/{address}")
    section = browser.find_element(By.ID, address.split("#")[1])
    assert "Label Studio" in section.find_element(By.CSS_SELECTOR, "h2, h3").text
