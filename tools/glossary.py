"""The glossary in the order in which readers of Chinese look words up: Latin letters first, then by pinyin."""

from __future__ import annotations

import re

_BODY = re.compile(r"(?<=^```\{glossary\}\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_FIRST_UNCOMMON = "亍".encode("gb2312")  # from here on sorted by radical
_SOUNDS_LIKE = str.maketrans({"阈": "预", "熵": "伤"})  # characters that are not among GB 2312's common ones


def pinyin_key(term: str) -> bytes:
    """A key that sorts terms by pinyin.

    GB 2312 holds its 3,755 common characters in the order of their pinyin, after Latin letters, so that its bytes are
    the key. A character with several readings has the place of the commonest.

    Raises
    ------
    ValueError
        If a character is not among the common ones: add one that sounds like it to `_SOUNDS_LIKE`.
    """
    characters = [each.encode("gb2312", "replace") for each in term.translate(_SOUNDS_LIKE).casefold()]
    if b"?" in characters or max(characters) >= _FIRST_UNCOMMON:
        raise ValueError(f"no place for {term!r} in the order of pinyin")
    return b"".join(characters)


def sort_by_pinyin(page: str) -> str:
    """The text of a page with the entries of its glossary sorted, and each spelling of an entry named once."""

    def sort(body: re.Match) -> str:
        entries = [list(dict.fromkeys(entry.splitlines())) for entry in body[0].strip().split("\n\n")]
        entries.sort(key=lambda lines: pinyin_key(lines[0]))
        return "\n\n".join("\n".join(lines) for lines in entries) + "\n"

    return _BODY.sub(sort, page)
