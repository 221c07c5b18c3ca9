"""Accounts and sessions: what signing up and in takes and gives."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry


@strawberry.type(description="The tokens of a signed-in client.")
class Session:
    """A Supabase Auth session."""

    access_token: str = strawberry.field(description="Send it as `Authorization: Bearer …`.")
    refresh_token: str = strawberry.field(description="Give it to `refreshSession`, once.")
    token_type: str = strawberry.field(description="How the access token is sent: `bearer`.")
    expires_at: datetime = strawberry.field(description="When the access token ends.")


@strawberry.type(description="An account as its owner sees it.")
class AuthUser:
    """A Supabase Auth user."""

    id: UUID = strawberry.field(description="The account's id, which is the profile's id too.")
    email: str | None = strawberry.field(description="The e-mail address that signs in.")


@strawberry.type(description="An account and its session.")
class AuthPayload:
    """What the account mutations answer."""

    session: Session | None = strawberry.field(description="Null while the e-mail address waits for its confirmation.")
    user: AuthUser = strawberry.field(description="Whose session it is.")


@strawberry.input(description="A new account.")
class SignUpInput:
    """The arguments of `signUp`."""

    email: str = strawberry.field(description="Signs in; nobody else is shown it.")
    password: str = strawberry.field(description="At least six characters.")
    display_name: str = strawberry.field(description="The name that others see.")


@strawberry.input(description="An account's credentials.")
class SignInInput:
    """The arguments of `signIn`."""

    email: str = strawberry.field(description="The account's e-mail address.")
    password: str = strawberry.field(description="The account's password.")


@strawberry.enum(description="What a mailed code is for.")
class OtpType(Enum):
    """Auth's kinds of one-time passwords by e-mail."""

    EMAIL = "email"
    MAGICLINK = "magiclink"
    RECOVERY = "recovery"
    SIGNUP = "signup"
    INVITE = "invite"
    EMAIL_CHANGE = "email_change"
