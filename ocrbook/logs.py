"""Quiet or loud: the logs and warnings of paddle, paddlex and their companions."""

import logging
import os
import warnings

__all__ = [
    "quiet",
    "verbose",
]

_LOGGERS = ("paddlex", "paddleocr", "paddle", "RapidOCR")

# Read by the libraries when they are imported, so `quiet` works best before the first import.
_ENVIRONMENT = {
    "GLOG_minloglevel": "2",  # paddle's C++ part: errors only
    "PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True",  # no connectivity check before a model is fetched by name
}


def _errors_only(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


def quiet() -> None:
    """Show errors only; notes and warnings go.

    Works as a filter on the loggers, not by their level: paddlex sets the level of its logger when it is imported.

    Examples
    --------
    >>> import logging
    >>> from ocrbook import quiet, verbose
    >>> quiet()
    >>> logging.getLogger("paddlex").filter(logging.makeLogRecord({"levelno": logging.INFO}))
    False
    >>> verbose()
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_errors_only)
    warnings.filterwarnings("ignore", message="No ccache found")


def verbose() -> None:
    """Show everything again, Python's warnings included.

    Examples
    --------
    >>> import logging
    >>> from ocrbook import quiet, verbose
    >>> quiet()
    >>> verbose()
    >>> logging.getLogger("paddlex").filter(logging.makeLogRecord({"levelno": logging.INFO})) is not False
    True
    """
    for name in _ENVIRONMENT:
        os.environ.pop(name, None)
    for name in _LOGGERS:
        logging.getLogger(name).removeFilter(_errors_only)
    warnings.resetwarnings()
