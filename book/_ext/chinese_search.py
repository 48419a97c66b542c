"""Full-text search in Chinese, without a word list.

Sphinx cuts Chinese into words with jieba, when it is installed; a query is cut in the browser, where jieba is not, so
that 电能表识别 is never found. Here both sides use the same rule instead: every pair of neighbouring characters is a
term. 电能表 becomes 电能 and 能表, and a page is found when it has all the pairs of the query. Latin words are cut and
stemmed as in English.
"""

import re

from sphinx.search import languages
from sphinx.search.en import SearchEnglish

_HAN = "\u3400-\u9fff"
_RUN = re.compile(rf"[{_HAN}]+|[^\W{_HAN}]+")


class SearchChinesePairs(SearchEnglish):
    """Overlapping pairs of Chinese characters; a single character stands for itself."""

    lang = "zh"
    language_name = "Chinese"
    js_splitter_code = f"""
var splitQuery = function(query) {{
  return (query.match(/[{_HAN}]+|[\\p{{Letter}}\\p{{Number}}_]+/gu) || []).flatMap(function(run) {{
    return (run.match(/[{_HAN}]+|[^{_HAN}]+/g) || []).flatMap(function(part) {{
      if (!/[{_HAN}]/.test(part) || part.length === 1) return [part];
      return Array.from({{length: part.length - 1}}, (_, i) => part.slice(i, i + 2));
    }});
  }});
}};
"""

    def split(self, input: str) -> list[str]:
        """Cut a text into terms."""
        terms = []
        for run in _RUN.findall(input):
            if re.match(rf"[{_HAN}]", run):
                terms += [run[i : i + 2] for i in range(len(run) - 1)] + list(run)
            else:
                terms.append(run)
        return terms


def setup(app):
    """Register the language."""
    languages["zh"] = SearchChinesePairs
    return {"parallel_read_safe": True}
