"""What clients say, as pydantic models. Unknown members are ignored; a wrong kind of value counts as absent.

The platform reports a payload of the wrong form in its log and goes on with the defaults; so does this.
"""

# Evaluated annotations: pydantic reads them at run time.
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, field_validator

KEY_PREFIX = "sb_"


class Lenient(BaseModel):
    """The common rules of all frames."""

    model_config = ConfigDict(extra="ignore")

    @field_validator("*", mode="wrap")
    @classmethod
    def _wrong_is_absent(cls, value: Any, accept: ValidatorFunctionWrapHandler, info: Any) -> Any:
        default = cls.model_fields[info.field_name].get_default(call_default_factory=True)
        if value is None:
            return default
        try:
            return accept(value)
        except ValidationError:
            return default


class BroadcastConfig(Lenient):
    """`config.broadcast` of a join. `replay` stays as it is: its form is judged, not ignored."""

    ack: bool = False
    self_: bool = Field(default=False, alias="self")
    replication_ready: bool = False
    replay: Any = None


class PresenceConfig(Lenient):
    """`config.presence` of a join. A client that says nothing of it is an old one, which expects it."""

    key: str = ""
    enabled: bool = False


class JoinConfig(Lenient):
    """`config` of a join."""

    broadcast: BroadcastConfig = BroadcastConfig()
    presence: PresenceConfig = PresenceConfig(enabled=True)
    private: bool = False
    postgres_changes: list[Any] = []


class Join(Lenient):
    """The payload of `phx_join`."""

    config: JoinConfig = JoinConfig()
    access_token: str = ""
    user_token: str = ""

    @classmethod
    def of(cls, payload: Any) -> "Join":
        """Reads any payload."""
        return cls.model_validate(payload if isinstance(payload, Mapping) else {})

    def token(self, fallback: str) -> str:
        """The token to act with: `fallback`, the connection's own, where the client gives none or its API key."""
        given = self.user_token or self.access_token
        return fallback if not given or given.startswith(KEY_PREFIX) else given


class BroadcastMessage(BaseModel):
    """One message of POST /api/broadcast."""

    model_config = ConfigDict(extra="ignore")

    topic: str = Field(min_length=1)
    event: str = Field(min_length=1)
    payload: dict[str, Any]
    private: bool = False


class BroadcastBatch(BaseModel):
    """The body of POST /api/broadcast."""

    messages: list[BroadcastMessage] = Field(min_length=1)
