"""How a project sets Auth up: its configuration and templates, read without a server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.auth_service import WITH_CODES, Service
from tripgate.local.auth import links
from tripgate.local.auth.project_settings import of_project
from tripgate.local.auth.settings import AuthSettings, RateLimits, seconds
from tripgate.local.auth.templates import DEFAULTS
from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


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


def write(project: Path, text: str) -> Path:
    (project / "supabase").mkdir(exist_ok=True)
    (project / "supabase" / "config.toml").write_text(text)
    return project


def test_links_in_mails_lead_where_the_project_says_or_else_where_the_stack_does(tmp_path: Path) -> None:
    board = "http://127.0.0.1:8000/board"
    assert of_project(tmp_path).site_url == "http://127.0.0.1:3000"
    assert of_project(tmp_path, board).site_url == board
    assert of_project(write(tmp_path, "[auth]\njwt_expiry = 60"), board).site_url == board
    assert (
        of_project(write(tmp_path, '[auth]\nsite_url = "https://trips.example"'), board).site_url
        == "https://trips.example"
    )


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
