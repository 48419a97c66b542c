"""What nbval compares: every text output.

Stored notebooks have no stderr, and pictures are looked at by people.
"""


def pytest_collectstart(collector):
    """Leave out what is not compared, for each notebook that nbval collects."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr", "image/png", "image/jpeg")
