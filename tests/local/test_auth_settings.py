"""Auth as a project may set it up: addresses that must be confirmed, closed doors, limits on mail; where it is set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import psycopg
import pytest
from supabase_auth.errors import AuthApiError

from tests.local.auth_service import Service
from tripgate.local.auth.templates import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tripgate.local.stack import StackInfo


async def refused(call: Awaitable[Any]) -> tuple[int, str | None]:
    """Status and code of a call that must fail."""
    with pytest.raises(AuthApiError) as error:
        await call
    return error.value.status, error.value.code


async def test_an_address_is_confirmed_before_the_first_session(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any]
) -> None:
    auth = await serve(autoconfirm=False)
    who = credentials()
    client = auth.client()
    signed_up = await client.sign_up({**who, "options": {"data": {"display_name": "Ada"}}})
    assert signed_up.session is None
    assert signed_up.user is not None
    assert signed_up.user.confirmation_sent_at is not None
    assert await refused(client.sign_in_with_password(who)) == (400, "email_not_confirmed")
    first = auth.code(who["email"])
    await client.resend({"type": "signup", "email": who["email"]})
    second = auth.code(who["email"])
    if first != second:
        old = {"email": who["email"], "token": first, "type": "signup"}
        assert await refused(client.verify_otp(old)) == (403, "otp_expired")
    verified = await client.verify_otp({"email": who["email"], "token": second, "type": "signup"})
    assert verified.session is not None
    assert verified.user is not None
    assert verified.user.email_confirmed_at is not None
    assert verified.user.identities is not None
    assert verified.user.identities[0].identity_data["email_verified"] is True
    assert (await client.sign_in_with_password(who)).session is not None
    # Who signs up with somebody's address learns nothing of them, and sends them nothing.
    count = len(auth.inbox.mails(who["email"]))
    stranger = await auth.client().sign_up({**who, "password": "another one"})
    assert stranger.user is not None
    assert (stranger.session, stranger.user.identities) == (None, [])
    assert stranger.user.id != verified.user.id
    assert len(auth.inbox.mails(who["email"])) == count


async def test_a_one_time_password_confirms_as_well(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any]
) -> None:
    auth = await serve(autoconfirm=False)
    email = credentials()["email"]
    client = auth.client()
    await client.sign_in_with_otp({"email": email})
    assert auth.inbox.mails(email)[0].subject == "Confirm your e-mail address"
    verified = await client.verify_otp({"email": email, "token": auth.code(email), "type": "email"})
    assert verified.user is not None
    assert verified.user.email_confirmed_at is not None


async def test_a_link_of_the_pkce_flow_confirms_and_gives_a_code(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any]
) -> None:
    auth = await serve(autoconfirm=False)
    who = credentials()
    client = auth.client("pkce")
    await client.sign_up(who)
    answer = await auth.http.get(auth.link(who["email"]))
    code = httpx.URL(answer.headers["Location"]).params["code"]
    exchanged = await client.exchange_code_for_session({"auth_code": code, "code_verifier": "", "redirect_to": ""})
    assert exchanged.session is not None


async def test_both_addresses_confirm_a_change(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any]
) -> None:
    auth = await serve(autoconfirm=False)
    who, new = credentials(), credentials()["email"]
    client = auth.client()
    await client.sign_up(who)
    await client.verify_otp({"email": who["email"], "token": auth.code(who["email"]), "type": "signup"})
    await client.update_user({"email": new})
    first = {"email": new, "token": auth.code(new), "type": "email_change"}
    half = await client.verify_otp(first)
    assert (half.user, half.session) == (None, None)
    # The same code does not count twice.
    assert await refused(client.verify_otp(first)) == (403, "otp_expired")
    unchanged = await client.get_user()
    assert unchanged is not None
    assert unchanged.user.email == who["email"]
    answer = await auth.http.get(auth.link(who["email"]))
    assert "access_token=" in answer.headers["Location"]
    changed = await client.get_user()
    assert changed is not None
    assert changed.user.email == new


async def test_an_old_session_needs_a_mailed_code_for_a_new_password(
    serve: Callable[..., Awaitable[Service]], running: StackInfo, credentials: Callable[[], Any]
) -> None:
    auth = await serve(secure_password_change=True)
    who = credentials()
    client = auth.client()
    session = (await client.sign_up(who)).session
    assert session is not None
    with psycopg.connect(running.admin_db_url) as connection:
        connection.execute(
            "update auth.sessions set created_at = created_at - interval '25 hours' where user_id = %s",
            (session.user.id,),
        )
    new: Any = {"password": "battery staple"}
    assert await refused(client.update_user(new)) == (400, "reauthentication_needed")
    await client.reauthenticate()
    assert await refused(client.update_user({**new, "nonce": "nonsense"})) == (422, "reauthentication_not_valid")
    await client.update_user({**new, "nonce": auth.code(who["email"])})
    assert (await client.sign_in_with_password({**who, **new})).session is not None


async def test_doors_that_a_project_closes(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any]
) -> None:
    auth = await serve(signup_enabled=False, anonymous_enabled=False, password_min_length=10)
    client = auth.client()
    assert await refused(client.sign_up(credentials())) == (422, "signup_disabled")
    assert await refused(client.sign_in_with_otp({"email": credentials()["email"]})) == (422, "signup_disabled")
    assert await refused(client.sign_in_anonymously()) == (422, "anonymous_provider_disabled")
    found = (await auth.http.get(f"{auth.url}/settings")).json()
    assert (found["disable_signup"], found["external"]["anonymous_users"]) == (True, False)


async def test_mails_to_one_person_may_be_limited(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any]
) -> None:
    auth = await serve(mail_interval_seconds=60)
    who = credentials()
    client = auth.client()
    await client.sign_up(who)
    await client.reset_password_for_email(who["email"])
    assert await refused(client.reset_password_for_email(who["email"])) == (429, "over_email_send_rate_limit")
    assert len(auth.inbox.mails()) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "email", "token": "1", "token_hash": "2"}, "validation_failed"),
        ({"type": "email", "token": "123456"}, "validation_failed"),
        ({"type": "nonsense", "token_hash": "123456"}, "validation_failed"),
        ({"type": "email", "token": "a\0ü", "email": "a@example.com"}, "otp_expired"),
        ({"type": 7}, "bad_json"),
    ],
)
async def test_proofs_that_make_no_sense(
    serve: Callable[..., Awaitable[Service]], body: dict[str, Any], code: str
) -> None:
    auth = await serve()
    answer = await auth.http.post(f"{auth.url}/verify", json=body)
    assert answer.json()["error_code"] == code


async def test_tokens_and_codes_are_as_a_project_wants_them(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any]
) -> None:
    auth = await serve(access_token_seconds=90, otp_digits=8)
    who = credentials()
    client = auth.client()
    session = (await client.sign_up(who)).session
    assert session is not None
    claims = jwt.decode(session.access_token, options={"verify_signature": False})
    assert (session.expires_in, claims["exp"] - claims["iat"]) == (90, 90)
    await client.reset_password_for_email(who["email"])
    code = auth.code(who["email"])
    assert len(code) == 8
    assert (await client.verify_otp({"email": who["email"], "token": code, "type": "recovery"})).session is not None


@pytest.mark.parametrize(("rotation", "lives"), [(True, False), (False, True)])
async def test_a_refresh_token_that_comes_again_ends_the_session_where_tokens_rotate(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any], rotation: bool, lives: bool
) -> None:
    auth = await serve(refresh_token_rotation=rotation, refresh_token_reuse_seconds=0)
    client = auth.client()
    first = (await client.sign_up(credentials())).session
    assert first is not None
    second = (await client.refresh_session(first.refresh_token)).session
    assert second is not None
    third = (await client.refresh_session(second.refresh_token)).session
    assert third is not None
    assert await refused(client.refresh_session(first.refresh_token)) == (400, "refresh_token_already_used")
    if lives:
        assert (await client.refresh_session(third.refresh_token)).session is not None
    else:
        assert await refused(client.refresh_session(third.refresh_token)) == (400, "refresh_token_already_used")


@pytest.mark.parametrize(
    ("settings", "moved"),
    [
        ({"session_seconds": 3600}, "created_at = created_at - interval '2 hours'"),
        (
            {"session_idle_seconds": 3600},
            "created_at = created_at - interval '2 hours', refreshed_at = refreshed_at - interval '2 hours'",
        ),
    ],
)
async def test_sessions_end_by_their_age_or_where_they_were_idle(
    serve: Callable[..., Awaitable[Service]],
    running: StackInfo,
    credentials: Callable[[], Any],
    settings: dict[str, float],
    moved: str,
) -> None:
    auth = await serve(**settings)
    client = auth.client()
    session = (await client.sign_up(credentials())).session
    assert session is not None
    session = (await client.refresh_session(session.refresh_token)).session
    assert session is not None
    with psycopg.connect(running.admin_db_url) as connection:
        connection.execute(f"update auth.sessions set {moved} where user_id = %s".encode(), (session.user.id,))
        connection.execute(
            "update auth.refresh_tokens set updated_at = updated_at - interval '2 hours' where user_id = %s",
            (session.user.id,),
        )
    assert await refused(client.refresh_session(session.refresh_token)) == (400, "session_expired")


@pytest.mark.parametrize(
    ("limit", "path", "body"),
    [
        ("sign_ins_per_5_minutes", "/recover", {"email": "nobody@example.com"}),
        ("sign_ins_per_5_minutes", "/otp", {"email": "nobody@example.com", "create_user": False}),
        ("token_refreshes_per_5_minutes", "/token?grant_type=refresh_token", {"refresh_token": "abcdefghijkl"}),
        ("token_refreshes_per_5_minutes", "/token?grant_type=password", {"email": "a@example.com", "password": "x"}),
        ("verifications_per_5_minutes", "/verify", {"type": "recovery", "token_hash": "x"}),
        ("anonymous_users_per_hour", "/signup", {}),
    ],
)
async def test_requests_may_be_limited(
    serve: Callable[..., Awaitable[Service]], limit: str, path: str, body: dict[str, Any]
) -> None:
    auth = await serve(anonymous_enabled=True, rate_limits={limit: 2})
    answers = [await auth.http.post(f"{auth.url}{path}", json=body) for _ in range(3)]
    assert 429 not in [answer.status_code for answer in answers[:2]]
    assert (answers[2].status_code, answers[2].json()["error_code"]) == (429, "over_request_rate_limit")


async def test_mails_may_be_limited(serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any]) -> None:
    auth = await serve(rate_limits={"mails_per_hour": 1})
    client = auth.client()
    await client.sign_in_with_otp({"email": credentials()["email"]})
    assert await refused(client.sign_in_with_otp({"email": credentials()["email"]})) == (
        429,
        "over_email_send_rate_limit",
    )
    assert len(auth.inbox.mails()) == 1


async def test_without_e_mail_nobody_signs_up_or_in_by_it(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any]
) -> None:
    auth = await serve(email_enabled=False)
    client, who = auth.client(), credentials()
    assert await refused(client.sign_up(who)) == (400, "email_provider_disabled")
    assert await refused(client.sign_in_with_password(who)) == (422, "email_provider_disabled")
    assert await refused(client.sign_in_with_otp({"email": who["email"]})) == (422, "email_provider_disabled")
    assert await refused(client.reset_password_for_email(who["email"])) == (400, "email_provider_disabled")
    assert (await auth.http.get(f"{auth.url}/settings")).json()["external"]["email"] is False


# mails ---------------------------------------------------------------------------------------------------------------


async def test_without_templates_a_mail_has_a_link_and_no_code(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any]
) -> None:
    """As on the platform; the link's own token is the way then."""
    auth = await serve(templates=DEFAULTS)
    who = credentials()
    client = auth.client()
    await client.sign_up(who)
    await client.reset_password_for_email(who["email"])
    await client.sign_in_with_otp({"email": who["email"]})
    await client.update_user({"email": credentials()["email"]})
    for mail in auth.inbox.mails():
        assert not re.search(r"\b\d{6}\b", mail.text + mail.html), mail
        assert auth.url in mail.html
        assert auth.url in mail.text
    await client.reset_password_for_email(who["email"])
    token_hash = httpx.URL(auth.link(who["email"])).params["token"]
    verified = await client.verify_otp({"token_hash": token_hash, "type": "recovery"})
    assert verified.session is not None


