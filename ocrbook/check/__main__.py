"""Say whether the chapters can run here: ocrbook check, or in a notebook %run -m ocrbook check."""

from __future__ import annotations

import argparse
import sys

from ocrbook import quiet
from ocrbook.check import findings

EXAMPLES = """
examples:
  ocrbook check
  %run -m ocrbook check     in a notebook: what its own kernel sees

A line that begins with !! is a problem, and the line below it says what to do.

exit codes: 0 if the chapters can run here, 1 if there is a problem
"""


def main(arguments: list[str] | None = None) -> int:
    """0 if all is right, 1 if something isn't."""
    parser = argparse.ArgumentParser(
        prog="ocrbook check",
        description="Say whether the chapters can run here, and which packages they would use.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    quiet()
    problems = 0
    for finding in findings():
        print(finding, flush=True)
        problems += bool(finding.problem)
    print("All is right." if not problems else f"Problems: {problems}")
    return 1 if problems else 0


if __name__ == "__main__":
    from ocrbook.cli import main as command

    sys.exit(command(["check", *sys.argv[1:]]))
