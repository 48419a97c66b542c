"""`ocrbook label` as people use it: in a browser, without Jupyter."""

import shutil
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest
from selenium.webdriver import Keys
from test_annotator import Editor, wait

from ocrbook.labels import Label, Project
from tools.book_files import ROOT


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.png", "c.tif"):  # no browser shows TIFF
        cv2.imwrite(str(folder / name), np.full((300, 500, 3), 230, np.uint8))
    (folder / "b.png").write_bytes(b"not a picture")
    with Project.open(folder) as project:
        project.confirm("c.tif", [Label([[10, 10], [90, 10], [90, 40], [10, 40]], "TIFF")])
    return folder


@pytest.fixture
def label(photos):
    """Starts `ocrbook label` on the photos; returns the process and the address."""
    started = []

    def start(*options):
        command = [sys.executable, "-m", "ocrbook", "label", str(photos), "--no-browser", "--reviewer", "Lin", *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, cwd=ROOT, **pipes))
        return started[-1], started[-1].stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def draw(editor, text):
    editor.find(".oa-stage").click()
    editor.keys("w")
    editor.at(-60, -40).click_and_hold().move_by_offset(120, 50).release().perform()
    editor.keys(text, Keys.ESCAPE)


def test_a_box_is_drawn_typed_confirmed_and_in_label_txt(chrome, photos, label):
    process, address = label()
    chrome.set_window_size(1280, 900)
    chrome.get(address)
    editor = Editor(chrome)
    editor.image("a.png")
    assert editor.find("[data-do=read]").get_attribute("disabled")
    draw(editor, "电表 true 1234")
    editor.saved()
    box = editor.points(0)
    editor.chord(Keys.CONTROL, Keys.ENTER)
    # the next one is damaged: it says so, and can be left
    wait(chrome, lambda _: editor.find(".ocr-annotator").get_attribute("data-image") == "b.png")
    wait(chrome, lambda _: editor.find(".oa-status").text == "b.png is not an image that can be read")
    assert not editor.all(".oa-box")
    editor.find(".ocr-annotator").click()
    editor.keys("d")
    editor.image("c.tif")
    assert editor.texts() == ["TIFF"]

    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert "2 of 3 images are confirmed" in process.stderr.read()
    assert "电表 t\\u0072ue 1234" in (photos / "Label.txt").read_text("utf-8")
    with Project.open(photos, read_only=True) as project:
        assert not project.problems and project.history("a.png").reviewer == "Lin"
        (read,) = project.labels("a.png")
        assert read.text == "电表 true 1234" and np.array_equal(read.points, np.rint(box))

    # the page says that nobody answers, and keeps what is typed until somebody does
    editor.keys("f")
    editor.keys("late", Keys.ENTER)
    wait(chrome, lambda _: "does not answer" in editor.find(".oa-status").text)


@pytest.mark.parametrize("width", [1440, 500])
def test_a_long_line_is_seen_as_a_whole_and_stays_one_line(chrome, photos, label, width):
    lines = ["Two copies go to Old Market Street, one by post to number 1180", "短"]
    (photos / "b.png").unlink()  # the first that is not confirmed would be shown
    with Project.open(photos) as project:
        boxes = [[[10, top], [90, top], [90, top + 30], [10, top + 30]] for top in (10, 60)]
        project.confirm("a.png", [Label(*pair) for pair in zip(boxes, lines, strict=True)])
    chrome.set_window_size(width, 900)
    chrome.get(label()[1])
    editor = Editor(chrome)
    editor.image("a.png")

    def whole():
        sizes = "return ['scroll', 'client'].map((each) => arguments[0][`${each}Height`])"
        pairs = [chrome.execute_script(sizes, field) for field in editor.all(".oa-list textarea")]
        return all(0 < needed <= shown for needed, shown in pairs)

    def height(index):
        return editor.all(".oa-list textarea")[index].size["height"]

    assert editor.texts() == lines and whole()
    assert height(0) > 1.5 * height(1)
    editor.type(1, lines[0])
    assert height(1) == height(0) and whole()
    chrome.execute_script(
        "arguments[0].value = 'a \\n b'; arguments[0].dispatchEvent(new Event('input'))", editor.all("textarea")[1]
    )
    assert editor.texts()[1] == "a b" and height(1) < height(0)


def test_two_tabs_lose_nothing_of_each_other(chrome, photos, label):
    _, address = label()
    chrome.get(address)
    first, editor = chrome.current_window_handle, Editor(chrome)
    editor.image("a.png")
    chrome.execute_script(
        "const ask = fetch; window.fetch = async (path, options) => {"
        "  const answer = await ask(path, options); if (path === '/news' && window.deaf) await new Promise(() => {});"
        "  return answer; }"
    )
    chrome.switch_to.new_window("tab")
    second = chrome.current_window_handle
    try:
        chrome.get(address)
        editor.image("a.png")
        draw(editor, "one")
        editor.saved()
        chrome.switch_to.window(first)
        wait(chrome, lambda _: editor.texts() == ["one"])
        chrome.execute_script("window.deaf = true")  # it hears no more of what the second does
        chrome.switch_to.window(second)
        editor.type(0, "two")
        editor.saved()
        chrome.switch_to.window(first)
        assert editor.texts() == ["one"]
        editor.type(0, "three")
        wait(chrome, lambda _: "Another tab" in editor.find(".oa-status").text)
        assert editor.texts() == ["two"]
        editor.find(".oa-stage").click()
        editor.chord(Keys.CONTROL, "z")
        editor.saved()
        assert editor.texts() == ["three"]
        chrome.switch_to.window(second)
        wait(chrome, lambda _: editor.texts() == ["three"])
    finally:
        chrome.switch_to.window(second)
        chrome.close()
        chrome.switch_to.window(first)


@pytest.mark.parametrize(("languages", "title"), [("zh-TW,en", "矩形 (W)"), ("fr,en,zh", "Rectangle (W)")])
def test_the_page_is_in_the_language_that_the_browser_prefers(chrome, label, languages, title):
    _, address = label()
    chrome.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": "test", "acceptLanguage": languages})
    try:
        chrome.get(address)
        editor = Editor(chrome)
        editor.image("a.png")
        assert editor.find("[data-do=rectangle]").get_attribute("title") == title
    finally:
        chrome.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": ""})


def test_proposals_are_made_first_and_boxes_are_read_again(chrome, photos, label):
    shutil.copy(ROOT / "datasets" / "documents" / "clean_00.jpg", photos)
    _, address = label("--propose")
    chrome.get(address)
    editor = Editor(chrome)
    editor.image("a.png")  # nothing was found on it, and nobody knows why
    editor.find(".ocr-annotator").click()
    editor.keys("d")
    editor.image("clean_00.jpg")
    texts = editor.texts()
    assert len(texts) > 3
    editor.type(0, "wrong")
    editor.saved()
    editor.keys(Keys.ESCAPE, "r")
    wait(chrome, lambda _: editor.texts() == texts)