async def test_only_a_code_confirms_that_it_is_you(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any]
) -> None:
    auth = await serve(templates=DEFAULTS)
    who = credentials()
    client = auth.client()
    await client.sign_up(who)
    await client.reauthenticate()
    assert "http" not in auth.inbox.mails(who["email"])[0].text
    assert len(auth.code(who["email"])) == 6


@pytest.mark.parametrize("way", ["magic link", "invitation", "administrator"])
async def test_whoever_comes_by_a_mail_has_a_password_that_nobody_knows(
    serve: Callable[..., Awaitable[Service]], running: StackInfo, credentials: Callable[[], Any], way: str
) -> None:
    """As on the platform: that an account has a password says nothing of its owner knowing one."""
    auth = await serve()
    email = credentials()["email"]
    admin = {"Authorization": f"Bearer {auth.admin_token}"}
    if way == "magic link":
        await auth.client().sign_in_with_otp({"email": email})
    elif way == "invitation":
        await auth.http.post(f"{auth.url}/invite", json={"email": email}, headers=admin)
        await auth.client().verify_otp({"email": email, "token": auth.code(email), "type": "invite"})
    else:
        await auth.http.post(f"{auth.url}/admin/users", json={"email": email}, headers=admin)
    with psycopg.connect(running.admin_db_url) as connection:
        row = connection.execute("select encrypted_password from auth.users where email = %s", (email,)).fetchone()
    assert row is not None
    assert re.fullmatch(r"\$2a\$10\$.{53}", row[0])


# where it is set -----------------------------------------------------------------------------------------------------
