"""The Auth stand-in, judged by the stock Auth client of Supabase's Python package."""

from __future__ import annotations

import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import psycopg
import pytest
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from tests.local.conftest import WEB

if TYPE_CHECKING:
    from collections.abc import Callable

    import supabase_auth
    from supabase_auth import SyncGoTrueClient

    from tripgate.local.stack import StackInfo


def post(info: StackInfo, path: str, body: Any, **headers: str) -> httpx.Response:
    return WEB.post(f"{info.api_url}/auth/v1{path}", json=body, headers={"apikey": info.publishable_key, **headers})


# sign up -------------------------------------------------------------------------------------------------------------


def test_signing_up_gives_a_confirmed_person_and_a_session(
    client: SyncGoTrueClient, credentials: Callable[[], Any]
) -> None:
    who = credentials()
    answer = client.sign_up({**who, "options": {"data": {"display_name": "Ada"}}})
    assert answer.user is not None
    assert answer.session is not None
    assert answer.user.email == who["email"]
    assert answer.user.role == "authenticated"
    assert answer.user.email_confirmed_at is not None
    assert answer.user.user_metadata["display_name"] == "Ada"
    assert answer.user.app_metadata == {"provider": "email", "providers": ["email"]}
    assert answer.user.identities is not None
    assert [identity.provider for identity in answer.user.identities] == ["email"]
    assert answer.session.token_type == "bearer"
    assert answer.session.expires_in == 3600


def test_an_address_signs_up_once_whatever_its_case(client: SyncGoTrueClient, credentials: Callable[[], Any]) -> None:
    who = credentials()
    client.sign_up(who)
    with pytest.raises(AuthApiError) as refused:
        client.sign_up({**who, "email": who["email"].upper()})
    assert (refused.value.status, refused.value.code) == (422, "user_already_exists")


def test_of_many_who_sign_up_with_one_address_at_once_one_succeeds(
    running: StackInfo, credentials: Callable[[], Any]
) -> None:
    who = credentials()
    with ThreadPoolExecutor(8) as pool:
        statuses = [answer.status_code for answer in pool.map(lambda _: post(running, "/signup", who), range(8))]
    assert sorted(statuses) == [200] + [422] * 7


def test_a_short_password_is_weak(client: SyncGoTrueClient, credentials: Callable[[], Any]) -> None:
    with pytest.raises(AuthWeakPasswordError) as refused:
        client.sign_up({**credentials(), "password": "short"})
    assert refused.value.status == 422
    assert refused.value.reasons == ["length"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "nobody"}, "validation_failed"),
        ({"email": "a\0b@example.com"}, "validation_failed"),
        ({"password": ""}, "validation_failed"),
        ({"password": "x" * 73}, "validation_failed"),
        ({"email": 7}, "bad_json"),
        ({"data": []}, "bad_json"),
    ],
)
def test_a_sign_up_that_makes_no_sense_is_a_bad_request(
    running: StackInfo, credentials: Callable[[], Any], changes: dict[str, Any], code: str
) -> None:
    answer = post(running, "/signup", {**credentials(), **changes})
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


# sign in -------------------------------------------------------------------------------------------------------------


def test_signing_in_opens_another_session(client: SyncGoTrueClient, credentials: Callable[[], Any]) -> None:
    who = credentials()
    first = client.sign_up(who).session
    second = client.sign_in_with_password({**who, "email": who["email"].upper()}).session
    assert first is not None
    assert second is not None
    assert second.user.id == first.user.id
    assert second.user.last_sign_in_at is not None
    assert second.refresh_token != first.refresh_token


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"email": "unknown@example.com"}, {"password": "x" * 100}])
def test_a_wrong_password_and_an_unknown_address_get_one_answer(
    client: SyncGoTrueClient, credentials: Callable[[], Any], wrong: dict[str, str]
) -> None:
    who = credentials()
    client.sign_up(who)
    with pytest.raises(AuthApiError, match="Invalid login credentials") as refused:
        client.sign_in_with_password({**who, **wrong})
    assert (refused.value.status, refused.value.code) == (400, "invalid_credentials")


