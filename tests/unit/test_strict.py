import os
import subprocess
import sys

import pytest

from tools.book_files import ROOT

SKIPS = {
    "test": "import pytest\ndef test_it():\n    pytest.skip('no tool')\n",
    "module": "import pytest\npytest.skip('no tool', allow_module_level=True)\n",
}


@pytest.mark.parametrize("kind", SKIPS)
@pytest.mark.parametrize(("ci", "passes"), [("true", False), ("", True)])
def test_a_skip_fails_under_ci_and_only_there(tmp_path, kind, ci, passes):
    (tmp_path / "test_skip.py").write_text(SKIPS[kind] + "\ndef test_other():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.strict", "-c", os.devnull, str(tmp_path)]
    env = os.environ | {"CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # the other plugins take seconds to load
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert (done.returncode in (0, 5)) is passes, done.stdout
