"""Storage, asked with the caller's own token: addresses that work for a while, and deletion. No bytes pass here."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from weakref import WeakValueDictionary

import aiohttp
import jwt
import orjson

from gql.errors import ApiError, ErrorCode
from tripgate.upstream.caller import Caller
from tripgate.upstream.calls import UpstreamCall
from tripgate.upstream.resilience.deadline import deadline
from tripgate.upstream.resilience.failures import timed_out, unavailable
from tripgate.upstream.resilience.policy import Policy

_UNBOUNDED = aiohttp.ClientTimeout(total=None)
_OUT_OF_ORDER = frozenset({500, 502, 503, 504, 544})
_TICKET_SECONDS = 7200
_AT_ONCE = 1000
_SIGNED_TOGETHER = 8
_KEPT = 10_000
_READ_LATE = "Storage took too long. Ask for fewer pictures, or try again."
_TICKET_LATE = "Storage took too long. Nothing was uploaded; ask for a ticket again."
_REMOVE_LATE = "Storage took too long. Some pictures may be gone: see which there are before you repeat it."

Transform = tuple[tuple[str, str | int], ...]
"""What a picture is to be shown as, in Storage's words."""

_Key = tuple[str | None, str, str, int, Transform | None]
"""A person, a bucket, a path, for how many seconds, and as what."""


@dataclass(frozen=True, slots=True)
class SignedUpload:
    """Where one object may be uploaded.

    Attributes:
        url: Takes the bytes by PUT, whoever has it.
        token: Goes along as `x-signature` to `resumable_url`, which speaks TUS.
        expires_at: As seconds since 1970.
    """

    url: str
    token: str
    resumable_url: str
    expires_at: float


