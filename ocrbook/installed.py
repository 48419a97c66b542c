"""How much has to be installed for a program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

__all__ = [
    "installed_megabytes",
]


def installed_megabytes(names: Sequence[str]) -> float:
    """The size of packages with everything that they ask for, in megabytes (millions of bytes).

    Optional parts (extras) are left out, also those that another package asks for, and so are packages that are not
    installed.

    Parameters
    ----------
    names : sequence of str
        As pip knows them.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If one of `names` itself is not installed.

    Examples
    --------
    >>> from ocrbook.installed import installed_megabytes
    >>> installed_megabytes(["matplotlib"]) > installed_megabytes(["numpy"]) > 10  # matplotlib needs numpy
    True
    """
    found = {_key(name): metadata.distribution(name) for name in names}
    waiting = list(found.values())
    while waiting:
        for line in waiting.pop().requires or []:
            name = _key(re.split(r"[ ;<>=!~\[(]", line, maxsplit=1)[0])
            if "extra ==" in line or name in found:
                continue
            try:
                found[name] = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                continue
            waiting.append(found[name])
    paths = {Path(file.locate()).resolve() for each in found.values() for file in each.files or []}
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def _key(name: str) -> str:
    """A name as packages compare them."""
    return re.sub(r"[-_.]+", "-", name).lower()
