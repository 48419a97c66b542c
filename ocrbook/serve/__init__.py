"""A service that reads pages and meters, fit to be exposed: `python -m ocrbook.serve`.

PaddleX serving does the reading, in processes of its own that listen on a local socket only. Before it stands a gate:
it refuses what is too large before anything is decoded, queues no more than it can serve, and starts a worker again
that has died.
"""

from ocrbook.serve.gate import create_gate
from ocrbook.serve.server import create_server
from ocrbook.serve.settings import Settings

__all__ = ["Settings", "create_gate", "create_server"]
