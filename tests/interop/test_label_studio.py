"""The real Label Studio's library accepts the tasks that we write for it, and refuses what is wrong."""

import json
import subprocess

import cv2
import numpy as np
import pytest

from ocrbook.labels import Label, label_studio
from ocrbook.page import Page
from tests.interop.test_ppocrlabel import HOSTILE, box
from tools.book_files import ROOT

PYTHON = ROOT / ".venv-label_studio" / "bin" / "python"
pytestmark = pytest.mark.skipif(not PYTHON.is_file(), reason="no .venv-label_studio: tools/setup.sh label_studio")
CLASSES = ("reading", 'a "quoted" class', "读数")


@pytest.fixture
def page(tmp_path):
    cv2.imwrite(str(tmp_path / "photo 1.png"), np.zeros((300, 600, 3), np.uint8))
    lines = [Label(box(i), text, score=0.5) for i, text in enumerate(HOSTILE)]
    lines += [Label([[5, 200], [90, 210], [80, 240], [6, 230]], "slanted", key_cls=name) for name in CLASSES]
    lines.append(Label([[100, 200], [150, 190], [200, 200], [190, 240], [110, 240]], "polygon", difficult=True))
    return Page(str(tmp_path / "photo 1.png"), lines)


def errors(tmp_path, tasks):
    (tmp_path / "interface.xml").write_text(label_studio.config(CLASSES), "utf-8")
    command = [PYTHON, ROOT / "tests" / "interop" / "validate_label_studio.py", tmp_path / "interface.xml", tasks]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("confirmed", [True, False])
def test_label_studio_accepts_our_tasks(tmp_path, page, confirmed):
    label_studio.write(tmp_path / "tasks.json", [page, Page(page.image)], confirmed=confirmed)
    assert errors(tmp_path, tmp_path / "tasks.json") == []
    assert [line.text for line in label_studio.read(tmp_path / "tasks.json")[0].lines] == page.texts


@pytest.mark.parametrize(
    ("part", "key", "value"), [(1, "from_name", "nobody"), (1, "value", {"labels": ["unknown"]}), (0, "type", "circle")]
)
def test_label_studio_refuses_what_is_wrong(tmp_path, page, part, key, value):
    label_studio.write(tmp_path / "tasks.json", [page])
    tasks = json.loads((tmp_path / "tasks.json").read_text("utf-8"))
    result = tasks[0]["annotations"][0]["result"][part]
    result[key] = result[key] | value if isinstance(value, dict) else value
    (tmp_path / "tasks.json").write_text(json.dumps(tasks), "utf-8")
    assert errors(tmp_path, tmp_path / "tasks.json")
