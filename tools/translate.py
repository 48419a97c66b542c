"""The Chinese edition.

    python -m tools.translate update   refresh the PO files after the English text has changed
    python -m tools.translate check    fail if a message is missing, fuzzy or stale, or lost its code, links or emphasis
    python -m tools.translate tree     write the translated pages and notebooks to _build/src/zh

English is the source. book/locale/zh_CN/LC_MESSAGES holds one PO file per page.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import nbformat
import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from markdown_it import MarkdownIt

from tools import code_messages, figures, first_cell
from tools.book_files import ROOT, documents, remove_others, toc, write_if_changed
from tools.glossary import sort_by_pinyin
from tools.markdown_messages import messages, translate
from tools.run_notebooks import showcase_pictures

LOCALE = ROOT / "book" / "locale" / "zh_CN" / "LC_MESSAGES"
THEME = ROOT / "book" / "locale" / "zh_CN" / "theme.po"  # words of the book's theme, which no page holds
TREE = ROOT / "_build" / "src" / "zh"
README = Path("book/bundle.md")
_CONFIG = Path("_config.yml")
_GLOSSARY = Path("book/glossary.md")
_EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)  # a fixed date, so that an unchanged PO file stays unchanged
_ANNOTATOR_LANGUAGE = ("&quot;language&quot;: &quot;en&quot;", "&quot;language&quot;: &quot;zh&quot;")
_SPEAK_CHINESE = ["\n", 'os.environ.setdefault("OCRBOOK_LANGUAGE", "zh")']  # the annotator, where it runs
_ROLE = re.compile(r"\{[\w:-]+\}`[^`]+`")  # a link to the glossary is a word of its language
_PARTS = re.compile(r"(?<!`)`[^`]+`|\$[^$]+\$|\]\([^)]+\)|\{[^{}\d]+\}")  # code, formulas, link targets, {values}


def _cell_texts(cell: dict) -> list[tuple[dict, str]]:
    """The places in a code cell's metadata that readers see: alternative text and caption of its figure."""
    shown = cell["metadata"].get("mystnb", {})
    places = [(shown.get("image", {}), "alt"), (shown.get("figure", {}), "caption")]
    return [(holder, key) for holder, key in places if key in holder]


def _is_hidden(cell: dict) -> bool:
    """Whether this is the first code cell, which finds the book; its messages are those of the template."""
    return "remove-cell" in cell["metadata"].get("tags", [])


def _translate_notebook(text: str, translation: Callable[[str], str]) -> str:
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = translate("".join(cell["source"]), translation).splitlines(keepends=True)
        elif _is_hidden(cell):
            source = first_cell.translate("".join(cell["source"]), translation_of(first_cell.TEMPLATE))
            cell["source"] = [*source.splitlines(keepends=True), *_SPEAK_CHINESE]
        else:
            cell["source"] = code_messages.translate("".join(cell["source"]), translation).splitlines(keepends=True)
        for holder, key in _cell_texts(cell):
            holder[key] = translation(holder[key])
        for output in cell.get("outputs", []):
            figures.translate_output(output, translation)
            page = output.get("data", {}).get("text/html")
            if page:  # the annotator speaks the language of the edition
                output["data"]["text/html"] = "".join(page).replace(*_ANNOTATOR_LANGUAGE)
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def to_chinese_edition(address: str) -> str:
    """The address of the same thing in the Chinese edition, which is published beside the English one."""
    return re.sub(r"/en(?=/|$)", "/zh", address)


def _translate_config(text: str, translation: Callable[[str], str]) -> str:
    config = yaml.safe_load(text)
    config["title"] = translation(config["title"])
    settings = config["sphinx"]["config"]
    settings["language"] = "zh_CN"
    settings["twin"] = {"language": "en", "label": "EN", "name": "English", "folder": "en"}
    for holder, key in ((config["html"], "baseurl"), (settings["launch"], "sources")):
        holder[key] = to_chinese_edition(holder[key])
    settings["theme_words"] = {entry.id: entry.string for entry in _read_po(THEME) if entry.id}
    settings["launch"]["colab"] = "Google Colab（需能访问 Google）"
    settings["vendor_folder"] = "../../vendor"
    settings["togglebutton_hint"], settings["togglebutton_hint_hide"] = "点击展开", "点击收起"
    return yaml.safe_dump(config, allow_unicode=True, sort_keys=False)


def _toc_words(contents: dict) -> list[tuple[dict, str]]:
    """The places in the table of contents that readers see: captions of parts, and titles other than a page's own."""
    parts = contents["parts"]
    chapters = [chapter for part in parts for chapter in part["chapters"] if "title" in chapter]
    return [(part, "caption") for part in parts] + [(chapter, "title") for chapter in chapters]


def _translate_toc(translation: Callable[[str], str]) -> str:
    contents = toc()
    for holder, key in _toc_words(contents):
        holder[key] = translation(holder[key])
    return yaml.safe_dump(contents, allow_unicode=True, sort_keys=False)


def extract(document: Path) -> list[str]:
    """The messages of a page, a notebook, a schematic, of all notebooks' first cell, or of _config.yml and contents."""
    text = (ROOT / document).read_text("utf-8")
    if document == _CONFIG:
        words = [yaml.safe_load(text)["title"], *(holder[key] for holder, key in _toc_words(toc()))]
        return list(dict.fromkeys(words))
    if document.suffix == ".md":
        return messages(text)
    if document.suffix == ".svg":
        return list(dict.fromkeys(figures.svg_messages(text)))
    cells, found = json.loads(text)["cells"], []
    if document == first_cell.TEMPLATE:
        return list(dict.fromkeys(first_cell.messages("".join(next(filter(_is_hidden, cells))["source"]))))
    for cell in cells:
        if cell["cell_type"] == "markdown":
            found += messages("".join(cell["source"]))
        elif not _is_hidden(cell):
            found += code_messages.messages("".join(cell["source"]))
        found += [holder[key] for holder, key in _cell_texts(cell)]
        for output in cell.get("outputs", []):
            found += figures.output_messages(output)
    return list(dict.fromkeys(found))


