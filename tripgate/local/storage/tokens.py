"""Tokens that were found to hold, so that a client's next request waits for no signature to be verified."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from tripgate.local.keys import Signer

KNOWN = 1024


class VerifiedTokens:
    """Verifies as its signer does, whose keys never change: another key is another signer, which knows of none.

    The newest tokens are known by their digest, each until its `exp`; those that do not hold, or hold for ever, never.
    """

    def __init__(self, signer: Signer, most: int = KNOWN) -> None:
        self._signer = signer
        self._most = most
        self._known: OrderedDict[bytes, dict[str, Any]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token. Raises jwt.InvalidTokenError."""
        try:
            digest = hashlib.sha256(token.encode()).digest()
        except UnicodeEncodeError:
            raise jwt.DecodeError("not UTF-8") from None
        claims = self._known.get(digest)
        if claims is None:
            claims = self._signer.verify(token)
            if isinstance(claims.get("exp"), int):
                self._known[digest] = claims
                if len(self._known) > self._most:
                    self._known.popitem(last=False)
        elif claims["exp"] <= time.time():
            del self._known[digest]
            # Which says what is the matter with it.
            return self._signer.verify(token)
        return dict(claims)
