"""Work with the real window of PPOCRLabel, offscreen: runs in its environment, not in the tests'.

    python drive_ppocrlabel.py OPTIONS STEPS

OPTIONS is a JSON list of PPOCRLabel's own arguments, STEPS a JSON list of steps: ["open", folder], ["show", image],
["check", image], ["edit", image, box, text], ["auto"], ["save"], ["crops"], ["sheet", image, rows, merged],
["tables"], ["close"]. The last line printed is a JSON list with the result of each step.
"""

import json
import os
import sys
import sysconfig
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
sys.path.append(str(Path(sysconfig.get_paths()["purelib"]) / "PPOCRLabel"))

import cv2  # noqa: F401  before Qt: it sets the path of its own Qt plugins

os.environ.pop("QT_QPA_PLATFORM_PLUGIN_PATH", None)

import openpyxl
import paddleocr


class Absent:
    """A model that this run does not need."""

    def __init__(self, **arguments):
        pass


def with_local_models():
    """PaddleOCR's classes, with the weights that are at hand."""
    from ocrbook.models import local_models

    pipeline, recogniser, detector = paddleocr.PaddleOCR, paddleocr.TextRecognition, paddleocr.TextDetection
    paddleocr.PaddleOCR = lambda **_: pipeline(**local_models())
    paddleocr.TextRecognition = lambda **_: recogniser(**local_models("text_recognition"))
    paddleocr.TextDetection = lambda **_: detector(**local_models("text_detection"))


def main():
    options, steps = json.loads(sys.argv[1]), json.loads(sys.argv[2])
    paddleocr.PPStructureV3 = Absent
    if any(step[0] == "auto" for step in steps):
        with_local_models()
    else:
        paddleocr.PaddleOCR = paddleocr.TextRecognition = paddleocr.TextDetection = Absent

    from PyQt5.QtCore import QTimer
    from PyQt5.QtWidgets import QMessageBox

    said = []
    for kind in ("information", "warning", "critical", "about"):
        setattr(QMessageBox, kind, lambda *arguments: said.append(str(arguments[-1])) or QMessageBox.Ok)
    QMessageBox.question = lambda *_: QMessageBox.Yes

    from libs.autoDialog import Worker
    from PPOCRLabel.PPOCRLabel import get_main_app

    # automatic labelling saves, and so touches the window, in a thread of its own; on a busy machine Qt crashes at that
    Worker.start, Worker.exec = Worker.run, lambda worker: 0
    app, window = get_main_app(["PPOCRLabel", "--lang", "en", "--gpu", "false", *options])
    folder = None

    def show(name):
        window.loadFile(str(folder / name))
        shapes = window.canvas.shapes
        return {
            "boxes": [[[point.x(), point.y()] for point in shape.points] for shape in shapes],
            "texts": [shape.label for shape in shapes],
            "classes": [shape.key_cls for shape in shapes],
            "checked": bool(window.validFilestate(str(folder / name))),
        }

    def auto():
        def press_ok():
            dialog = window.autoDialog
            button = dialog.buttonBox.button(dialog.buttonBox.Ok)
            if button.isEnabled():
                button.click()
            else:
                QTimer.singleShot(50, press_ok)

        window.autoRecognitionNum(0)
        QTimer.singleShot(50, press_ok)
        window.autoRecognition()

    def sheet(name, rows, merged):
        """The structure of a table, where PPOCRLabel's table model would put it."""
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        for cells in merged:
            book.active.merge_cells(cells)
        target = folder / "tableRec_excel_output"
        target.mkdir()
        book.save((target / name).with_suffix(".xlsx"))

    results = []
    for step, *arguments in steps:
        result = None
        if step == "open":
            folder = Path(arguments[0])
            window.importDirImages(str(folder))
            result = [Path(path).name for path in window.mImgList]
        elif step == "show":
            result = show(*arguments)
        elif step == "check":
            show(*arguments)
            window.saveFile()
        elif step == "edit":
            name, box, text = arguments
            show(name)
            window.canvas.shapes[box].label = text
            window.saveFile()
        elif step == "auto":
            auto()
        elif step == "save":
            window.saveLabelFile()
        elif step == "crops":
            window.saveRecResult()
        elif step == "sheet":
            sheet(*arguments)
        elif step == "tables":
            window.exportJSON()
        elif step == "close":
            result = window.close()
        app.processEvents()
        results.append(result)
    print()
    print(json.dumps(results), flush=True)
    os._exit(0)  # Qt's threads outlive the window


main()