def catalog_path(document: Path) -> Path:
    """The PO file of a document."""
    return LOCALE / document.with_suffix(".po")


def _read_po(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh_CN")


def _read(document: Path) -> Catalog:
    path = catalog_path(document)
    return _read_po(path) if path.is_file() else Catalog(locale="zh_CN", creation_date=_EPOCH, revision_date=_EPOCH)


def bundled() -> list[Path]:
    """Pages that are not in the book but in the bundles: their README, and the data set cards."""
    return [README, *(path.relative_to(ROOT) for path in sorted(ROOT.glob("datasets/**/README.md")))]


def _all_documents() -> list[Path]:
    template = [first_cell.TEMPLATE] if (ROOT / first_cell.TEMPLATE).is_file() else []
    return [_CONFIG, *template, *documents(), *bundled(), *_schematics()]


def _schematics() -> list[Path]:
    return sorted(path.relative_to(ROOT) for path in (ROOT / "book" / "schematics").glob("*.svg"))


def update() -> None:
    """Bring every PO file up to date: new messages empty, edited ones fuzzy, vanished ones dropped."""
    written = set()
    for document in _all_documents():
        template = Catalog(creation_date=_EPOCH)
        for message in extract(document):
            template.add(message)
        catalog = _read(document)
        catalog.update(template, update_creation_date=False)
        catalog.revision_date = _EPOCH
        catalog.fuzzy = False
        buffer = io.BytesIO()
        write_po(buffer, catalog, width=100, ignore_obsolete=True, include_lineno=False)
        write_if_changed(catalog_path(document), buffer.getvalue())
        written.add(catalog_path(document))
    remove_others(LOCALE, written)


def _has_stray_asterisk(message: str) -> bool:
    """Whether an asterisk would be shown instead of making text stand out, as in `*注意：*把`."""
    (block,) = MarkdownIt().parseInline(message)
    return any(token.type == "text" and "*" in token.content for token in block.children)


def _parts(message: str) -> set[str]:
    """What must survive translation."""
    return set(_PARTS.findall(_ROLE.sub("", message)))


def problems(document: Path) -> list[str]:
    """What is wrong with the translation of a document, a line each; empty when nothing is."""
    catalog, wanted, found = _read(document), extract(document), []
    for message in wanted:
        entry = catalog.get(message)
        if entry is None or not entry.string:
            found.append(f"not translated: {message[:80]!r}")
        elif entry.fuzzy:
            found.append(f"fuzzy, the English has changed: {message[:80]!r}")
        elif lost := _parts(message) - _parts(entry.string):
            found.append(f"the translation of {message[:40]!r} lacks {', '.join(sorted(lost))}")
        elif figures.loses_numbers(message, entry.string):
            found.append(f"the translation of {message[:40]!r} has other places for numbers")
        elif _has_stray_asterisk(entry.string) and not _has_stray_asterisk(message):
            found.append(f"asterisks are shown, put a space beside them: {entry.string[:40]!r}")
    stale = {entry.id for entry in catalog if entry.id} - set(wanted)
    found += [f"no longer in the text: {message[:80]!r}" for message in sorted(stale)]
    return [f"{catalog_path(document).relative_to(ROOT)}: {line}" for line in found]


def translation_of(document: Path) -> Callable[[str], str]:
    """The Chinese of each message of a document, or the message itself where there is none."""
    catalog = _read(document)

    def lookup(message: str) -> str:
        entry = catalog.get(message)
        return entry.string if entry and entry.string and not entry.fuzzy else message

    return lookup


def write_tree() -> None:
    """Write pages, notebooks, table of contents and configuration in Chinese; unchanged files keep their dates."""

    def write(path: Path, content: str | bytes) -> None:
        write_if_changed(TREE / path, content.encode("utf-8") if isinstance(content, str) else content)
        written.add(TREE / path)

    written: set[Path] = set()
    for document in [*documents(), *bundled()]:
        convert = translate if document.suffix == ".md" else _translate_notebook
        content = convert((ROOT / document).read_text("utf-8"), translation_of(document))
        write(document, sort_by_pinyin(content) if document == _GLOSSARY else content)
        if document.suffix == ".ipynb":
            for name, picture in showcase_pictures(nbformat.reads(content, as_version=4)).items():
                write(Path("book", "showcase", name), picture)
    for document in _schematics():
        drawn = figures.translate_svg((ROOT / document).read_text("utf-8"), translation_of(document))
        write(document, figures.embed_font(drawn))
    lookup = translation_of(_CONFIG)
    write(_CONFIG, _translate_config((ROOT / _CONFIG).read_text("utf-8"), lookup))
    write(Path("_toc.yml"), _translate_toc(lookup))
    for folder in ("_ext", "_static"):
        for path in (ROOT / "book" / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                write(path.relative_to(ROOT), path.read_bytes())
    remove_others(TREE, written)


def main() -> int:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("update", "check", "tree"))
    command = parser.parse_args().command
    if command == "tree":
        write_tree()
        return 0
    if command == "update":
        update()
    found = [line for document in _all_documents() for line in problems(document)]
    print("\n".join(found) or f"{sum(len(extract(d)) for d in _all_documents())} messages, all translated")
    return int(bool(found) and command == "check")


if __name__ == "__main__":
    sys.exit(main())
