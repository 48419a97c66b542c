"""Training small models on a laptop, and writing them as folders that PaddleOCR's own classes load.

Import it before paddle: on AMD processors it chooses the fast kernels of MKL, which reads its settings once.
"""

import os
import platform
from pathlib import Path


def _choose_kernels() -> None:
    """Without this MKL uses its slowest kernels on AMD processors: half as many images a second."""
    try:
        amd = "AuthenticAMD" in Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        amd = "AuthenticAMD" in platform.processor()
    if amd:
        os.environ.setdefault("MKL_DEBUG_CPU_TYPE", "5")


_choose_kernels()

from ocrbook.train.data import LabelError  # noqa: E402
from ocrbook.train.detection import train_detector  # noqa: E402
from ocrbook.train.export import export_detector, export_recognizer  # noqa: E402
from ocrbook.train.finetune import fine_tune  # noqa: E402
from ocrbook.train.loop import fit  # noqa: E402
from ocrbook.train.recognition import train_recognizer  # noqa: E402

__all__ = [
    "LabelError",
    "export_detector",
    "export_recognizer",
    "fine_tune",
    "fit",
    "train_detector",
    "train_recognizer",
]
