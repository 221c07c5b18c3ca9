"""Reads `[auth]` of a project's `supabase/config.toml`, the file of the Supabase CLI, and leaves no word of it unheard.

Takes the project's folder; gives `AuthSettings`. A key is obeyed; or it is about a part of Auth that is not there, and
then it may say that the part is off; or it says something of no consequence here. Anything else stops the start with
its place in the file: LocalStackError. `env(NAME)` stands for a variable of the environment; where that is not set the
key counts as absent.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tripgate.local.auth.settings import AuthSettings, RateLimits, seconds
from tripgate.local.auth.templates import DEFAULTS, TEMPLATE_NAMES, Template, TemplateName, unknown_action
from tripgate.local.errors import LocalStackError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

OBEYED = {
    "site_url": "site_url",
    "additional_redirect_urls": "additional_redirect_urls",
    "jwt_expiry": "access_token_seconds",
    "enable_refresh_token_rotation": "refresh_token_rotation",
    "refresh_token_reuse_interval": "refresh_token_reuse_seconds",
    "enable_signup": "signup_enabled",
    "enable_anonymous_sign_ins": "anonymous_enabled",
    "minimum_password_length": "password_min_length",
    "password_requirements": "password_requirements",
    "sessions.timebox": "session_seconds",
    "sessions.inactivity_timeout": "session_idle_seconds",
    "email.enabled": "email_enabled",
    "email.enable_signup": "email_enabled",  # what the platform's command line called it before
    "email.enable_confirmations": "autoconfirm",
    "email.double_confirm_changes": "secure_email_change",
    "email.secure_password_change": "secure_password_change",
    "email.max_frequency": "mail_interval_seconds",
    "email.otp_length": "otp_digits",
    "email.otp_expiry": "otp_seconds",
}
RATES = {
    "rate_limit.email_sent": "mails_per_hour",
    "rate_limit.anonymous_users": "anonymous_users_per_hour",
    "rate_limit.token_refresh": "token_refreshes_per_5_minutes",
    "rate_limit.sign_in_sign_ups": "sign_ins_per_5_minutes",
    "rate_limit.token_verifications": "verifications_per_5_minutes",
}
DURATIONS = ("sessions.timebox", "sessions.inactivity_timeout", "email.max_frequency")
# What may only be off, and what is missing.
OFF = {
    "enable_manual_linking": "identities of other providers",
    "signing_keys_path": "signing keys of the project's own",
    "publishable_key": "keys of the project's own",
    "secret_key": "keys of the project's own",
    "jwt_secret": "a secret of the project's own",
    "anon_key": "keys of the project's own",
    "service_role_key": "keys of the project's own",
    "captcha.enabled": "captchas",
    "hook.*.enabled": "hooks",
    "mfa.*.enroll_enabled": "second factors",
    "mfa.*.verify_enabled": "second factors",
    "sms.enabled": "phones",
    "sms.enable_signup": "phones",
    "sms.*.enabled": "phones",
    "external.*.enabled": "other providers",
    "web3.*.enabled": "wallets",
    "third_party.*.enabled": "other issuers of tokens",
    "oauth_server.enabled": "an OAuth server",
    "passkey.enabled": "passkeys",
    "email.smtp.enabled": "an SMTP server, since no mail leaves this machine",
    "email.notification.*.enabled": "notifications",
}
# Details of what is off, and limits of what is not there.
OF_NO_CONSEQUENCE = (
    "captcha.*",
    "hook.*.*",
    "mfa.max_enrolled_factors",
    "mfa.*.*",
    "sms.*",
    "sms.*.*",
    "external.*.*",
    "web3.*.*",
    "third_party.*.*",
    "oauth_server.*",
    "passkey.*",
    "webauthn.*",
    "email.smtp.*",
    "email.notification.*.*",
    "rate_limit.sms_sent",
    "rate_limit.web3",
)
_ENV = re.compile(r"env\((\w+)\)")


def of_project(project_dir: Path, site_url: str | None = None) -> AuthSettings:
    """The settings of `[auth]` and the tables below it.

    Args:
        site_url: Where links in mails lead, unless the file says so.

    Raises:
        LocalStackError: Something in the file is not obeyed.
    """
    settings: dict[str, Any] = {} if site_url is None else {"site_url": site_url}
    file = project_dir / "supabase" / "config.toml"
    try:
        auth = tomllib.loads(file.read_text(encoding="utf-8")).get("auth", {})
    except FileNotFoundError:
        return AuthSettings.model_validate(settings)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalStackError(f"{file} is not TOML: {error}") from error
    if not isinstance(auth, dict):
        raise LocalStackError(f"{file}: auth must be a table.")
    rates: dict[str, Any] = {}
    templates = dict(DEFAULTS)
    for key, value in _keys(auth):
        if key.startswith("email.template."):
            _use_template(file, project_dir, templates, key, value)
        elif key in OBEYED:
            settings[OBEYED[key]] = _meaning(file, key, value)
        elif key in RATES:
            rates[RATES[key]] = value
        else:
            _must_be_off(file, key, value)
    names = {field: key for key, field in (*OBEYED.items(), *RATES.items())}
    try:
        limits = RateLimits.model_validate(rates)
        return AuthSettings.model_validate({**settings, "rate_limits": limits, "templates": templates}, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = names.get(str(first["loc"][0]), str(first["loc"][0]))
        raise LocalStackError(f"{file}: auth.{key}: {first['msg']}") from error


def _keys(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that is set, by its path below `auth`; a template is one key."""
    for name, value in table.items():
        key = prefix + name
        if isinstance(value, dict) and not re.fullmatch(r"email\.template\.[^.]+", key):
            yield from _keys(value, f"{key}.")
            continue
        variable = _ENV.fullmatch(value) if isinstance(value, str) else None
        found = os.environ.get(variable[1]) if variable else value
        if found is not None:
            yield key, found


