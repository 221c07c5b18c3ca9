"""The gateway's settings, from the environment. A wrong one stops the start with a sentence that says what to set.

Each module here holds one group; `Settings` is all of them.
"""

import os
import re
from collections.abc import Mapping
from typing import Annotated, Self

import jwt
from pydantic import (
    AliasChoices,
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    DirectoryPath,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tripgate.gateway.settings.cache import CacheSettings
from tripgate.gateway.settings.edge import EdgeSettings
from tripgate.gateway.settings.limits import LimitSettings
from tripgate.gateway.settings.live import LiveSettings
from tripgate.gateway.settings.names import PREFIX, misspelt
from tripgate.gateway.settings.observability import ObservabilitySettings
from tripgate.gateway.settings.rates import RateSettings
from tripgate.gateway.settings.upstream import UpstreamSettings

_HOST_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*")


class SettingsError(Exception):
    """The settings do not allow a start; the message says what to set, a line each."""


class DemoAccount(BaseModel):
    """An account that anybody who opens GraphiQL or the board may sign in as."""

    model_config = ConfigDict(frozen=True)

    email: str = Field(min_length=1)
    password: str = Field(min_length=1)

    @property
    def name(self) -> str:
        """What its button says."""
        return self.email.partition("@")[0].title()


class Settings(
    EdgeSettings,
    LimitSettings,
    RateSettings,
    UpstreamSettings,
    LiveSettings,
    ObservabilitySettings,
    CacheSettings,
    BaseSettings,
):
    """What `tripgate serve` reads. Documented in `docs/settings.md`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True, allow_inf_nan=False)

    supabase_url: AnyHttpUrl = Field(
        validation_alias="SUPABASE_URL", description="The project's address, as in https://project.supabase.co."
    )
    supabase_publishable_key: SecretStr = Field(
        validation_alias=AliasChoices("SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY"),
        description="The publishable key, or the legacy anon key. Never a secret or service-role key.",
    )
    supabase_jwt_secret: SecretStr | None = Field(
        default=None,
        validation_alias="SUPABASE_JWT_SECRET",
        description="The legacy JWT secret, only for projects that sign tokens with HS256.",
    )
    rest_url: AnyHttpUrl | None = Field(
        default=None, description="PostgREST's address where it is not <SUPABASE_URL>/rest/v1."
    )
    realtime_url: AnyHttpUrl | None = Field(
        default=None, description="Realtime's address where it is not <SUPABASE_URL>/realtime/v1."
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on; 0 takes any free one.")
    workers: int = Field(default=1, ge=1, le=256, description="How many processes serve; one a core is enough.")
    development: bool = Field(
        default=False,
        description="Suggestions in errors, introspection, `explain`, and pages of this machine may ask. "
        "`tripgate dev` sets it.",
    )
    graphiql_assets: DirectoryPath | None = Field(
        default=None,
        description="The folder of GraphiQL's files, to show it at /graphql in browsers. `tripgate dev` sets it.",
    )
    board_assets: DirectoryPath | None = Field(
        default=None,
        description="The folder of the built examples/board, to show it at /board. `tripgate dev` sets it.",
    )
    graphiql_demo_accounts: Annotated[tuple[DemoAccount, ...] | None, NoDecode] = Field(
        default=None,
        description="Accounts that GraphiQL and the board sign in at a click, as email:password,email:password. "
        "Development only.",
    )

    development_services: Annotated[tuple[tuple[str, str], ...], NoDecode] = Field(
        default=(),
        description="What else runs on this machine, as name=address,name=address, for the page at /. "
        "`tripgate dev` sets it. Development only.",
    )

    development_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Names by which this machine may be asked too, beside localhost, its subdomains and IP addresses, "
        "with commas between them; for the inbox and the faked services as well. Development only.",
    )

    @field_validator("development_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, text: object) -> object:
        if not isinstance(text, str):
            return text
        names = tuple(name.strip().lower() for name in text.split(",") if name.strip())
        if not all(map(_HOST_NAME.fullmatch, names)):
            raise ValueError("write names alone, as in `gateway,tripgate.internal`, with commas between them")
        return names

    @field_validator("development_services", mode="before")
    @classmethod
    def _split_services(cls, text: object) -> object:
        if not isinstance(text, str):
            return text
        pairs = [pair.strip().partition("=") for pair in text.split(",") if pair.strip()]
        if not all(name and address for name, _, address in pairs):
            raise ValueError("write each as name=address, with commas between them")
        return [(name, address) for name, _, address in pairs]

    @field_validator("graphiql_demo_accounts", mode="before")
    @classmethod
    def _split_accounts(cls, text: object) -> object:
        if not isinstance(text, str):
            return text
        pairs = [pair.strip().partition(":") for pair in text.split(",") if pair.strip()]
        if not all(email and password for email, _, password in pairs):
            raise ValueError("write each account as email:password, with commas between them")
        return [DemoAccount(email=email, password=password) for email, _, password in pairs]

    @field_validator("port", mode="before")
    @classmethod
    def _refuse_services(cls, value: object) -> object:
        if isinstance(value, str) and value.startswith("tcp://"):
            raise ValueError(
                "Kubernetes has set it, for a Service that is called tripgate; "
                "write `enableServiceLinks: false` into the pod's spec"
            )
        return value

    @field_validator("database_url")
    @classmethod
    def _refuse_other_addresses(cls, url: SecretStr | None) -> SecretStr | None:
        # Not by libpq, whose message would repeat the password.
        if url is not None and not url.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("write it as postgresql://login:password@host:port/postgres")
        return url

    @field_validator("supabase_publishable_key")
    @classmethod
    def _refuse_secret_keys(cls, key: SecretStr) -> SecretStr:
        text = key.get_secret_value()
        if text.startswith("sb_secret_") or _role(text) == "service_role":
            raise ValueError(
                "this is a secret key, which bypasses row level security; the gateway takes the publishable key only"
            )
        if not text:
            raise ValueError("it is empty; take the publishable key from the project's API settings")
        return key

    @model_validator(mode="after")
    def _refuse_to_show_what_is_for_development(self) -> Self:
        if self.graphiql_demo_accounts and not self.development:
            raise ValueError(
                "TRIPGATE_GRAPHIQL_DEMO_ACCOUNTS hands passwords to every visitor, so it needs "
                "TRIPGATE_DEVELOPMENT=true; leave it out in production"
            )
        if self.development_services and not self.development:
            raise ValueError(
                "TRIPGATE_DEVELOPMENT_SERVICES shows every visitor what runs where, so it needs "
                "TRIPGATE_DEVELOPMENT=true; leave it out in production"
            )
        if self.development_hosts and not self.development:
            raise ValueError(
                "TRIPGATE_DEVELOPMENT_HOSTS needs TRIPGATE_DEVELOPMENT=true: in production any name is answered; "
                "leave it out there"
            )
        return self

    @model_validator(mode="after")
    def _refuse_workers_that_do_not_hear_of_each_others_writes(self) -> Self:
        if self.workers > 1 and self.redis_url is None and (self.cache or self.share_reads):
            raise ValueError(
                "TRIPGATE_CACHE and TRIPGATE_SHARE_READS with several workers need TRIPGATE_REDIS_URL, by which one "
                "learns of another's writes; set it, or TRIPGATE_WORKERS=1"
            )
        return self

    @model_validator(mode="after")
    def _refuse_more_workers_than_connections(self) -> Self:
        if self.workers > self.upstream_pool:
            raise ValueError(
                f"{self.workers} workers cannot share the {self.upstream_pool} connections of PostgREST's pool; "
                "set TRIPGATE_UPSTREAM_POOL to its `db-pool`, or fewer TRIPGATE_WORKERS"
            )
        return self

    @model_validator(mode="after")
    def _refuse_more_workers_than_database_connections(self) -> Self:
        if self.database_url is not None and self.workers > self.database_pool:
            raise ValueError(
                f"{self.workers} workers cannot share {self.database_pool} connections to Postgres; "
                "raise TRIPGATE_DATABASE_POOL, or set fewer TRIPGATE_WORKERS"
            )
        return self

    @model_validator(mode="after")
    def _refuse_paths(self) -> Self:
        if self.supabase_url.path not in {None, "", "/"}:
            raise ValueError("SUPABASE_URL is the project's address without a path, as in https://project.supabase.co")
        return self

    @model_validator(mode="after")
    def _refuse_operations_that_never_fit(self) -> Self:
        if self.limits_rates and 0 < self.cost_per_person < self.max_cost:
            raise ValueError(
                f"an operation may cost {self.max_cost}, but all of a person's in a minute {self.cost_per_person}, so "
                "the largest would never be let in; raise TRIPGATE_COST_PER_PERSON, or lower TRIPGATE_MAX_COST"
            )
        return self

    @property
    def limits_rates(self) -> bool:
        """Whether requests are counted: everywhere but in development, unless the settings say."""
        return not self.development if self.rate_limits is None else self.rate_limits

    @property
    def introspects(self) -> bool:
        """Whether the schema may be asked for."""
        return self.development if self.introspection is None else self.introspection

    @property
    def project_url(self) -> str:
        """The project's address without a slash at its end."""
        return str(self.supabase_url).rstrip("/")

    @property
    def postgrest_url(self) -> str:
        """Where tables are read and written."""
        return str(self.rest_url).rstrip("/") if self.rest_url is not None else f"{self.project_url}/rest/v1"

    @property
    def realtime_address(self) -> str:
        """Where changes are heard."""
        return (
            str(self.realtime_url).rstrip("/") if self.realtime_url is not None else f"{self.project_url}/realtime/v1"
        )

    @property
    def auth_url(self) -> str:
        """Where people sign in; also the issuer of their tokens."""
        return f"{self.project_url}/auth/v1"


def load() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: One or more are missing, wrong or misspelt.
    """
    unknown = unknown_names(os.environ)
    try:
        settings = Settings()
    except ValidationError as error:
        problems = [_sentence(dict(problem)) for problem in error.errors()]
        raise SettingsError("\n".join([*unknown, *problems])) from None
    if unknown:
        raise SettingsError("\n".join(unknown))
    return settings


def unknown_names(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that has the form of a setting and is none, with the name that is nearest."""
    return misspelt(environment, (name for names in environment_names().values() for name in names))


def environment_names() -> dict[str, list[str]]:
    """The environment variables behind each setting, the first one preferred."""
    names = {}
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        if isinstance(alias, AliasChoices):
            names[name] = [str(choice) for choice in alias.choices]
        else:
            names[name] = [str(alias) if alias is not None else f"{PREFIX}{name.upper()}"]
    return names


def _sentence(problem: dict[str, object]) -> str:
    location = problem["loc"]
    place = str(location[0]) if isinstance(location, tuple) and location else ""
    variable = environment_names().get(place, [place])[0] if place else ""
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "missing":
        return f"{variable} is not set. Set it to: {_description(variable)}"
    return f"{variable}: {message}." if variable else f"{message}."


def _description(variable: str) -> str:
    for name, variables in environment_names().items():
        if variable in variables:
            return Settings.model_fields[name].description or ""
    return ""


def _role(token: str) -> str | None:
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return None
    role = claims.get("role")
    return role if isinstance(role, str) else None
