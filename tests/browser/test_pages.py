"""Every page in a real browser: nothing from outside, no error, not too heavy, and readable on a phone."""

import pytest
from selenium.webdriver.support.ui import WebDriverWait

from tools.book_files import documents

PAGES = [f"{language}/{path.with_suffix('.html').as_posix()}" for language in ("en", "zh") for path in documents()]
every_page = pytest.mark.parametrize("page", PAGES)


@every_page
def test_page_loads_from_this_machine_only_without_errors_and_under_1500_kilobytes(browser, site, requests, page):
    browser.execute_cdp_cmd("Network.clearBrowserCache", {})
    browser.get(f"{site}/{page}")
    browser.execute_script("for (const image of document.images) image.loading = 'eager'")  # as if scrolled to the end
    WebDriverWait(browser, 20).until(
        lambda shown: shown.execute_script("return [...document.images].every((image) => image.complete)")
    )
    loaded = requests()
    outside = [address for address, _ in loaded if not address.startswith((site, "data:", "blob:", "about:"))]
    assert outside == []
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    assert 0 < sum(received for _, received in loaded) < 1_500_000


@every_page
def test_page_does_not_scroll_sideways_on_a_phone(browser, site, page):
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        browser.get(f"{site}/{page}")
        widths = browser.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert widths == [390, 390]


CONTRAST = """
const channels = (color) => { const c = color.match(/[\\d.]+/g).map(Number); return c.length === 3 ? [...c, 1] : c; };
const luminance = (color) => {
  const [r, g, b] = color.map((v) => {
    v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const background = (element) => {  // what lies behind, translucent layers blended
  if (!element) return [255, 255, 255];
  const [r, g, b, alpha] = channels(getComputedStyle(element).backgroundColor);
  if (alpha === 1) return [r, g, b];
  const behind = background(element.parentElement);
  return [r, g, b].map((v, i) => alpha * v + (1 - alpha) * behind[i]); };
return [...document.querySelectorAll("article p, article li, article td, article pre, article h2")].map((element) => {
  const text = channels(getComputedStyle(element).color).slice(0, 3);
  const [a, b] = [text, background(element)].map(luminance);
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); });
"""


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("page", ["en/book/index.html", "zh/notebooks/foundations/01_measuring.html"])
def test_text_has_contrast_in_both_modes(browser, site, page, mode):
    browser.get(f"{site}/{page}")
    browser.execute_script(f"document.documentElement.dataset.theme = '{mode}'")
    ratios = browser.execute_script(CONTRAST)
    assert len(ratios) > 10
    assert min(ratios) >= 4.5  # WCAG 2.1, level AA


def test_formulas_are_typeset_with_fonts_of_the_book(browser, site, requests):
    browser.get(f"{site}/en/notebooks/foundations/01_measuring.html")
    assert browser.execute_script("return document.querySelectorAll('.katex-html').length") > 3
    assert browser.execute_script("return document.fonts.ready.then(() => document.fonts.check('16px KaTeX_Main'))")
    assert any("KaTeX_Main" in address for address, _ in requests())
