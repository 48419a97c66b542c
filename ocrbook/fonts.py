"""Fonts that come with pip packages, so that every machine draws the same pixels."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import ImageFont

__all__ = [
    "CHINESE",
    "LATIN",
    "font",
    "font_path",
]

# name -> (package, path inside it). Noto CJK: SIL Open Font License; DejaVu and STIX: their own free licences.
_FILES = {
    "noto-sans-cjk": ("mplfonts", "fonts/NotoSansCJKsc-Regular.otf"),
    "noto-serif-cjk": ("mplfonts", "fonts/NotoSerifCJKsc-Regular.otf"),
    "dejavu-sans": ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
    "dejavu-sans-bold": ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans-Bold.ttf"),
    "dejavu-serif": ("matplotlib", "mpl-data/fonts/ttf/DejaVuSerif.ttf"),
    "dejavu-mono": ("matplotlib", "mpl-data/fonts/ttf/DejaVuSansMono.ttf"),
    "stix": ("matplotlib", "mpl-data/fonts/ttf/STIXGeneral.ttf"),
}

CHINESE = ("noto-sans-cjk", "noto-serif-cjk")
"""Names of the fonts that have Chinese characters (and Latin ones)."""

LATIN = tuple(name for name in _FILES if name not in CHINESE)
"""Names of the fonts without Chinese characters."""


def font_path(name: str = "noto-sans-cjk") -> Path:
    """The file of a font.

    Raises
    ------
    ValueError
        If the name is none of `CHINESE` or `LATIN`.
    FileNotFoundError
        If the package that carries the font is not installed.

    Examples
    --------
    >>> from ocrbook.fonts import font_path
    >>> font_path("dejavu-sans").name
    'DejaVuSans.ttf'
    """
    if name not in _FILES:
        raise ValueError(f"no font called {name!r}; there are {', '.join(_FILES)}")
    package, inside = _FILES[name]
    spec = find_spec(package)
    path = Path(spec.origin).parent / inside if spec and spec.origin else None
    if path is None or not path.is_file():
        raise FileNotFoundError(f"font {name} comes with the package {package}: pip install {package}")
    return path


@cache
def font(name: str = "noto-sans-cjk", size: int = 24) -> ImageFont.FreeTypeFont:
    """A font at a size in pixels. Laid out glyph by glyph (basic layout), which is the same on every machine.

    Examples
    --------
    >>> from ocrbook.fonts import font
    >>> font("noto-sans-cjk", 20).getlength("电表")
    40.0
    """
    from PIL import ImageFont  # here, so that `ocrbook check` can say what is missing

    return ImageFont.truetype(font_path(name), size, layout_engine=ImageFont.Layout.BASIC)
