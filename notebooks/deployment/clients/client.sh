#!/bin/sh
# Read an image over HTTP with curl: client.sh URL IMAGE [ocr|meter]. Prints the answer as JSON; a refusal, too.
set -eu
[ -r "$2" ] || { echo "$2 can't be read" >&2; exit 1; }
# the image goes through a pipe: a command line has no room for it
{ printf '{"file": "'; base64 < "$2" | tr -d '\n'; printf '"}'; } |
    curl --silent --show-error --fail-with-body --retry 5 --max-time 60 \
        --header 'Content-Type: application/json' --data-binary @- "$1/${3:-ocr}"
