"""The annotator as people use it: in JupyterLab, and in a page without a kernel."""

import html
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress

import cv2
import nbformat
import numpy as np
import pytest
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from ocrbook.annotate import standalone
from ocrbook.labels import Label, Project
from tools.book_files import ROOT

SETUP = """
from paddleocr import PaddleOCR, TextRecognition
from ocrbook.annotate import annotate
from ocrbook.labels import Project
from ocrbook.models import local_models
ocr = PaddleOCR(**local_models())
reader = TextRecognition(**local_models("text_recognition"))
project = Project.open("photos", reviewer="Lin")
project.annotate(ocr)
"""


def wait(browser, condition, seconds=30):
    passing = [StaleElementReferenceException, ElementClickInterceptedException, ElementNotInteractableException]
    passing.append(IndexError)  # of several elements, those that are not there yet
    return WebDriverWait(browser, seconds, poll_frequency=0.1, ignored_exceptions=passing).until(condition)


class Editor:
    """A person at the annotator."""

    def __init__(self, browser):
        self.browser = browser

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def click(self, name):
        self.find(f".ocr-annotator [data-do={name}]").click()

    def keys(self, *keys):
        ActionChains(self.browser).send_keys(*keys).perform()

    def chord(self, modifier, key):
        ActionChains(self.browser).key_down(modifier).send_keys(key).key_up(modifier).perform()

    def image(self, name=None):
        """The image that is shown; waits until it is `name`."""
        if name is not None:
            wait(self.browser, lambda _: self.image() == name)
        wait(self.browser, lambda _: self.find(".ocr-annotator").get_attribute("data-ready") == "yes", 90)
        return self.find(".ocr-annotator").get_attribute("data-image")

    def texts(self):
        return [each.get_property("value") for each in self.all(".oa-list textarea")]

    def points(self, index):
        numbers = re.findall(r"[-\d.]+", self.all(".oa-box")[index].get_attribute("points"))
        return np.array(numbers, float).reshape(-1, 2)

    def saved(self):
        wait(self.browser, lambda _: self.find(".oa-status").text in ("saved", "已保存"))

    def at(self, dx, dy):
        """The pointer on the stage, so far from its middle."""
        return ActionChains(self.browser).move_to_element_with_offset(self.find(".oa-stage"), dx, dy)

    def drag(self, target, dx, dy):
        ActionChains(self.browser).click_and_hold(target).move_by_offset(dx, dy).release().perform()

    def type(self, index, text):
        box = self.all(".oa-list textarea")[index]
        box.click()
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(Keys.DELETE, text)


