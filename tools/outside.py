"""Notebooks outside the book: MyST Markdown becomes what plain Jupyter, Colab and AI Studio render.

Links get the titles of their targets, and lead to files that lie beside the notebook or to the online book; exercises
become headings, solutions are folded, boxes become quotations. The code stays as it is. A directive that isn't known
here is an error.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote

import yaml
from markdown_it import MarkdownIt

from tools.book_files import ROOT
from tools.markdown_messages import PARSER

_WORDS = {
    "en": {
        "exercise": "Exercise {}", "titled": "{}: {}", "solution": "Solution to exercise {}",
        "expand": "**{}** (expand the cell below)", "right": "Right.", "wrong": "No.",
        "once": "Measured once, on {}", "how": "How to repeat it: {}",
        "note": "Note", "tip": "Tip", "warning": "Warning", "important": "Important", "seealso": "See also",
    },
    "zh": {
        "exercise": "练习 {}", "titled": "{}：{}", "solution": "练习 {} 参考答案",
        "expand": "**{}**（展开下面的单元格）", "right": "正确。", "wrong": "不对。",
        "once": "仅测一次，{}", "how": "复现方法：{}",
        "note": "备注", "tip": "提示", "warning": "警告", "important": "重要", "seealso": "另请参阅",
    },
}  # fmt: skip
_LABELLED = {"note", "tip", "warning", "important", "seealso"}
_DIRECTIVE = re.compile(r"\{([\w:-]+)\}[ \t]*(.*)")
_OPTION = re.compile(r":([\w-]+):[ \t]*(.*)(?:\n|$)")
_EXERCISE = re.compile(r"^(?:`{3,}|:{3,})\{exercise\}.*\n(?::(?!label:).*\n)*(?::label:[ \t]*(\S+))?", re.MULTILINE)
_ANSWER = re.compile(r"^- \[([xX ])\] +(.*(?:\n(?!- \[).*)*)", re.MULTILINE)
_INLINE = re.compile(
    r"\{(?P<role>[\w:-]+)\}(?P<mark>`+)(?P<content>.+?)(?P=mark)"
    r"|(?P<code>(?P<ticks>`+).+?(?<!`)(?P=ticks)(?!`))"
    r"|(?P<image>!?)\[(?P<text>(?:\\.|`[^`]*`|!\[[^]]*\]\([^)]*\)|[^]\\`])*)\]\((?P<target>[^)\s]*)\)(?:\{[^}\n]*\})?",
    re.DOTALL,
)
_WITH_TARGET = re.compile(r"(.*?)\s*<([^<>]+)>", re.DOTALL)
_UNSHOWN = {"myst_target", "myst_line_comment", "myst_block_break"}
_VERBATIM = {"fence", "code_block", "math_block", "html_block"}


def _details(summary: str, body: str) -> str:
    title = MarkdownIt("commonmark").renderInline(summary)
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"


def _quotation(label: str, body: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in f"{label}\n\n{body}".split("\n"))


def title_of(path: Path) -> str:
    """The title of a page or notebook, which is its first heading."""
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        text = "".join(json.loads(text)["cells"][0]["source"])
    return re.search(r"^# +(.+?) *$", text, re.MULTILINE)[1]


class Outside:
    """Converts the documents of one edition.

    Parameters
    ----------
    root
        Where the edition's pages, notebooks and _config.yml are.
    language
        "en" or "zh"
    files
        What lies beside the converted documents, as paths relative to their common folder. Links to other pages and
        pictures lead to the online book, those to other files to the repository.
    """

    def __init__(self, root: Path, language: str, files: Collection[Path] = ()) -> None:
        self.root, self.files, self.words = root, set(files), _WORDS[language]
        config = yaml.safe_load((root / "_config.yml").read_text("utf-8"))
        self.url = config["html"]["baseurl"]
        self.repository = "{url}/tree/{branch}/".format(**config["repository"])
        self.document = Path()
        self.numbers: dict[str | None, int] = {}
        self.exercises = self.solved = 0  # exercises seen; the exercise whose solution is open, or 0

    def notebook(self, text: str, document: Path) -> str:
        """The text of a notebook file, converted."""
        notebook = json.loads(text)
        sources = ["".join(cell["source"]) for cell in notebook["cells"]]
        prose = [s for s, cell in zip(sources, notebook["cells"], strict=True) if cell["cell_type"] == "markdown"]
        self._begin(document, "\n\n".join(prose))
        for source, cell in zip(sources, notebook["cells"], strict=True):
            if cell["cell_type"] == "markdown":
                cell["source"] = self._markdown(source).splitlines(keepends=True)
            elif self.solved:
                cell["metadata"] |= {"jupyter": {"source_hidden": True, "outputs_hidden": True}, "cellView": "form"}
        notebook["cells"] = [c for c in notebook["cells"] if c["source"] or c["cell_type"] == "code"]
        return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"

    def page(self, text: str, document: Path) -> str:
        """The text of a Markdown file, converted."""
        self._begin(document, text)
        return self._markdown(text) + "\n"

    def _begin(self, document: Path, prose: str) -> None:
        self.document, self.exercises, self.solved = document, 0, 0
        self.numbers = {match[1]: number for number, match in enumerate(_EXERCISE.finditer(prose), 1)}

    def _markdown(self, source: str) -> str:
        lines, cursor, begun = source.split("\n"), 0, 0
        blocks: list[str] = []
        folded: list[str] = []  # prose of a solution that is open

        def unfold() -> None:
            if folded:
                blocks.append(_details(self.words["solution"].format(self.solved), "\n\n".join(folded)))
                folded.clear()

        def add(part: str) -> None:
            if part.strip():
                (folded if self.solved else blocks).append(part.strip("\n"))

        for token in PARSER.parse(source):
            if token.level or token.nesting < 0 or not token.map:
                continue
            first, last = token.map
            add("\n".join(lines[cursor:first]))  # such as definitions of links
            cursor, text = last, "\n".join(lines[first:last])
            directive = token.type in ("fence", "colon_fence") and _DIRECTIVE.match(token.info.strip())
            if directive and directive[1] == "solution-start":
                self.solved = begun = self._number(directive[2])
            elif directive and directive[1] == "solution-end":
                unfold()
                self.solved = begun = 0
            elif directive:
                add(self._directive(directive[1], directive[2], token.content))
            elif token.type not in _UNSHOWN:
                add(text if token.type in _VERBATIM else self._inline(text))
        add("\n".join(lines[cursor:]))
        unfold()
        if begun:
            blocks.append(self.words["expand"].format(self.words["solution"].format(begun)))
        return "\n\n".join(blocks)

    def _number(self, label: str) -> int:
        if label not in self.numbers:
            raise ValueError(f"{self.document}: there is no exercise {label!r}")
        return self.numbers[label]

    def _directive(self, name: str, argument: str, body: str) -> str:
        options: dict[str, str] = {}
        while option := _OPTION.match(body):
            options[option[1]] = option[2].strip()
            body = body[option.end() :]
        title, folded = self._inline(argument), "dropdown" in options.get("class", "").split()
        if name == "exercise":
            self.exercises += 1
            heading = self.words["exercise"].format(self.exercises)
            heading = self.words["titled"].format(heading, title) if title else heading
            return f"### {heading}\n\n{self._markdown(body)}"
        if name == "solution":
            return _details(self.words["solution"].format(self._number(argument)), self._markdown(body))
        if name == "dropdown":
            return _details(title, self._markdown(body))
        if name == "quiz":
            return f"### {title}\n\n" + "\n\n".join(map(self._answer, _ANSWER.findall(body)))
        if name == "once":
            body += "\n\n" + self.words["how"].format(options["how"]) if "how" in options else ""
            return _quotation(f"**{self.words['once'].format(argument)}**", self._markdown(body))
        if name == "figure":
            alt, caption = options.get("alt", ""), self._markdown(body)
            return self._inline(f"![{alt}]({argument})") + (f"\n\n{caption}" if caption else "")
        if name in _LABELLED:
            title, body = self.words[name], f"{argument}\n\n{body}"
        elif name != "admonition":
            raise ValueError(f"{self.document}: tools/outside.py does not know the directive {{{name}}}")
        text = self._markdown(body)
        return _details(title, text) if folded else _quotation(f"**{title}**", text)

    def _answer(self, answer: tuple[str, str]) -> str:
        mark, text = answer
        first, _, explanation = text.partition("\n")
        explanation = "\n".join(line.removeprefix("  ") for line in explanation.strip("\n").split("\n"))
        verdict = self.words["wrong" if mark == " " else "right"]
        return _details(self._inline(first.strip()), f"**{verdict}** {self._markdown(explanation)}")

    def _inline(self, text: str) -> str:
        return _INLINE.sub(self._replace, text)

    def _replace(self, match: re.Match) -> str:
        if match["code"]:
            return match[0]
        if match["role"]:
            return self._role(match["role"], match["content"])
        text, target = self._inline(match["text"]), match["target"]
        if match["image"]:
            return f"![{text}]({self._picture(target)})"
        return self._link(text, target)

    def _role(self, role: str, content: str) -> str:
        with_target = _WITH_TARGET.fullmatch(content)
        text, target = (with_target[1], with_target[2]) if with_target else (content, content)
        if role == "term":
            address = f"{self.url}book/glossary.html"
            plain = re.sub(r"[^\w.]+", "-", target)
            address += f"#term-{plain}" if target.isascii() else f"#:~:text={quote(target)}"
            return f"[{text}]({address})"
        if role == "doc":
            return self._link("" if text == target else text, target)
        if target in self.numbers:
            return text if with_target else self.words["exercise"].format(self.numbers[target])
        return text

    def _here(self, target: str) -> Path:
        """The path of a relative target from the edition's root."""
        return Path(os.path.normpath(self.document.parent / target))

    def _link(self, text: str, target: str) -> str:
        if re.match(r"[a-z]+:", target):
            return f"[{text}]({target})"
        name, _, anchor = target.partition("#")
        if not name:
            return text
        path = self._here(name)
        source = next((p for s in ("", ".md", ".ipynb") if (p := self.root / f"{path}{s}").is_file()), None)
        if source and source.suffix in (".md", ".ipynb"):
            text, path = text or title_of(source), source.relative_to(self.root)
            if path in self.files:
                return f"[{text}]({os.path.relpath(path, self.document.parent)})"
            anchor = f"#{anchor}" if anchor else ""
            return f"[{text}]({self.url}{path.with_suffix('.html').as_posix()}{anchor})"
        if text and any(file == path or path in file.parents for file in self.files):
            return f"[{text}]({target})"
        if text and (ROOT / path).exists():
            return f"[{text}]({self.repository}{path.as_posix()})"
        raise ValueError(f"{self.document}: outside the book, the link to {target} leads nowhere")

    def _picture(self, target: str) -> str:
        path = self._here(target)
        return target if path in self.files or ":" in target else f"{self.url}_images/{path.name}"
