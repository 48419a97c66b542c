"""What readers click: twins, the start page, solutions."""

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


def heading(browser):
    """The title that a reader sees; the page has another one for printing."""
    return browser.find_element(By.CSS_SELECTOR, "article h1").text


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("en/notebooks/start/01_first_page.html", "识别你的第一页"),
        ("zh/notebooks/start/01_first_page.html", "Your first page"),
        ("en/book/glossary.html", "术语表"),
    ],
)
def test_twin_button_leads_to_the_same_page_in_the_other_language(browser, site, page, title):
    browser.get(f"{site}/{page}")
    browser.find_element(By.CSS_SELECTOR, ".btn-twin-button").click()
    other = {"en": "zh", "zh": "en"}[page[:2]] + page[2:]
    WebDriverWait(browser, 10).until(lambda _: browser.current_url == f"{site}/{other}")
    assert heading(browser).startswith(title)


@pytest.mark.parametrize(
    ("language", "title"), [("zh-CN", "动手做 OCR"), ("en-GB", "Hands-On OCR"), ("fr", "Hands-On OCR")]
)
def test_start_page_goes_to_the_readers_language(browser, site, language, title):
    browser.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": "test", "acceptLanguage": language})
    browser.get(site)
    WebDriverWait(browser, 10).until(lambda page: "/book/index.html" in page.current_url)
    assert heading(browser).startswith(title)


def test_solution_is_hidden_until_it_is_clicked(browser, site):
    browser.get(f"{site}/en/notebooks/start/01_first_page.html")
    solution = browser.find_element(By.CSS_SELECTOR, ".solution")
    code = solution.find_element(By.CSS_SELECTOR, ".cell_input")
    assert not code.is_displayed()
    button = solution.find_element(By.CSS_SELECTOR, "button.toggle-button")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", button)
    button.click()
    WebDriverWait(browser, 5).until(lambda _: code.is_displayed())


@pytest.mark.parametrize(
    ("page", "place"),
    [
        ("en/search.html", ".bd-search-container"),
        ("zh/search.html", ".bd-search-container"),
        ("zh/book/about.html", ".search-button__search-container"),
    ],
)
def test_magnifier_is_beside_the_text_that_is_typed(browser, site, page, place):
    browser.get(f"{site}/{page}")
    browser.execute_script("document.querySelector('.search-button__wrapper').classList.add('show')")
    icon_ends, text_begins = browser.execute_script(
        """const [icon, input] = arguments[0].map((name) => document.querySelector(name));
        const padding = parseFloat(getComputedStyle(input).paddingLeft);
        return [icon.getBoundingClientRect().right, input.getBoundingClientRect().left + padding];""",
        [f"{place} i", f"{place} input"],
    )
    assert 0 < icon_ends < text_begins


def test_table_without_headings_shows_no_empty_row(browser, site):
    browser.get(f"{site}/zh/notebooks/start/01_first_page.html")
    heights = browser.execute_script("return [...document.querySelectorAll('thead')].map((row) => row.offsetHeight)")
    assert heights[0] == 0
    browser.get(f"{site}/zh/book/install.html")
    heights = browser.execute_script("return [...document.querySelectorAll('thead')].map((row) => row.offsetHeight)")
    assert min(heights) > 20


@pytest.mark.parametrize(
    ("language", "word", "shown"),
    [("zh", "Hide Search Matches", "取消高亮"), ("en", "Hide Search Matches", "Hide Search Matches")],
)
def test_scripts_speak_the_language_of_the_edition(browser, site, language, word, shown):
    browser.get(f"{site}/{language}/book/glossary.html")
    assert browser.execute_script("return Documentation.gettext(arguments[0])", word) == shown
