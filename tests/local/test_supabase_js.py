"""The Auth stand-in and PostgREST behind it, judged by the unmodified supabase-js under Deno.

One script runs all flows, since each process costs a second; each test looks at one of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.deno_script import SCRIPTS, run_script

if TYPE_CHECKING:
    from tripgate.local.stack import StackInfo


@pytest.fixture(scope="module")
def flows(running: StackInfo) -> dict[str, Any]:
    """What came of each flow."""
    return run_script("flows.js", running.api_url, running.publishable_key, running.secret_key, running.inbox_url)


def test_signing_up_and_in(flows: dict[str, Any]) -> None:
    found = flows["signingUpAndIn"]
    events = found.pop("events")
    assert found == {
        "same": True,
        "metadata": ["Countess", False],
        "rotated": True,
        "methods": ["password"],
        "wrong": "400 invalid_credentials",
        "twice": "422 user_already_exists",
        "weak": "422 weak_password",
    }
    assert {"USER_UPDATED", "TOKEN_REFRESHED"} <= set(events)


def test_rows_behind_row_level_security(flows: dict[str, Any]) -> None:
    assert flows["rows"] == {"own": ["mine"], "others": [], "forged": "42501", "service": 1, "anonymous": "42501"}


def test_a_forgotten_password(flows: dict[str, Any]) -> None:
    assert flows["forgottenPassword"] == {
        "wrong": "403 otp_expired",
        "methods": ["otp"],
        "again": "403 otp_expired",
        "old": "400 invalid_credentials",
        "fresh": True,
        "oldSession": "400 refresh_token_not_found",
        "same": "422 same_password",
    }


def test_a_one_time_password_and_a_magic_link(flows: dict[str, Any]) -> None:
    assert flows["oneTimePassword"] == {
        "unknown": "422 otp_disabled",
        "methods": ["otp"],
        "status": 303,
        "target": "http://127.0.0.1:5173/welcome",
        "type": "magiclink",
        "same": True,
    }


def test_the_pkce_flow(flows: dict[str, Any]) -> None:
    assert flows["pkce"] == {"stolen": "400 bad_code_verifier", "methods": ["magiclink"]}


def test_an_anonymous_person_who_stays(flows: dict[str, Any]) -> None:
    assert flows["anonymously"] == {
        "anonymous": True,
        "methods": ["anonymous"],
        "keptAnonymous": False,
        "same": True,
        "identities": ["email"],
    }


def test_signing_out(flows: dict[str, Any]) -> None:
    assert flows["signingOut"] == {
        "others": "400 refresh_token_not_found",
        "everywhere": "400 refresh_token_not_found",
    }


def test_administration(flows: dict[str, Any]) -> None:
    assert flows["administration"] == {
        "listed": [2, 2, True, True],
        "updated": [1, "pro", "email"],
        "byHash": True,
        "invited": True,
        "banned": "400 user_banned",
        "gone": "404 user_not_found",
        "publishable": "403 not_admin",
    }


def test_the_packages_are_pinned_by_version_and_digest() -> None:
    lock = json.loads((SCRIPTS / "deno.lock").read_text())
    assert set(json.loads((SCRIPTS / "deno.json").read_text())["imports"].values()) <= lock["specifiers"].keys()
    assert all(package["integrity"].startswith("sha512-") for package in lock["npm"].values())
    # Which registry serves it is the user's choice.
    assert "://" not in (SCRIPTS / "deno.lock").read_text()
