"""Serve: python -m ocrbook.serve [--host 127.0.0.1] [--port 8866] [limits]. See `make serve`."""

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


def main(arguments: list[str] | None = None) -> int:
    """0 after a stop that was asked for, 1 if the service can't go on, 2 if the options can't be."""
    parser = argparse.ArgumentParser(
        prog="python -m ocrbook.serve", description="A service that reads pages and meters.",
        epilog=f"A key that clients must send is taken from the environment variable {KEY}.",
    )  # fmt: skip
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8866)
    for field in fields(Settings):
        name = "--" + field.name.replace("_", "-")
        if field.name == "fetch_from":
            parser.add_argument(name, nargs="+", default=(), metavar="HOST", help="fetch files by URL from these hosts")
        elif field.name != "api_key":
            kind = type(field.default)
            parser.add_argument(name, type=kind, default=field.default, metavar="N", help="default: %(default)s")
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
