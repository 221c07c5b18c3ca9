"""What clients may say and how long they may stay."""

import re
from typing import Annotated, Self

from pydantic import BaseModel, Field, FilePath, field_validator, model_validator
from pydantic_settings import NoDecode

_ORIGIN = re.compile(r"https?://[^/?#@\s]+")


class EdgeSettings(BaseModel):
    """HTTP, WebSockets and server-sent events."""

    get_queries: bool = Field(default=False, description="Whether queries may be asked by GET too.")
    incremental: bool = Field(
        default=True,
        description="Whether queries with `@defer` and `@stream` are answered in parts to clients that take them.",
    )
    introspection: bool | None = Field(
        default=None, description="Whether the schema may be asked for; unset, only in development."
    )
    federation: bool = Field(
        default=False,
        description="Whether this is a subgraph of Apollo Federation: `_service`, which shows the schema to anybody "
        "whatever `TRIPGATE_INTROSPECTION` says, and `_entities`.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may ask, with commas between them; `*` is any. "
        "In development all of this machine may.",
    )
    trusted_documents: FilePath | None = Field(
        default=None, description="A manifest of documents that clients may name instead of sending them."
    )
    trusted_documents_only: bool = Field(
        default=False, description="Whether documents outside `TRIPGATE_TRUSTED_DOCUMENTS` are refused."
    )
    persisted_queries_size: int = Field(
        default=4 * 1024 * 1024,
        ge=0,
        description="Characters of documents kept for automatic persisted queries; 0 switches these off.",
    )
    body_timeout: float = Field(default=10.0, gt=0, description="Seconds within which a request's body must arrive.")
    idle_timeout: float = Field(
        default=75.0,
        gt=0,
        description="Seconds that a connection may take for a request's headers, or be idle between requests.",
    )
    max_header_bytes: int = Field(
        default=8190, ge=1024, le=65_536, description="The longest request line and the longest header, in bytes."
    )
    websocket_init_timeout: float = Field(
        default=3.0, gt=0, description="Seconds within which a WebSocket's `connection_init` must come."
    )
    websocket_idle_timeout: float = Field(
        default=60.0,
        gt=0,
        description="Seconds after which a WebSocket, or an event stream of many operations, is closed that runs "
        "nothing where nobody is signed in.",
    )
    event_stream_open_timeout: float = Field(
        default=10.0, gt=0, description="Seconds within which an event stream that was reserved by PUT must be opened."
    )
    websocket_messages_per_second: float = Field(
        default=100.0, ge=1, description="Messages a second that a WebSocket may send, as many of them at once."
    )
    max_operations_per_connection: int = Field(
        default=50,
        ge=1,
        description="The most operations at once on a WebSocket, or on one event stream, subscriptions among them.",
    )
    max_subscriptions_per_person: int = Field(
        default=500, ge=1, description="The most subscriptions of one person at once, on all gateways that share."
    )
    max_connections: int = Field(
        default=20_000, ge=1, description="The most connections of clients to a process; fewer where descriptors are."
    )
    max_connections_per_address: int = Field(
        default=1000, ge=1, description="The most of them from one address, trusted proxies excepted."
    )
    max_live_connections: int = Field(
        default=10_000, ge=1, description="The most WebSockets and event streams that a process keeps open."
    )
    max_live_connections_per_address: int = Field(
        default=200, ge=1, description="The most of them for one address, though it be behind trusted proxies."
    )
    keep_alive: float = Field(
        default=15.0,
        gt=0,
        description="Seconds between signs of life on a live connection; one that takes nothing for as long is closed.",
    )
    drain_seconds: float = Field(
        default=0.0,
        ge=0,
        le=300,
        description="Seconds after SIGTERM for which requests are still taken, while /readyz answers 503.",
    )
    shutdown_timeout: float = Field(default=20.0, gt=0, description="Seconds for running requests to end at a stop.")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, text: object) -> object:
        if not isinstance(text, str):
            return text
        return [origin.strip() for origin in text.split(",") if origin.strip()]

    @field_validator("cors_origins")
    @classmethod
    def _refuse_addresses(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin; write https://app.example, without a path")
        return tuple(origin.lower() for origin in origins)

    @model_validator(mode="after")
    def _refuse_everything(self) -> Self:
        if self.trusted_documents_only and self.trusted_documents is None:
            raise ValueError(
                "TRIPGATE_TRUSTED_DOCUMENTS_ONLY refuses every document but those of a manifest; "
                "name one in TRIPGATE_TRUSTED_DOCUMENTS"
            )
        if self.trusted_documents_only and self.federation:
            raise ValueError(
                "TRIPGATE_TRUSTED_DOCUMENTS_ONLY refuses what a router asks, which no manifest holds, so it does not "
                "go with TRIPGATE_FEDERATION; let the router trust documents instead"
            )
        return self