@pytest.fixture
def jupyterlab(tmp_path):
    """JupyterLab over an empty folder: its address, and the folder."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
    }
    folder = tmp_path / "work"
    folder.mkdir()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--notebook-dir={folder}"]
    command += ["--port=0", "--IdentityProvider.token="]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 60
        while not (found := list((tmp_path / "runtime").glob("jpserver-*.json"))):
            assert server.poll() is None and time.monotonic() < end, (tmp_path / "log").read_text("utf-8")
            time.sleep(0.1)
        time.sleep(0.5)
        yield json.loads(found[0].read_text())["url"].replace("localhost", "127.0.0.1"), folder
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()


def test_a_persons_path_through_jupyterlab(chrome, jupyterlab):
    address, folder = jupyterlab
    (folder / "photos").mkdir()
    for name in ("clean_00.jpg", "clean_01.jpg"):
        shutil.copy(ROOT / "datasets" / "documents" / name, folder / "photos")
    sources = (SETUP, "widget = annotate(project, reader)\nwidget", "widget")
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "labels.ipynb")
    chrome.set_window_size(1400, 1000)
    chrome.get(f"{address}lab/tree/labels.ipynb")
    editor = Editor(chrome)
    # JupyterLab draws the cells anew until the kernel has answered
    wait(chrome, lambda _: "Idle" in editor.find(".jp-StatusBar-Widget, #jp-main-statusbar").text, 60)
    for _ in range(3):  # where the cells are drawn anew once more, the keys are lost
        wait(chrome, lambda _: editor.find(".jp-CodeCell .cm-content").click() is None)
        editor.chord(Keys.SHIFT, Keys.ENTER)
        with suppress(TimeoutException):
            wait(chrome, lambda _: editor.find(".jp-CodeCell .jp-InputPrompt").text.strip() not in ("", "[ ]:"), 10)
            break
    editor.chord(Keys.SHIFT, Keys.ENTER)
    wait(chrome, lambda _: editor.all(".ocr-annotator"), 120)

    first = editor.image()
    second = ({"clean_00.jpg", "clean_01.jpg"} - {first}).pop()
    before, texts = editor.points(0), editor.texts()
    assert texts and texts[0]
    chrome.execute_script("document.querySelector('.ocr-annotator').scrollIntoView()")
    editor.all(".oa-box")[0].click()
    editor.drag(editor.all(".oa-handle")[2], 25, 10)
    editor.saved()
    after = editor.points(0)
    assert (after[2] > before[2]).all() and np.array_equal(after[:2], before[:2])
    editor.type(0, "电表读数 1234")
    editor.type(1, "")
    editor.saved()
    assert editor.texts()[:2] == ["电表读数 1234", ""]
    editor.keys(Keys.ESCAPE)
    editor.chord(Keys.CONTROL, "z")
    assert editor.texts()[1] == texts[1]
    editor.keys("r")  # the selected one, number 2, is read again
    wait(chrome, lambda _: "%" in editor.all(".oa-score")[1].text)
    editor.saved()
    assert editor.texts()[1] == texts[1]
    editor.keys("f")
    editor.keys("glare", Keys.ENTER)
    wait(chrome, lambda _: "⚑" in editor.find(".oa-bar select").text)

    editor.chord(Keys.CONTROL, Keys.ENTER)
    editor.image(second)
    editor.find(".ocr-annotator").click()
    count = len(editor.all(".oa-box"))
    editor.all(".oa-box")[0].click()
    editor.keys(Keys.DELETE)
    editor.saved()
    assert len(editor.all(".oa-box")) == count - 1
    editor.keys("a")
    editor.image(first)
    assert editor.texts()[0] == "电表读数 1234"

    chrome.find_elements(By.CSS_SELECTOR, ".jp-CodeCell .cm-content")[2].click()
    editor.chord(Keys.SHIFT, Keys.ENTER)  # the widget once more; what is changed there changes here
    other = wait(chrome, lambda _: editor.all(".ocr-annotator")[1])
    wait(chrome, lambda _: other.get_attribute("data-ready") == "yes")
    assert other.get_attribute("data-image") == first
    box = other.find_elements(By.CSS_SELECTOR, ".oa-list textarea")[1]
    box.send_keys("!")
    wait(chrome, lambda _: editor.texts()[1] == texts[1] + "!")
    chrome.execute_script("document.querySelector('.ocr-annotator').scrollIntoView()")
    editor.find(".oa-status").click()
    editor.chord(Keys.CONTROL, "z")
    wait(
        chrome, lambda _: other.find_elements(By.CSS_SELECTOR, ".oa-list textarea")[1].get_property("value") == texts[1]
    )

    editor.chord(Keys.CONTROL, "s")  # JupyterLab's own: saves the notebook
    wait(chrome, lambda _: "widget-view" in (folder / "labels.ipynb").read_text("utf-8"))
    chrome.refresh()
    wait(chrome, lambda _: editor.all(".ocr-annotator"), 120)
    editor.image(first)
    assert editor.texts()[0] == "电表读数 1234"
    assert np.array_equal(editor.points(0), after)
    assert editor.find(".ocr-annotator").get_attribute("data-state") == "confirmed"

    with Project.open(folder / "photos", read_only=True) as project:
        assert (project.state(first), project.state(second)) == ("confirmed", "proposed")
        assert project.labels(first)[0].text == "电表读数 1234"
        assert np.array_equal(project.labels(first)[0].points, np.rint(after))
        assert len(project.labels(second)) == count - 1
        assert (project.history(first).reviewer, project.history(first).flag) == ("Lin", "glare")


@pytest.fixture
def alone(chrome, tmp_path):
    """A page without a kernel in a sandboxed frame, as in the book; downloads go to a folder."""
    photos, downloads = tmp_path / "photos", tmp_path / "downloads"
    photos.mkdir()
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(photos / name), np.full((300, 500, 3), 230, np.uint8))
    with Project.open(photos) as project:
        for name, score in (("a.png", 0.4), ("b.png", 0.95)):
            boxes = [[[50, y], [250, y], [250, y + 30], [50, y + 30]] for y in (40, 120, 200)]
            project.propose(name, [Label(box, f"{name} {i} true", score) for i, box in enumerate(boxes)])
        page = standalone(project, project.queue(), classes=["total"], language="zh")
    frame = (
        f'<iframe sandbox="allow-scripts allow-downloads" style="width:100%;height:650px" srcdoc="{html.escape(page)}">'
    )
    (tmp_path / "page.html").write_text(f'<!doctype html><meta charset="utf-8">{frame}</iframe>', "utf-8")
    chrome.set_window_size(1280, 900)
    chrome.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)})
    chrome.get((tmp_path / "page.html").as_uri())
    chrome.switch_to.frame(0)
    editor = Editor(chrome)
    editor.image("a.png")
    yield editor, photos, downloads
    chrome.switch_to.default_content()


def test_without_a_kernel_labels_are_drawn_downloaded_and_imported(chrome, alone):
    editor, photos, downloads = alone
    editor.find(".oa-stage").click()
    editor.keys("w")
    editor.at(100, 100).click_and_hold().move_by_offset(80, 40).release().perform()
    editor.keys("新的一行", Keys.ESCAPE)
    assert len(editor.all(".oa-box")) == 4
    editor.keys("q")
    for dx, dy in ((-150, 120), (-50, 110), (-60, 150), (-155, 155)):
        editor.at(dx, dy).click().perform()
    editor.keys(Keys.ESCAPE, "n")
    for dx, dy in ((150, -150), (200, -160), (250, -150), (250, -120), (150, -120)):
        editor.at(dx, dy).click().perform()
    editor.keys(Keys.ENTER, "弧形", Keys.ESCAPE)
    shapes = [len(editor.points(i)) for i in range(6)]
    assert shapes == [4, 4, 4, 4, 4, 5]
    editor.keys(Keys.ARROW_LEFT)
    moved = editor.points(5)
    editor.chord(Keys.CONTROL, "z")
    assert np.allclose(editor.points(5)[:, 0] - moved[:, 0], 1)
    editor.chord(Keys.CONTROL, "y")
    assert np.array_equal(editor.points(5), moved)
    editor.keys("t")
    assert len(editor.points(5)) == 4
    editor.keys("cx")  # a difficult copy
    assert len(editor.all(".oa-box")) == 7 and "oa-hard" in editor.all(".oa-box")[6].get_attribute("class")
    editor.all(".oa-list select")[6].send_keys("total")
    editor.find(".oa-stage").click()
    editor.keys("s")
    order = editor.texts()
    tops = [editor.points(i)[:, 1].mean() for i in range(7)]
    assert all(later > earlier - 30 for earlier, later in itertools.pairwise(tops))
    drawn = [editor.points(i) for i in range(7)]
    editor.chord(Keys.CONTROL, Keys.ENTER)
    editor.image("b.png")

    editor.click("download")
    files = {name: downloads / name for name in ("Label.txt", "Cache.cach", "fileState.txt")}
    wait(chrome, lambda _: all(file.is_file() for file in files.values()))
    for file in files.values():
        shutil.copy(file, photos)
    (photos / "labels_meta.json").unlink()
    with Project.open(photos) as project:
        assert not project.problems
        assert (project.state("a.png"), project.state("b.png")) == ("confirmed", "proposed")
        labels = project.labels("a.png")
        assert [label.text for label in labels] == order
        assert sorted(label.text for label in labels if label.text.endswith("true")) == [
            f"a.png {i} true" for i in range(3)
        ]
        assert [label.key_cls for label in labels if label.difficult] == ["total"]
        assert all(np.abs(label.points - points).max() <= 0.5 for label, points in zip(labels, drawn, strict=True))
        project.confirm("b.png", [Label(drawn[0], "从文件来")])
    (photos / "Label.txt").open("ab").write(b"photos/a.png\tnonsense\n")
    chrome.refresh()
    chrome.switch_to.frame(0)
    editor.image("a.png")
    assert len(editor.all(".oa-box")) == 3
    editor.find("input[type=file]").send_keys("\n".join(str(photos / name) for name in files))
    wait(chrome, lambda _: "Label.txt, row 3" in editor.find(".oa-status").text)
    wait(chrome, lambda _: len(editor.all(".oa-box")) == 7)
    assert editor.texts() == order
    editor.keys("d")
    editor.image("b.png")
    assert editor.texts() == ["从文件来"]


def test_a_locked_box_comes_along_and_the_language_and_theme_change(chrome, alone):
    editor, *_ = alone
    assert editor.find("[data-do=accept]").get_attribute("title") == "确认并继续 (Ctrl+Enter)"
    editor.all(".oa-box")[0].click()
    editor.keys(Keys.ARROW_DOWN, "l", "d")
    editor.image("b.png")
    wait(chrome, lambda _: len(editor.all(".oa-box")) == 4)
    assert editor.points(3)[0].tolist() == [50, 41]
    background = editor.find(".oa-list").value_of_css_property("background-color")
    editor.click("theme")
    assert editor.find(".oa-list").value_of_css_property("background-color") != background
    editor.keys("?")
    assert "重新识别" in editor.find(".oa-help").text


@pytest.mark.parametrize(("edition", "title"), [("en", "Rectangle (W)"), ("zh", "矩形 (W)")])
def test_in_the_book_the_annotator_runs_in_the_language_of_the_edition(browser, site, requests, edition, title):
    browser.get(f"{site}/{edition}/notebooks/data/03_semi_automatic.html")
    browser.set_window_size(1280, 1600)
    frame = browser.find_element(By.CSS_SELECTOR, "iframe[sandbox]")
    browser.execute_script("document.querySelectorAll('img').forEach((each) => each.remove())")  # they load late
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", frame)
    browser.switch_to.frame(frame)
    editor = Editor(browser)
    first = editor.image()
    assert editor.find("[data-do=rectangle]").get_attribute("title") == title
    count = len(editor.all(".oa-box"))
    assert count > 3
    editor.all(".oa-list li")[0].click()
    editor.find(".oa-stage").click()
    editor.keys(Keys.TAB, "改", Keys.ESCAPE, "d")
    wait(browser, lambda _: editor.image() != first)
    editor.keys("a")
    editor.image(first)
    assert "改" in editor.texts() and len(editor.all(".oa-box")) == count
    browser.switch_to.default_content()
    assert all(address.startswith((site, "data:", "blob:")) for address, _ in requests())
