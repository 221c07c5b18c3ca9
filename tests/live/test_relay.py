"""The relay under faults: nobody hears what they may not, and whoever cannot be served is told."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import psycopg
import pytest

from gql.errors import ApiError, ErrorCode
from tests.live.clients import live
from tests.live.conftest import Party
from tests.live.test_changes import ITEMS, rename, until_following
from tests.live.test_protocol import sse
from tests.support import Person, serving
from tripgate.local.stack import StackInfo
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.client import RealtimeClient
from tripgate.upstream.realtime.frames import Change, Operation
from tripgate.upstream.realtime.subscription import Subscription
from tripgate.upstream.resilience.bulkhead import Bulkhead


async def test_realtime_is_not_there_when_subscribing(
    info: StackInfo, party: Party, http: aiohttp.ClientSession
) -> None:
    async with serving(info, realtime_url="http://127.0.0.1:1") as url:
        person = Person(http, url, party.owner.token)
        async with live(person) as connection:
            began = time.monotonic()
            id_ = await connection.subscribe(ITEMS, trip=party.trip)
            assert await connection.ending(id_) == "UPSTREAM_UNAVAILABLE"
            assert time.monotonic() - began < 30


async def test_the_one_whose_token_carries_the_join_may_leave(party: Party) -> None:
    async with live(party.editor) as staying:
        async with live(party.owner) as leaving:
            first = await leaving.subscribe(ITEMS, trip=party.trip)
            await until_following(leaving, first, party)
            second = await staying.subscribe(ITEMS, trip=party.trip)
            await until_following(staying, second, party)
        await rename(party, "Still here")
        assert (await staying.event(second))["tripItemChanges"]["tripItem"]["title"] == "Still here"


async def test_the_server_says_that_it_goes_away(info: StackInfo, party: Party, http: aiohttp.ClientSession) -> None:
    async with serving(info) as url:
        socket = await http.ws_connect(url.replace("http", "ws", 1), protocols=("graphql-transport-ws",))
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json())["type"] == "connection_ack"
        closing = asyncio.create_task(socket.receive())
    await closing
    assert socket.close_code == 1001


async def test_a_stream_ends_when_the_server_goes_away(
    info: StackInfo, party: Party, http: aiohttp.ClientSession
) -> None:
    async with serving(info) as url:
        response = await sse(Person(http, url, party.owner.token), ITEMS, trip=party.trip)
        assert await response.content.readuntil(b"\n\n") == b":\n\n"
        await asyncio.sleep(0.5)
        began = time.monotonic()
    assert time.monotonic() - began < 30
    assert b"complete" not in await response.content.read(), "clients take it for the end of the subscription"


async def test_a_token_that_expires_ends_its_subscriptions_unless_refreshed(
    party: Party, http: aiohttp.ClientSession
) -> None:
    refresh = "mutation ($token: String!) { refreshSession(refreshToken: $token) { session { accessToken } } }"
    fresh = (await party.editor.ask(refresh, token=party.editor.refresh_token))["refreshSession"]["session"]
    async with live(party.editor) as connection:
        items = await connection.subscribe(ITEMS, trip=party.trip)
        await until_following(connection, items, party)
        await connection.send(type="ping", payload={"Authorization": f"Bearer {fresh['accessToken']}"})
        await rename(party, "After the refresh")
        assert (await connection.event(items))["tripItemChanges"]["tripItem"]["title"] == "After the refresh"
        await connection.send(type="ping", payload={"Authorization": f"Bearer {party.owner.token}"})
        assert await connection.close_code() == 4403


def change(number: int) -> Change:
    return Change("trip_items", Operation.UPDATE, str(number), {}, "")


DELETED = Change("trips", Operation.DELETE, "1", None, "")


class TestOneSubscriber:
    """`Subscription` by itself, where time and slowness can be chosen."""

    @staticmethod
    def of(admit: Any, expires_at: float | None = None, **options: Any) -> Subscription:
        caller = Caller("ada", "token", None, expires_at)
        given = {"queue_limit": 3, "recheck": 60.0, "admission_bulkhead": Bulkhead(width=1, queue=10), **options}
        return Subscription("trip:1", caller, admit, **given)

    @staticmethod
    async def yes(_: Caller) -> None:
        """Everyone may."""

    async def test_a_slow_reader_gets_one_resync_instead_of_what_it_missed(self) -> None:
        subscription = self.of(self.yes)
        for number in range(10):
            subscription.push(change(number))
        subscription.end()
        assert [one.operation async for one in subscription] == [Operation.RESYNC]

    async def test_nothing_is_handed_out_while_an_admission_is_due(self) -> None:
        asked = 0

        async def once(_: Caller) -> None:
            nonlocal asked
            asked += 1
            if asked > 1:
                raise ApiError(ErrorCode.FORBIDDEN, "no longer")

        subscription = self.of(once)
        subscription.push(change(1))
        assert (await anext(subscription)).id == "1"
        subscription.push(change(2))
        subscription.recheck_admission()
        with pytest.raises(ApiError, match="no longer"):
            await anext(subscription)

    @staticmethod
    def refused_later() -> tuple[Any, Callable[[], None]]:
        """An admission that passes for now, and what has it refused from then on."""
        refuses = False

        async def admit(_: Caller) -> None:
            if refuses:
                raise ApiError(ErrorCode.FORBIDDEN, "no such trip")

        def refuse() -> None:
            nonlocal refuses
            refuses = True

        return admit, refuse

    @pytest.mark.parametrize("heard_first", [True, False])
    async def test_whoever_is_asked_for_anew_as_the_root_is_deleted_is_told_of_that(self, heard_first: bool) -> None:
        admit, refuse = self.refused_later()
        subscription = self.of(admit)
        await subscription.admit()
        refuse()
        subscription.push(change(1))  # cannot be asked about any more
        if heard_first:
            subscription.push(DELETED)
            subscription.end(DELETED)
            subscription.recheck_admission()
            told = [one async for one in subscription]
        else:
            subscription.recheck_admission()
            reading = asyncio.ensure_future(anext(subscription))
            await asyncio.sleep(0.05)
            assert not reading.done()
            subscription.push(DELETED)
            subscription.end(DELETED)
            told = [await reading, *[one async for one in subscription]]
        assert told == [DELETED]

    @pytest.mark.parametrize("heard_first", [True, False])
    async def test_whoever_may_have_been_removed_before_is_refused(self, heard_first: bool) -> None:
        """What became of the trip since then is not for them."""
        admit, refuse = self.refused_later()
        subscription = self.of(admit)
        await subscription.admit()
        refuse()
        if heard_first:
            subscription.recheck_admission(removed=True)
            subscription.push(DELETED)
            subscription.end(DELETED)
            with pytest.raises(ApiError, match="no such trip"):
                await anext(subscription)
        else:
            subscription.recheck_admission()
            reading = asyncio.ensure_future(anext(subscription))
            await asyncio.sleep(0.05)
            subscription.recheck_admission(removed=True)
            subscription.push(DELETED)
            subscription.end(DELETED)
            with pytest.raises(ApiError, match="no such trip"):
                await reading

    async def test_whoever_is_refused_and_hears_of_no_deletion_is_told_so(self) -> None:
        admit, refuse = self.refused_later()
        subscription = self.of(admit)
        await subscription.admit()
        refuse()
        subscription.recheck_admission()
        with pytest.raises(ApiError, match="no such trip"):
            await asyncio.wait_for(anext(subscription), 60)

    async def test_a_removal_before_an_admission_that_passed_is_over(self) -> None:
        admit, refuse = self.refused_later()
        subscription = self.of(admit)
        subscription.recheck_admission(removed=True)  # somebody else
        await subscription.admit()
        refuse()
        subscription.push(DELETED)
        subscription.end(DELETED)
        subscription.recheck_admission()
        assert [one async for one in subscription] == [DELETED]

    async def test_many_are_admitted_a_few_at_a_time(self) -> None:
        asking = most = 0

        async def slowly(_: Caller) -> None:
            nonlocal asking, most
            asking += 1
            most = max(most, asking)
            await asyncio.sleep(0.01)
            asking -= 1

        bulkhead = Bulkhead(width=2, queue=10)
        await asyncio.gather(*(self.of(slowly, admission_bulkhead=bulkhead).admit() for _ in range(6)))
        assert most == 2

    async def test_nobodys_admissions_keep_others_waiting(self) -> None:
        never = asyncio.Event()

        async def held(_: Caller) -> None:
            await never.wait()

        bulkhead = Bulkhead(width=4, queue=1000, share=2)
        many = [asyncio.create_task(self.of(held, admission_bulkhead=bulkhead).admit()) for _ in range(500)]
        await asyncio.sleep(0)
        assert (bulkhead.inside, bulkhead.waiting) == (2, 498)
        other = Subscription(
            "trip:1", Caller("ben", "token"), self.yes, queue_limit=3, recheck=60.0, admission_bulkhead=bulkhead
        )
        await asyncio.wait_for(other.admit(), 60)
        for each in many:
            each.cancel()
        await asyncio.gather(*many, return_exceptions=True)
        assert (bulkhead.inside, bulkhead.waiting) == (0, 0)

    async def test_admission_is_asked_for_again_in_time(self) -> None:
        asked = 0

        async def count(_: Caller) -> None:
            nonlocal asked
            asked += 1

        subscription = self.of(count, recheck=0.05)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(subscription), 0.3)
        assert 3 <= asked <= 8

    async def test_the_end_of_the_token_is_the_end_of_the_subscription(self) -> None:
        subscription = self.of(self.yes, expires_at=time.time() + 0.2)
        began = time.monotonic()
        with pytest.raises(ApiError) as ended:
            await anext(subscription)
        assert ended.value.code is ErrorCode.UNAUTHENTICATED
        assert time.monotonic() - began < 20

    async def test_a_token_that_ends_while_somebody_is_let_in_is_the_end_too(self) -> None:
        """Those who are asked take it for half a minute longer."""
        asked = 0

        async def slowly(_: Caller) -> None:
            nonlocal asked
            asked += 1
            await asyncio.sleep(0.1)

        subscription = self.of(slowly, expires_at=time.time() + 0.02)
        with pytest.raises(ApiError) as ended:
            await asyncio.wait_for(anext(subscription), 10)
        assert ended.value.code is ErrorCode.UNAUTHENTICATED
        assert asked == 1

    async def test_a_newer_token_lets_it_go_on(self) -> None:
        subscription = self.of(self.yes, expires_at=time.time() + 0.2)
        reading = asyncio.ensure_future(anext(subscription))
        await asyncio.sleep(0.05)
        subscription.refresh(Caller("ada", "newer", None, time.time() + 60))
        await asyncio.sleep(0.3)
        subscription.push(change(1))
        assert (await asyncio.wait_for(reading, 60)).id == "1"


@dataclass
class Refusals:
    """What a channel says to its listener, but for changes."""

    reasons: list[str] = field(default_factory=list)
    disconnections: int = 0

    def on_change(self, change: Change) -> None: ...

    def on_disconnected(self) -> None:
        self.disconnections += 1

    def on_presence(self, event: str, payload: dict[str, Any]) -> None: ...

    def on_refused(self, reason: str) -> None:
        self.reasons.append(reason)


async def test_the_end_of_a_join_that_was_left_does_not_end_the_next_of_its_topic(
    http: aiohttp.ClientSession, info: StackInfo, party: Party
) -> None:
    client = RealtimeClient(http, f"{info.api_url}/realtime/v1", info.publishable_key)
    topic, token, listener = f"trip:{party.trip}", party.owner.token or "", Refusals()
    try:
        first = client.join(topic, token, listener)
        await asyncio.wait_for(first.joined.wait(), 30)
        client.leave(first)
        second = client.join(topic, token, listener)
        await asyncio.wait_for(second.joined.wait(), 30)
        await asyncio.sleep(0.3)
        assert second.joined.is_set()
        assert listener.reasons == []
    finally:
        await client.close()


@pytest.mark.parametrize("processes", [1, 2])
async def test_more_topics_are_joined_than_realtime_lets_join_in_a_second(
    http: aiohttp.ClientSession, info: StackInfo, party: Party, processes: int
) -> None:
    """It permits 100, and hangs up on a connection that asks for more; where two processes do, they slow down."""
    party.sql(
        "insert into public.trips (id, user_id, title) select md5('of many ' || n)::uuid, %s, 'Many'"
        " from generate_series(1, 150) n on conflict (id) do update set user_id = excluded.user_id",
        party.owner.id,
    )
    with psycopg.connect(info.admin_db_url) as connection:
        found = connection.execute("select id from public.trips where user_id = %s", [party.owner.id]).fetchall()
    listeners = [Refusals() for _ in range(processes)]
    clients = [RealtimeClient(http, f"{info.api_url}/realtime/v1", info.publishable_key) for _ in listeners]
    try:
        channels = [
            client.join(f"trip:{trip}", party.owner.token or "", listener)
            for client, listener in zip(clients, listeners, strict=True)
            for (trip,) in found
        ]
        async with asyncio.timeout(60):
            while not all(channel.joined.is_set() for channel in channels):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert [client.sockets for client in clients] == [2] * processes
        if processes == 1:
            assert listeners[0].disconnections == 0
    finally:
        for client in clients:
            await client.close()
