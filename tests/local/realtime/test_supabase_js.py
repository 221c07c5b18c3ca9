"""Channels, judged by the unmodified supabase-js under Deno, in both versions of the wire format.

One script runs all flows, since each process costs a second; each test looks at one of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.local.deno_script import run_script
from tests.local.realtime.conftest import Person

if TYPE_CHECKING:
    import psycopg

    from tripgate.local.keys import Signer
    from tripgate.local.stack import StackInfo


@pytest.fixture(scope="module", params=["1.0.0", "2.0.0"])
def vsn(request: pytest.FixtureRequest) -> str:
    """The version of the format."""
    return str(request.param)


@pytest.fixture(scope="module")
def flows(info: StackInfo, signer: Signer, db: psycopg.Connection, vsn: str) -> dict[str, Any]:
    """What came of each flow."""
    room = f"chat-{uuid4()}"
    people = [Person(signer, db) for _ in range(2)]
    for person in people:
        person.enter(room)
    described = json.dumps([{"id": person.id, "token": person.token()} for person in people])
    return run_script("realtime.js", info.api_url, info.publishable_key, vsn, room, described)


def test_broadcasts(flows: dict[str, Any], vsn: str) -> None:
    assert flows["broadcasts"] == {
        "states": ["SUBSCRIBED", "SUBSCRIBED"],
        "sent": "ok",
        "own": {"words": "grüß Gott"},
        "binary": [0, 1, 255, 7] if vsn == "2.0.0" else None,
        "first": ["said", {"words": "grüß Gott"}, False],
        "posted": ["posted", {"n": 2}],
        "stored": ["said", 3, True],
    }


def test_replay(flows: dict[str, Any]) -> None:
    # Of all that was said, only what the database said is kept.
    assert flows["replay"] == [[3, True]]


def test_presence(flows: dict[str, Any]) -> None:
    assert flows["presence"] == {
        "tracked": ["ok", "ok"],
        "both": {"key0": "Ada", "key1": "Ben"},
        "joins": ["key0", "key1"],
        "leaves": ["key0"],
    }


def test_changes_of_tables(flows: dict[str, Any]) -> None:
    assert flows["changes"] == {
        "states": ["SUBSCRIBED", "SUBSCRIBED"],
        "system": ["Subscribed to PostgreSQL"] * 2,
        "own": [["INSERT", "Pack", False], ["UPDATE", "Unpack", True], ["DELETE", None, True]],
        "typed": [1.5, ["a", "b"]],
        "others": [["DELETE", ["id"]]],
    }


def test_a_stranger(flows: dict[str, Any]) -> None:
    assert flows["refused"]["state"].startswith("CHANNEL_ERROR")
    assert "You do not have permissions to read from this Channel topic" in flows["refused"]["state"]
    assert flows["refused"]["open"] == "SUBSCRIBED"
