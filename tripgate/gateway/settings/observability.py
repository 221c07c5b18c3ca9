"""What the gateway tells its operators."""

from typing import Literal

from pydantic import AnyHttpUrl, BaseModel, Field, SecretStr, field_validator

_NEEDS = ("rest", "auth", "realtime", "database")


class ObservabilitySettings(BaseModel):
    """Logs, metrics, traces and health."""

    log_format: Literal["json", "text"] | None = Field(
        default=None,
        description="`json` or `text` lines; unset, text in development and on a terminal, JSON elsewhere.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least that is logged; requests are logged at `info`."
    )
    log_person_key: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="A secret under which a person's id is hashed for the log; unset, no line says who asked.",
    )
    slow_ms: int = Field(
        default=1000, ge=0, description="Queries and mutations that take longer are logged with their plan; 0: none."
    )
    metrics: bool = Field(default=True, description="Whether /metrics is served.")
    metrics_address: str | None = Field(
        default=None,
        pattern=r"^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$",
        description="Where /metrics is served alone, as in `127.0.0.1:9464`; unset, beside /graphql.",
    )
    metrics_operations: int = Field(
        default=100, ge=0, le=1000, description="How many operations have metrics by their name; the rest share one."
    )
    metrics_token: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="What the database tells its numbers of jobs for; unset, they are not asked for.",
    )
    otlp_endpoint: AnyHttpUrl | None = Field(
        default=None,
        description="The address that traces are sent to by OTLP over HTTP; it takes the extra `otel`.",
    )
    ready_needs: str = Field(
        default="rest,auth,realtime,database",
        description="What /readyz insists on, of `rest`, `auth`, `realtime` and, where it is asked itself, `database`; "
        "the others are only reported.",
    )

    @field_validator("ready_needs")
    @classmethod
    def _known_needs(cls, text: str) -> str:
        if not {name.strip() for name in text.split(",") if name.strip()} <= set(_NEEDS):
            raise ValueError(f"name some of {', '.join(_NEEDS)}, with commas between them")
        return text

    @property
    def needs(self) -> frozenset[str]:
        """What /readyz insists on."""
        return frozenset(name.strip() for name in self.ready_needs.split(",") if name.strip())
