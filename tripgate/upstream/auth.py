"""Accounts by Supabase Auth, through its own client library.

A client is made for each call: the library keeps a session and rewrites its Authorization header, which two callers
must never share. Connections are shared.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from supabase_auth import AsyncGoTrueClient
from supabase_auth.errors import AuthError, AuthRetryableError, AuthUnknownError
from supabase_auth.types import AuthResponse

from gql.errors import ApiError, ErrorCode, bad_input
from tripgate.upstream.caller import Caller


@dataclass(frozen=True, slots=True)
class Session:
    """What a signed-in client holds. `expires_at` is in seconds since 1970, UTC."""

    access_token: str
    refresh_token: str
    token_type: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account, and its new session where one was begun; sign-up with e-mail confirmation begins none."""

    user_id: str
    email: str | None
    session: Session | None


class AuthClient:
    """Signs people up, in and out.

    Args:
        http: Shared by the process; carries connections and the timeout.
        url: Auth's address, as in `https://project.supabase.co/auth/v1`.
    """

    def __init__(self, http: httpx.AsyncClient, url: str, api_key: str) -> None:
        self._http = http
        self._url = url
        self._api_key = api_key

    async def sign_up(self, email: str, password: str, display_name: str) -> Account:
        """Make an account.

        Raises:
            ApiError: CONFLICT for a known e-mail address, BAD_USER_INPUT for a bad address or a weak password.
        """
        async with self._client() as client:
            return _account(
                await client.sign_up(
                    {"email": email, "password": password, "options": {"data": {"display_name": display_name}}}
                )
            )

    async def sign_in(self, email: str, password: str) -> Account:
        """Begin a session.

        Raises:
            ApiError: UNAUTHENTICATED for a wrong e-mail address or password; it does not say which.
        """
        async with self._client() as client:
            return _account(await client.sign_in_with_password({"email": email, "password": password}))

    async def refresh(self, refresh_token: str) -> Account:
        """Continue a session. The refresh token is spent; the answer holds the next one.

        Raises:
            ApiError: UNAUTHENTICATED for a token that is unknown, spent or revoked.
        """
        async with self._client() as client:
            return _account(await client.refresh_session(refresh_token))

    async def sign_out(self, caller: Caller) -> None:
        """End the caller's session, here only: other devices stay signed in.

        Raises:
            ApiError: UNAUTHENTICATED for a session that has ended already.
        """
        async with self._client() as client:
            await client.admin.sign_out(caller.token or "", "local")

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncGoTrueClient]:
        client = AsyncGoTrueClient(
            url=self._url,
            headers={"apikey": self._api_key},
            auto_refresh_token=False,
            persist_session=False,
            http_client=self._http,
        )
        try:
            yield client
        except (AuthRetryableError, AuthUnknownError, httpx.HTTPError):
            raise ApiError(
                ErrorCode.UPSTREAM_UNAVAILABLE, "The sign-in service is not available right now. Try again shortly."
            ) from None
        except AuthError as error:
            raise _public_error(error) from None


def _account(response: AuthResponse) -> Account:
    user, session = response.user, response.session
    if user is None:
        raise ApiError(ErrorCode.UNAUTHENTICATED, "The session has ended. Sign in again.")
    return Account(
        user_id=user.id,
        email=user.email,
        session=None
        if session is None
        else Session(
            access_token=session.access_token,
            refresh_token=session.refresh_token,
            token_type=session.token_type,
            expires_at=session.expires_at or 0,
        ),
    )


def _public_error(error: AuthError) -> ApiError:
    match error.code:
        case "user_already_exists" | "email_exists":
            return ApiError(ErrorCode.CONFLICT, "This e-mail address has an account already. Sign in.", field="email")
        case "weak_password":
            return bad_input(f"The password is too weak: {error.message}", field="password")
        case "validation_failed" | "email_address_invalid":
            return bad_input(error.message, field="email" if "mail" in error.message else None)
        case "invalid_credentials":
            return ApiError(ErrorCode.UNAUTHENTICATED, "The e-mail address or the password is wrong.")
        case "email_not_confirmed":
            return ApiError(ErrorCode.UNAUTHENTICATED, "Confirm your e-mail address first.")
        case "signup_disabled" | "email_provider_disabled" | "user_banned":
            return ApiError(ErrorCode.FORBIDDEN, error.message)
        case "over_request_rate_limit" | "over_email_send_rate_limit":
            return ApiError(ErrorCode.RATE_LIMITED, "Too many attempts. Wait a little and try again.")
        case _ if getattr(error, "status", 500) >= 500:
            return ApiError(
                ErrorCode.UPSTREAM_UNAVAILABLE, "The sign-in service is not available right now. Try again shortly."
            )
        case _:
            return ApiError(ErrorCode.UNAUTHENTICATED, "The session has ended. Sign in again.")
