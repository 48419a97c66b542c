from importlib import metadata

import pytest

from ocrbook.installed import installed_megabytes


def test_a_package_counts_with_what_it_needs_and_each_only_once():
    alone, needed = installed_megabytes(["tqdm"]), installed_megabytes(["httpx"])
    assert 0.05 < alone < 5
    assert needed > installed_megabytes(["httpcore"]) > installed_megabytes(["h11"]) > 0
    assert installed_megabytes(["httpx", "httpcore", "h11"]) == pytest.approx(needed)
    assert installed_megabytes(["tqdm", "httpx"]) == pytest.approx(alone + needed)


def test_optional_parts_are_left_out():
    assert installed_megabytes(["paddlex"]) < 1000  # its extras would bring much more


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(metadata.PackageNotFoundError, match="no-such-package"):
        installed_megabytes(["no-such-package"])
