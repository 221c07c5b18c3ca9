"""Accounts by Supabase Auth, through its own client library.

A client is made for each call: the library keeps a session and rewrites its Authorization header, which two callers
must never share. Connections are shared.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Literal

import httpx
from supabase_auth import AsyncGoTrueClient
from supabase_auth.errors import AuthError, AuthInvalidCredentialsError, AuthRetryableError, AuthUnknownError
from supabase_auth.types import AuthResponse, User

from gql.errors import ApiError, ErrorCode, bad_input
from tripgate.upstream.accounts import Account, Session
from tripgate.upstream.caller import Caller
from tripgate.upstream.credentials import Mailed, address, checked, display_name, new_password, signed_in_by_mail
from tripgate.upstream.resilience.failures import timed_out, unavailable
from tripgate.upstream.resilience.policy import Policy

_NO_ANSWER = (AuthRetryableError, AuthUnknownError, httpx.HTTPError)
_TOOK_TOO_LONG = "The sign-in service took too long. Try again."
_UNAVAILABLE = "The sign-in service is not available right now. Try again shortly."
_ENDED = "The session has ended. Sign in again."

# How long what was mailed stands for the old password, and for the password of an account that has none.
_MAIL_PROVES_SECONDS = 600.0
_MAIL_DELETES_SECONDS = 300.0

OtpType = Literal["email", "magiclink", "recovery", "signup", "invite", "email_change"]
"""What a mailed code is for."""


class AuthClient:
    """Signs people up, in and out.

    Args:
        http: Shared by the process; carries connections and the timeout.
        url: Auth's address, as in `https://project.supabase.co/auth/v1`.
        policy: How long Auth is asked, and whether at all. Nothing is repeated: each begins, spends or ends something.
    """

    def __init__(self, http: httpx.AsyncClient, url: str, api_key: str, policy: Policy[Any]) -> None:
        self._http = http
        self._url = url
        self._api_key = api_key
        self._policy = policy

    async def sign_up(self, email: str, password: str, name: str) -> Account:
        """Make an account.

        Raises:
            ApiError: CONFLICT for a known e-mail address, BAD_USER_INPUT for a bad address, a weak password or a
                name that is too long.
        """
        data = {"display_name": display_name(name)}
        address(email)
        new_password("password", password)
        async with self._client() as client:
            return _account(await client.sign_up({"email": email, "password": password, "options": {"data": data}}))

    async def sign_in(self, email: str, password: str) -> Account:
        """Begin a session.

        Raises:
            ApiError: UNAUTHENTICATED for a wrong e-mail address or password; it does not say which.
        """
        checked("email", email)
        checked("password", password)
        async with self._client() as client:
            return _account(await client.sign_in_with_password({"email": email, "password": password}))

    async def refresh(self, refresh_token: str) -> Account:
        """Continue a session. The refresh token is spent; the answer holds the next one.

        Raises:
            ApiError: UNAUTHENTICATED for a token that is unknown, spent or revoked, or was never one.
        """
        async with self._client() as client:
            try:
                return _account(await client.refresh_session(checked("refreshToken", refresh_token)))
            except AuthError as error:
                if error.code != "validation_failed":
                    raise
                raise ApiError(ErrorCode.UNAUTHENTICATED, _ENDED) from None

    async def send_password_reset(self, email: str) -> None:
        """Mail a code that `reset_password` takes. Says nothing of whether the address is known.

        Raises:
            ApiError: BAD_USER_INPUT for what is no address, RATE_LIMITED for too many mails.
        """
        address(email)
        async with self._client() as client:
            await client.reset_password_for_email(email)

    async def reset_password(self, mailed: Mailed, new: str) -> Account:
        """Set a new password with what was mailed, and begin a session; all others of the account end.

        Raises:
            ApiError: UNAUTHENTICATED for a code or link that is wrong, used or too old; BAD_USER_INPUT for a password
                that is empty or too long, and for a weak one, which uses it up.
        """
        new_password("newPassword", new)
        async with self._client() as client:
            verified = await _verified(client, mailed, "recovery")
            try:
                return await _with_password(client, verified, new)
            except ApiError as error:
                message = f"{error.message.removesuffix('.')}. Ask for a new code."
                raise bad_input(message, field="newPassword") from None

    async def send_magic_link(self, email: str) -> None:
        """Mail a link and a code that sign in. Says nothing of whether the address is known; makes no account.

        Raises:
            ApiError: BAD_USER_INPUT for what is no address, RATE_LIMITED for too many mails.
        """
        address(email)  # Auth says of what is none that it must not make an account for it
        async with self._client() as client:
            try:
                await client.sign_in_with_otp({"email": email, "options": {"should_create_user": False}})
            except AuthError as error:
                if error.code not in {"otp_disabled", "user_not_found", "signup_disabled"}:
                    raise

    async def verify_otp(self, mailed: Mailed, type_: OtpType) -> Account | None:
        """Begin a session with what was mailed; none while a change of address still misses the other address's code.

        Raises:
            ApiError: UNAUTHENTICATED for a code or link that is wrong, used or too old.
        """
        async with self._client() as client:
            verified = await _verified(client, mailed, type_)
            return None if verified.user is None else _account(verified)

    async def change_password(self, caller: Caller, current: str | None, new: str) -> Account:
        """Set a new password and begin a session with it; the account's other sessions end.

        Args:
            current: May be left out by who has just signed in by what was mailed.

        Raises:
            ApiError: BAD_USER_INPUT for a current password that is wrong or missing, and for a new one that is weak or
                the same.
        """
        new_password("newPassword", new)
        if current is None and not signed_in_by_mail(caller, _MAIL_PROVES_SECONDS):
            message = "Give the current password, or sign in by a mailed code or link: that counts for ten minutes."
            raise bad_input(message, field="currentPassword")
        async with self._client() as client:
            if current is not None:
                signed_in = await _sign_in_again(client, caller, current, field="currentPassword")
                return await _with_password(client, signed_in, new, current)
            email = _email_of((await client.set_session(caller.token or "", "")).user)
            await _set_password(client, new)
            renewed = _account(await client.sign_in_with_password({"email": email, "password": new}))
            if renewed.session is not None:
                await client.admin.sign_out(renewed.session.access_token, "others")
            return renewed

    @asynccontextmanager
    async def proved(self, caller: Caller, password: str | None) -> AsyncIterator[Caller]:
        """The caller with a token of a sign-in just made, for something that cannot be undone; it ends afterwards.

        Args:
            password: May be left out by who has just signed in by what was mailed. They keep their token: whether the
                account has a password all the same is for whoever is asked with it to judge.

        Raises:
            ApiError: BAD_USER_INPUT for a password that is wrong or missing.
        """
        if password is None:
            if not signed_in_by_mail(caller, _MAIL_DELETES_SECONDS):
                message = (
                    "Give the password; without one, sign in by a mailed code or link: that counts for five minutes."
                )
                raise bad_input(message, field="password")
            yield caller
            return
        async with self._client() as client:
            signed_in = await _sign_in_again(client, caller, password, field="password")
        session = signed_in.session
        try:
            yield caller if session is None else replace(caller, token=session.access_token, session_id=None)
        except Exception:
            with suppress(ApiError):
                async with self._client() as client:
                    await _end(client, signed_in)
            raise

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
            async with self._policy.once(None, *_NO_ANSWER):
                yield client
        except TimeoutError:
            raise timed_out(_TOOK_TOO_LONG) from None
        except _NO_ANSWER:
            raise unavailable(_UNAVAILABLE) from None
        except AuthError as error:
            raise _public_error(error) from None


async def _verified(client: AsyncGoTrueClient, mailed: Mailed, type_: OtpType) -> AuthResponse:
    try:
        return await client.verify_otp({**mailed.given, "type": type_})  # type: ignore[arg-type]
    except AuthError as error:
        if error.code != "otp_expired":
            raise
        raise ApiError(ErrorCode.UNAUTHENTICATED, mailed.refusal) from None


def _email_of(user: User | None) -> str:
    if user is None or not user.email:
        raise ApiError(ErrorCode.FORBIDDEN, "This account has no e-mail address, so it has no password.")
    return user.email


async def _sign_in_again(client: AsyncGoTrueClient, caller: Caller, password: str, field: str) -> AuthResponse:
    """A new session of the caller's, which proves that they know the password. Theirs must last still."""
    checked(field, password)
    found = await client.get_user(caller.token)
    email = _email_of(None if found is None else found.user)
    try:
        return await client.sign_in_with_password({"email": email, "password": password})
    except AuthError as error:
        # The caller is signed in all the same, so this is no reason to sign in again.
        if isinstance(error, AuthInvalidCredentialsError) or error.code == "invalid_credentials":
            raise bad_input("The password is wrong.", field=field) from None
        raise


