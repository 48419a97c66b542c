"""Buttons that open a notebook in Colab and in AI Studio, which is the first one in the Chinese edition.

Configuration: `launch` in _config.yml, where `aistudio` is {"notebooks/start/01_first_page": 1234}; a notebook without
a project there gets a link to the page book/elsewhere. The repository is the theme's `repository_url`.
"""

_COLAB = "https://colab.research.google.com/github"
_AI_STUDIO = "https://aistudio.baidu.com/aistudio/projectdetail"


def _add(app, pagename, templatename, context, doctree):
    if not str(context.get("page_source_suffix", "")).endswith("ipynb"):
        return
    launch = app.config.launch
    owner_and_name = "/".join(app.config.html_theme_options["repository_url"].rstrip("/").split("/")[-2:])
    colab = launch["colab"], f"{_COLAB}/{owner_and_name}/{launch['sources']}/{pagename}.ipynb"
    project = launch["aistudio"].get(pagename)
    page = app.builder.get_relative_uri(pagename, "book/elsewhere")
    ai_studio = "AI Studio", f"{_AI_STUDIO}/{project}" if project else page
    places = [ai_studio, colab] if app.config.language.startswith("zh") else [colab, ai_studio]
    buttons = [
        {"type": "link", "url": url, "text": name, "tooltip": name, "icon": "fas fa-play"} for name, url in places
    ]
    context["header_buttons"].insert(
        0,
        {
            "type": "group",
            "tooltip": " / ".join(name for name, _ in places),
            "icon": "fas fa-rocket",
            "buttons": buttons,
            "label": "launch-buttons",
        },
    )


def setup(app):
    """Add the buttons after the theme has made its own."""
    app.add_config_value("launch", {}, "html")
    app.connect("html-page-context", _add, priority=600)
    return {"parallel_read_safe": True}
