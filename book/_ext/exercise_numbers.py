"""Exercises are numbered within their page, and their Chinese titles have Chinese punctuation.

sphinx-exercise counts through the whole book, and writes `解答 练习 2 (标题)`.
"""

import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import is_extension_node


def _renumber(app, env):
    """Count again on each page. The stored environment keeps Sphinx's numbers, so that it knows what has changed."""
    for numbers in env.toc_fignumbers.values():
        if "exercise" in numbers:
            labels = sorted(numbers["exercise"], key=numbers["exercise"].get)
            numbers["exercise"] = {label: (number,) for number, label in enumerate(labels, 1)}


_CHINESE = ((r"^ \($", "（"), (r"^\)$", "）"), (r"^解答$", "解答："), (r"^ (?=练习)", ""))


class _ChineseTitles(SphinxPostTransform):
    default_priority = 30  # after sphinx-exercise has made the titles

    def run(self, **_):
        if self.config.language == "zh_CN":
            for node in self.document.findall(is_extension_node):
                for text in list(node[0].findall(nodes.Text)):
                    better = text.astext()
                    for pattern, character in _CHINESE:
                        better = re.sub(pattern, character, better)
                    text.parent.replace(text, nodes.Text(better))


def setup(app):
    """Count once the environment is stored, before any page is written."""
    app.connect("env-check-consistency", _renumber)
    app.add_post_transform(_ChineseTitles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
