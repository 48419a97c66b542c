"""The most likely text of a network trained with CTC (Graves et al., 2006), of any length or of a known one."""

from __future__ import annotations

import math

import numpy as np

_NEVER = -math.inf


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities along the last axis.

    Examples
    --------
    >>> import numpy as np
    >>> np.exp(log_softmax(np.array([2.0, 2.0]))).tolist()
    [0.5, 0.5]
    """
    above = logits - logits.max(axis=-1, keepdims=True)
    return above - np.log(np.exp(above).sum(axis=-1, keepdims=True))


def best_text(
    log_probabilities: np.ndarray, characters: str, length: int | None = None, *, width: int = 4, floor: float = -9.0
) -> tuple[str, float]:
    """The text that all paths together make most likely, and the logarithm of its probability.

    A prefix beam search (Hannun et al., 2014, "First-pass large vocabulary continuous speech recognition using
    bi-directional recurrent DNNs", algorithm 1, without a language model). Prefixes of each length compete among
    themselves only, so that a text of a known length is found, however much shorter the likeliest one is.

    Parameters
    ----------
    log_probabilities : float (T, 1 + len(characters))
        For each time step; the first class is the blank.
    characters : str
    length : int, optional
        How many characters the text has. None: any number.
    width : int
        Prefixes that are kept of each length.
    floor : float
        Classes that are less likely than this at a time step are not tried there.

    Returns
    -------
    (str, float)
        ("", -inf) where no text of that length is possible.

    Raises
    ------
    ValueError
        If there are not as many classes as characters and a blank.

    Examples
    --------
    >>> import numpy as np
    >>> steps = np.log([[0.1, 0.9, 0.0], [0.6, 0.3, 0.1], [0.1, 0.0, 0.9]] + np.float64(1e-9))
    >>> best_text(steps, "12")[0], best_text(steps, "12", length=1)[0]
    ('12', '1')
    """
    if log_probabilities.ndim != 2 or log_probabilities.shape[1] != len(characters) + 1:
        raise ValueError(f"{len(characters)} characters and a blank don't fit {log_probabilities.shape}")
    beams: dict[str, tuple[float, float]] = {"": (0.0, _NEVER)}  # ways that end with a blank, and with a character
    steps = len(log_probabilities)
    for step, row in enumerate(log_probabilities.tolist()):
        likely = [place for place, each in enumerate(row[1:]) if each > floor]
        grown: dict[str, list[float]] = {}
        for prefix, (blank, solid) in beams.items():
            either = _add(blank, solid)
            same = grown.setdefault(prefix, [_NEVER, _NEVER])
            same[0] = _add(same[0], either + row[0])
            if prefix:
                same[1] = _add(same[1], solid + row[1 + characters.index(prefix[-1])])
            if length is not None and len(prefix) == length:
                continue
            for place in likely:
                longer = grown.setdefault(prefix + characters[place], [_NEVER, _NEVER])
                before = blank if prefix.endswith(characters[place]) else either
                longer[1] = _add(longer[1], before + row[1 + place])
        ranked = sorted(((_add(*ways), prefix) for prefix, ways in grown.items()), reverse=True)
        kept: dict[int, int] = {}
        beams = {}
        for total, prefix in ranked:
            count = kept.get(len(prefix), 0)
            reachable = length is None or len(prefix) + steps - step - 1 >= length
            if total > _NEVER and count < width and reachable:
                kept[len(prefix)] = count + 1
                beams[prefix] = (grown[prefix][0], grown[prefix][1])
    ends = [(_add(*ways), prefix) for prefix, ways in beams.items() if length is None or len(prefix) == length]
    total, text = max(ends, default=(_NEVER, ""))
    return text, total


def _add(a: float, b: float) -> float:
    """The logarithm of the sum of two probabilities given as logarithms."""
    if a < b:
        a, b = b, a
    return a if b == _NEVER else a + math.log1p(math.exp(b - a))
