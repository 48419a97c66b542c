import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import fetching
from tools.book_files import ROOT

LOCK = (ROOT / "tools" / "requirements.lock").read_text("utf-8")


def requirements(text):
    """The requirements of a file, without options, comments and hashes."""
    lines = [re.sub(r" \\$|\s+#.*", "", line).strip() for line in text.splitlines() if re.match("[A-Za-z]", line)]
    return [Requirement(line) for line in lines]


WANTED = requirements((ROOT / "requirements.txt").read_text("utf-8"))
HERE = [each for each in WANTED if each.marker is None or each.marker.evaluate()]


def test_opencv_is_4_10_whatever_was_installed_last():
    assert cv2.__version__ == "4.10.0"


@pytest.mark.parametrize("requirement", HERE, ids=lambda requirement: requirement.name)
def test_requirement_is_installed_as_pinned(requirement):
    assert requirement.specifier.contains(importlib.metadata.version(requirement.name))


def test_every_requirement_is_pinned_exactly():
    assert all(re.fullmatch(r"==[\w.]+", str(each.specifier)) for each in WANTED)
    assert len(WANTED) > 30


def test_constraints_pin_what_requirements_pull_in():
    pinned = requirements((ROOT / "tools" / "constraints.txt").read_text("utf-8"))
    assert [str(each) for each in pinned] == [str(each) for each in requirements(LOCK)]
    assert {(each.name, str(each.specifier)) for each in WANTED} <= {
        (each.name, str(each.specifier)) for each in pinned
    }


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12"])
def test_every_python_gets_one_version_of_a_package(python):
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    for listed in (WANTED, requirements(LOCK)):
        chosen = [each.name for each in listed if each.marker is None or each.marker.evaluate(environment)]
        assert len(chosen) == len({canonicalize_name(name) for name in chosen})
        assert {"onnxruntime", "paddlepaddle", "paddleocr"} <= set(chosen)


@pytest.mark.parametrize(
    "name", ["tools/requirements.lock", "tests/interop/ppocrlabel.txt", "tests/interop/label_studio.txt"]
)
def test_lock_has_a_hash_for_every_package(name):
    text = (ROOT / name).read_text("utf-8")
    entries = re.split(r"\n(?=[A-Za-z])", re.sub(r"(?m)^#.*\n", "", text))
    assert len(entries) == len(requirements(text)) >= 10
    for entry in entries:
        assert re.fullmatch(r"[A-Za-z][^\n]+==[^\n]+( \\\n    --hash=sha256:[0-9a-f]{64})+\n?", entry), entry


@pytest.mark.parametrize("folder", ["katex", "fonts"])
def test_npm_packages_are_locked_with_their_integrity(folder):
    lock = json.loads((ROOT / "tools" / folder / "package-lock.json").read_text("utf-8"))["packages"]
    wanted = json.loads((ROOT / "tools" / folder / "package.json").read_text("utf-8"))["dependencies"]
    assert lock.pop("")["dependencies"] == wanted
    assert {f"node_modules/{name}" for name in wanted} <= set(lock)
    for name, package in lock.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
        assert wanted.get(name.removeprefix("node_modules/"), package["version"]) == package["version"]


def test_python_is_a_supported_one():
    assert (3, 10) <= sys.version_info[:2] <= (3, 12)


def test_no_file_names_a_package_registry():
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "debian" + ".org")
    files = [*ROOT.glob("tools/**/*"), *ROOT.glob("tests/interop/*.*"), *ROOT.glob(".github/workflows/*")]
    for path in [ROOT / "requirements.txt", ROOT / "Makefile", *files]:
        if path.is_file() and path.suffix != ".pyc":
            text = path.read_text("utf-8")
            assert not [host for host in hosts if host in text], path


PIP = """
[global]
index-url = https://mirror.example/simple
extra_index_url =
    https://one.example/simple
    https://two.example/simple
proxy = proxy.example:3128
[install]
find-links = /wheels /more
trusted-host = one.example two.example
timeout = 60
"""


