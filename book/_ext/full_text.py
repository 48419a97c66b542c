"""Full-text search that ranks pages by how much of a query they have, in both editions and without a word list.

Sphinx cuts Chinese into words with jieba, when it is installed; a query is cut in the browser, where jieba is not.
Here both sides use the same rule instead: full-width characters become half-width ones, runs of Chinese characters are
cut at words such as 的 and 怎么, and every pair of neighbouring characters of what is left is a term, so that 电能表
becomes 电能 and 能表. Latin words are stemmed as in English. The rule for queries and the ranking are in full_text.js.

What stands in code cells and their outputs is not searched. search_words.yml lists words that people type for a page
and that its text doesn't use; they count like words of its title.
"""

import re
import unicodedata
from collections import Counter
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.search import languages
from sphinx.search.en import SearchEnglish

_HERE = Path(__file__).parent
_WORDS = yaml.safe_load((_HERE / "search_words.yml").read_text("utf-8"))
_HAN = "\u3400-\u9fff"
_TERMS = re.compile(rf"[{_HAN}]+|[^\W{_HAN}]+")
_OFTEN = {"+": 3, "++": 9}  # a page that has a term so often stands in the index under the marked term, too
_STOP_HAN = "|".join(sorted(_WORDS["ignored"]["zh"].split(), key=len, reverse=True))


class SearchWords(SearchEnglish):
    """Latin words, and overlapping pairs of Chinese characters; a Chinese character between others is a term, too."""

    stopwords = SearchEnglish.stopwords | set(_WORDS["ignored"]["en"].split())
    js_splitter_code = (_HERE / "full_text.js").read_text("utf-8").replace("STOP_HAN", _STOP_HAN)

    def split(self, input: str) -> list[str]:
        """Cut a text into terms."""
        terms = []
        for run in _TERMS.findall(re.sub(_STOP_HAN, " ", unicodedata.normalize("NFKC", input))):
            pairs = len(run) > 1 and re.match(rf"[{_HAN}]", run)
            terms += [run[i : i + 2] for i in range(len(run) - 1)] if pairs else [run]
        return terms

    def word_filter(self, word: str) -> bool:
        """Whether a term is worth looking for: a number isn't."""
        return super().word_filter(word) and not word.isdecimal()


class Builder(StandaloneHTMLBuilder):
    """The builder of HTML pages with what is searched: prose, and the words of search_words.yml."""

    def load_indexer(self, docnames):
        """Continue with the index of the last build, without terms that no page has any more."""
        super().load_indexer(docnames)
        for mapping in (self.indexer._mapping, self.indexer._title_mapping):
            for term in [term for term, pages in mapping.items() if not pages]:
                del mapping[term]

    def index_page(self, pagename, doctree, title):
        """Hand a page to the index."""
        searched = doctree.deepcopy()
        for block in list(searched.findall(nodes.container)):
            if block.get("nb_element") == "cell_code":
                block.parent.remove(block)
        for words in _WORDS["pages"].get(pagename, {}).get(self.config.language[:2], []):
            searched += nodes.section("", nodes.title("", words))
        super().index_page(pagename, searched, title)
        lang = self.indexer.lang
        counts = Counter(lang.stem(word) for text in searched.findall(nodes.Text) for word in lang.split(text))
        for term in filter(lang.word_filter, counts):
            for mark, least in _OFTEN.items():
                if counts[term] >= least:
                    self.indexer._mapping.setdefault(term + mark, set()).add(pagename)


def setup(app):
    """Register the languages of the two editions, and the builder."""
    languages["en"] = languages["zh"] = SearchWords
    app.add_builder(Builder, override=True)
    return {"parallel_read_safe": True}
