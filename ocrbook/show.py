"""Figures for notebooks: pictures with their texts, grids for comparison, bar charts of a results table."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Image as Picture
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from ocrbook.crops import around
from ocrbook.fonts import font
from ocrbook.page import Page

__all__ = [
    "COLOURS",
    "WIDTH",
    "bars",
    "draw_page",
    "draw_titles",
    "grid",
    "page",
    "picture",
]

WIDTH = 880
"""Pixels: the column of the book, and a little more. A notebook with a dozen pictures stays below 500 kB."""

COLOURS = {
    **dict.fromkeys(["stock", "stock model", "PaddleOCR", "PP-OCRv6 small"], "#0072B2"),
    **dict.fromkeys(["ours", "our model"], "#D55E00"),
    **dict.fromkeys(["rapidocr", "RapidOCR"], "#009E73"),
    **dict.fromkeys(["tesseract", "Tesseract"], "#CC79A7"),
}
"""The colour of each program that the book compares, by the names that tables use; the same in every chart."""

TITLE_HEIGHT = 34
"""Pixels: the white strip above each picture of a grid that holds its title."""

_TITLE_SIZE = 21  # pixels; 9 where the book's column is as narrow as a telephone

_COLOURS = [(200, 80, 30), (40, 140, 40), (40, 60, 210), (160, 60, 150), (20, 130, 190)]  # BGR, legible on white


def _bgr(image: np.ndarray) -> np.ndarray:
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise ValueError(f"expected a uint8 image, gray or BGR, got {image.dtype} of shape {image.shape}")
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image


def _quad(points: np.ndarray) -> np.ndarray:
    """Four corners, clockwise from the top left; for polygons with more points, of the smallest rectangle around."""
    if len(points) == 4:
        return points.astype(np.float32)
    corners = cv2.boxPoints(cv2.minAreaRect(points.astype(np.float32)))
    return np.roll(corners, -int(np.argmin(corners.sum(axis=1))), axis=0)


def _write_into(canvas: np.ndarray, text: str, points: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Write a text on the canvas so that it fills a quadrilateral, as far as its proportions allow."""
    quad = _quad(points)
    width, height = np.linalg.norm(quad[1] - quad[0]), np.linalg.norm(quad[3] - quad[0])
    face = font("noto-sans-cjk", 40)
    left, top, right, bottom = face.getbbox(text)
    top, bottom = min(top, 8), max(bottom, 52)  # the same baseline for "x" and for "Agj"
    w, h = max(right - left, 1), bottom - top
    stencil = Image.new("L", (round(w), round(h)), 0)
    ImageDraw.Draw(stencil).text((-left, -top), text, font=face, fill=255)
    share = min(w / h * height / max(width, 1e-6), 1)  # of the box's width
    end = quad[0] + (quad[1] - quad[0]) * share, quad[3] + (quad[2] - quad[3]) * share
    target = np.array([quad[0], end[0], end[1], quad[3]], dtype=np.float32)
    canvas, begins = around(canvas, target)  # a view: what is written into it stands on the whole canvas
    target = target - begins.astype(np.float32)
    matrix = cv2.getPerspectiveTransform(np.float32([[0, 0], [w, 0], [w, h], [0, h]]), target)
    size = (canvas.shape[1], canvas.shape[0])
    mask = cv2.warpPerspective(np.asarray(stencil), matrix, size, flags=cv2.INTER_AREA)[..., None] / 255
    canvas[:] = np.rint(canvas * (1 - mask) + np.array(colour) * mask).astype(np.uint8)


