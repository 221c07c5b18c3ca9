"""Auth as a project may set it up: addresses that must be confirmed, closed doors, limits on mail; where it is set."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import psycopg
import pytest
from supabase_auth import AsyncGoTrueClient
from supabase_auth.errors import AuthApiError

from tests.local.conftest import served_auth
from tripgate.local.auth import links
from tripgate.local.auth.project_settings import of_project
from tripgate.local.auth.settings import AuthSettings, RateLimits, seconds
from tripgate.local.auth.templates import DEFAULTS
from tripgate.local.errors import LocalStackError
from tripgate.local.front_door_config import FrontDoorConfig
from tripgate.local.inbox import Inbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tripgate.local.stack import StackInfo


ROOT = Path(__file__).parents[2]
# The words that this project ships.
WITH_CODES = of_project(ROOT).templates


class Service:
    """Auth over the shared stack's database with settings of its own, and the mail that it sends."""

    def __init__(self, url: str, inbox: Inbox, http: httpx.AsyncClient, admin_token: str) -> None:
        self.url = url
        self.admin_token = admin_token
        self.inbox = inbox
        self.http = http

    def client(self, flow_type: Any = "implicit") -> AsyncGoTrueClient:
        """The stock client."""
        return AsyncGoTrueClient(url=self.url, http_client=self.http, auto_refresh_token=False, flow_type=flow_type)

    def code(self, to: str) -> str:
        """The code of the newest mail to this address."""
        found = re.search(r"Your code: (\d+)\n", self.inbox.mails(to)[0].text)
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
            url = await stack.enter_async_context(
                served_auth(config, AuthSettings(**{"templates": WITH_CODES, **settings}), inbox.deliver)
            )
            return Service(url, inbox, http, config.signer.role_token("service_role"))

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


def test_the_shipped_templates_have_a_code_and_a_link() -> None:
    for name, template in WITH_CODES.items():
        assert "{{ .Token }}" in template.html
        assert name == "reauthentication" or 'href="{{ .ConfirmationURL }}"' in template.html


async def test_templates_are_filled_and_what_people_wrote_does_no_harm(
    serve: Callable[..., Awaitable[Service]], credentials: Callable[[], Any], tmp_path: Path
) -> None:
    (tmp_path / "mail.html").write_text(
        "<style>p { color: red }</style><p>Dear {{ .Data.name }} {{ .Data.none }}{{.SendingTo}},<br>see "
        '<a href="{{ .SiteURL }}/in?token_hash={{ .TokenHash }}">here</a> &amp; there</p><ul><li>{{ .RedirectTo }}</ul>'
    )
    project = write(
        tmp_path, '[auth.email.template.magic_link]\nsubject = "{{ .Data.name }}: in"\ncontent_path = "mail.html"'
    )
    auth = await serve(templates=of_project(project).templates, site_url="http://127.0.0.1:3000")
    who = credentials()
    client = auth.client()
    await client.sign_up({**who, "options": {"data": {"name": "<b>Ada</b>\r\nBcc: x"}}})
    await client.sign_in_with_otp({"email": who["email"]})
    mail = auth.inbox.mails(who["email"])[0]
    assert mail.subject == "<b>Ada</b> Bcc: x: in"
    assert "Dear &lt;b&gt;Ada&lt;/b&gt;" in mail.html
    token_hash = re.search(r"token_hash=(\w+)", mail.html)
    assert token_hash is not None
    assert mail.text == (
        f"Dear <b>Ada</b> Bcc: x {who['email']},\n"
        f"see here: http://127.0.0.1:3000/in?token_hash={token_hash[1]} & there\n"
        "http://127.0.0.1:3000\n"
    )
    assert (await client.verify_otp({"token_hash": token_hash[1], "type": "email"})).session is not None


# where it is set -----------------------------------------------------------------------------------------------------


def write(project: Path, text: str) -> Path:
    (project / "supabase").mkdir(exist_ok=True)
    (project / "supabase" / "config.toml").write_text(text)
    return project


