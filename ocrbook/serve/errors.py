"""What a client is told when something is refused."""

from __future__ import annotations

import math


class Refusal(Exception):
    """An answer that is not what was asked for.

    Parameters
    ----------
    status : int
        Of HTTP.
    message : str
        One line for the client.
    retry_after : float, optional
        Seconds after which another try makes sense.
    """

    def __init__(self, status: int, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.message = status, message
        self.headers = {}
        if retry_after is not None:  # a connection kept open so long could be closed just when the client comes back
            self.headers = {"Retry-After": str(max(1, math.ceil(retry_after))), "Connection": "close"}
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"
