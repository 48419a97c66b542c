"""The built book, read as files. `make test` has built it before."""

import html.parser
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from bs4 import BeautifulSoup
from fontTools.ttLib import TTFont

from tools import build_book
from tools.book_files import ROOT, documents

HTML = ROOT / "_build" / "html"
LANGUAGES = ("en", "zh")
PAGES = [f"{language}/{path.with_suffix('.html').as_posix()}" for language in LANGUAGES for path in documents()]
pytestmark = pytest.mark.skipif(not (HTML / "index.html").is_file(), reason="build the book first: make book")
every_page = pytest.mark.parametrize("page", PAGES)


class Elements(html.parser.HTMLParser):
    """All elements of a page: names with attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed((HTML / page).read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


@every_page
def test_pictures_load_when_the_reader_comes_near_and_keep_their_place(page):
    pictures = [attributes for tag, attributes in Elements(page).found if tag == "img"]
    large = [each for each in pictures if re.search(r"\.(png|jpe?g)$|_images/.*\.svg$", each["src"])]
    assert all(each["loading"] == "lazy" and int(each["width"]) and int(each["height"]) for each in large)


@pytest.mark.parametrize("language", LANGUAGES)
def test_icons_of_the_pages_are_in_the_slim_fonts_and_others_are_not(language):
    static = HTML / language / "_static" / "vendor" / "fontawesome"
    (sheet,) = static.glob("*/css/all.min.css")
    rules = {
        name: int(code, 16)
        for names, code in re.findall(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"', sheet.read_text("utf-8"))
        for name in re.findall(r"fa-[\w-]+", names)
    }
    fonts = [TTFont(path) for path in static.glob("*/webfonts/*.woff")]
    drawn = {character for font in fonts for character in font.getBestCmap()}
    icons = set()
    for page in (page for page in PAGES if page.startswith(language)):
        for tag, attributes in Elements(page).found:
            names = (attributes.get("class") or "").split()
            if tag == "i" or {"fas", "fab", "far", "fa-solid", "fa-brands", "fa-regular"} & set(names):
                icons |= {name for name in names if re.fullmatch("fa-[a-z0-9-]+", name)} - {"fa-solid", "fa-lg"}
    assert {"fa-github", "fa-language", "fa-lightbulb"} <= icons
    assert {name for name in icons if name in rules and rules[name] in drawn} == icons
    assert len(rules) < 100
    assert not list(static.glob("*/webfonts/*.woff2"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_status_page_lists_each_number_that_was_measured_once(language):
    sources = sum((ROOT / path).read_text("utf-8").count("{once} ") for path in documents())
    marks = [
        f"{page}#{attributes['id']}"
        for page in (page for page in PAGES if page.startswith(language))
        for _, attributes in Elements(page).found
        if re.fullmatch(r"once-\d+", attributes.get("id") or "")
    ]
    status = HTML / language / "book" / "status.html"
    links = [
        a["href"] for tag, a in Elements(status.relative_to(HTML)).found if tag == "a" and "#once-" in a.get("href", "")
    ]
    targets = [os.path.relpath(os.path.normpath(status.parent / link), HTML) for link in links]
    assert len(marks) == sources
    assert sorted(targets) == sorted(marks)
    assert re.search(rf"(?:measured once: |共有 ){sources}\b", status.read_text("utf-8"))


def test_second_build_of_an_unchanged_tree_rebuilds_nothing():
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "_build" / "html").rglob("*")}
    done = subprocess.run(
        [sys.executable, "-m", "tools.build_book"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "Nothing has changed" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in (ROOT / "_build" / "html").rglob("*")} == before


def test_server_of_formulas_ends_with_the_build():
    code = (
        "import shutil, sys; sys.path.insert(0, 'book/_ext'); import vendor\n"
        "from sphinxcontrib import katex\n"
        "print(shutil.which(katex.KaTeXServer.get().process.args[0]), katex.render_latex('x^2').count('katex'))"
    )
    command = [sys.executable, "-c", code]
    environment = build_book._environment()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60)
    program, rendered = done.stdout.split()
    assert int(rendered) > 0
    assert Path(program).read_bytes()[:2] != b"#!"  # a script starts Node.js as another process, which nobody ends


@every_page
def test_page_links_to_its_twin(page):
    language, name = page.split("/", 1)
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    links = [a["href"] for tag, a in Elements(page).found if tag == "link" and a.get("rel") == "alternate"]
    assert len(links) == 1
    target = Path(os.path.normpath(HTML / page / ".." / links[0]))
    assert target == HTML / other / name
    assert target.is_file()


@every_page
def test_page_loads_nothing_from_another_host(page):
    for tag, attributes in Elements(page).found:
        for key in ("src", "srcset", "poster", "data"):
            assert not re.match(r"(https?:)?//", attributes.get(key) or ""), (tag, attributes)
        if tag == "link" and attributes.get("rel") not in ("canonical", "alternate"):
            assert not re.match(r"(https?:)?//", attributes.get("href") or ""), attributes


@every_page
def test_pictures_have_alternative_text(page):
    for tag, attributes in Elements(page).found:
        if tag == "img":
            text = attributes.get("alt") or ""
            assert len(text) > 8, attributes
            assert not re.search(r"\.(png|jpe?g|svg)$", text), text


@every_page
def test_local_links_lead_somewhere(page):
    for tag, attributes in Elements(page).found:
        target = attributes.get("href" if tag == "a" else "src") or ""
        if target and not re.match(r"[a-z]+:|#|//", target):
            assert ((HTML / page).parent / re.sub(r"[?#].*", "", target)).exists(), target


def test_every_file_is_named_by_a_page_a_style_sheet_or_a_script():
    files = [path for path in HTML.rglob("*") if path.is_file()]
    texts = [path.read_text("utf-8") for path in files if path.suffix in (".html", ".css", ".js", ".mjs")]
    named = set(re.findall(r"[\w.@-]+", unquote(re.sub(r"sourceMappingURL=\S+", "", "\n".join(texts)))))
    assert not {path.relative_to(HTML) for path in files if path.name not in named | set(build_book.UNLINKED)}
    assert not [path for path in files if path.suffix in (".map", ".ttf") or "fontawesome/js" in path.as_posix()]


def test_book_stands_in_one_place_only():
    elsewhere = [path for path in (ROOT / "_build" / "work").rglob("*") if path.suffix in (".html", ".ipynb", ".png")]
    assert not elsewhere


def test_style_sheets_load_what_is_there():
    for sheet in HTML.rglob("*.css"):
        for name in re.findall(r"url\([\"']?([^)\"':]+)[\"']?\)", sheet.read_text("utf-8")):
            file = sheet.parent / re.sub(r"[?#].*", "", name)
            assert file.exists() or file.with_suffix(".woff2").exists(), f"{sheet}: {name}"  # the first format is taken


def test_what_is_used_is_followed_through_pages_sheets_and_scripts(tmp_path):
    for name, content in {
        "a.html": '<link href="s/a.css?v=1"><script src="a.mjs"></script><a href="b%20c.html#d"><img srcset="a.png">',
        "b c.html": '<a href="../outside.html"><a href="https://host/unused.png"><form action="found.html">',
        "found.html": "",
        "s/a.css": '@import "b.css"; @font-face {src: url(../fonts/a.woff)}',
        "s/b.css": "i {background: url('data:image/svg+xml,unused.svg')}",
        "a.mjs": 'import "./b.mjs"; //# sourceMappingURL=a.map',
        "b.mjs": 'fetch(`${root}/data/words.txt`); fetch("model.onnx")',
        **dict.fromkeys(["a.png", "fonts/a.woff", "data/words.txt", "data/model.onnx"], ""),
        **dict.fromkeys(["unused.png", "unused.svg", "a.map", "gone.html"], ""),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    used = build_book.used_files(tmp_path, [tmp_path / "a.html"])
    unused = {path.name for path in tmp_path.rglob("*") if path.is_file()} - {path.name for path in used}
    assert unused == {"unused.png", "unused.svg", "a.map", "gone.html"}


@every_page
def test_page_is_in_its_language(page):
    root = next(attributes for tag, attributes in Elements(page).found if tag == "html")
    assert root["lang"] == {"en": "en", "zh": "zh-CN"}[page[:2]]


def test_download_button_of_the_chinese_book_gives_chinese_notebooks():
    source = HTML / "zh" / "_sources" / "notebooks" / "start" / "01_first_page.ipynb"
    assert "第一页" in source.read_text("utf-8")


def test_launch_buttons_follow_the_configuration():
    for language, sources, names in (
        ("en", "blob/gh-pages/bundle/en", ["Google Colab", "AI Studio"]),
        ("zh", "blob/gh-pages/bundle/zh", ["AI Studio", "Google Colab（需能访问 Google）"]),
    ):
        text = (HTML / language / "notebooks" / "start" / "01_first_page.html").read_text("utf-8")
        colab = f"https://colab.research.google.com/github/PPOCR-SIG/hands-on-ocr/{sources}"
        links = {
            "Google Colab": f"{colab}/notebooks/start/01_first_page.ipynb",
            "AI Studio": "../../book/elsewhere.html",  # no project id is known
        }
        buttons = re.search(r'dropdown-launch-buttons">.*?</ul>', text, re.DOTALL)[0]
        assert re.findall(r'<a href="([^"]+)"', buttons) == [links[name.partition("（")[0]] for name in names]
        assert re.findall(r'btn__text-container">([^<]+)<', buttons) == names


def test_first_code_cell_is_not_shown():
    for language in LANGUAGES:
        text = (HTML / language / "notebooks" / "start" / "01_first_page.html").read_text("utf-8")
        assert "os.chdir" not in text
        assert "skimage.data.page" in re.sub(r"<[^>]+>", "", text)


def test_start_page_offers_both_languages():
    links = [a["href"] for tag, a in Elements("index.html").found if tag == "a"]
    assert links == ["en/book/index.html", "zh/book/index.html"]


def soup(page, without="<script.*?</script>"):
    """A page, as a tree; what matches `without` is left out before, since reading all of it takes time."""
    text = (HTML / page).read_text("utf-8")
    return BeautifulSoup(re.sub(without, "", text, flags=re.DOTALL), "html.parser")


@pytest.mark.parametrize("language", LANGUAGES)
def test_sidebar_shows_every_page_without_a_click_and_each_once(language):
    navigation = soup(f"{language}/book/index.html").select_one("nav.bd-links")
    assert not navigation.select("details, input")  # nothing is folded, so nothing needs a name for its caret
    entries = [link.get_text().strip() for link in navigation.select("a")]
    captions = [caption.get_text().strip() for caption in navigation.select(".caption")]
    assert len(entries) == len(documents())
    assert len(captions) == 7
    assert not set(captions) & set(entries)


@pytest.mark.parametrize("language", LANGUAGES)
def test_start_page_has_three_buttons_before_any_picture_and_few_cards(language):
    article = soup(f"{language}/book/index.html").article
    ways = article.select_one(".ways-in").select("a.sd-btn")
    targets = ["../notebooks/start/01_first_page.html", "#find-your-problem", "../notebooks/deployment/index.html"]
    assert [way["href"] for way in ways] == targets
    assert article.select_one("#find-your-problem")
    first = article.select("ol, a.sd-btn, img, table")[:5]
    assert [element.name for element in first] == ["ol", "a", "a", "a", "img"]
    pictures = article.select(".sd-card img")
    assert 6 <= len(pictures) == len(article.select(".sd-card")) <= 8
    assert all(not picture["src"].endswith(".png") for picture in pictures)  # charts are PNG


@every_page
def test_shared_link_shows_title_description_and_a_picture_that_is_published(page):
    head = soup(page, without="<body.*").head
    words = {tag["property"]: tag["content"] for tag in head.select("meta[property]")}
    base = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["html"]["baseurl"].removesuffix("en/")
    assert words["og:url"] == base + page == head.select_one("link[rel=canonical]")["href"]
    assert head.title.get_text().startswith(words["og:title"])
    assert 20 <= len(words["og:description"]) <= 200
    assert head.select_one("meta[name=description]")["content"] == words["og:description"]
    assert bool(re.search("[\u4e00-\u9fff]{2}", words["og:description"])) == page.startswith("zh")
    picture = HTML / words["og:image"].removeprefix(base)
    assert picture.suffix in (".jpg", ".png")
    assert picture.stat().st_size > 3000


def test_link_to_the_page_above_both_editions_shows_a_picture_too():
    words = {tag["property"]: tag["content"] for tag in soup("index.html").select("meta[property]")}
    assert words["og:url"].startswith("https://")
    assert (HTML / words["og:image"].removeprefix(words["og:url"])).is_file()


NAMES = {"PPOCR-SIG", "EN", "English", "Colab", "AI Studio", "Ctrl", ".pdf", ".ipynb", ".md"}


@pytest.mark.parametrize("page", [*(page for page in PAGES if page.startswith("zh")), "zh/search.html"])
def test_theme_speaks_chinese(page):
    """Outside of the article and the contents, what is left in Latin letters is a name."""
    shown = soup(page, without="<head>.*</head>|<article.*</article>|<script.*?</script>")
    for part in shown.select("nav.bd-links, .section-nav, .prev-next-title, .navbar-brand"):
        part.extract()
    words = {text.strip() for text in shown.strings}
    words |= {element[key] for key in ("title", "aria-label", "placeholder") for element in shown.select(f"[{key}]")}
    latin = {word for word in words if re.search("[A-Za-z]{2}", word) and not re.search("[\u4e00-\u9fff]", word)}
    assert not latin - NAMES
    assert not re.search('(title|aria-label)="(Link|Main|Page)', (HTML / page).read_text("utf-8"))


def test_new_issue_from_a_chinese_page_asks_in_chinese():
    (button,) = soup("zh/book/index.html").select("a[href*='issues/new']")
    assert re.search("[\u4e00-\u9fff]{5}", unquote(button["href"]))
