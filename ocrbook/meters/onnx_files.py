"""The networks that read windows as ordinary ONNX files, for programs in other languages."""

from __future__ import annotations

from pathlib import Path

from ocrbook.folders import exchanged
from ocrbook.meters.lines import tuned
from ocrbook.meters.models import FOLDER

SMALL = ("drum", "lcd", "positions")


def write_networks(folder: str | Path) -> list[Path]:
    """Write the small networks and "lines", PP-OCRv6 tuned on drawn windows: all or, if something fails, none.

    Parameters
    ----------
    folder : path
        Made if there is none. It gets a folder with `inference.onnx` for each network; all else in it stays.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    FileNotFoundError
        If PP-OCRv6's official weights are missing; see `ocrbook.models.model_folder`.
    OSError
        If the folder can't be written.
    """
    contents = {name: (FOLDER / name / "inference.onnx").read_bytes() for name in SMALL} | {"lines": tuned()}
    with exchanged(folder, contents) as draft:
        for name, content in contents.items():
            (draft / name).mkdir()
            (draft / name / "inference.onnx").write_bytes(content)
    return [Path(folder) / name / "inference.onnx" for name in contents]
