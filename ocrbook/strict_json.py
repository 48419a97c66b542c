"""JSON as its standard has it: what one program reads in a text, every other one reads, too."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any


def parse(text: str) -> Any:
    """Parse JSON strictly.

    Raises
    ------
    ValueError
        If it is not JSON; also for what Python's parser would let pass: a key that comes twice, NaN and Infinity, and
        thousands of nested brackets.

    Examples
    --------
    >>> from ocrbook import strict_json
    >>> strict_json.parse('{"digits": 5}')
    {'digits': 5}
    >>> strict_json.parse('{"digits": 5, "digits": 6}')
    Traceback (most recent call last):
    ValueError: 'digits' comes twice in one object
    """
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"{twice!a:.80} comes twice in one object")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number in JSON")
