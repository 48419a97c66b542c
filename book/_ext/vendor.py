"""Serve KaTeX's style sheet and fonts from the book itself; `tools/build_book.py` puts them into `vendor_folder`."""

from pathlib import Path


def _configure(app, config):
    config.html_static_path.append(str((Path(app.confdir) / config.vendor_folder).resolve()))
    config.katex_css_path = "katex/katex.min.css"


def setup(app):
    """Point the katex extension at the local copy."""
    app.add_config_value("vendor_folder", "_build/vendor", "html")
    app.connect("config-inited", _configure, priority=100)
    return {"parallel_read_safe": True}