def _meaning(file: Path, key: str, value: Any) -> Any:
    """The value as AuthSettings has it."""
    if key == "email.enable_confirmations":
        if not isinstance(value, bool):
            raise LocalStackError(f"{file}: auth.{key}: must be true or false.")
        return not value
    if key in DURATIONS:
        length = seconds(value) if isinstance(value, str) else None
        if length is None:
            raise LocalStackError(f'{file}: auth.{key}: must be a duration such as "1m30s".')
        return length
    return value


def _must_be_off(file: Path, key: str, value: Any) -> None:
    for pattern, missing in OFF.items():
        if _like(pattern, key):
            if value in (False, "", []):
                return
            raise LocalStackError(f"{file}: auth.{key}: the embedded Auth does not have {missing}. Leave it off here.")
    if any(_like(pattern, key) for pattern in OF_NO_CONSEQUENCE):
        return
    if key == "enabled":
        if value is True:
            return
        raise LocalStackError(f"{file}: auth.enabled: the embedded Supabase always has Auth.")
    nearest = difflib.get_close_matches(key, [*OBEYED, *RATES, *OFF], n=1)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    raise LocalStackError(f"{file}: auth.{key}: the embedded Auth knows no such setting.{hint}")


def _like(pattern: str, key: str) -> bool:
    """Whether the key is the pattern's, where `*` is one name."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", r"[^.]+"), key) is not None


def _use_template(file: Path, project_dir: Path, templates: dict[TemplateName, Template], key: str, value: Any) -> None:
    name = key.removeprefix("email.template.")
    known = next((known for known in TEMPLATE_NAMES if known == name), None)
    if known is None:
        raise LocalStackError(f"{file}: auth.{key}: there is no such mail. There are {', '.join(TEMPLATE_NAMES)}.")
    subject, path = (value.get("subject"), value.get("content_path")) if isinstance(value, dict) else (None, None)
    if not isinstance(value, dict) or value.keys() - {"subject", "content_path"}:
        raise LocalStackError(f"{file}: auth.{key}: takes subject and content_path, and nothing else.")
    html = templates[known].html
    if path is not None:
        content = project_dir / str(path)
        try:
            html = content.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise LocalStackError(f"{file}: auth.{key}.content_path: {content} cannot be read: {error}") from error
    template = Template(subject=templates[known].subject if subject is None else str(subject), html=html)
    for text in (template.subject, template.html):
        action = unknown_action(text)
        if action is not None:
            raise LocalStackError(
                f"{file}: auth.{key}: {action} cannot be had here, only the plain values of a mail, "
                "such as {{ .Token }} and {{ .ConfirmationURL }}."
            )
    templates[known] = template
