"""Sessions of the Auth stand-in: refreshed, ended, and read by their tokens."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import jwt
import psycopg
import pytest
from supabase_auth.errors import AuthApiError

from tests.local.conftest import auth_client
from tests.local.test_auth import post

if TYPE_CHECKING:
    from collections.abc import Callable

    import supabase_auth
    from supabase_auth import SyncGoTrueClient

    from tripgate.local.stack import StackInfo


def age_refresh_tokens(info: StackInfo, session: supabase_auth.Session, seconds: int) -> None:
    """Let the session's refresh tokens look as if they were used so long ago."""
    with psycopg.connect(info.admin_db_url) as connection:
        connection.execute(
            "update auth.refresh_tokens set updated_at = updated_at - make_interval(secs => %s) where user_id = %s",
            (seconds, session.user.id),
        )


def test_a_refresh_gives_new_tokens_for_the_same_session(
    client: SyncGoTrueClient, session: supabase_auth.Session
) -> None:
    renewed = client.refresh_session(session.refresh_token).session
    assert renewed is not None
    assert renewed.refresh_token != session.refresh_token
    before, after = (
        jwt.decode(token, options={"verify_signature": False}) for token in (session.access_token, renewed.access_token)
    )
    assert after["session_id"] == before["session_id"]


def test_the_parent_of_the_active_token_gets_the_active_one_again(
    running: StackInfo, client: SyncGoTrueClient, session: supabase_auth.Session
) -> None:
    first = client.refresh_session(session.refresh_token).session
    age_refresh_tokens(running, session, 60)
    again = client.refresh_session(session.refresh_token).session
    assert first is not None
    assert again is not None
    assert again.refresh_token == first.refresh_token


def test_an_older_token_works_for_ten_seconds_and_then_ends_the_session(
    running: StackInfo, client: SyncGoTrueClient, session: supabase_auth.Session
) -> None:
    second = client.refresh_session(session.refresh_token).session
    assert second is not None
    third = client.refresh_session(second.refresh_token).session
    assert third is not None
    in_time = client.refresh_session(session.refresh_token).session
    assert in_time is not None

    age_refresh_tokens(running, session, 11)
    with pytest.raises(AuthApiError) as stolen:
        client.refresh_session(second.refresh_token)
    assert (stolen.value.status, stolen.value.code) == (400, "refresh_token_already_used")
    # Every token of the session is revoked at once, the newest included.
    for token in (third.refresh_token, in_time.refresh_token):
        with pytest.raises(AuthApiError) as ended:
            client.refresh_session(token)
        assert ended.value.code == "refresh_token_already_used"


def test_refreshes_at_once_agree_on_one_new_token(running: StackInfo, session: supabase_auth.Session) -> None:
    body = {"refresh_token": session.refresh_token}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(running, "/token?grant_type=refresh_token", body), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


def test_refresh_tokens_have_the_form_of_the_platforms(session: supabase_auth.Session) -> None:
    assert re.fullmatch("[a-z0-9]{12}", session.refresh_token)


@pytest.mark.parametrize(
    ("scope", "this_lives", "other_lives"), [("local", False, True), ("others", True, False), ("global", False, False)]
)
def test_signing_out_ends_the_sessions_of_its_scope(
    running: StackInfo,
    client: SyncGoTrueClient,
    credentials: Callable[[], Any],
    scope: Any,
    this_lives: bool,
    other_lives: bool,
) -> None:
    who = credentials()
    other = client.sign_up(who).session
    this = client.sign_in_with_password(who).session
    assert this is not None
    assert other is not None
    client.sign_out({"scope": scope})

    for session, lives in ((this, this_lives), (other, other_lives)):
        with auth_client(running) as fresh:
            if lives:
                assert fresh.get_user(session.access_token) is not None
                assert fresh.refresh_session(session.refresh_token).session is not None
            else:
                with pytest.raises(AuthApiError) as refused:
                    fresh.refresh_session(session.refresh_token)
                assert refused.value.code == "refresh_token_not_found"


def test_the_token_of_an_ended_session_reads_nobody(client: SyncGoTrueClient, session: supabase_auth.Session) -> None:
    client.sign_out()
    with pytest.raises(Exception, match="Session from session_id claim in JWT does not exist"):
        client.get_user(session.access_token)
