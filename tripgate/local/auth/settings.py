"""How Auth behaves, as data: what GoTrue would read from its environment, with defaults for development.

A project sets them in `supabase/config.toml`; see `project_settings`.
"""

# Evaluated annotations: pydantic reads them at run time.
import re
import string
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tripgate.local.auth.templates import DEFAULTS, Template, TemplateName

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

PasswordRequirements = Literal["", "letters_digits", "lower_upper_letters_digits", "lower_upper_letters_digits_symbols"]
SYMBOLS = "!@#$%^&*()_+-=[]{};'\\:\"|<>?,./`~"
CHARACTER_SETS: dict[PasswordRequirements, tuple[str, ...]] = {
    "": (),
    "letters_digits": (string.ascii_letters, string.digits),
    "lower_upper_letters_digits": (string.ascii_lowercase, string.ascii_uppercase, string.digits),
    "lower_upper_letters_digits_symbols": (string.ascii_lowercase, string.ascii_uppercase, string.digits, SYMBOLS),
}


class RateLimits(BaseModel):
    """How many requests an address may make; None for any number. Mails are counted together, whoever asks for them."""

    model_config = ConfigDict(strict=True, frozen=True)

    anonymous_users_per_hour: int | None = Field(default=None, ge=1)
    token_refreshes_per_5_minutes: int | None = Field(default=None, ge=1)
    sign_ins_per_5_minutes: int | None = Field(default=None, ge=1)
    verifications_per_5_minutes: int | None = Field(default=None, ge=1)
    mails_per_hour: int | None = Field(default=None, ge=1)


class AuthSettings(BaseModel):
    """How Auth behaves. Mails may be sent as often as one likes unless the project says otherwise."""

    model_config = ConfigDict(frozen=True)

    site_url: str = "http://127.0.0.1:3000"
    additional_redirect_urls: list[str] = []
    access_token_seconds: int = Field(default=3600, ge=1, le=604_800)
    signup_enabled: bool = True
    email_enabled: bool = True
    anonymous_enabled: bool = False
    autoconfirm: bool = True
    secure_email_change: bool = True
    secure_password_change: bool = False
    password_min_length: int = Field(default=6, ge=1, le=72)
    password_requirements: PasswordRequirements = ""
    password_cost: int = Field(default=10, ge=4, le=31)
    """Of bcrypt, as GoTrue's; tests make accounts by the hundred, with less."""
    otp_digits: int = Field(default=6, ge=6, le=10)
    otp_seconds: int = Field(default=3600, ge=1)
    mail_interval_seconds: float = Field(default=0.0, ge=0)
    refresh_token_rotation: bool = True
    refresh_token_reuse_seconds: int = Field(default=10, ge=0)
    session_seconds: float = Field(default=0.0, ge=0)
    session_idle_seconds: float = Field(default=0.0, ge=0)
    auth_code_seconds: int = 300
    rate_limits: RateLimits = RateLimits()
    templates: dict[TemplateName, Template] = DEFAULTS


def seconds(text: str) -> float | None:
    """A duration as Go writes it, such as `1h30m`, in seconds; None for anything else."""
    if text == "0":
        return 0.0
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