class StorageClient:
    """Storage of one project.

    Args:
        url: As in `https://project.supabase.co/storage/v1`; what is answered begins with it.
        policy: How long Storage is asked, and whether at all. Nothing is repeated.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, api_key: str, policy: Policy[Any]) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._api_key = api_key
        self._policy = policy
        self._addresses: OrderedDict[_Key, tuple[str, float]] = OrderedDict()
        # By person, while any of theirs are being signed: whoever asks for thousands keeps nobody else waiting.
        self._signing = WeakValueDictionary[str | None, asyncio.Semaphore]()

    async def sign_upload(self, bucket: str, path: str, caller: Caller) -> SignedUpload:
        """A ticket for an object that the caller may make.

        Raises:
            ApiError: FORBIDDEN where policies let it in no more; UPSTREAM_UNAVAILABLE, TIMEOUT, OVERLOADED.
        """
        made = await self._ask("POST", f"object/upload/sign/{_quoted(bucket, path)}", {}, caller, _TICKET_LATE)
        token = str(made["token"])
        return SignedUpload(f"{self._url}{made['url']}", token, f"{self._url}/upload/resumable/sign", _expiry(token))

    async def sign(self, bucket: str, paths: Sequence[str], seconds: int, caller: Caller) -> Mapping[str, str]:
        """Addresses of objects that the caller may read, by path, all in one request; those that are known and
        hardly begun are given again.

        Raises:
            ApiError: UPSTREAM_UNAVAILABLE, TIMEOUT, OVERLOADED.
        """
        signed = {path: url for path in paths if (url := self._known((caller.user_id, bucket, path, seconds, None)))}
        rest = [path for path in dict.fromkeys(paths) if path not in signed]
        for start in range(0, len(rest), _AT_ONCE):
            body = {"expiresIn": seconds, "paths": rest[start : start + _AT_ONCE]}
            for each in await self._ask("POST", f"object/sign/{quote(bucket)}", body, caller):
                if each.get("signedURL"):
                    url = signed[each["path"]] = f"{self._url}{each['signedURL']}"
                    self._keep((caller.user_id, bucket, each["path"], seconds, None), url)
        return signed

    async def sign_transformed(self, bucket: str, path: str, seconds: int, transform: Transform, caller: Caller) -> str:
        """The address of a picture as it is to be shown. Storage signs these one by one; a known one is given again.

        Raises:
            ApiError: NOT_ENABLED where the project shows pictures only as they are; NOT_FOUND; as `sign`.
        """
        key = (caller.user_id, bucket, path, seconds, transform)
        if (known := self._known(key)) is not None:
            return known
        together = self._signing.setdefault(caller.user_id, asyncio.Semaphore(_SIGNED_TOGETHER))
        await self._enter(together)
        try:
            body = {"expiresIn": seconds, "transform": dict(transform)}
            made = await self._ask("POST", f"object/sign/{_quoted(bucket, path)}", body, caller)
        finally:
            together.release()
        if not str(made["signedURL"]).startswith("/render/"):
            raise ApiError(ErrorCode.NOT_ENABLED, "This project shows pictures only as they are. Leave transform out.")
        url = f"{self._url}{made['signedURL']}"
        self._keep(key, url)
        return url

    def public(self, bucket: str, path: str, transform: Transform = ()) -> str:
        """The address of an object in a bucket that is public."""
        if not transform:
            return f"{self._url}/object/public/{_quoted(bucket, path)}"
        return f"{self._url}/render/image/public/{_quoted(bucket, path)}?{urlencode(transform)}"

    async def _enter(self, together: asyncio.Semaphore) -> None:
        """Wait for one's turn, no longer than the operation may take; one of a subscription, as a request may."""
        ends = deadline()
        seconds = self._policy.timeout if ends == math.inf else ends - time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                await together.acquire()
        except TimeoutError:
            raise timed_out(_READ_LATE) from None

    def _known(self, key: _Key) -> str | None:
        found = self._addresses.get(key)
        if found is None or time.monotonic() > found[1]:
            return None
        return found[0]

    def _keep(self, key: _Key, url: str) -> None:
        # A quarter of its life is enough for whoever asks again soon, and leaves whoever is given it the most.
        self._addresses[key] = (url, time.monotonic() + key[3] / 4)
        self._addresses.move_to_end(key)
        if len(self._addresses) > _KEPT:
            self._addresses.popitem(last=False)

    async def remove(self, bucket: str, paths: Sequence[str], caller: Caller) -> frozenset[str]:
        """Delete objects, of those that the caller may delete; the paths of those that were.

        Raises:
            ApiError: UPSTREAM_UNAVAILABLE, TIMEOUT, after which some may be gone; OVERLOADED.
        """
        gone = await self._ask("DELETE", f"object/{quote(bucket)}", {"prefixes": list(paths)}, caller, _REMOVE_LATE)
        return frozenset(str(each["name"]) for each in gone)

    async def _ask(self, method: str, target: str, body: dict[str, Any], caller: Caller, late: str = _READ_LATE) -> Any:
        status, answered = await self.send(method, target, body, caller, late)
        if status < 300:
            return _json(answered)
        raise _refusal(status, answered)

    async def send(
        self, method: str, target: str, body: dict[str, Any], caller: Caller, late: str
    ) -> tuple[int, bytes]:
        """One request to Storage: its answer's status and body.

        Args:
            late: What is said where it takes too long.

        Raises:
            ApiError: UPSTREAM_UNAVAILABLE, TIMEOUT, OVERLOADED.
        """
        headers = {"apikey": self._api_key, "Content-Type": "application/json"}
        if caller.token is not None:
            headers["Authorization"] = f"Bearer {caller.token}"
        try:
            async with self._policy.once(caller.user_id, aiohttp.ClientError, ConnectionError) as attempt:
                with UpstreamCall("storage", method, target) as call:
                    response = await self._session.request(
                        method,
                        f"{self._url}/{target}",
                        data=orjson.dumps(body),
                        headers={**headers, **call.headers},
                        timeout=_UNBOUNDED,  # the policy bounds it
                        allow_redirects=False,
                    )
                    call.status = response.status
                async with response:
                    answered = await response.read()
                attempt.failed = response.status in _OUT_OF_ORDER
        except TimeoutError:
            raise timed_out(late) from None
        except (aiohttp.ClientError, ConnectionError):
            raise _unavailable() from None
        return response.status, answered


def _refusal(status: int, answered: bytes) -> ApiError:
    """What Storage refused, without its words. Most of its statuses are 400, and the body says which."""
    told = _json(answered)
    code = str(told.get("statusCode", status)) if isinstance(told, dict) else str(status)
    match code:
        case "401":
            return ApiError(ErrorCode.UNAUTHENTICATED, "The access token is not accepted. Sign in again.")
        case "403":
            return ApiError(ErrorCode.FORBIDDEN, "You are not allowed to do this.")
        case "404":
            return ApiError(ErrorCode.NOT_FOUND, "There is no such picture, or you may not see it.")
        case _:
            return _unavailable()


def _json(answered: bytes) -> Any:
    try:
        return orjson.loads(answered)
    except orjson.JSONDecodeError:
        raise _unavailable() from None


def _unavailable() -> ApiError:
    return unavailable("Pictures are not available right now. Try again shortly.")


def _quoted(bucket: str, path: str) -> str:
    return f"{quote(bucket)}/{quote(path)}"


def _expiry(token: str) -> float:
    """When a ticket ends, as it says itself; whoever takes it verifies it."""
    try:
        return float(jwt.decode(token, options={"verify_signature": False})["exp"])
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
        return time.time() + _TICKET_SECONDS
