"""Signing up, in and out."""

import datetime as dt
from typing import Annotated
from uuid import UUID

import strawberry

from gql.errors import ApiError, ErrorCode, bad_input
from gql.nullability import semantic_non_null
from gql.types.accounts import AuthPayload, AuthUser, OtpType, Session, SignInInput, SignUpInput
from resolvers.anonymous import ALLOWS_ANONYMOUS
from resolvers.context import Info
from resolvers.declared.crud import domain
from tripgate.upstream.accounts import Account
from tripgate.upstream.credentials import Mailed
from tripgate.upstream.sign_ins import notify_sign_in

_Email = Annotated[str | None, strawberry.argument(description="Where the code was mailed to; with `token`.")]
_Token = Annotated[str | None, strawberry.argument(description="The mailed code; with `email`.")]
_TokenHash = Annotated[
    str | None, strawberry.argument(description="What a mailed link carries as `token_hash`; instead of a code.")
]
_Current = Annotated[
    str | None,
    strawberry.argument(description="May be left out for ten minutes after a mailed code or link signed in."),
]
_Password = Annotated[
    str | None,
    strawberry.argument(
        description="Left out where the account has none: then a mailed code or link must have signed in within the "
        "last five minutes."
    ),
]


@strawberry.type
class AccountMutation:
    """The account mutations."""

    @strawberry.field(
        directives=semantic_non_null(),
        metadata=ALLOWS_ANONYMOUS,
        description="Make an account and, unless its address must be confirmed first, sign it in.",
    )
    async def sign_up(self, info: Info, input: SignUpInput) -> AuthPayload | None:  # noqa: A002 - the argument's name
        """Make an account."""
        return await _begun(await info.context.auth.sign_up(input.email, input.password, input.display_name))

    @strawberry.field(
        directives=semantic_non_null(),
        metadata=ALLOWS_ANONYMOUS,
        description="Begin a session with e-mail address and password.",
    )
    async def sign_in(self, info: Info, input: SignInInput) -> AuthPayload | None:  # noqa: A002 - the argument's name
        """Begin a session."""
        return await _begun(await info.context.auth.sign_in(input.email, input.password))

    @strawberry.field(
        directives=semantic_non_null(),
        metadata=ALLOWS_ANONYMOUS,
        description="Continue a session; the refresh token is spent and the answer holds the next.",
    )
    async def refresh_session(self, info: Info, refresh_token: str) -> AuthPayload | None:
        """Begin a new session for a refresh token."""
        return await _begun(await info.context.auth.refresh(refresh_token))

    @strawberry.field(directives=semantic_non_null(), description="End this session; other devices stay signed in.")
    async def sign_out(self, info: Info) -> bool | None:
        """End the caller's session."""
        await info.context.auth.sign_out(info.context.signed_in())
        return True

    @strawberry.field(
        directives=semantic_non_null(),
        metadata=ALLOWS_ANONYMOUS,
        description="Mail a code for `resetPassword`. True whether or not the address is known.",
    )
    async def request_password_reset(self, info: Info, email: str) -> bool | None:
        """Mail a code for a new password."""
        await info.context.auth.send_password_reset(email)
        return True

    @strawberry.field(
        directives=semantic_non_null(),
        metadata=ALLOWS_ANONYMOUS,
        description="Set a new password with a mailed code or link, and begin a session.",
    )
    async def reset_password(
        self,
        info: Info,
        new_password: str,
        email: _Email = strawberry.UNSET,
        token: _Token = strawberry.UNSET,
        token_hash: _TokenHash = strawberry.UNSET,
    ) -> AuthPayload | None:
        """Set a new password with the code that was mailed."""
        return await _begun(await info.context.auth.reset_password(_mailed(email, token, token_hash), new_password))

    @strawberry.field(
        directives=semantic_non_null(),
        metadata=ALLOWS_ANONYMOUS,
        description="Mail a link and a code that sign in. True whether or not the address is known.",
    )
    async def send_magic_link(self, info: Info, email: str) -> bool | None:
        """Mail a link and a code that sign in."""
        await info.context.auth.send_magic_link(email)
        return True

    @strawberry.field(metadata=ALLOWS_ANONYMOUS, description="Begin a session with a mailed code or link.")
    async def verify_otp(
        self,
        info: Info,
        email: _Email = strawberry.UNSET,
        token: _Token = strawberry.UNSET,
        token_hash: _TokenHash = strawberry.UNSET,
        type: OtpType = OtpType.EMAIL,  # noqa: A002 - the argument's name
    ) -> AuthPayload | None:
        """Begin a session with a code that was mailed."""
        account = await info.context.auth.verify_otp(_mailed(email, token, token_hash), type.value)
        return None if account is None else await _begun(account)

    @strawberry.field(
        directives=semantic_non_null(),
        description="Set a new password. All other sessions of the account end; the answer holds a new one.",
    )
    async def change_password(
        self, info: Info, new_password: str, current_password: _Current = strawberry.UNSET
    ) -> AuthPayload | None:
        """Set a new password for somebody who knows the present one."""
        caller = info.context.signed_in()
        return await _begun(await info.context.auth.change_password(caller, _given(current_password), new_password))

    @strawberry.field(
        directives=semantic_non_null(),
        description="Delete the account and all that it owns, for good. The password confirms it, or what was mailed.",
        metadata={"writes": ("profiles", "places")},  # among others, whose changes are told
    )
    async def delete_account(self, info: Info, password: _Password = strawberry.UNSET) -> bool | None:
        """Delete the caller's account."""
        password = _given(password)
        async with info.context.auth.proved(info.context.signed_in(), password) as proved:
            try:
                await info.context.backend.call("delete_my_account", proved)
            except ApiError as error:
                if error.code is not ErrorCode.FORBIDDEN or password is not None:
                    raise
                raise bad_input("This account has a password. Give it.", field="password") from None
        return True


def _given(text: str | None) -> str | None:
    """An argument; `None` for one that was left out."""
    return None if text is strawberry.UNSET else text


def _mailed(email: str | None, token: str | None, token_hash: str | None) -> Mailed:
    return Mailed.of(_given(email), _given(token), _given(token_hash))


async def _begun(account: Account) -> AuthPayload:
    session = account.session
    if session is not None:
        await notify_sign_in(account.email)
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


DOMAIN = domain(AccountMutation, position=10)
