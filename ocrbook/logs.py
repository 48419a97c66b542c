"""Quiet or loud: the logs and warnings of paddle, paddlex, onnxruntime and rapidocr."""

import logging
import os
import warnings

_LOGGERS = ("paddlex", "paddleocr", "paddle", "ppocr", "RapidOCR")

# Read by the libraries when they are imported, so `quiet` works best before the first import.
_ENVIRONMENT = {
    "GLOG_minloglevel": "2",  # paddle's C++ part: errors only
    "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True",  # no connectivity check before a model is fetched by name
    "DISABLE_MODEL_SOURCE_CHECK": "True",
}


def quiet() -> None:
    """Show errors only. Warnings about missing compilers and downloads, and progress notes, go."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(paddle|paddlex|paddleocr|rapidocr|requests)(\.|$)")
    warnings.filterwarnings("ignore", message=r".*ccache.*")


def verbose() -> None:
    """Show everything again: the loggers at INFO, all warnings."""
    for name in _ENVIRONMENT:
        os.environ.pop(name, None)
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
    warnings.resetwarnings()
