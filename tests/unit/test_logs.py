import os
import subprocess
import sys

import pytest

from tools.book_files import ROOT

CREATE = """
from ocrbook.models import local_models
from paddleocr import PaddleOCR
PaddleOCR(**local_models())
"""


def printed(before, after="", **environment):
    done = subprocess.run(
        [sys.executable, "-c", before + CREATE + after],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


def test_quiet_prints_nothing_and_errors_still_show():
    text = printed(
        "import ocrbook; ocrbook.quiet()",
        "import logging; logging.getLogger('paddlex').error('an error')",
    )
    assert "an error" in text
    assert "Creating model" not in text
    assert "ccache" not in text


def test_verbose_brings_the_logs_back():
    assert "Creating model" in printed("import ocrbook; ocrbook.quiet(); ocrbook.verbose()")


def test_outside_notebooks_nothing_is_silenced():
    assert "Creating model" in printed("import ocrbook")


@pytest.mark.parametrize(("verbose", "silent"), [("0", True), ("1", False)])
def test_notebooks_are_quiet_unless_told_otherwise(verbose, silent):
    text = printed("import sys; sys.modules['ipykernel'] = sys; import ocrbook", OCRBOOK_VERBOSE=verbose)
    assert ("Creating model" not in text) is silent


def test_paddlex_draws_with_an_installed_font():
    text = printed(
        "import ocrbook, os; ocrbook.quiet(); print(os.environ['PADDLE_PDX_LOCAL_FONT_FILE_PATH'])",
        "from paddlex.utils.fonts import PINGFANG_FONT; print(PINGFANG_FONT.path)",
    )
    assert text.count("NotoSansCJKsc-Regular.otf") == 2
