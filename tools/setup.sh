#!/bin/sh
# What the Makefile calls before anything else.
#   setup.sh environment   create .venv with the pinned requirements
#   setup.sh ppocrlabel    create .venv-ppocrlabel, in which tests run the real PPOCRLabel
#   setup.sh label_studio  create .venv-label_studio, in which tests run Label Studio's own validator
#   setup.sh system        programs that come with the system: a browser, tesseract, Mono, libraries of OpenCV and Qt
set -eu
cd "$(dirname "$0")/.."

# Installs Debian packages where that is possible; returns 1 where it is not.
install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    exec 9<tools/setup.sh && flock 9 # one at a time
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

environment() {
    python=${PYTHON:-python3}
    command -v "$python" >/dev/null || { echo "$python is missing: install Python 3.10, 3.11 or 3.12" >&2; exit 1; }
    "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || {
        echo "$("$python" --version) is not supported: use make PYTHON=python3.11 (3.10, 3.11 or 3.12)" >&2
        exit 1
    }
    "$python" -c 'import ensurepip, venv' 2>/dev/null || install python3-venv || {
        echo "the venv module is missing: apt install python3-venv" >&2
        exit 1
    }
    echo "Installing the pinned requirements into .venv (about 2.6 GB, a minute or two) ..."
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install -qq --disable-pip-version-check uv==0.13.9
    with_uv .venv -r requirements.txt
    touch .venv/.ready
}

# Installs packages into an environment, with uv: several times as fast as pip, and from the index that pip would ask.
with_uv() {
    index=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$index}"
    .venv/bin/uv pip install -q --python "$@"
}

beside() {
    [ -x ".venv-$1/bin/python" ] || .venv/bin/uv venv -q --python .venv/bin/python ".venv-$1"
    with_uv ".venv-$1" --no-deps -r "tests/interop/$1.txt"
    # what it shares with .venv, paddle and numpy and more: gigabytes that need not be there twice
    packages='import sysconfig; print(sysconfig.get_paths()["purelib"])'
    .venv/bin/python -c "$packages" > "$(".venv-$1/bin/python" -c "$packages")/shared.pth"
    touch ".venv-$1/.ready"
}

has_library() {
    ldconfig -p 2>/dev/null | grep -q "$1"
}

system() {
    [ "$(uname)" = Linux ] || return 0
    missing=""
    has_library libGL.so.1 || missing="$missing libgl1"
    has_library libgthread-2.0.so.0 || missing="$missing libglib2.0-0"
    has_library libfontconfig.so.1 || missing="$missing libfontconfig1"
    command -v tesseract >/dev/null || missing="$missing tesseract-ocr"
    command -v ssocr >/dev/null || missing="$missing ssocr"
    tesseract --list-langs 2>/dev/null | grep -q chi_sim || missing="$missing tesseract-ocr-chi-sim"
    command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"
    command -v chromedriver >/dev/null || missing="$missing chromium-driver"
    command -v mcs >/dev/null || missing="$missing mono-mcs"
    for part in net-http runtime-serialization; do
        ls "/usr/lib/mono/4.5/System.$(echo "$part" | sed 's/net-http/Net.Http/; s/runtime-s/Runtime.S/').dll" \
            >/dev/null 2>&1 || missing="$missing libmono-system-${part}4.0-cil"
    done
    command -v node >/dev/null || missing="$missing nodejs"
    command -v curl >/dev/null || missing="$missing curl"
    if [ -n "$missing" ]; then
        # shellcheck disable=SC2086
        install $missing || echo "missing, install them with your package manager:$missing" >&2
    fi
}

case ${1:-} in
    environment) environment ;;
    ppocrlabel | label_studio) beside "$1" ;;
    system) system ;;
    *) echo "usage: setup.sh environment|ppocrlabel|label_studio|system" >&2; exit 2 ;;
esac
