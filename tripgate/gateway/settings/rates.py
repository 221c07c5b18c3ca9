"""How often somebody may ask."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

_SCHEMES = ("redis://", "rediss://", "unix://")


class RateSettings(BaseModel):
    """Quotas for a minute, and where they are counted. Off in development."""

    rate_limits: bool | None = Field(
        default=None, description="Whether the quotas below are counted; unset, everywhere but in development."
    )
    requests_per_person: int = Field(default=600, ge=0, description="Requests a minute of one person; 0: any number.")
    requests_per_address: int = Field(
        default=1200, ge=0, description="Requests a minute from one address, whoever asks; 0: any number."
    )
    sign_in_attempts_per_address: int = Field(
        default=30,
        ge=0,
        description="Attempts a minute to sign up or in, or to refresh, from one address; 0: any number.",
    )
    sign_in_attempts_per_account: int = Field(
        default=5,
        ge=0,
        description="Attempts a minute to sign in to one account from one address; 0: any number. "
        "The more there are from all addresses, the more each counts.",
    )
    cost_per_person: int = Field(
        default=200_000,
        ge=0,
        description="What one person's operations of a minute may cost together, at least `TRIPGATE_MAX_COST`; "
        "0: anything.",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(),
        description="Networks of the proxies in front, with commas between them, as in `10.0.0.0/8,::1/128`.",
    )
    forwarded_header: Literal["X-Forwarded-For", "Forwarded"] = Field(
        default="X-Forwarded-For", description="Where those proxies say whom they ask for: that, or `Forwarded`."
    )
    redis_url: SecretStr | None = Field(
        default=None,
        description="The Redis or Valkey that several gateways share, as in redis://host:6379/0; unset, each is alone.",
    )
    redis_prefix: str = Field(default="tripgate:", description="What every key in it begins with.")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, text: object) -> object:
        if not isinstance(text, str):
            return text
        return [network.strip() for network in text.split(",") if network.strip()]

    @field_validator("redis_url")
    @classmethod
    def _known_scheme(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(_SCHEMES):
            raise ValueError("it must begin with redis://, rediss:// or unix://")
        return url