def test_an_unknown_address_takes_as_long_as_a_wrong_password(
    running: StackInfo, credentials: Callable[[], Any]
) -> None:
    who = credentials()
    post(running, "/signup", who)

    def seconds(email: str) -> float:
        started = time.perf_counter()
        post(running, "/token?grant_type=password", {"email": email, "password": "wrong"})
        return time.perf_counter() - started

    known = statistics.median(seconds(who["email"]) for _ in range(5))
    unknown = statistics.median(seconds("unknown@example.com") for _ in range(5))
    assert unknown > known / 2


def test_a_banned_person_neither_signs_in_nor_refreshes(
    running: StackInfo, client: SyncGoTrueClient, credentials: Callable[[], Any]
) -> None:
    who = credentials()
    session = client.sign_up(who).session
    assert session is not None
    with psycopg.connect(running.admin_db_url) as connection:
        connection.execute(
            "update auth.users set banned_until = now() + interval '1 day' where id = %s", (session.user.id,)
        )
    for attempt in (lambda: client.sign_in_with_password(who), lambda: client.refresh_session(session.refresh_token)):
        with pytest.raises(AuthApiError) as refused:
            attempt()
        assert refused.value.code == "user_banned"


# the access token ----------------------------------------------------------------------------------------------------


def test_the_token_says_who_and_what(running: StackInfo, session: supabase_auth.Session) -> None:
    claims = jwt.decode(session.access_token, options={"verify_signature": False})
    assert claims["iss"] == f"{running.api_url}/auth/v1"
    assert claims["sub"] == session.user.id
    assert claims["aud"] == "authenticated"
    assert claims["role"] == "authenticated"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["exp"] == session.expires_at
    assert claims["aal"] == "aal1"
    assert [entry["method"] for entry in claims["amr"]] == ["password"]
    assert claims["is_anonymous"] is False
    assert {"email", "phone", "app_metadata", "user_metadata", "session_id"} <= claims.keys()


def test_the_published_key_set_verifies_the_token(client: SyncGoTrueClient, session: supabase_auth.Session) -> None:
    # With an asymmetric key the client fetches the key set and verifies by itself.
    answer = client.get_claims(session.access_token)
    assert answer is not None
    assert answer["claims"]["sub"] == session.user.id
    assert answer["headers"]["alg"] == "ES256"


def test_the_key_set_holds_no_private_part_and_needs_no_api_key(running: StackInfo) -> None:
    answer = WEB.get(f"{running.api_url}/auth/v1/.well-known/jwks.json")
    assert "max-age=600" in answer.headers["Cache-Control"]
    (key,) = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_the_person_is_read_from_the_database(
    running: StackInfo, client: SyncGoTrueClient, session: supabase_auth.Session
) -> None:
    with psycopg.connect(running.admin_db_url) as connection:
        connection.execute(
            """update auth.users set raw_user_meta_data = '{"nickname": "Ada"}' where id = %s""", (session.user.id,)
        )
    answer = client.get_user(session.access_token)
    assert answer is not None
    assert answer.user.user_metadata == {"nickname": "Ada"}


def test_a_token_that_is_missing_or_forged_is_refused(running: StackInfo, session: supabase_auth.Session) -> None:
    header, payload, _ = session.access_token.split(".")
    secret = "x" * 32
    claims = jwt.decode(session.access_token, options={"verify_signature": False})
    for token, status, code in (
        ("Basic abc", 401, "no_authorization"),
        ("Bearer nonsense", 403, "bad_jwt"),
        (f"Bearer {header}.{payload}.AAAA", 403, "bad_jwt"),
        (f"Bearer {jwt.encode(claims, secret, algorithm='HS256')}", 403, "bad_jwt"),
        (f"Bearer {jwt.encode(claims, None, algorithm='none')}", 403, "bad_jwt"),
        (f"Bearer {running.publishable_key}", 403, "bad_jwt"),  # the role's token names no person
    ):
        answer = WEB.get(
            f"{running.api_url}/auth/v1/user", headers={"apikey": running.publishable_key, "Authorization": token}
        )
        assert (answer.status_code, answer.json()["error_code"]) == (status, code), token