def draw_page(image: np.ndarray, page: Page) -> np.ndarray:
    """The image with its polygons drawn in, and beside it a white sheet with the texts at their places.

    Parameters
    ----------
    image : uint8 array, shape (H, W, 3) BGR or (H, W) gray
    page : Page

    Returns
    -------
    uint8 BGR array of shape (H, 2 W + 8, 3). Chinese is readable whatever fonts the machine has.

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.page import Page, TextLine
    >>> from ocrbook.show import draw_page
    >>> image = np.full((60, 200, 3), 255, np.uint8)
    >>> line = TextLine([[10, 10], [150, 10], [150, 40], [10, 40]], "电表 1234")
    >>> draw_page(image, Page(lines=[line])).shape
    (60, 408, 3)
    """
    left = _bgr(image).copy()
    right = np.full_like(left, 255)
    thickness = max(1, round(max(left.shape[:2]) / 700))
    for index, line in enumerate(page.lines):
        colour = _COLOURS[index % len(_COLOURS)]
        cv2.polylines(left, [np.rint(line.points).astype(np.int32)], True, colour, thickness, cv2.LINE_AA)
        cv2.polylines(right, [np.rint(line.points).astype(np.int32)], True, (225, 225, 225), 1, cv2.LINE_AA)
        if line.text:
            _write_into(right, line.text, line.points, colour)
    return np.hstack([left, np.full((len(left), 8, 3), 200, np.uint8), right])


