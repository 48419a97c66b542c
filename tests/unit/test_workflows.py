import re
import subprocess

import pytest
import yaml

from tools import bundle
from tools.book_files import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def jobs(path):
    return yaml.safe_load(path.read_text("utf-8"))["jobs"]


def steps(path):
    return [step for job in jobs(path).values() for step in job["steps"]]


@every_workflow
def test_workflow_calls_commands_that_exist(path):
    commands = [step["run"] for step in steps(path) if "run" in step]
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)) | {".venv/.ready"}
    for command in commands:
        subprocess.run(["bash", "-n", "-c", command], check=True)
        for line in re.findall(r"^make ([^&\n]*)", command, re.MULTILINE):
            assert {word for word in line.split() if "=" not in word} <= targets
    assert any("make" in command or ".ci/run" in command for command in commands)


@every_workflow
def test_nothing_from_outside_becomes_a_part_of_a_shell_command(path):
    for step in steps(path):
        assert "${{" not in step.get("run", ""), "hand it over in env"


@every_workflow
def test_actions_are_pinned_by_commit_with_their_version_beside(path):
    lines = [line for line in path.read_text("utf-8").splitlines() if "uses:" in line]
    for line in lines:
        assert re.fullmatch(r"\s*- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    assert len(lines) == sum("uses" in step for step in steps(path)) >= len(jobs(path)) - 1


def test_an_action_is_pinned_to_one_commit():
    pins = {pin for path in WORKFLOWS for pin in re.findall(r"uses: (\S+ # \S+)", path.read_text("utf-8"))}
    assert len(pins) == len({pin.split("@")[0] for pin in pins})


@every_workflow
def test_only_a_job_that_waits_for_all_others_and_runs_nothing_of_the_project_may_write(path):
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        if job.get("permissions", {}).get("contents") == "write":
            assert {job["needs"]} | {name} == set(workflow["jobs"])
            for step in job["steps"]:
                assert "checkout" not in step.get("uses", "")
                assert not re.search(r"make |pip |python|npm|\.ci/run", step.get("run", ""))
        else:
            assert "permissions" not in job
    assert [path.name for path in WORKFLOWS if "contents: write" in path.read_text("utf-8")] == ["publish.yml"]


@every_workflow
def test_checkouts_leave_no_token_behind(path):
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_publishing_waits_for_the_tests():
    found = jobs(ROOT / ".github" / "workflows" / "publish.yml")
    build = [step.get("run") for step in found[found["publish"]["needs"]]["steps"]]
    assert build.index("bash .ci/run") < build.index("make book bundle")


def test_bundles_are_packed_attached_to_the_release_and_linked(tmp_path):
    """The commands themselves, with programs that write down what they are told."""
    found = jobs(ROOT / ".github" / "workflows" / "publish.yml")
    pack = next(step["run"] for step in found["build"]["steps"] if "tar -cf" in step.get("run", ""))
    names = {f"{bundle.NAME}-{language}.zip" for language in ("en", "zh")}
    for name in ("bundle/" + name for name in names):
        (tmp_path / "_build" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "_build" / name).write_text(name)
    (tmp_path / "_build" / "html").mkdir()
    (tmp_path / "_build" / "html" / "index.html").write_text("book")
    for program in ("git", "gh"):
        (tmp_path / program).write_text(f'#!/bin/sh\necho {program} "$@" "$(ls)" >> {tmp_path}/told\n')
        (tmp_path / program).chmod(0o755)
    runs = [pack.replace("/tmp/site.tar", "site.tar"), *(step.get("run", "") for step in found["publish"]["steps"])]
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "GITHUB_REF_NAME": "v1.0",
        "GITHUB_REPOSITORY": "a/b",
        "TOKEN": "",
    }
    for command in runs:
        subprocess.run(["bash", "-e", "-c", command], cwd=tmp_path, env=environment, check=True)
    told = (tmp_path / "told").read_text()
    upload = re.search(r"gh release upload v1.0 --clobber (.*?) _build", told.replace("\n", " "))[1]
    assert set(upload.split()) <= {f"bundle/{name}" for name in names} | {"bundle"}
    assert len(set(upload.split()) - {"bundle"}) == 2
    assert (tmp_path / "site" / "index.html").is_file() and not list((tmp_path / "site").rglob("*.zip"))  # not twice
    address = "https://github.com/PPOCR-SIG/hands-on-ocr/releases/latest/download/"
    page = (ROOT / "book" / "elsewhere.md").read_text("utf-8")
    assert set(re.findall(re.escape(address) + r"([\w.-]+)", page)) == names


def test_nightly_run_begins_on_machines_that_have_nothing_yet():
    found = jobs(ROOT / ".github" / "workflows" / "nightly.yml")
    assert {"debian:12", "debian:13", "ubuntu:22.04", "ubuntu:26.04"} <= set(
        found["fresh"]["strategy"]["matrix"]["image"]
    )
    assert found["pinned"]["strategy"]["matrix"]["python"] == ["3.10", "3.11", "3.12"]
    assert any(step.get("run") == "make attack" for step in found["attack"]["steps"])


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
