"""The words in figures: found in what a notebook stores, and replaced for the Chinese edition.

A notebook is executed once. Beside the picture of a chart with words, its metadata hold the chart as SVG whose texts
are text; beside a grid of pictures, its titles and their places. Numbers are no part of a message: a message has {} in
their place, so that it stays the same when a result changes, and both editions show the same number.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Callable

import cv2
import numpy as np
import resvg_py
from fontTools import subset
from nbformat import NotebookNode
from PIL import Image

from ocrbook.fonts import font_path
from ocrbook.show import draw_titles

Translation = Callable[[str], str]

_WORD = re.compile(r"[A-Za-z]{2}")
_DATA = re.compile(r"→|[\u3400-\u9fff]")  # what was read, or is to be read
_NUMBER = re.compile(r"(?P<name>[A-Za-z]+\d+(?:[.,]\d+)*)|\d+(?:[.,]\d+)*|\{\d*\}")  # a name keeps its digits: PP-OCRv6
_PLACE = re.compile(r"\{(\d*)\}")
# A <text> without more is a formula; one of the class `code` is a name or a symbol.
_TEXT = re.compile(r"<(text(?=\s)(?![^>]*\bclass=\"[^\"]*\bcode\b)|title|desc)\b[^>]*(?<!/)>.*?</\1>", re.DOTALL)
_RUN = re.compile(r"(?<=>)[^<]+")
_HEADER = re.compile(r"(<th\b[^>]*>)([^<]+)(?=</th>)")
_UNSEEN = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>", re.DOTALL)
_FAMILY = "Noto Sans CJK SC"


def message_of(text: str) -> str | None:
    """The message of a text in a figure: with {} for each number; None for numbers, symbols, Chinese, and `A → B`."""
    if not _WORD.search(text) or _DATA.search(text):
        return None
    return _NUMBER.sub(lambda match: match[0] if match["name"] else "{}", " ".join(text.split()))


def translated(text: str, translation: Translation) -> str:
    """A text in a figure in the other language, with its own numbers; `{1} {0}` in a translation turns them around."""
    message = message_of(text)
    if message is None:
        return text
    numbers = [match[0] for match in _NUMBER.finditer(text) if not match["name"]]
    order = iter(range(len(numbers)))
    return _PLACE.sub(lambda match: numbers[int(match[1] or next(order))], translation(message))


def loses_numbers(message: str, translation: str) -> bool:
    """Whether a translation has other places for numbers than its message, `{}` or, in another order, `{1} {0}`."""
    wanted = _PLACE.findall(message)
    return sorted(_PLACE.findall(translation)) not in (sorted(wanted), sorted(map(str, range(len(wanted)))))


def _translate_runs(text: str, translation: Translation) -> str:
    def replace(match: re.Match) -> str:
        run = html.unescape(match[0])
        if message_of(run) is None:
            return match[0]
        return html.escape(translated(run, translation), quote=False)

    return _RUN.sub(replace, text)


def translate_svg(svg: str, translation: Translation) -> str:
    """An SVG with its texts in the other language, and nothing else changed."""
    return _TEXT.sub(lambda match: _translate_runs(match[0], translation), svg)


def translate_table(page: str, translation: Translation) -> str:
    """An HTML table with the names of its rows and columns in the other language."""
    return _HEADER.sub(lambda match: match[1] + _translate_runs(f">{match[2]}", translation)[1:], page)


def _messages(translate: Callable[[Translation], object]) -> list[str]:
    """The messages that a translation asks for, in their order."""
    found: list[str] = []

    def note(message: str) -> str:
        found.append(message)
        return message

    translate(note)
    return found


def with_palette(png: bytes) -> bytes:
    """A chart with 128 colours: a third of the bytes, and no difference to the eye."""
    content = io.BytesIO()
    chart = Image.open(io.BytesIO(png)).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    chart.save(content, "PNG", optimize=True)
    return content.getvalue()


def keep_words(output: NotebookNode) -> None:
    """Store a chart with few colours; its SVG in the metadata, where no viewer shows it, if there are words in it."""
    data = output.get("data", {})
    if "image/png" not in data:
        return
    data["image/png"] = base64.b64encode(with_palette(base64.b64decode(data["image/png"]))).decode()
    svg = _UNSEEN.sub("", data.pop("image/svg+xml", ""))
    if svg_messages(svg):
        output.metadata.setdefault("image/png", {})["svg"] = re.sub(r">\s+<", "><", svg).replace("\n", "")


def draw_svg(svg: str, width: int) -> bytes:
    """A chart as PNG, with the fonts of packages only."""
    fonts = {
        "skip_system_fonts": True,
        "font_dirs": [str(font_path("dejavu-sans").parent)],
        "font_files": [str(font_path("noto-sans-cjk"))],
        "font_family": _FAMILY,
        "sans_serif_family": _FAMILY,
    }
    return with_palette(resvg_py.svg_to_bytes(svg_string=svg, width=width, dpi=96, background="white", **fonts))


def translate_titles(picture: bytes, titles: list[list], translation: Translation) -> bytes:
    """A grid of pictures (JPEG) with its titles in the other language; as it was where none of them is a message."""
    shown = [[*place, translated(title, translation)] for *place, title in titles]
    if all(message_of(title) is None for *_, title in titles):
        return picture
    sheet = draw_titles(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR), shown)
    return cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_OPTIMIZE, 1])[1].tobytes()


def translate_output(output: dict, translation: Translation) -> None:
    """Put the words of a chart, a grid of pictures or a table into the other language."""
    data, metadata = output.get("data", {}), output.get("metadata", {})
    if svg := metadata.get("image/png", {}).pop("svg", None):
        width = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width
        chart = draw_svg(translate_svg(svg, translation), width)
        data["image/png"] = base64.b64encode(chart).decode()
    if titles := metadata.get("image/jpeg", {}).pop("titles", None):
        grid = translate_titles(base64.b64decode(data["image/jpeg"]), titles, translation)
        data["image/jpeg"] = base64.b64encode(grid).decode()
    if page := data.get("text/html"):
        data["text/html"] = translate_table("".join(page), translation)


def svg_messages(svg: str) -> list[str]:
    """The messages in the texts of an SVG."""
    return _messages(lambda note: translate_svg(svg, note))


def output_messages(output: dict) -> list[str]:
    """The messages in the words of an output."""
    data, metadata = output.get("data", {}), output.get("metadata", {})
    titles = [title for *_, title in metadata.get("image/jpeg", {}).get("titles", [])]
    return [
        *svg_messages(metadata.get("image/png", {}).get("svg", "")),
        *(message for title in titles if (message := message_of(title))),
        *_messages(lambda note: translate_table("".join(data.get("text/html", "")), note)),
    ]


def embed_font(svg: str) -> str:
    """A schematic with the characters of its texts in a font of its own, since a picture can't use others' fonts."""
    options = subset.Options(flavor="woff", notdef_outline=True)
    face = subset.load_font(font_path("noto-sans-cjk"), options)
    characters = subset.Subsetter(options)
    characters.populate(text=html.unescape("".join(_RUN.findall(svg))))
    characters.subset(face)
    content = io.BytesIO()
    subset.save_font(face, content, options)
    source = f"data:font/woff;base64,{base64.b64encode(content.getvalue()).decode()}"
    style = f'<style>@font-face{{font-family:"{_FAMILY}";src:url({source})}}'
    style += f'text,tspan{{font-family:"{_FAMILY}",sans-serif!important}}</style>'
    return re.sub(r"<svg\b[^>]*>", lambda match: match[0].replace('"en"', '"zh-CN"') + style, svg, count=1)
