"""A pytest plugin: the slowest notebooks run first, so that two workers end at about the same time."""

import json

from tools.book_files import ROOT
from tools.run_notebooks import RECORD


def pytest_collection_modifyitems(items):
    record = json.loads(RECORD.read_text("utf-8"))

    def seconds(item):
        return record.get(item.path.relative_to(ROOT).as_posix(), {}).get("seconds", 0)

    items.sort(key=seconds, reverse=True)  # cells of a notebook stay in order: the sort is stable
