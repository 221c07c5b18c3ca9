"""How Realtime says no."""

from __future__ import annotations


class RefusedError(Exception):
    """A join or a channel that cannot go on: an error code of the platform and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def reason(self) -> str:
        """As a join's reply shows it."""
        return f"{self.code}: {self.message}"


class DisconnectError(RefusedError):
    """A refusal after which the whole connection is closed."""
