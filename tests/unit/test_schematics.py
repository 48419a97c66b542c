import itertools
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections import Counter

import paddle
import pytest

from ocrbook.render import CODE_CHARACTERS
from ocrbook.train.networks import TextDetector
from tools.schematics import FOLDER, ctc_lattice, schematics

SVG = "{http://www.w3.org/2000/svg}"
FILES = sorted(FOLDER.glob("*.svg"))


def widest(text, size):
    """A generous estimate of a text's width in pixels."""
    return size * sum(1 if unicodedata.east_asian_width(c) in "WF" else 0.62 for c in text)


def test_files_are_as_their_generator_writes_them():
    assert {path: path.read_text("utf-8") for path in FILES} == schematics()


@pytest.mark.parametrize(("text", "path"), [("aab", (1, 1, 2, 3, 5, 5)), ("aa", (1, 2, 3)), ("aba", (1, 3, 5, 6))])
def test_the_lattice_has_as_many_ways_as_there_are_paths(text, path):
    drawn = ctc_lattice("", text, path)
    lines = re.findall(r'class="line thin" d="M(\d+) (\d+) (\d+) (\d+)"', drawn)
    columns = sorted({x for line in lines for x in (int(line[0]), int(line[2]))})
    ways = Counter({(line[0], line[1]): 1 for line in lines if int(line[0]) == columns[0]})
    for x1, y1, x2, y2 in sorted(lines, key=lambda line: int(line[0])):
        ways[x2, y2] += ways[x1, y1]
    at_end = sum(count for (x, _), count in ways.items() if int(x) == columns[-1])
    paths = itertools.product("_" + "".join(sorted(set(text))), repeat=len(path))
    collapsed = ["".join(c for c, _ in itertools.groupby(each) if c != "_") for each in paths]
    assert at_end == collapsed.count(text) > 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_schematic_is_accessible_and_alone(path):
    root = ET.parse(path).getroot()
    assert root.findtext(f"{SVG}title") and root.findtext(f"{SVG}desc")
    assert root.get("role") == "img" and root.get("aria-labelledby") == "title desc"
    assert root.find(f".//{SVG}script") is None
    ids = {element.get("id") for element in root.iter()}
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            if name.endswith("href"):
                assert value[0] == "#" and value[1:] in ids
    assert "url(" not in path.read_text("utf-8").replace("url(#", ""), "only parts of the file itself are used"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_texts_lie_within_the_picture(path):
    root = ET.parse(path).getroot()
    _, _, width, height = map(float, root.get("viewBox").split())
    assert (width, root.get("width"), float(root.get("height"))) == (720, "720", height)
    assert root.find(f"{SVG}rect").attrib == {"class": "paper", "width": "720", "height": f"{height:.0f}", "rx": "12"}
    shown = [text for text in root.iter(f"{SVG}text") if text not in root.findall(f".//{SVG}g[@clip-path]/{SVG}text")]
    moved = {text: group.get("transform") for group in root.iter(f"{SVG}g") for text in group.findall(f"{SVG}text")}
    for text in shown:
        assert text.text == text.text.strip() and len(text) == 0, "one phrase in each"
        x, y = float(text.get("x")), float(text.get("y"))
        if moved.get(text):
            dx, dy = map(float, moved[text].removeprefix("translate(").rstrip(")").split())
            x, y = x + dx, y + dy
        kinds = text.get("class", "").split()
        size = widest(text.text, 20)
        left = x if "left" in kinds else x - size if "right" in kinds else x - size / 2
        assert left >= 0 and left + size <= width, text.text
        assert 20 <= y <= height - 6, text.text


def test_sizes_are_those_of_the_networks():
    def texts(name):
        return {text.text for text in ET.parse(FOLDER / f"{name}.svg").iter(f"{SVG}text")}

    classes = len(CODE_CHARACTERS) + 2  # the blank and the space
    assert f"96 × {classes}" in texts("crnn_attention") and f"120 × {classes}" in texts("finetuning_head")
    net = TextDetector()
    net.eval()
    levels = [paddle.zeros([1, 3, 256, 256])]
    for stage in net.stages:
        levels.append(stage(levels[-1]))
    levels += [lateral(level) for lateral, level in zip(net.lateral, levels[2:], strict=True)]
    levels.append(net(levels[0]))
    assert {" × ".join(map(str, level.shape[1:])) for level in levels} <= texts("feature_pyramid")
