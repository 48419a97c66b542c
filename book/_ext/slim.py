"""Make the pages lighter: only the icons that they show, and pictures that load when the reader comes near.

The theme brings 2,000 icons, and those twice, as fonts with a style sheet and as a script of 1.5 MB that draws them.
The fonts are enough, with the icons whose class stands in a page or a script. Pictures get their size written beside
them, so that the text does not jump when they arrive.
"""

import re
from pathlib import Path

from fontTools import subset
from PIL import Image

_SCRIPT = re.compile(r"\s*<script[^>]*/fontawesome/[^>]*></script>")
_PICTURE = re.compile(r'<img (?![^>]*\bloading=)(?=[^>]*\bsrc="([^":]+\.(?:png|jpe?g)|[^":]*_images/[^":]+\.svg)")')
_BOX = re.compile(r'<svg\b[^>]*\bviewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"')
_PRELOAD = re.compile(r'(<link rel="preload" as="font" type="font/)woff2("[^>]*)\.woff2"')
_ICON = re.compile(r"\bfa-[a-z0-9-]+")
_RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')
_CHARACTER = re.compile(r"\\([0-9a-f]{4})\b")
_SOURCES = re.compile(r'url\(([^)]*)\.woff2\) format\("woff2"\),url\([^)]*\.ttf\) format\("truetype"\)')


def _lighten(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    static, used = Path(app.outdir) / "_static", set()
    for script in [*static.glob("*.js"), *static.glob("scripts/*.js")]:
        used |= set(_ICON.findall(script.read_text("utf-8")))
    for path in Path(app.outdir).rglob("*.html"):

        def lazy(match, folder=path.parent):
            width, height = _size(folder / match[1])
            return f'<img loading="lazy" width="{width}" height="{height}" '

        text = path.read_text("utf-8")
        used |= set(_ICON.findall(text))
        lighter = _PRELOAD.sub(r'\1woff\2.woff"', _PICTURE.sub(lazy, _SCRIPT.sub("", text)))
        if lighter != text:
            path.write_text(lighter, "utf-8")
    others = [sheet.read_text("utf-8") for sheet in [*static.glob("*.css"), *static.glob("styles/*.css")]]
    characters = {int(code, 16) for sheet in others for code in _CHARACTER.findall(sheet)}
    for sheet in static.glob("vendor/fontawesome/*/css/all.min.css"):
        _subset_icons(sheet, used, characters)


def _size(path):
    """Width and height of a picture in pixels; of a drawing, those of its view box."""
    if path.suffix == ".svg":
        return [round(float(side)) for side in _BOX.search(path.read_text("utf-8")).groups()]
    with Image.open(path) as picture:
        return picture.size


def _subset_icons(sheet, used, characters):
    """Keep the rules of the icons in use in a style sheet, and their characters in its fonts."""
    kept = set(characters)

    def keep(rule):
        if used.isdisjoint(name.removeprefix(".").removesuffix(":before") for name in rule[1].split(",")):
            return ""
        kept.add(int(rule[2], 16))
        return rule[0]

    lighter = _RULE.sub(keep, sheet.read_text("utf-8"))
    for font in sheet.parent.parent.glob("webfonts/*.ttf"):
        options = subset.Options(flavor="woff")
        part = subset.load_font(font, options)
        icons = subset.Subsetter(options)
        icons.populate(unicodes=kept)
        icons.subset(part)
        subset.save_font(part, font.with_suffix(".woff"), options)
        font.with_suffix(".woff2").unlink(missing_ok=True)
    sheet.write_text(_SOURCES.sub(r'url(\1.woff) format("woff")', lighter), "utf-8")


def setup(app):
    """Work on the pages once they are all written."""
    app.connect("build-finished", _lighten)
    return {"parallel_read_safe": True}
