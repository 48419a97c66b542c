"""Serve: python -m ocrbook.serve [--host 127.0.0.1] [--port 8866] [limits]. See `make serve`."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import fields

import uvicorn

from ocrbook.serve.gate import create_gate
from ocrbook.serve.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """0 after a stop that was asked for, 2 if the options can't be."""
    parser = argparse.ArgumentParser(
        prog="python -m ocrbook.serve", description="A service that reads pages and meters.",
        epilog="A key that clients must send is taken from the environment variable OCRBOOK_API_KEY.",
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
        settings = Settings(**given, api_key=os.environ.get("OCRBOOK_API_KEY", ""))
    except ValueError as error:
        print(f"ocrbook.serve: {error}", file=sys.stderr)
        return 2
    if sys.platform == "win32":
        print("ocrbook.serve: workers are reached by Unix sockets; on Windows use it in WSL", file=sys.stderr)
        return 2
    # each connection may hold a whole request in memory: so many and no more
    connections = 100 + settings.waiting + settings.workers
    uvicorn.run(
        create_gate(settings), host=host, port=port, log_level="warning", access_log=False, server_header=False,
        timeout_keep_alive=5, timeout_graceful_shutdown=int(settings.seconds) + 1, limit_concurrency=connections,
    )  # fmt: skip
    return 0


if __name__ == "__main__":
    from ocrbook.cli import main as command

    sys.exit(command(["serve", *sys.argv[1:]]))