@pytest.fixture
def network(tmp_path, monkeypatch):
    """A function that runs a program of this project with pip configured so; it returns what uv and npm were told."""
    (tmp_path / "ca.pem").write_text("certificates")
    (tmp_path / "pip.conf").write_text(PIP + f"cert = {tmp_path / 'ca.pem'}\n")
    for name in list(os.environ):
        if re.match("PIP_|UV_|SSL_|NODE_|npm_|https?_proxy|REQUESTS_CA|CURL_CA", name, re.IGNORECASE):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(path, script):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def settings_in(path):
    return dict(line.split("=", 1) for line in path.read_text("utf-8").splitlines() if "=" in line)


def assert_as_pip_is_configured(told, network):
    assert told["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert told["UV_INDEX"] == "https://one.example/simple https://two.example/simple"
    assert told["UV_FIND_LINKS"] == "/wheels,/more"
    assert told["UV_INSECURE_HOST"] == "one.example two.example"
    assert told["UV_HTTP_TIMEOUT"] == "60"
    assert told["HTTPS_PROXY"] == told["https_proxy"] == told["HTTP_PROXY"] == "http://proxy.example:3128"
    assert told["SSL_CERT_FILE"] == told["NODE_EXTRA_CA_CERTS"] == str(network / "ca.pem")


def test_uv_fetches_as_pip_is_configured(network):
    clone = network / "clone"
    for name in ("setup.sh", "fetching.py", "requirements.lock"):
        (clone / "tools").mkdir(parents=True, exist_ok=True)
        (clone / "tools" / name).write_bytes((ROOT / "tools" / name).read_bytes())
    (clone / "tools" / "setup.sh").chmod(0o755)
    # An environment whose pip installs nothing, and whose uv writes down how it was called.
    told = network / "told"
    program(
        clone / ".venv/bin/python",
        f'case "$*" in "-m pip install"*) echo "$@" >> {told}.pip;; *) exec {sys.executable} "$@";; esac',
    )
    program(clone / ".venv/bin/uv", f'env > {told}; echo "$@" >> {told}.calls')
    subprocess.run(["tools/setup.sh", "environment"], cwd=clone, check=True, capture_output=True)
    assert_as_pip_is_configured(settings_in(told), network)
    calls = (network / "told.calls").read_text().splitlines()
    assert [re.search("-r (.*)", call)[1] for call in calls] == ["tools/requirements.lock", "_build/opencv.txt"]
    assert all("--require-hashes" in call for call in [*calls, (network / "told.pip").read_text()])
    assert (clone / "_build/opencv.txt").read_text().startswith("opencv-python-headless==4.10.0.84 ")
    assert (clone / ".venv/.ready").exists()


def test_npm_fetches_as_pip_is_configured_and_its_error_is_shown(network):
    source, target = ROOT / "tools" / "katex", network / "npm"
    program(
        network / "bin" / "npm",
        f'env > {network / "told"}; echo "npm error code E{{1..30}}" >&2; echo last >&2; exit 1',
    )
    with pytest.raises(RuntimeError, match=r"npm can't fetch the packages of .*katex.package.json:\n(.*\n)?last"):
        fetching.npm_packages(source, target)
    assert_as_pip_is_configured(settings_in(network / "told"), network)
    program(network / "bin" / "npm", f'echo "$@" >> {network / "calls"}; mkdir -p node_modules')
    for _ in range(2):
        assert fetching.npm_packages(source, target) == target / "node_modules"
    assert (network / "calls").read_text() == "ci --ignore-scripts --no-audit --no-fund\n"  # the second time nothing


@pytest.mark.parametrize(
    ("pip", "variables", "expected"),
    [
        (
            {"index-url": "a"},
            {"UV_DEFAULT_INDEX": "own", "SSL_CERT_FILE": "x", "NODE_EXTRA_CA_CERTS": "x"},
            {},
        ),
        ({"cert": "a.pem"}, {"SSL_CERT_FILE": "own.pem", "NODE_EXTRA_CA_CERTS": "own.pem"}, {}),
        ({"cert": "/"}, {"NODE_EXTRA_CA_CERTS": "own.pem"}, {"SSL_CERT_DIR": "/"}),
        ({}, {"REQUESTS_CA_BUNDLE": "a.pem", "NODE_EXTRA_CA_CERTS": "x"}, {"SSL_CERT_FILE": "a.pem"}),
        ({}, {"CURL_CA_BUNDLE": "a.pem", "NODE_EXTRA_CA_CERTS": "x"}, {"SSL_CERT_FILE": "a.pem"}),
        ({"no-index": "true"}, {"SSL_CERT_FILE": "x", "NODE_EXTRA_CA_CERTS": "x"}, {"UV_NO_INDEX": "1"}),
        ({"no-index": "false"}, {"SSL_CERT_FILE": "x", "NODE_EXTRA_CA_CERTS": "x"}, {}),
        ({"index-url": "a"}, {"UV_INDEX_URL": "own", "SSL_CERT_FILE": "x", "NODE_EXTRA_CA_CERTS": "x"}, {}),
        ({"timeout": "2.5"}, {"SSL_CERT_FILE": "x", "NODE_EXTRA_CA_CERTS": "x"}, {"UV_HTTP_TIMEOUT": "3"}),
        ({"timeout": "long"}, {"SSL_CERT_FILE": "x", "NODE_EXTRA_CA_CERTS": "x"}, {}),
    ],
)
def test_what_is_set_for_uv_or_npm_themselves_is_left_as_it_is(pip, variables, expected):
    assert fetching.translated(pip, variables) == expected


def test_tilde_is_the_home_folder_as_in_pip(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ca.pem").write_text("certificates")
    told = fetching.translated({"cert": "~/ca.pem", "client-cert": "~/me.pem", "find-links": "~/wheels file:///x"}, {})
    assert told["SSL_CERT_FILE"] == told["NODE_EXTRA_CA_CERTS"] == str(tmp_path / "ca.pem")
    assert told["SSL_CLIENT_CERT"] == str(tmp_path / "me.pem")
    assert told["UV_FIND_LINKS"] == f"{tmp_path / 'wheels'},file:///x"


def test_quiet_pip_tells_its_settings_too(network, monkeypatch):
    monkeypatch.setenv("PIP_QUIET", "2")
    assert fetching.pip_settings()["index-url"] == "https://mirror.example/simple"


@pytest.mark.parametrize("home", ["/dev/null", "/proc"])
def test_home_that_cannot_be_written_to_keeps_nothing_from_being_fetched(tmp_path, monkeypatch, home):
    monkeypatch.setenv("HOME", home)
    kept = str(ROOT / "_build" / "cache")
    assert fetching.caches({}) == {"UV_CACHE_DIR": f"{kept}/uv", "npm_config_cache": f"{kept}/.npm"}
    assert fetching.caches({"UV_CACHE_DIR": "/a", "npm_config_cache": "/b"}) == {}
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fetching.caches({}) == {}


def test_interrupted_setup_is_finished_by_the_next_one(network):
    """Whole packages in place of halves; an environment without pip, or without its Python, begins anew."""
    clone = network / "clone"
    for name in ("Makefile", "tools/setup.sh", "tools/fetching.py", "tools/requirements.lock"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, clone / name)
    told = network / "calls"

    def environment(folder, pip):
        fails = '"-m pip --version") exit 1;;' if not pip else ""
        program(folder / "bin/python", f'case "$*" in {fails} "-m pip"*) ;; *) exec {sys.executable} "$@";; esac')
        program(folder / "bin/uv", f'echo "$@" >> {told}; [ ! -e {network}/full ]')
        (folder / "pyvenv.cfg").touch()

    def make():
        told.write_text("")
        done = subprocess.run(
            ["make", "-s", ".venv/.ready", f"PYTHON={network / 'python'}"], cwd=clone, capture_output=True, text=True
        )
        return done.returncode, ["--reinstall" in call for call in told.read_text().splitlines()]

    environment(network / "template", pip=True)
    program(
        network / "python",
        f'case "$*" in "-m venv .venv") exec cp -r {network}/template .venv;; *) exec {sys.executable} "$@";; esac',
    )
    environment(clone / ".venv", pip=False)  # killed before pip was there
    assert make() == (0, [False, True])  # a new one; OpenCV is always written once more
    assert "relocatable = true" in (clone / ".venv/pyvenv.cfg").read_text()
    assert make() == (0, [])
    (clone / "tools/requirements.lock").touch()
    (network / "full").touch()
    assert make() == (2, [False])
    (network / "full").unlink()
    assert make() == (0, [True, True])  # what the one before has left may be half a package
    (clone / ".venv/bin/python").unlink()
    (clone / ".venv/bin/python").symlink_to("/gone/python")
    assert make() == (0, [False, True])


def run_setup(path, command, **more):
    """tools/setup.sh with no programs but the ones in a folder."""
    return subprocess.run(
        ["/bin/sh", str(ROOT / "tools" / "setup.sh"), command],
        env={"PATH": str(path), **more},
        capture_output=True,
        text=True,
    )


def test_missing_package_is_named_with_the_command_that_installs_it(tmp_path):
    for name in ("dirname", "sed", "uname", "ls", "grep"):
        (tmp_path / name).symlink_to(shutil.which(name))
    program(tmp_path / "id", "echo 1000")
    program(tmp_path / "apt-get", 'case "$*" in *chromium*) exit 100;; esac')
    done = run_setup(tmp_path, "system")
    assert done.returncode == 0
    known = [line for line in done.stderr.splitlines() if "sudo apt-get install --no-install-recommends" in line]
    assert len(known) == 1 and "tesseract-ocr" in known[0] and "mono-mcs" in known[0], done.stderr
    if list(Path("/var/lib/apt/lists").glob("*_Packages*")):
        (unknown,) = [line for line in done.stderr.splitlines() if "no package of this system" in line]
        assert unknown.endswith(": chromium chromium-driver")
        assert "chromium" not in known[0]


@pytest.mark.parametrize(("cores", "thirds", "expected"), [(1, 8, 1), (2, 8, 2), (64, 8, 8), (4, 0, 1)])
def test_workers_follow_cores_and_memory(tmp_path, cores, thirds, expected):
    (tmp_path / "dirname").symlink_to(shutil.which("dirname"))
    program(tmp_path / "nproc", f"echo {cores}")
    program(tmp_path / "awk", f"echo {thirds}")  # of 3 GB, as it counts them in /proc/meminfo
    assert run_setup(tmp_path, "workers").stdout == f"{expected}\n"


def test_python_of_its_own_is_announced_and_its_failure_is_one_clear_line(tmp_path):
    clone, programs = tmp_path / "clone", tmp_path / "bin"
    (clone / "tools").mkdir(parents=True)
    for name in ("setup.sh", "fetching.py", "requirements.lock"):
        (clone / "tools" / name).write_bytes((ROOT / "tools" / name).read_bytes())
    programs.mkdir()
    for name in ("dirname", "sed", "mkdir", "rm", "env", "touch", "uname", "grep", "ldconfig", "cat", "chmod"):
        if found := shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin"):
            (programs / name).symlink_to(found)
    fake = f"""case "$*" in
*version_info*) exit 1;;
--version) echo Python 3.13.0;;
*ensurepip*|"-m pip install"*) exit 0;;
"-m venv _build/uv")
    mkdir -p _build/uv/bin
    cat < {tmp_path}/uv > _build/uv/bin/uv
    cat < {programs}/python3 > _build/uv/bin/python
    chmod +x _build/uv/bin/*;;
tools/fetching.py) exit 0;;
esac"""
    program(programs / "python3", fake)
    program(tmp_path / "uv", 'echo "error: no route to the mirror" >&2; exit 1')
    command = ["/bin/sh", str(clone / "tools" / "setup.sh"), "environment"]
    done = subprocess.run(command, env={"PATH": str(programs)}, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "Python 3.13.0 is not 3.10, 3.11 or 3.12, which the packages need: uv fetches Python 3.12 into .venv-python"
    ]
    error, advice = done.stderr.splitlines()
    assert error == "error: no route to the mirror"
    assert "UV_PYTHON_INSTALL_MIRROR" in advice and "make PYTHON=" in advice
