"""The words of the theme in the language of the edition, where the theme's own catalogues lack them or are wrong.

Configuration: `theme_words = {"Back to top": "回到顶部"}`. They come before the catalogues of Sphinx and of the theme.
"""

import gettext
import json
import re
from pathlib import Path
from urllib.parse import quote

from sphinx import locale

_IN_ADDRESSES = ("Issue on page", "Your issue content here.")
_SPOKEN = re.compile(r'(\b(?:title|aria-label|placeholder)=")([^"]+)')


class _Words(gettext.NullTranslations):
    def __init__(self, words, others):
        super().__init__()
        self._words = words
        self.add_fallback(others)

    def gettext(self, message):
        return self._words.get(message) or super().gettext(message)


def _put_first(app, config):
    if not config.theme_words:
        return
    for place, others in locale.translators.items():
        locale.translators[place] = _Words(config.theme_words, others)
    app.translator = locale.translators["general", "sphinx"]
    words = json.dumps(config.theme_words, ensure_ascii=False)
    app.add_js_file(None, body=f"Object.assign(Documentation.TRANSLATIONS, {words})", priority=900)


def _replace(app, exception):
    """The theme has words that it asks no catalogue for: in attributes, and quoted in the address for a new issue."""
    words = app.config.theme_words
    if exception is None and words and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            text = path.read_text("utf-8")
            better = _SPOKEN.sub(lambda match: match[1] + words.get(match[2], match[2]), text)
            for english in _IN_ADDRESSES:
                better = better.replace(quote(english), quote(words.get(english, english)))
            if better != text:
                path.write_text(better, "utf-8")


def setup(app):
    """Put the words in place before pages are written, and look for others afterwards."""
    app.add_config_value("theme_words", {}, "html")
    app.connect("config-inited", _put_first)
    app.connect("build-finished", _replace)
    return {"parallel_read_safe": True}
