"""A claim with numbers that no cell computes, marked as measured once, and the list of all of them.

    :::{once} 2026-11-20
    :how: `python -m tools.measure_real FOLDER`
    Text with the numbers.
    :::

The date says when, `how` says how to repeat it. `{once-list}` shows all marks of the book, in the order of its table
of contents.
"""

from datetime import date
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

_WORDS = {
    "en": {
        "title": "Measured once, on {}",
        "how": "How to repeat it: ",
        "count": "Claims in this book that were measured once: {}.",
        "head": ("Where", "When", "How to repeat it"),
    },
    "zh_CN": {
        "title": "仅测一次，{}",
        "how": "复现方法：",
        "count": "全书共有 {} 处数字仅测一次。",
        "head": ("位置", "日期", "复现方法"),
    },
}


class once(nodes.Admonition, nodes.Element):
    """A marked claim."""


class once_list(nodes.General, nodes.Element):
    """Where the list of all marked claims goes."""


class _Once(SphinxDirective):
    required_arguments = 1
    option_spec: ClassVar = {"how": directives.unchanged_required}
    has_content = True

    def run(self):
        self.assert_has_content()
        try:
            day = date.fromisoformat(self.arguments[0]).isoformat()
        except ValueError:
            raise self.error(f"once: {self.arguments[0]!r} is not a date such as 2026-11-20") from None
        if not self.options.get("how"):
            raise self.error("once: the option `how` is missing; it says how to repeat the measurement")
        words = _WORDS[self.config.language]
        how, messages = self.state.inline_text(self.options["how"], self.lineno)
        node = once(ids=[f"once-{self.env.new_serialno('once') + 1}"], classes=["once"], date=day)
        node += nodes.title("", words["title"].format(day))
        self.state.nested_parse(self.content, self.content_offset, node)
        node += nodes.paragraph("", "", nodes.inline("", words["how"]), *how, classes=["once-how"])
        self.env.metadata[self.env.docname]["once"] = True
        return [node, *messages]


class _OnceList(SphinxDirective):
    def run(self):
        self.env.metadata[self.env.docname]["once-list"] = True
        return [once_list()]


def _in_order(env, document):
    """The documents of the book below one, in the order of the table of contents."""
    yield document
    for below in env.toctree_includes.get(document, []):
        yield from _in_order(env, below)


class _FillList(SphinxPostTransform):
    default_priority = 5  # before references are resolved: a `how` may hold some

    def run(self, **_):
        for place in list(self.document.findall(once_list)):
            words, rows = _WORDS[self.config.language], []
            for name in _in_order(self.env, self.config.root_doc):
                if "once" in self.env.metadata[name]:
                    rows += [self._row(name, node) for node in self.env.get_doctree(name).findall(once)]
            count = nodes.paragraph("", words["count"].format(len(rows)))
            place.replace_self([count, _table(words["head"], rows)] if rows else count)

    def _row(self, name, node):
        address = f"{self.app.builder.get_relative_uri(self.env.docname, name)}#{node['ids'][0]}"
        page = nodes.reference("", self.env.titles[name].astext(), refuri=address, internal=True)
        how = node.children[-1]
        for link in how.findall(addnodes.pending_xref):
            link["refdoc"] = self.env.docname  # it is followed from here
        return [page], [nodes.Text(node["date"])], how.children[1:]


def _table(head, rows):
    def row(cells):
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))

    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in head), cols=len(head))
    group += nodes.thead("", row([[nodes.Text(word)] for word in head]))
    group += nodes.tbody("", *map(row, rows))
    return nodes.table("", group)


def _pages_with_a_list(app, env):
    return [name for name in env.all_docs if "once-list" in env.metadata[name]]


def setup(app):
    """Add the two directives; a page with the list is written again whenever any page has changed."""
    app.add_node(once, html=(lambda self, node: self.visit_admonition(node), lambda self, _: self.depart_admonition()))
    app.add_node(once_list)
    app.add_directive("once", _Once)
    app.add_directive("once-list", _OnceList)
    app.add_post_transform(_FillList)
    app.connect("env-updated", _pages_with_a_list)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
