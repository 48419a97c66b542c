"""A question with answers that the reader opens, each with the reason why it is right or wrong.

    :::{quiz} Which of the two models finds text on the page?
    - [x] The detector

      It draws boxes; the recogniser gets one cut-out line.
    - [ ] The recogniser

      It never sees the page.
    :::

An answer is a `<details>` element: it opens by mouse and keyboard, without a script.
"""

import re

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

_VERDICTS = {"en": {"x": "Right. ", " ": "No. "}, "zh_CN": {"x": "正确。", " ": "不对。"}}
_BOX = re.compile(r"\[([x ])\] +")


class quiz(nodes.General, nodes.Element):
    """A question and its answers."""


class quiz_answer(nodes.General, nodes.Element):
    """An answer with its explanation."""


class quiz_summary(nodes.Part, nodes.TextElement):
    """What is seen of an answer before it is opened."""


class _Quiz(SphinxDirective):
    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self):
        question, messages = self.state.inline_text(self.arguments[0], self.lineno)
        number = self.env.new_serialno("quiz") + 1
        node = quiz(ids=[f"quiz-{number}"])
        node += nodes.paragraph("", "", *question, ids=[f"quiz-{number}-question"], classes=["quiz-question"])
        body = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, body)
        if len(body) != 1 or not isinstance(body[0], nodes.bullet_list):
            raise self.error("quiz: expected one list of answers below the question, and nothing else")
        answers = [self._answer(item) for item in body[0]]
        if len(answers) < 2 or not any("right" in answer["classes"] for answer in answers):
            raise self.error("quiz: expected two answers or more, and [x] before one of them at least")
        node += answers
        return [node, *messages]

    def _answer(self, item):
        text = item.astext().split("\n")[0]
        box = _BOX.match(text)
        if not box:
            raise self.error(f"quiz: {text[:60]!r} does not begin with [x] or [ ]")
        answer, *explanation = item.children
        if not explanation or not isinstance(explanation[0], nodes.paragraph):
            raise self.error(f"quiz: no paragraph below the answer {text[:60]!r} explains it")
        first = answer[0]
        answer.replace(first, nodes.Text(first.astext()[box.end() :]))
        explanation[0].insert(0, nodes.strong("", _VERDICTS[self.config.language][box[1]]))
        result = quiz_answer(classes=["quiz-answer", "right" if box[1] == "x" else "wrong"])
        result += [quiz_summary("", "", *answer.children), *explanation]
        return result


def _visit_quiz(self, node):
    self.body.append(self.starttag(node, "div", CLASS="quiz", role="group", **{"aria-labelledby": _label(node)}))


def _label(node):
    return f"{node['ids'][0]}-question"


def _element(name):
    return (
        lambda self, node: self.body.append(self.starttag(node, name)),
        lambda self, node: self.body.append(f"</{name}>\n"),
    )


def setup(app):
    """Add the directive."""
    app.add_node(quiz, html=(_visit_quiz, lambda self, node: self.body.append("</div>\n")))
    app.add_node(quiz_answer, html=_element("details"))
    app.add_node(quiz_summary, html=_element("summary"))
    app.add_directive("quiz", _Quiz)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
