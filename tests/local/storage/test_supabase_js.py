"""Storage, judged by the unmodified supabase-js under Deno: one script runs all, each test looks at one of them."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.deno_script import run_script

if TYPE_CHECKING:
    from tripgate.local.keys import Signer
    from tripgate.local.stack import StackInfo


@pytest.fixture(scope="module")
def flows(info: StackInfo, signer: Signer) -> dict[str, Any]:
    """What came of each flow."""
    person = str(uuid.uuid4())
    token = signer.sign({"sub": person, "role": "authenticated", "aud": "authenticated", "exp": 4_000_000_000})
    somebody = json.dumps({"id": person, "token": token})
    return run_script("storage.js", info.api_url, info.publishable_key, info.secret_key, somebody)


def test_buckets(flows: dict[str, Any]) -> None:
    assert flows["buckets"] == {
        "made": True,
        "public": False,
        "limit": 1000,
        "large": "413 The object exceeded the maximum allowed size",
        "hers": "403 new row violates row-level security policy",
        "gone": {"message": "Successfully deleted"},
    }


def test_files(flows: dict[str, Any]) -> None:
    found = flows["files"]
    assert found.pop("refused").startswith("400 Invalid key: ")
    assert found == {
        "uploaded": [True, True],
        "again": "409 The resource already exists",
        "read": "blue",
        "info": [4, "text/plain", "max-age=60", {"camera": "old"}],
        "streamed": "green",
        "copied": True,
        "exists": [True, False],
        "listed": ["sea.txt", "lake.txt"],
        "second": [1, True],
        "others": [],
        "removed": ["/lake.txt", "/sea.txt"],
    }


def test_addresses(flows: dict[str, Any]) -> None:
    assert flows["addresses"] == {
        "one": ["blue", "attachment; filename=lake.txt; filename*=UTF-8''lake.txt"],
        "many": ["blue", "Either the object does not exist or you do not have access to it"],
        "anybody": "404 Object not found",
        "put": True,
        "read": "new",
    }


def test_a_public_file(flows: dict[str, Any]) -> None:
    assert flows["open"] == {"bytes": "me", "hers": []}
