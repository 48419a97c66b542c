import re
import subprocess

import pytest
import yaml

from tools.book_files import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_calls_commands_that_exist(path):
    workflow = yaml.safe_load(path.read_text("utf-8"))
    commands = [
        re.sub(r"\$\{\{.*?\}\}", "x", step["run"])
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for command in commands:
        subprocess.run(["bash", "-n", "-c", command], check=True)
        for line in re.findall(r"^make (.*)$", command, re.MULTILINE):
            assert {word for word in line.split() if "=" not in word} <= targets
    assert any("make" in command or ".ci/run" in command for command in commands)


def test_deselected_tests_exist():
    for name in re.findall(r"--deselect (\S+)", (ROOT / ".github" / "workflows" / "nightly.yml").read_text("utf-8")):
        path, _, test = name.partition("::")
        assert f"def {test}" in (ROOT / path).read_text("utf-8")


def test_continuous_integration_runs_the_readmes_command():
    assert "\nmake test\n" in (ROOT / ".ci" / "run").read_text("utf-8")
    assert "\nmake test " in (ROOT / "README.md").read_text("utf-8")


def test_help_explains_every_command_in_a_line():
    printed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)[1].split()
    assert [line.split()[1] for line in printed.splitlines()] == targets
