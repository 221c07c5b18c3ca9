"""Signing up, in and out."""

import datetime as dt
from uuid import UUID

import strawberry

from gql.types.accounts import AuthPayload, AuthUser, Session, SignInInput, SignUpInput
from resolvers.context import Info
from tripgate.upstream.auth import Account


@strawberry.type
class AccountMutation:
    """The account mutations."""

    @strawberry.field(description="Make an account and, unless its address must be confirmed first, sign it in.")
    async def sign_up(self, info: Info, input: SignUpInput) -> AuthPayload | None:  # noqa: A002 - the argument's name
        """Sign up."""
        return _payload(await info.context.auth.sign_up(input.email, input.password, input.display_name))

    @strawberry.field(description="Begin a session with e-mail address and password.")
    async def sign_in(self, info: Info, input: SignInInput) -> AuthPayload | None:  # noqa: A002 - the argument's name
        """Sign in."""
        return _payload(await info.context.auth.sign_in(input.email, input.password))

    @strawberry.field(description="Continue a session; the refresh token is spent and the answer holds the next.")
    async def refresh_session(self, info: Info, refresh_token: str) -> AuthPayload | None:
        """Refresh."""
        return _payload(await info.context.auth.refresh(refresh_token))

    @strawberry.field(description="End this session; other devices stay signed in.")
    async def sign_out(self, info: Info) -> bool | None:
        """Sign out."""
        await info.context.auth.sign_out(info.context.signed_in())
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
