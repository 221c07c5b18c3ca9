"""Request bodies. Unknown members are ignored and null counts as absent, as in GoTrue's own parsing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from tripgate.local.auth.errors import AuthError

if TYPE_CHECKING:
    from aiohttp import web


class Body(BaseModel):
    """The common rules of all bodies."""

    model_config = ConfigDict(strict=True, extra="ignore")

    @field_validator("*", mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any, info: Any) -> Any:
        if value is None:
            return cls.model_fields[info.field_name].get_default(call_default_factory=True)
        return value


class SignUpBody(Body):
    """POST /signup."""

    email: str = ""
    phone: str = ""
    password: str = ""
    data: dict[str, Any] = {}


class PasswordGrantBody(Body):
    """POST /token?grant_type=password."""

    email: str = ""
    phone: str = ""
    password: str = ""


class RefreshTokenGrantBody(Body):
    """POST /token?grant_type=refresh_token."""

    refresh_token: str = ""


AnyBody = TypeVar("AnyBody", bound=Body)


async def read(request: web.Request, model: type[AnyBody]) -> AnyBody:
    """The request's body as `model`. Raises AuthError `bad_json` for anything else."""
    try:
        return model.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"{where}: {first['msg']}" if where else first["msg"]
        raise AuthError(400, "bad_json", f"Could not parse request body as JSON: {reason}") from error
