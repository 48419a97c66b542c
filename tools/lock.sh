#!/bin/sh
# Pin what requirements.txt pulls in, once for Python 3.10 to 3.12 and all systems.
set -eu
cd "$(dirname "$0")/.."
grep -v '^-c' requirements.txt > _build/requirements.in
.venv/bin/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.10 \
    --no-emit-index-url --no-annotate --no-header _build/requirements.in -o _build/constraints.txt
{
    echo "# Made by \`make lock\`. One version for Python 3.10 to 3.12, so that all three print the same."
    cat _build/constraints.txt
} > tools/constraints.txt
