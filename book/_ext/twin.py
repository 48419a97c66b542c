"""A link from every page to the same page in the other language.

Configuration: `twin = {"language": "zh", "label": "中文", "folder": "zh"}`, where the two editions lie side by side.
"""


def _add(app, pagename, templatename, context, doctree):
    twin = app.config.twin
    if not twin:
        return
    url = "../" * (pagename.count("/") + 1) + f"{twin['folder']}/{pagename}.html"
    context["metatags"] = context.get("metatags", "") + (
        f'<link rel="alternate" hreflang="{twin["language"]}" href="{url}" />'
    )
    context["header_buttons"].insert(
        0,
        {
            "type": "link",
            "url": url,
            "text": twin["label"],
            "tooltip": twin["label"],
            "icon": "fas fa-language",
            "label": "twin-button",
        },
    )


def setup(app):
    """Add the button after the theme has made its own."""
    app.add_config_value("twin", {}, "html")
    app.connect("html-page-context", _add, priority=600)
    return {"parallel_read_safe": True}
