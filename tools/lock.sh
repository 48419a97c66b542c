#!/bin/sh
# Pin what requirements.txt and tests/interop/*.in name, once for Python 3.10 to 3.12 and all systems: with the hash of
# every file, and for pip's own use without. And what npm installs, with its integrity. What is pinned already stays,
# except with UPGRADE=1. Extra indexes and folders of this machine count for nothing.
set -eu
cd "$(dirname "$0")/.."
mkdir -p _build/lock
settings=$(.venv/bin/python tools/fetching.py)
eval "$settings"
unset UV_INDEX UV_EXTRA_INDEX_URL UV_FIND_LINKS
PATH="$PATH:$PWD/.venv/bin"

compile() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.10 --fork-strategy fewest --generate-hashes \
        --no-emit-index-url --no-annotate --no-header ${UPGRADE:+--upgrade} "$@" >/dev/null
}

grep -v '^-c' requirements.txt > _build/lock/requirements.in
cp tools/requirements.lock _build/lock/ 2>/dev/null || true
compile _build/lock/requirements.in -o _build/lock/requirements.lock
note="# Made by \`make lock\`. One version for Python 3.10 to 3.12 where there is one, so that all three print the same."
{ echo "$note"; cat _build/lock/requirements.lock; } > tools/requirements.lock
{ echo "$note"; sed -n 's/^\([^ #].*[^ \\]\) *\\$/\1/p' _build/lock/requirements.lock; } > tools/constraints.txt
for name in ppocrlabel label_studio; do
    compile --no-deps "tests/interop/$name.in" -o "tests/interop/$name.txt"
done
for folder in tools/katex tools/fonts; do
    npm install --prefix "$folder" --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit \
        --no-fund
done