async def _with_password(
    client: AsyncGoTrueClient, signed_in: AuthResponse, new: str, current: str | None = None
) -> Account:
    """The account of a session that has just begun, with a new password. The session ends if that is refused."""
    try:
        await _set_password(client, new, current)
    except (ApiError, AuthError):
        await _end(client, signed_in)
        raise
    return _account(signed_in)


async def _set_password(client: AsyncGoTrueClient, new: str, current: str | None = None) -> None:
    """Give the account of the client's session a new password.

    Args:
        current: For projects that want it beside the session.
    """
    try:
        await client.update_user(
            {"password": new} if current is None else {"password": new, "current_password": current}
        )
    except AuthError as error:
        if error.code in {"weak_password", "same_password", "validation_failed"}:
            raise bad_input(f"The password is not accepted: {error.message}", field="newPassword") from None
        raise


async def _end(client: AsyncGoTrueClient, signed_in: AuthResponse) -> None:
    """End a session that served only to prove something."""
    if signed_in.session is not None:
        await client.admin.sign_out(signed_in.session.access_token, "local")


def _account(response: AuthResponse) -> Account:
    user, session = response.user, response.session
    if user is None:
        raise ApiError(ErrorCode.UNAUTHENTICATED, _ENDED)
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
    if isinstance(error, AuthInvalidCredentialsError):
        return bad_input("Give an e-mail address and a password.")
    match error.code:
        case "user_already_exists" | "email_exists":
            message = "This e-mail address has an account already. Sign in."
            return ApiError(ErrorCode.CONFLICT, message, field="email", reason="ALREADY_EXISTS")
        case "weak_password" | "same_password":
            return bad_input(f"The password is not accepted: {error.message}", field="password")
        case "otp_expired":
            return ApiError(ErrorCode.UNAUTHENTICATED, "The code is wrong, used or too old. Ask for a new one.")
        case "validation_failed" if "assword" in error.message:
            return bad_input(f"The password is not accepted: {error.message}", field="password")
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
            return unavailable(_UNAVAILABLE)
        case _:
            return ApiError(ErrorCode.UNAUTHENTICATED, _ENDED)
