"""A link from every page to the same page in the other language.

Configuration: `twin = {"language": "zh", "label": "中文", "name": "中文版", "folder": "zh"}`; the two editions lie side
by side.
"""

from pathlib import Path


def _configure(app, config):
    config.templates_path.append(str(Path(__file__).parent / "templates"))
    config.html_theme_options["article_header_end"] = ["twin.html", "article-header-buttons.html"]


def _add(app, pagename, templatename, context, doctree):
    twin = app.config.twin
    if not twin:
        return
    url = "../" * (pagename.count("/") + 1) + f"{twin['folder']}/{pagename}.html"
    context["twin"], context["twin_url"] = twin, url
    context["metatags"] = context.get("metatags", "") + (
        f'<link rel="alternate" hreflang="{twin["language"]}" href="{url}" />'
    )


def setup(app):
    """Put the link before the theme's own buttons."""
    app.add_config_value("twin", {}, "html")
    app.connect("config-inited", _configure)
    app.connect("html-page-context", _add)
    return {"parallel_read_safe": True}
