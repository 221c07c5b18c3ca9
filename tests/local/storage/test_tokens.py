"""Tokens that were found to hold are known for as long as they do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tripgate.local.keys import Signer, load_or_create
from tripgate.local.storage.tokens import VerifiedTokens

if TYPE_CHECKING:
    from pathlib import Path


class Counting:
    """A signer that counts what it verifies."""

    def __init__(self, directory: Path) -> None:
        keys = load_or_create(directory / "keys.json")
        self._signer = Signer(algorithm="ES256", private_jwk=keys.private_jwk, jwt_secret=keys.jwt_secret)
        self.sign = self._signer.sign
        self.verified = 0

    def verify(self, token: str) -> dict[str, Any]:
        """As a signer does."""
        self.verified += 1
        return self._signer.verify(token)


@pytest.fixture
def signer(tmp_path: Path) -> Counting:
    """Of keys of its own."""
    return Counting(tmp_path)


def soon() -> int:
    """A time that is to come."""
    return int(time.time()) + 3600


def test_a_token_is_verified_once(signer: Counting) -> None:
    tokens = VerifiedTokens(signer)  # type: ignore[arg-type]
    claims = {"sub": "ada", "exp": soon()}
    token = signer.sign(claims)
    first = tokens.verify(token)
    first["sub"] = "ben"
    assert (tokens.verify(token), signer.verified) == (claims, 1)


def test_a_token_whose_time_is_over_holds_no_more(signer: Counting) -> None:
    tokens = VerifiedTokens(signer)  # type: ignore[arg-type]
    end = int(time.time()) + 1
    token = signer.sign({"sub": "ada", "exp": end})
    assert tokens.verify(token)["sub"] == "ada"
    while time.time() <= end:
        time.sleep(0.05)
    for _ in range(2):
        with pytest.raises(jwt.ExpiredSignatureError):
            tokens.verify(token)
    assert len(tokens) == 0


def test_a_token_that_does_not_hold_is_never_known(signer: Counting, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    tokens = VerifiedTokens(signer)  # type: ignore[arg-type]
    token = signer.sign({"sub": "ada", "exp": soon()})
    tokens.verify(token)
    foreign = Counting(tmp_path / "other").sign({"sub": "ada", "exp": soon()})
    head, body, _ = token.split(".")
    for forged in (foreign, f"{head}.{body}.{foreign.rpartition('.')[2]}", token + "x", "", "\ud800"):
        for _ in range(2):
            with pytest.raises(jwt.InvalidTokenError):
                tokens.verify(forged)
    assert len(tokens) == 1


def test_other_keys_know_nothing(signer: Counting, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    token = signer.sign({"sub": "ada", "exp": soon()})
    VerifiedTokens(signer).verify(token)  # type: ignore[arg-type]
    with pytest.raises(jwt.InvalidSignatureError):
        VerifiedTokens(Counting(tmp_path / "other")).verify(token)  # type: ignore[arg-type]


def test_the_newest_are_known_and_those_that_end(signer: Counting) -> None:
    tokens = VerifiedTokens(signer, most=2)  # type: ignore[arg-type]
    one, two, three = (signer.sign({"sub": name, "exp": soon()}) for name in ("one", "two", "three"))
    for token in (one, two, three, two, three):
        tokens.verify(token)
    assert (len(tokens), signer.verified) == (2, 3)
    tokens.verify(one)
    tokens.verify(signer.sign({"sub": "for ever"}))
    assert (len(tokens), signer.verified) == (2, 5)
