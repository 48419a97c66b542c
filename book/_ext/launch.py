"""Buttons that open a notebook in Colab, and in AI Studio where its project id is known.

Configuration: `launch = {"sources": "blob/main", "aistudio": {"notebooks/start/01_first_page": 1234}}`; the repository
is the theme's `repository_url`.
"""

_COLAB = "https://colab.research.google.com/github"
_AI_STUDIO = "https://aistudio.baidu.com/aistudio/projectdetail"


def _add(app, pagename, templatename, context, doctree):
    if not str(context.get("page_source_suffix", "")).endswith("ipynb"):
        return
    launch = app.config.launch
    owner_and_name = "/".join(app.config.html_theme_options["repository_url"].rstrip("/").split("/")[-2:])
    places = {"Colab": f"{_COLAB}/{owner_and_name}/{launch['sources']}/{pagename}.ipynb"}
    if pagename in launch["aistudio"]:
        places["AI Studio"] = f"{_AI_STUDIO}/{launch['aistudio'][pagename]}"
    buttons = [
        {"type": "link", "url": url, "text": name, "tooltip": name, "icon": "fas fa-play"}
        for name, url in places.items()
    ]
    context["header_buttons"].insert(
        0,
        {
            "type": "group",
            "tooltip": " / ".join(places),
            "icon": "fas fa-rocket",
            "buttons": buttons,
            "label": "launch-buttons",
        },
    )


def setup(app):
    """Add the buttons after the theme has made its own."""
    app.add_config_value("launch", {"sources": "blob/main", "aistudio": {}}, "html")
    app.connect("html-page-context", _add, priority=600)
    return {"parallel_read_safe": True}
