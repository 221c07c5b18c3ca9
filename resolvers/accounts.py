"""Signing up, in and out."""

import datetime as dt
from uuid import UUID

import strawberry

from gql.types.accounts import AuthPayload, AuthUser, OtpType, Session, SignInInput, SignUpInput
from resolvers.access import NEEDS_NOBODY
from resolvers.context import Info
from tripgate.upstream.auth import Account


@strawberry.type
class AccountMutation:
    """The account mutations."""

    @strawberry.field(
        metadata=NEEDS_NOBODY,
        description="Make an account and, unless its address must be confirmed first, sign it in.",
    )
    async def sign_up(self, info: Info, input: SignUpInput) -> AuthPayload | None:  # noqa: A002 - the argument's name
        """Sign up."""
        return _payload(await info.context.auth.sign_up(input.email, input.password, input.display_name))

    @strawberry.field(metadata=NEEDS_NOBODY, description="Begin a session with e-mail address and password.")
    async def sign_in(self, info: Info, input: SignInInput) -> AuthPayload | None:  # noqa: A002 - the argument's name
        """Sign in."""
        return _payload(await info.context.auth.sign_in(input.email, input.password))

    @strawberry.field(
        metadata=NEEDS_NOBODY,
        description="Continue a session; the refresh token is spent and the answer holds the next.",
    )
    async def refresh_session(self, info: Info, refresh_token: str) -> AuthPayload | None:
        """Refresh."""
        return _payload(await info.context.auth.refresh(refresh_token))

    @strawberry.field(description="End this session; other devices stay signed in.")
    async def sign_out(self, info: Info) -> bool | None:
        """Sign out."""
        await info.context.auth.sign_out(info.context.signed_in())
        return True

    @strawberry.field(
        metadata=NEEDS_NOBODY, description="Mail a code for `resetPassword`. True whether or not the address is known."
    )
    async def request_password_reset(self, info: Info, email: str) -> bool | None:
        """Ask for a code."""
        await info.context.auth.send_password_reset(email)
        return True

    @strawberry.field(
        metadata=NEEDS_NOBODY, description="Set a new password with the mailed code, and begin a session."
    )
    async def reset_password(self, info: Info, email: str, token: str, new_password: str) -> AuthPayload | None:
        """Use the code."""
        return _payload(await info.context.auth.reset_password(email, token, new_password))

    @strawberry.field(
        metadata=NEEDS_NOBODY,
        description="Mail a link and a code that sign in. True whether or not the address is known.",
    )
    async def send_magic_link(self, info: Info, email: str) -> bool | None:
        """Ask for a link."""
        await info.context.auth.send_magic_link(email)
        return True

    @strawberry.field(metadata=NEEDS_NOBODY, description="Begin a session with a mailed code.")
    async def verify_otp(
        self,
        info: Info,
        email: str,
        token: str,
        type: OtpType = OtpType.EMAIL,  # noqa: A002 - the argument's name
    ) -> AuthPayload | None:
        """Use a code."""
        account = await info.context.auth.verify_otp(email, token, type.value)
        return None if account is None else _payload(account)

    @strawberry.field(
        description="Set a new password. All other sessions of the account end; the answer holds a new one."
    )
    async def change_password(self, info: Info, current_password: str, new_password: str) -> AuthPayload | None:
        """Change the password."""
        caller = info.context.signed_in()
        return _payload(await info.context.auth.change_password(caller, current_password, new_password))

    @strawberry.field(
        description="Delete the account and all that it owns, for good. The password confirms it.",
        metadata={"writes": ("profiles", "places")},  # among others, whose changes are told
    )
    async def delete_account(self, info: Info, password: str) -> bool | None:
        """Leave."""
        caller = info.context.signed_in()
        await info.context.auth.check_password(caller, password)
        await info.context.postgrest.call("delete_my_account", caller)
        return True


def _payload(account: Account) -> AuthPayload:
    session = account.session
    return AuthPayload(
        user=AuthUser(id=UUID(account.user_id), email=account.email),
        session=None
        if session is None
        else Session(
            access_token=session.access_token,
            refresh_token=session.refresh_token,
            token_type=session.token_type,
            expires_at=dt.datetime.fromtimestamp(session.expires_at, dt.UTC),
        ),
    )
