"""What GoTrue would read from its environment: defaults for development, and the project's `supabase/config.toml`.

Takes the project's folder; gives `AuthSettings`; refuses a value of the wrong kind with its place in the file. Keys
that the stand-in has no use for are left alone, since the Supabase CLI reads the same file.
"""

# Evaluated annotations: pydantic reads them at run time.
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from tripgate.local.errors import LocalStackError

_ENV = re.compile(r"env\((\w+)\)")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class AuthSettings(BaseModel):
    """How Auth behaves. Mails may be sent as often as one likes unless the project says otherwise."""

    site_url: str = "http://127.0.0.1:3000"
    additional_redirect_urls: list[str] = []
    signup_enabled: bool = True
    anonymous_enabled: bool = True
    autoconfirm: bool = True
    secure_email_change: bool = True
    secure_password_change: bool = False
    password_min_length: int = 6
    otp_seconds: int = 3600
    mail_interval_seconds: float = 0.0
    refresh_token_reuse_seconds: int = 10
    auth_code_seconds: int = 300


def seconds(text: str) -> float | None:
    """A duration as Go writes it, such as `1h30m`, in seconds; None for anything else."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)


def _table(parent: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of the file; `env(NAME)` stands for a variable of the environment, as for the Supabase CLI."""
    found = parent.get(name)
    if not isinstance(found, dict):
        return {}
    return {key: _value(value) for key, value in found.items()}


def _value(value: Any) -> Any:
    variable = _ENV.fullmatch(value) if isinstance(value, str) else None
    return os.environ.get(variable[1]) if variable else value


def _seconds_or(value: Any) -> Any:
    """What cannot be read is left for the model to refuse."""
    found = seconds(str(value))
    return value if found is None else found


def of_project(project_dir: Path) -> AuthSettings:
    """The settings of `[auth]` and `[auth.email]`. Raises LocalStackError for a file that makes no sense."""
    file = project_dir / "supabase" / "config.toml"
    try:
        auth = _table(tomllib.loads(file.read_text(encoding="utf-8")), "auth")
    except FileNotFoundError:
        return AuthSettings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalStackError(f"{file} is not TOML: {error}") from error
    email = _table(auth, "email")
    frequency = email.get("max_frequency")
    confirmations = email.get("enable_confirmations")
    found = {
        "site_url": auth.get("site_url"),
        "additional_redirect_urls": auth.get("additional_redirect_urls"),
        "signup_enabled": auth.get("enable_signup"),
        "anonymous_enabled": auth.get("enable_anonymous_sign_ins"),
        "autoconfirm": None if confirmations is None else not confirmations,
        "secure_email_change": email.get("double_confirm_changes"),
        "secure_password_change": email.get("secure_password_change"),
        "password_min_length": auth.get("minimum_password_length"),
        "otp_seconds": email.get("otp_expiry"),
        "mail_interval_seconds": None if frequency is None else _seconds_or(frequency),
        "refresh_token_reuse_seconds": auth.get("refresh_token_reuse_interval"),
    }
    try:
        return AuthSettings.model_validate({name: value for name, value in found.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        raise LocalStackError(f"{file}, [auth]: {first['loc'][0]}: {first['msg']}") from error
