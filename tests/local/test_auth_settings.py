"""Auth as a project may set it up: addresses that must be confirmed, closed doors, limits on mail; where it is set."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from aiohttp import web
from supabase_auth import AsyncGoTrueClient
from supabase_auth.errors import AuthApiError

from tripgate.local.auth import app as auth_app
from tripgate.local.auth import links
from tripgate.local.auth.settings import AuthSettings, of_project, seconds
from tripgate.local.errors import LocalStackError
from tripgate.local.front_door_config import FrontDoorConfig
from tripgate.local.inbox import Inbox
from tripgate.local.ports import listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from tripgate.local.stack import StackInfo


class Service:
    """Auth over the shared stack's database with settings of its own, and the mail that it sends."""

    def __init__(self, url: str, inbox: Inbox, http: httpx.AsyncClient) -> None:
        self.url = url
        self.inbox = inbox
        self.http = http

    def client(self, flow_type: Any = "implicit") -> AsyncGoTrueClient:
        """The stock client."""
        return AsyncGoTrueClient(url=self.url, http_client=self.http, auto_refresh_token=False, flow_type=flow_type)

    def code(self, to: str) -> str:
        """The code of the newest mail to this address."""
        found = re.search(r"Your code: (\d{6})\n", self.inbox.mails(to)[0].text)
        assert found is not None
        return found[1]

    def link(self, to: str) -> str:
        """The link of the newest mail to this address."""
        found = re.search(r"http\S+", self.inbox.mails(to)[0].text)
        assert found is not None
        return found[0]


@pytest.fixture
async def serve(running: StackInfo, running_data_dir: Path) -> AsyncIterator[Callable[..., Awaitable[Service]]]:
    """Starts Auth with the settings that are given."""
    config = FrontDoorConfig.model_validate_json((running_data_dir / "config" / "front_door.json").read_text())
    async with contextlib.AsyncExitStack() as stack, httpx.AsyncClient() as http:

        async def start(**settings: Any) -> Service:
            inbox = Inbox()
            app = web.Application()
            # The links in mails lead back here, so the address has to be known first.
            runner = web.AppRunner(app)
            sock = listen(0)
            url = f"http://127.0.0.1:{sock.getsockname()[1]}/auth/v1"
            app.add_subapp(
                "/auth/v1",
                auth_app.create(
                    database_url=config.auth_database_url,
                    signer=config.signer,
                    issuer=url,
                    access_token_seconds=3600,
                    settings=AuthSettings(**settings),
                    send=inbox.deliver,
                ),
            )
            await runner.setup()
            await web.SockSite(runner, sock).start()
            stack.push_async_callback(runner.cleanup)
            return Service(url, inbox, http)

        yield start


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
        ({"type": "nonsense", "token": "123456", "email": "a@example.com"}, "validation_failed"),
        ({"type": "email", "token_hash": "a\0b"}, "otp_expired"),
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


# where it is set -----------------------------------------------------------------------------------------------------


def write(project: Path, text: str) -> Path:
    (project / "supabase").mkdir(exist_ok=True)
    (project / "supabase" / "config.toml").write_text(text)
    return project


def test_a_project_sets_auth_up_in_its_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPS_URL", "https://trips.example")
    assert of_project(tmp_path) == AuthSettings()
    assert of_project(write(tmp_path, 'project_id = "x"')) == AuthSettings()
    assert of_project(write(tmp_path, "auth = 1")) == AuthSettings()
    text = """
        [auth]
        site_url = "env(TRIPS_URL)"
        additional_redirect_urls = ["tripgate://**"]
        enable_anonymous_sign_ins = false
        minimum_password_length = 8
        [auth.email]
        enable_confirmations = true
        max_frequency = "1m30s"
        otp_expiry = 600
        [auth.external.apple]
        enabled = false
    """
    assert of_project(write(tmp_path, text)) == AuthSettings(
        site_url="https://trips.example",
        additional_redirect_urls=["tripgate://**"],
        anonymous_enabled=False,
        password_min_length=8,
        autoconfirm=False,
        mail_interval_seconds=90,
        otp_seconds=600,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[auth", "is not TOML"),
        ('[auth]\nminimum_password_length = "long"', "password_min_length"),
        ('[auth.email]\nmax_frequency = "often"', "mail_interval_seconds"),
    ],
)
def test_a_config_that_makes_no_sense_stops_the_start(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LocalStackError, match=message):
        of_project(write(tmp_path, text))


@pytest.mark.parametrize(("text", "length"), [("1h30m", 5400), ("1.5s", 1.5), ("0s", 0), ("1 s", None), ("", None)])
def test_durations_are_those_of_go(text: str, length: float | None) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://trips.example/welcome?a=1", True),
        ("http://trips.example:8080/", True),
        ("javascript://trips.example/%0aalert(1)", False),
        ("http://127.0.0.1:5173/x", True),
        ("http://[::1]:5173/", True),
        ("http://10.0.0.1/", False),
        ("https://trips.example.evil.example/", False),
        ("https://evil.example/?https://trips.example/", False),
        ("tripgate://signed-in/a/b", True),
        ("https://preview-7.example/x", True),
        ("https://preview-7.evil.example/x", False),
        ("https://trips.example/\r\nX-Evil: 1", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_links_lead_to_addresses_of_the_project_alone(url: str, allowed: bool) -> None:
    patterns = ["tripgate://**", "https://preview-*.example/*"]
    settings = AuthSettings(site_url="https://trips.example", additional_redirect_urls=patterns)
    assert links.is_allowed(settings, url) is allowed