def test_a_project_sets_auth_up_in_its_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIPS_URL", "https://trips.example")
    assert of_project(tmp_path) == AuthSettings()
    assert of_project(write(tmp_path, 'project_id = "x"')) == AuthSettings()
    text = """
        [auth]
        site_url = "env(TRIPS_URL)"
        additional_redirect_urls = ["tripgate://**"]
        jwt_expiry = 600
        enable_refresh_token_rotation = false
        refresh_token_reuse_interval = 0
        enable_signup = false
        enable_anonymous_sign_ins = true
        minimum_password_length = 8
        password_requirements = "letters_digits"
        [auth.rate_limit]
        email_sent = 2
        sms_sent = 30
        anonymous_users = 3
        token_refresh = 4
        sign_in_sign_ups = 5
        token_verifications = 6
        web3 = 30
        [auth.sessions]
        timebox = "24h"
        inactivity_timeout = "8h"
        [auth.email]
        enable_signup = false
        enable_confirmations = true
        double_confirm_changes = false
        secure_password_change = true
        max_frequency = "1m30s"
        otp_length = 8
        otp_expiry = 600
        [auth.email.template.recovery]
        subject = "Forgotten?"
        [auth.sms]
        enable_signup = false
        max_frequency = "5s"
        [auth.mfa]
        max_enrolled_factors = 10
        [auth.mfa.totp]
        enroll_enabled = false
        [auth.captcha]
        enabled = false
        secret = "env(NOT_SET)"
        [auth.external.apple]
        enabled = false
        client_id = "x"
    """
    assert of_project(write(tmp_path, text)) == AuthSettings(
        site_url="https://trips.example",
        additional_redirect_urls=["tripgate://**"],
        access_token_seconds=600,
        refresh_token_rotation=False,
        refresh_token_reuse_seconds=0,
        signup_enabled=False,
        email_enabled=False,
        anonymous_enabled=True,
        password_min_length=8,
        password_requirements="letters_digits",
        autoconfirm=False,
        secure_email_change=False,
        secure_password_change=True,
        session_seconds=24 * 3600,
        session_idle_seconds=8 * 3600,
        mail_interval_seconds=90,
        otp_digits=8,
        otp_seconds=600,
        rate_limits=RateLimits(
            mails_per_hour=2,
            anonymous_users_per_hour=3,
            token_refreshes_per_5_minutes=4,
            sign_ins_per_5_minutes=5,
            verifications_per_5_minutes=6,
        ),
        templates={**DEFAULTS, "recovery": DEFAULTS["recovery"].model_copy(update={"subject": "Forgotten?"})},
    )


@pytest.mark.parametrize("name", ["enabled", "enable_signup"])
def test_signing_up_by_mail_is_switched_off_by_its_old_name_and_its_new_one(tmp_path: Path, name: str) -> None:
    assert not of_project(write(tmp_path, f"[auth.email]\n{name} = false")).email_enabled


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[auth", "is not TOML"),
        ("auth = 1", "auth must be a table"),
        ('[auth]\nminimum_password_length = "long"', "auth.minimum_password_length: "),
        ("[auth]\njwt_expiry = 0", "auth.jwt_expiry: "),
        ("[auth]\njwt_expiry = 604801", "auth.jwt_expiry: "),
        ('[auth]\npassword_requirements = "strong"', "auth.password_requirements: "),
        ("[auth.email]\notp_length = 5", "auth.email.otp_length: "),
        ('[auth.email]\nmax_frequency = "often"', "auth.email.max_frequency: must be a duration"),
        ("[auth.email]\nmax_frequency = 5", "auth.email.max_frequency: must be a duration"),
        ('[auth.email]\nenable_confirmations = "yes"', "auth.email.enable_confirmations: must be true or false"),
        ("[auth.rate_limit]\nemail_sent = 0", "auth.rate_limit.email_sent: "),
        ("[auth]\nenabled = false", "always has Auth"),
        ("[auth]\nenable_sign_up = false", "knows no such setting. Did you mean enable_signup"),
        ("[auth.email]\nenabeld = true", "auth.email.enabeld: the embedded Auth knows no such setting"),
        ("[auth.sms]\nenabled = true", "does not have phones"),
        ("[auth]\nenable_manual_linking = true", "does not have identities of other providers"),
        ('[auth]\njwt_secret = "x"', "does not have a secret of the project's own"),
        ("[auth.mfa.totp]\nenroll_enabled = true", "does not have second factors"),
        ("[auth.external.google]\nenabled = true", "auth.external.google.enabled: .* does not have other providers"),
        ("[auth.email.smtp]\nenabled = true", "no mail leaves this machine"),
        ("[auth.hook.send_email]\nenabled = true", "does not have hooks"),
        ('[auth.email.template.farewell]\nsubject = "x"', "auth.email.template.farewell: there is no such mail"),
        ('[auth.email.template.invite]\ncontent = "x"', "takes subject and content_path, and nothing else"),
        ('[auth.email.template.invite]\ncontent_path = "./x.html"', "x.html cannot be read"),
        ('[auth.email.template.invite]\nsubject = "{{ if .Data.a }}x{{ end }}"', "{{ if .Data.a }} cannot be had here"),
        ('[auth.email.template.invite]\nsubject = "{{ .Tokn }}"', "{{ .Tokn }} cannot be had here"),
    ],
)
def test_a_config_that_makes_no_sense_stops_the_start(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LocalStackError, match=message):
        of_project(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "length"), [("1h30m", 5400), ("1.5s", 1.5), ("0s", 0), ("0", 0), ("1 s", None), ("", None)]
)
def test_durations_are_those_of_go(text: str, length: float | None) -> None:
    assert seconds(text) == length


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://trips.example/welcome?a=1", True),
        ("https://trips.example:8080/", False),
        ("http://trips.example/", False),
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
