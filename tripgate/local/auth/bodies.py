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


class ChallengeBody(Body):
    """What a request adds that wants the PKCE flow."""

    code_challenge: str = ""
    code_challenge_method: str = ""


class SignUpBody(ChallengeBody):
    """POST /signup."""

    email: str = ""
    phone: str = ""
    password: str = ""
    data: dict[str, Any] = {}


class OtpBody(ChallengeBody):
    """POST /otp and /magiclink."""

    email: str = ""
    phone: str = ""
    create_user: bool = True
    data: dict[str, Any] = {}


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
    data: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None


class AdminUserBody(Body):
    """POST /admin/users and PUT /admin/users/{id}."""

    id: str = ""
    role: str = ""
    email: str = ""
    phone: str = ""
    password: str | None = None
    password_hash: str = ""
    email_confirm: bool = False
    user_metadata: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None
    ban_duration: str = ""


class AdminDeleteBody(Body):
    """DELETE /admin/users/{id}."""

    should_soft_delete: bool = False


class InviteBody(Body):
    """POST /invite."""

    email: str = ""
    data: dict[str, Any] = {}


class GenerateLinkBody(Body):
    """POST /admin/generate_link."""

    type: str = ""
    email: str = ""
    new_email: str = ""
    password: str = ""
    data: dict[str, Any] = {}
    redirect_to: str = ""


class PasswordGrantBody(Body):
    """POST /token?grant_type=password."""

    email: str = ""
    phone: str = ""
    password: str = ""


class RefreshTokenGrantBody(Body):
    """POST /token?grant_type=refresh_token."""

    refresh_token: str = ""


class PkceGrantBody(Body):
    """POST /token?grant_type=pkce."""

    auth_code: str = ""
    code_verifier: str = ""


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
