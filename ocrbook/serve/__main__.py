"""Serve: ocrbook serve [--host 127.0.0.1] [--port 8866] [limits]. See `make serve`."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields

from ocrbook.serve.gate import create_gate
from ocrbook.serve.log import to_standard_error
from ocrbook.serve.server import create_server
from ocrbook.serve.settings import Settings

KEY = "OCRBOOK_API_KEY"

HELP = {
    "workers": "processes that read, each with about 1 GB of models",
    "threads": "threads of each worker",
    "waiting": "requests that may wait; the next one is answered 429",
    "seconds": "to wait for a worker, and again to be read; a worker that takes longer is stopped",
    "body_seconds": "to send a request's header, then its body, and to take the answer",
    "most_bytes": "bytes of a file",
    "most_pixels": "pixels of an image",
}
"""What each number is, in a line; `Settings` says more."""

EXAMPLES = f"""
examples:
  ocrbook serve
  ocrbook serve --port 8080 --workers 2
  {KEY}=... ocrbook serve --host 0.0.0.0

A key that clients must send is taken from the environment variable {KEY}.

exit codes: 0 after a stop that was asked for, 1 if the service can't go on, 2 if the options can't be
"""


def main(arguments: list[str] | None = None) -> int:
    """0 after a stop that was asked for, 1 if the service can't go on, 2 if the options can't be."""
    parser = argparse.ArgumentParser(
        prog="ocrbook serve",
        description="A service that reads pages and meters over HTTP.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8866, help="0 takes a free one (default: %(default)s)")
    for field in fields(Settings):
        name = "--" + field.name.replace("_", "-")
        if field.name == "fetch_from":
            parser.add_argument(name, nargs="+", default=(), metavar="HOST", help="fetch files by URL from these hosts")
        elif field.name != "api_key":
            kind = type(field.default)
            explained = f"{HELP[field.name]} (default: %(default)s)"
            parser.add_argument(name, type=kind, default=field.default, metavar="N", help=explained)
    given = vars(parser.parse_args(arguments))
    host, port = given.pop("host"), given.pop("port")
    try:
        given["fetch_from"] = tuple(name.lower() for name in given["fetch_from"])
        key = os.environ.get(KEY)
        if key == "":
            raise ValueError(f"{KEY} is set, but empty: give it a key, or unset it to let everybody in")
        if not 0 <= port <= 65_535:
            raise ValueError(f"port must be from 0 to 65,535, got {port}")
        settings = Settings(**given, api_key=key or "")
    except ValueError as error:
        print(f"ocrbook.serve: {error}", file=sys.stderr)
        return 2
    if sys.platform == "win32":
        print("ocrbook.serve: workers are reached by Unix sockets; on Windows use it in WSL", file=sys.stderr)
        return 2
    try:
        app = create_gate(settings)
    except OSError as error:
        to_standard_error(f"ocrbook.serve: no folder for the workers' sockets can be made: {error}")
        return 1
    create_server(app, host, port).run()
    if app.state.pool.failure:
        to_standard_error(f"ocrbook.serve: {app.state.pool.failure}")
        return 1
    return 0


if __name__ == "__main__":
    from ocrbook.cli import main as command

    sys.exit(command(["serve", *sys.argv[1:]]))
