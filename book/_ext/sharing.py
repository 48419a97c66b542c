"""What a chat or a search engine shows of a page: its title, its first paragraph, its first picture.

A shared link needs absolute addresses: they begin with `html_baseurl`, the address of this edition.
"""

import re
from html import escape
from pathlib import PurePosixPath

from docutils import nodes

_LONGEST = 200  # characters; more is cut off by most programs that show them
_WHOLE = re.compile(rf".{{40,{_LONGEST}}}(?:[。！？]|[.!?](?=\s|$))")
_RASTER = (".png", ".jpg", ".jpeg")


def shorten(text):
    """The first sentences of a text, or where the first one is too long, its beginning."""
    if len(text) <= _LONGEST:
        return text
    whole = _WHOLE.match(text)
    return whole[0] if whole else text[: _LONGEST - 1].rsplit(" ", 1)[0] + "…"


def _description(doctree):
    paragraph = next(iter(doctree.findall(nodes.paragraph)), None)
    return shorten(" ".join(paragraph.astext().split())) if paragraph else ""


def _picture(app, doctree):
    """The file of the page's first picture, or of the one that the configuration names."""
    shown = [node["uri"] for node in doctree.findall(nodes.image) if node["uri"].endswith(_RASTER)]
    return PurePosixPath(shown[0]).name if shown else app.env.images[app.config.sharing_picture][1]


def _add(app, pagename, templatename, context, doctree):
    if doctree is None:
        return
    start = pagename == app.config.root_doc
    title = re.sub(r"<[^>]+>", "", context["title"])
    description = escape(_description(doctree))
    words = {
        "og:type": "website" if start else "article",
        "og:title": title,
        "og:description": description,
        "og:site_name": escape(app.config.html_title),
        "og:url": f"{app.config.html_baseurl}{pagename}.html",
        "og:image": f"{app.config.html_baseurl}_images/{_picture(app, doctree)}",
    }
    tags = [f'<meta property="{name}" content="{value}" />' for name, value in words.items()]
    tags += [
        f'<meta name="description" content="{description}" />',
        '<meta name="twitter:card" content="summary_large_image" />',
    ]
    context["metatags"] = context.get("metatags", "") + "\n".join(tags)


def setup(app):
    """Add the tags to each page."""
    app.add_config_value("sharing_picture", "", "html")
    app.connect("html-page-context", _add)
    return {"parallel_read_safe": True}
