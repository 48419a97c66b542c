"""What a client is told when something is refused."""

from __future__ import annotations

import math

LONGEST = 300
"""Characters of a message: it may repeat what a client has sent, which may be megabytes."""


def one_line(text: str) -> str:
    """A text as one line of printable characters, cut off where it is too long.

    >>> one_line("a\\nb\\r\\nInjected: 1")
    'a b  Injected: 1'
    >>> len(one_line("k" * 5_000_000))
    300
    """
    text = text[: LONGEST + 1].strip()
    text = "".join(each if each.isprintable() else " " for each in text)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


class Refusal(Exception):
    """An answer that is not what was asked for.

    Parameters
    ----------
    status : int
        Of HTTP.
    message : str
        For the client. It becomes one line.
    retry_after : float, optional
        Seconds after which another try makes sense.
    """

    def __init__(self, status: int, message: str, retry_after: float | None = None) -> None:
        self.status, self.message = status, one_line(message)
        super().__init__(self.message)
        self.headers = {}
        if retry_after is not None:  # a connection kept open so long could be closed just when the client comes back
            self.headers = {"Retry-After": str(max(1, math.ceil(retry_after))), "Connection": "close"}
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"

    def content(self, number: str) -> dict[str, str | int]:
        """What is sent, in the words of PaddleX serving."""
        return {"logId": number, "errorCode": self.status, "errorMsg": self.message}
