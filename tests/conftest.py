import pytest

import ocrbook

ocrbook.quiet()


@pytest.fixture(scope="session")
def ocr():
    """The official pipeline on local models, with one thread."""
    from paddleocr import PaddleOCR

    from ocrbook.models import local_models

    return PaddleOCR(**local_models(), engine_config={"intra_op_num_threads": 1})


@pytest.fixture(scope="session")
def clean_page():
    """A drawn page that the stock models read without an error, and its truth."""
    from ocrbook.render import render_document

    return render_document(seed=7, language="zh", kind="letter")
