"""Phone numbers, as far as they are told apart from nonsense before they are refused: no phone is served here."""

from __future__ import annotations

import re

from tripgate.local.auth.errors import AuthError

E164 = re.compile(r"[1-9][0-9]{1,14}")


def check(phone: str) -> None:
    """Raises AuthError `validation_failed` for what is no number in the international form."""
    if not E164.fullmatch(phone.removeprefix("+").replace(" ", "")):
        raise AuthError(400, "validation_failed", "Invalid phone number format (E.164 required)")
