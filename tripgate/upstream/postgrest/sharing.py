"""Identical reads of one person that are under way share one upstream request.

None is shared with one that began before the person's last write: whoever writes calls `forget`, and what is under way
then goes on for those who wait for it and takes nobody in any more.
"""

import asyncio
from contextlib import suppress

from tripgate.upstream.caller import Caller
from tripgate.upstream.http_client import Answer
from tripgate.upstream.postgrest.client import PostgrestClient
from tripgate.upstream.postgrest.render import Request

_Key = tuple[str | None, str, str, bytes | None]


class SharingClient(PostgrestClient):
    """The client it is given, for queries alone: each of its reads may answer several who ask the same.

    The same is: the same token, path, preferences and body. Whoever asks first sends, in its own task; the others wait
    for it. When it fails, all fail; when it is cancelled, the others ask anew.
    """

    def __init__(self, client: PostgrestClient) -> None:
        self._client = client
        self._under_way: dict[str | None, dict[_Key, _Shared]] = {}
        self.shared = 0

    async def send(self, request: Request, caller: Caller) -> Answer:
        """Send, or take the answer to the same read that is under way.

        Raises:
            ApiError: As the client that sends.
        """
        if not request.repeatable:
            return await self._client.send(request, caller)
        key = (caller.token, request.path, request.prefer, request.body)
        mine = self._under_way.get(caller.user_id)
        if mine is None:
            mine = self._under_way[caller.user_id] = {}
        while (leading := mine.get(key)) is not None:
            self.shared += 1
            with suppress(_LeaderGoneError):
                return await leading.answer()
        leading = mine[key] = _Shared()
        try:
            answer = await self._client.send(request, caller)
        except Exception as error:
            leading.fail(error)
            raise
        except BaseException:  # cancelled: this one's caller has gone, not the others'
            leading.fail(_LeaderGoneError())
            raise
        else:
            leading.finish(answer)
            return answer
        finally:
            del mine[key]
            if not mine and self._under_way.get(caller.user_id) is mine:
                del self._under_way[caller.user_id]

    def forget(self, user_id: str | None) -> None:
        """From now on nobody shares what is under way for this person."""
        self._under_way.pop(user_id, None)

    def forget_all(self) -> None:
        """The same for everybody."""
        self._under_way.clear()


class _LeaderGoneError(Exception):
    """Whoever sent the request was cancelled."""


class _Shared:
    """One read that is under way, and those who wait for it beside the one who sent it."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[Answer]] | None = None

    async def answer(self) -> Answer:
        """What comes of it."""
        one: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(one)
        return await one

    def finish(self, answer: Answer) -> None:
        """Answer all who wait."""
        for one in self._waiting or ():
            if not one.done():
                one.set_result(answer)

    def fail(self, error: Exception) -> None:
        """Fail all who wait."""
        for one in self._waiting or ():
            if not one.done():
                one.set_exception(error)
