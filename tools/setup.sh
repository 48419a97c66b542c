#!/bin/sh
# What the Makefile calls before anything else.
#   setup.sh environment   create .venv with the packages of tools/requirements.lock
#   setup.sh ppocrlabel    create .venv-ppocrlabel, in which tests run the real PPOCRLabel
#   setup.sh label_studio  create .venv-label_studio, in which tests run Label Studio's own validator
#   setup.sh system        programs that come with the system: a browser, tesseract, Mono, an MQTT broker, libraries
#   setup.sh workers       print how many tests run at once: a core and 3 GB of memory for each
set -eu
cd "$(dirname "$0")/.."
LOCK=tools/requirements.lock

stop() {
    echo "$1" >&2
    exit 1
}

# Whether apt knows what there is; refreshes its lists where that is possible. Of two at once the second waits.
apt_lists() {
    if [ "$(id -u)" = 0 ]; then
        exec 9<tools/setup.sh && flock 9
        apt-get update -qq
    fi
    ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1
}

# Installs Debian packages, or prints the command that does and returns 1.
install() {
    command="apt-get install --no-install-recommends $*"
    if ! command -v apt-get >/dev/null; then
        echo "missing, install it with your package manager: $*" >&2
    elif [ "$(id -u)" != 0 ]; then
        echo "missing, install it: sudo $command" >&2
    else
        apt_lists || true
        if DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; then
            flock -u 9
            return
        fi
        flock -u 9
        echo "not installed, see above: $command" >&2
    fi
    return 1
}

# Whether a Python is one that all packages have wheels for.
suits() {
    command -v "$1" >/dev/null && "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))'
}

has_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

# Prints a package with its version and hashes as the lock has them, for an installation of this one alone.
locked() {
    sed -n "/^$1==/,/[^\\\\]\$/p" "$LOCK"
}

# Puts uv, which installs the rest several times as fast as pip, into an environment, and lets it fetch as pip does.
# Where pip is configured to install elsewhere (`user`, `target`), that environment is meant all the same.
get_uv() {
    mkdir -p _build
    locked uv > _build/uv.txt
    "$1/bin/python" -m pip install -qq --no-user --target= --disable-pip-version-check --require-hashes -r _build/uv.txt
    settings=$("$1/bin/python" tools/fetching.py)
    eval "$settings"
}

# Sets `python` to one of 3.10 to 3.12: the one asked for, one of this machine, or one that uv fetches.
find_python() {
    python=${PYTHON:-python3}
    if [ "$python" != python3 ]; then
        { suits "$python" && has_venv "$python"; } || stop "$python is not Python 3.10, 3.11 or 3.12 with its module venv"
        return
    fi
    has_venv python3 || install python3 python3-venv || exit 1
    for python in python3 python3.12 python3.11 python3.10; do
        if suits "$python" && has_venv "$python"; then return; fi
    done
    echo "$(python3 --version) is not 3.10, 3.11 or 3.12, which the packages need: uv fetches Python 3.12 into .venv-python"
    python3 -m venv _build/uv
    get_uv _build/uv
    export UV_PYTHON_INSTALL_DIR="$PWD/.venv-python"
    _build/uv/bin/uv python install --no-progress --no-bin 3.12 || stop "Python 3.12 can't be fetched, see above: name a mirror in \
UV_PYTHON_INSTALL_MIRROR, or install Python 3.10, 3.11 or 3.12 yourself and run make PYTHON=/path/to/python3.12"
    python=$(_build/uv/bin/uv python find --managed-python 3.12)
}

has_library() {
    PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -q "$1"
}

environment() {
    again=""
    if ! suits .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        find_python
        rm -rf .venv
        "$python" -m venv .venv
        echo "relocatable = true" >> .venv/pyvenv.cfg # to uv: its programs shall run where the folder is moved to
    elif [ ! -e .venv/.ready ]; then
        again=--reinstall # what an interrupted setup left may be half a package
    fi
    rm -f .venv/.ready
    echo "Installing the packages of $LOCK into .venv (about 2.6 GB, a minute or two) ..."
    get_uv .venv
    .venv/bin/uv pip install -q --python .venv $again --require-hashes -r "$LOCK"
    # Three packages write the same cv2/. The last one wins: the one that needs no libraries of a desktop.
    locked opencv-python-headless > _build/opencv.txt
    .venv/bin/uv pip install -q --python .venv --no-deps --reinstall --require-hashes -r _build/opencv.txt
    [ "$(uname)" != Linux ] || has_library libgomp.so.1 || install libgomp1 || true # wanted by paddle
    touch .venv/.ready
}

beside() {
    .venv/bin/python -m venv --clear --without-pip ".venv-$1"
    settings=$(.venv/bin/python tools/fetching.py)
    eval "$settings"
    .venv/bin/uv pip install -q --python ".venv-$1" --no-deps --require-hashes -r "tests/interop/$1.txt"
    # what it shares with .venv, paddle and numpy and more: gigabytes that need not be there twice
    packages='import sysconfig; print(sysconfig.get_paths()["purelib"])'
    .venv/bin/python -c "$packages" > "$(".venv-$1/bin/python" -c "$packages")/shared.pth"
    touch ".venv-$1/.ready"
}

system() {
    [ "$(uname)" = Linux ] || return 0
    missing=""
    has_library libGL.so.1 || missing="$missing libgl1"
    has_library libgthread-2.0.so.0 || missing="$missing libglib2.0-0"
    has_library libfontconfig.so.1 || missing="$missing libfontconfig1"
    command -v tesseract >/dev/null || missing="$missing tesseract-ocr"
    command -v ssocr >/dev/null || missing="$missing ssocr"
    PATH="$PATH:/usr/sbin" command -v mosquitto >/dev/null || missing="$missing mosquitto"
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
    [ -n "$missing" ] || return 0
    # A package that apt does not know (Chromium, on Ubuntu) would keep all the others away.
    unknown=""
    if command -v apt-get >/dev/null && apt_lists; then
        known=""
        for package in $missing; do
            if apt-get install -s "$package" >/dev/null 2>&1; then known="$known $package"; else unknown="$unknown $package"; fi
        done
        missing=$known
    fi
    # shellcheck disable=SC2086
    [ -z "$missing" ] || install $missing || true
    [ -z "$unknown" ] ||
        echo "missing, and no package of this system (Chromium on Ubuntu: sudo snap install chromium):$unknown" >&2
}

workers() {
    cores=$(nproc 2>/dev/null || sysctl -n hw.ncpu)
    memory=$(awk '/^MemTotal/ {print int($2 / 3e6)}' /proc/meminfo 2>/dev/null || true) # 3 GB each
    [ -z "$memory" ] || [ "$memory" -ge "$cores" ] || cores=$memory
    echo "$((cores > 1 ? cores : 1))"
}

case ${1:-} in
    environment) environment ;;
    ppocrlabel | label_studio) beside "$1" ;;
    system | workers) "$1" ;;
    *) echo "usage: setup.sh environment|ppocrlabel|label_studio|system|workers" >&2; exit 2 ;;
esac