def picture(image: np.ndarray, width: int = WIDTH, metadata: dict | None = None) -> Picture:
    """An image as a notebook output (JPEG), shrunk to `width` pixels where it is wider.

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.show import picture
    >>> picture(np.zeros((50, 100, 3), np.uint8)).format
    'jpeg'
    """
    image = _bgr(image)
    if image.shape[1] > width:
        image = cv2.resize(image, (width, round(image.shape[0] * width / image.shape[1])), interpolation=cv2.INTER_AREA)
    quality = [cv2.IMWRITE_JPEG_QUALITY, 70, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
    return Picture(cv2.imencode(".jpg", image, quality)[1].tobytes(), format="jpeg", metadata=metadata)


def page(image: np.ndarray, page: Page, width: int = WIDTH) -> Picture:
    """`draw_page` as a notebook output.

    Examples
    --------
    >>> import ocrbook.show
    >>> from ocrbook.render import render_document
    >>> image, truth = render_document(seed=3)
    >>> ocrbook.show.page(image, truth).format
    'jpeg'
    """
    return picture(draw_page(image, page), width)


def draw_titles(sheet: np.ndarray, titles: Sequence[tuple[int, int, int, str]]) -> np.ndarray:
    """A sheet of pictures with a title in the strip above each.

    Parameters
    ----------
    sheet : uint8 array, shape (H, W, 3), BGR
    titles : left, top and width of each strip in pixels, and its title, which is made smaller where it is too wide

    Examples
    --------
    >>> import numpy as np
    >>> from ocrbook.show import draw_titles
    >>> sheet = draw_titles(np.zeros((100, 200, 3), np.uint8), [(0, 0, 200, "before")])
    >>> int(sheet[0].min()), int(sheet[40:].max())
    (255, 0)
    """
    labelled = Image.fromarray(sheet[..., ::-1])
    draw = ImageDraw.Draw(labelled)
    for left, top, width, title in titles:
        draw.rectangle((left, top, left + width - 1, top + TITLE_HEIGHT - 1), fill="white")
        size = min(_TITLE_SIZE, int(_TITLE_SIZE * width / max(1, font(size=_TITLE_SIZE).getlength(title))))
        middle = (left, top + TITLE_HEIGHT // 2)
        draw.text(middle, title, font=font(size=max(size, 1)), fill=(60, 60, 60), anchor="lm")
    return np.ascontiguousarray(np.asarray(labelled)[..., ::-1])


def grid(images: Sequence[np.ndarray], titles: Sequence[str] = (), columns: int = 3, width: int = WIDTH) -> Picture:
    """Images side by side, in rows, each in a column of the same width with its title above.

    Titles may be Chinese. Raises ValueError if there are no images, or titles, but not one for each image. The titles
    and their places go with the picture as metadata, from which the Chinese edition of the book draws its own.

    Examples
    --------
    >>> from ocrbook.render import render_document
    >>> from ocrbook.show import grid
    >>> pages = [render_document(seed, shape=(200, 300))[0] for seed in range(4)]
    >>> grid(pages, titles=["a", "b", "c", "d"], columns=2).metadata["titles"][3]
    [440, 330, 432, 'd']
    """
    if not images:
        raise ValueError("no images to show")
    if titles and len(titles) != len(images):
        raise ValueError(f"{len(images)} images but {len(titles)} titles")
    columns = min(columns, len(images))
    cell, head, gap = width // columns, TITLE_HEIGHT if titles else 0, 8
    scales = [(cell - gap) / image.shape[1] for image in images]
    shown = [
        cv2.resize(
            _bgr(image),
            (cell - gap, max(1, round(image.shape[0] * scale))),
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
        )
        for image, scale in zip(images, scales, strict=True)
    ]
    rows = [range(start, min(start + columns, len(shown))) for start in range(0, len(shown), columns)]
    heights = [max(len(shown[i]) for i in row) + head + gap for row in rows]
    sheet = np.full((sum(heights), width, 3), 255, np.uint8)
    tops = [sum(heights[:row]) for row in range(len(rows))]
    for row, top in zip(rows, tops, strict=True):
        for column, index in enumerate(row):
            part = shown[index]
            sheet[top + head : top + head + len(part), column * cell : column * cell + part.shape[1]] = part
    placed = [[index % columns * cell, tops[index // columns], cell - gap, title] for index, title in enumerate(titles)]
    return picture(draw_titles(sheet, placed), width, {"titles": placed} if placed else None)


def _number_format(values: np.ndarray) -> str:
    """How to write numbers on bars: counts as whole numbers, shares with two digits, others by their size."""
    largest = np.abs(values).max(initial=0)
    digits = 0 if largest >= 100 or (values == np.rint(values)).all() else 1 if largest >= 10 else 2
    return f"{{:,.{digits}f}}"


def _column_colours(columns: Sequence[str]) -> list[str]:
    """A colour for each column: the fixed one of its name, or the next of the style that no column has."""
    chosen = [COLOURS.get(str(column)) for column in columns]
    free = itertools.cycle([each["color"] for each in plt.rcParams["axes.prop_cycle"] if each["color"] not in chosen])
    return [colour if colour and colour not in chosen[:index] else next(free) for index, colour in enumerate(chosen)]


def bars(table: pd.DataFrame, title: str = "", ylabel: str = "", ylim: tuple[float, float] | None = None) -> Figure:
    """A bar chart of a results table: one group of bars per row, one colour per column, values on the bars.

    A column that is called as a program in `COLOURS` has the colour of that program.

    Examples
    --------
    >>> import pandas as pd
    >>> from ocrbook.show import bars
    >>> table = pd.DataFrame({"before": [0.5, 0.7], "after": [0.9, 0.8]}, index=["drums", "displays"])
    >>> len(bars(table, "Exact match").axes[0].patches)
    4
    """
    with plt.style.context("ocrbook.book"):
        figure, axes = plt.subplots()
        table.plot.bar(ax=axes, rot=0, width=0.8, legend=False, color=_column_colours(table.columns))
        values = table.to_numpy(float)
        write = _number_format(values[np.isfinite(values)])
        room = 0.8 * axes.bbox.width / figure.dpi * 72 / max(1, len(table))  # points, of a row
        narrow = 0.8 * room / len(table.columns) < 5.5 * max(len(write.format(value)) for value in values.flat)
        for container, column in zip(axes.containers, values.T, strict=True):
            labels = [write.format(value) if np.isfinite(value) else "" for value in column]
            axes.bar_label(container, labels, fontsize=9, padding=2, rotation=90 if narrow else 0)
        axes.margins(y=0.25 if narrow else 0.1)
        axes.set(title=title, ylabel=ylabel, xlabel="", ylim=ylim)
        if axes.get_ylim()[1] >= 1000:
            axes.yaxis.set_major_formatter("{x:,.0f}")
        if max(len(str(name)) for name in table.index) * 6 > room:
            plt.setp(axes.get_xticklabels(), rotation=25, ha="right", rotation_mode="anchor")
        longest = max(len(str(column)) for column in table.columns)
        if len(table.columns) > 1:
            ncols = max(1, min(len(table.columns), 60 // (longest + 8)))
            figure.legend(loc="outside upper left", ncols=ncols, columnspacing=3)  # with room for longer translations
        elif not ylabel:
            axes.set_ylabel(str(table.columns[0]))
    plt.close(figure)  # the notebook shows what the cell returns, once
    return figure