# refresh -------------------------------------------------------------------------------------------------------------


# sign out ------------------------------------------------------------------------------------------------------------


# the form of errors --------------------------------------------------------------------------------------------------


def test_errors_come_in_the_format_of_the_version_that_is_asked_for(running: StackInfo) -> None:
    wrong = {"email": "unknown@example.com", "password": "wrong"}
    old = post(running, "/token?grant_type=password", wrong)
    assert old.json() == {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"}
    assert "X-Supabase-Api-Version" not in old.headers

    new = post(running, "/token?grant_type=password", wrong, **{"X-Supabase-Api-Version": "2024-01-01"})
    assert new.json() == {"code": "invalid_credentials", "message": "Invalid login credentials"}
    assert new.headers["X-Supabase-Api-Version"] == "2024-01-01"


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("9007199254740993", 9007199254740992),
        ("18446744073709551617", 18446744073709551616.0),
        ("-18446744073709551617", -18446744073709551616.0),
        ("1e300", 1e300),
        ("123456789012345678901234567890", 123456789012345678901234567890.0),
        ("1.0", 1),
        ("0.1", 0.1),
    ],
)
def test_any_number_in_metadata_leaves_an_account_usable(
    running: StackInfo, credentials: Callable[[], Any], number: str, kept: float
) -> None:
    """Auth keeps what a 64-bit float holds."""
    who = json.dumps(credentials())
    body = f'{who[:-1]}, "data": {{"n": {number}, "deep": [{{"n": {number}}}]}}}}'.encode()
    url = f"{running.api_url}/auth/v1"
    signed_up = WEB.post(f"{url}/signup", content=body, headers={"apikey": running.publishable_key}).json()
    signed_in = post(running, "/token?grant_type=password", json.loads(who)).json()
    bearer = {"apikey": running.publishable_key, "Authorization": f"Bearer {signed_in['access_token']}"}
    seen = WEB.get(f"{url}/user", headers=bearer).json()
    claims = jwt.decode(signed_in["access_token"], options={"verify_signature": False})
    for told in (signed_up["user"], signed_in["user"], seen, claims):
        assert told["user_metadata"]["n"] == kept
        assert told["user_metadata"]["deep"] == [{"n": kept}]


def test_a_number_that_sql_put_into_metadata_leaves_the_account_usable(
    running: StackInfo, session: supabase_auth.Session
) -> None:
    with psycopg.connect(running.admin_db_url) as connection:
        connection.execute(
            "update auth.users set raw_user_meta_data = %s::jsonb, raw_app_meta_data = %s::jsonb where id = %s",
            ('{"a": 1e400, "b": 18446744073709551617}', '{"c": 123456789012345678901234567890}', session.user.id),
        )
    answer = post(running, "/token?grant_type=refresh_token", {"refresh_token": session.refresh_token})
    assert answer.status_code == 200
    person = answer.json()["user"]
    assert person["user_metadata"] == {"a": None, "b": 18446744073709551616.0}
    assert person["app_metadata"] == {"c": 123456789012345678901234567890.0}


def test_an_unknown_path_is_answered_in_plain_text(running: StackInfo) -> None:
    answer = post(running, "/nothing", {})
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")


def test_a_refusal_names_its_code_in_a_header_as_well(running: StackInfo) -> None:
    assert post(running, "/recover", {}).headers["X-Sb-Error-Code"] == "validation_failed"


def test_a_trigger_of_the_project_that_fails_fails_the_sign_up_alone(
    running: StackInfo, client: SyncGoTrueClient, credentials: Callable[[], Any]
) -> None:
    with psycopg.connect(running.db_url, autocommit=True) as connection:
        connection.execute(
            """
            create function public.refuse() returns trigger language plpgsql as $$ begin raise 'not today'; end $$;
            create trigger refuse after insert on auth.users for each row execute function public.refuse();
            """
        )
        try:
            with pytest.raises(Exception, match="Database error saving new user"):
                client.sign_up(credentials())
        finally:
            connection.execute("drop function public.refuse() cascade")
    assert client.sign_up(credentials()).session is not None
