"""Request bodies, read as Go reads JSON into a struct.

Unknown members are ignored, the case of names does not matter, null counts as absent, and a body of nothing but null is
an empty one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from tripgate.local.auth.errors import AuthError
from tripgate.local.auth.numbers import rounded

if TYPE_CHECKING:
    from aiohttp import web


Metadata = Annotated[dict[str, Any], AfterValidator(rounded)]


class Body(BaseModel):
    """The common rules of all bodies."""

    model_config = ConfigDict(strict=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _null_is_empty(cls, body: Any) -> Any:
        if isinstance(body, dict):
            return {name.lower() if name.lower() in cls.model_fields else name: value for name, value in body.items()}
        return {} if body is None else body

    @field_validator("*", mode="before")
    @classmethod
    def _null_is_absent(cls, value: Any, info: Any) -> Any:
        if value is None:
            return cls.model_fields[info.field_name].get_default(call_default_factory=True)
        return value


class ChallengeBody(Body):
    """What a request adds that wants the PKCE flow."""

    code_challenge: str = ""
    code_challenge_method: str = ""


class SignUpBody(ChallengeBody):
    """POST /signup."""

    email: str = ""
    phone: str = ""
    password: str = ""
    data: Metadata = {}


class OtpBody(ChallengeBody):
    """POST /otp and /magiclink."""

    email: str = ""
    phone: str = ""
    channel: str = ""
    create_user: bool = True
    data: Metadata = {}


class RecoverBody(ChallengeBody):
    """POST /recover."""

    email: str = ""


class ResendBody(ChallengeBody):
    """POST /resend."""

    type: str = ""
    email: str = ""
    phone: str = ""


class VerifyBody(Body):
    """POST /verify."""

    type: str = ""
    token: str = ""
    token_hash: str = ""
    email: str = ""
    phone: str = ""
    redirect_to: str = ""


class UserUpdateBody(ChallengeBody):
    """PUT /user."""

    email: str = ""
    phone: str = ""
    password: str | None = None
    nonce: str = ""
    data: Metadata | None = None
    app_metadata: Metadata | None = None


class AdminUserBody(Body):
    """POST /admin/users and PUT /admin/users/{id}."""

    id: str = ""
    role: str = ""
    email: str = ""
    phone: str = ""
    password: str | None = None
    password_hash: str = ""
    email_confirm: bool = False
    user_metadata: Metadata | None = None
    app_metadata: Metadata | None = None
    ban_duration: str = ""


class AdminDeleteBody(Body):
    """DELETE /admin/users/{id}."""

    should_soft_delete: bool = False


class InviteBody(Body):
    """POST /invite."""

    email: str = ""
    data: Metadata = {}


class GenerateLinkBody(Body):
    """POST /admin/generate_link."""

    type: str = ""
    email: str = ""
    new_email: str = ""
    password: str = ""
    data: Metadata = {}
    redirect_to: str = ""


class PasswordGrantBody(Body):
    """POST /token?grant_type=password."""

    email: str = ""
    phone: str = ""
    password: str = ""


class RefreshTokenGrantBody(Body):
    """POST /token?grant_type=refresh_token."""

    refresh_token: str = ""


class IdTokenGrantBody(Body):
    """POST /token?grant_type=id_token."""

    id_token: str = ""
    provider: str = ""
    issuer: str = ""


class FactorBody(Body):
    """POST /factors."""

    factor_type: str = ""


class PkceGrantBody(Body):
    """POST /token?grant_type=pkce."""

    auth_code: str = ""
    code_verifier: str = ""


AnyBody = TypeVar("AnyBody", bound=Body)


async def read(request: web.Request, model: type[AnyBody]) -> AnyBody:
    """The request's body as `model`. Raises AuthError `bad_json` for anything else."""
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"{where}: {first['msg']}" if where else first["msg"]
        raise AuthError(400, "bad_json", f"Could not parse request body as JSON: {reason}") from error
