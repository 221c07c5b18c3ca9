"""What a crash or a restart of the server means to its clients and to the database."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import psycopg
import pytest

from tests.local.realtime.conftest import PROJECT, Person, join, until
from tripgate.local.stack import LocalStackError, Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tripgate.local.stack import StackInfo

# The stock client's own doing.
pytestmark = pytest.mark.filterwarnings(r"ignore:ConnectionClosed\.(code|reason) is deprecated:DeprecationWarning")

SEND = "select realtime.send(jsonb_build_object('n', %s::int), 'told', %s)"


def slots(db: psycopg.Connection) -> int:
    """How many replication slots there are."""
    (count,) = db.execute("select count(*) from pg_replication_slots").fetchone() or (0,)
    return int(count)


async def test_clients_come_back_after_a_crash_and_hear_what_they_missed(
    connect: Any,
    person: Callable[..., Person],
    room: str,
    db: psycopg.Connection,
    stack: Stack,
    info: StackInfo,
    http: aiohttp.ClientSession,
) -> None:
    topic = f"room:{room}"
    since = int(time.time() * 1000)
    client = await connect(person(room).token())
    heard = await join(client, topic, broadcast={"replay": {"since": since, "limit": 25}})
    db.execute(SEND, [1, topic])
    await heard.until(lambda heard: heard.numbers == [1])

    stack.kill("realtime")
    headers = {"apikey": info.publishable_key}
    async with http.post(f"{info.api_url}/realtime/v1/api/broadcast", json={}, headers=headers) as answer:
        assert answer.status == 503
        assert (await answer.json())["message"]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await http.ws_connect(f"{info.api_url}/realtime/v1/websocket?apikey={info.publishable_key}")
    assert refusal.value.status == 503
    for number in (2, 3):
        db.execute(SEND, [number, topic])
    with pytest.raises(LocalStackError, match="no server realtime"):
        stack.kill("realtime")

    await asyncio.to_thread(stack.restart, "realtime")
    await heard.until(lambda heard: len(heard.messages) == 4)
    # The first is among the last 25 since then.
    assert heard.numbers == [1, 1, 2, 3]
    assert [message["meta"].get("replayed", False) for message in heard.messages] == [False, True, True, True]
    db.execute(SEND, [4, topic])
    await heard.until(lambda heard: heard.numbers[-1] == 4)
    assert slots(db) == 1


async def test_a_graceful_restart_closes_connections(
    connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection, stack: Stack
) -> None:
    heard = await join(await connect(person(room).token()), f"room:{room}")
    assert stack._supervisor is not None
    before = stack._supervisor.find("realtime")
    await asyncio.to_thread(stack.restart, "realtime")
    assert before is not None
    assert before.poll() == 0, "it has ended by itself, and was not killed"
    await heard.until(lambda heard: heard.states[-1] == "SUBSCRIBED" and len(heard.states) == 3)
    db.execute(SEND, [1, f"room:{room}"])
    await heard.until(lambda heard: heard.numbers == [1])


async def test_the_last_messages_are_replayed_oldest_first(
    connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
) -> None:
    topic = f"room:{room}"
    for number in range(30):
        db.execute(SEND, [number, topic])
    db.execute("""select realtime.send('{"n": 99}', 'told', 'room:other')""")
    since = int((time.time() - 3600) * 1000)
    member = person(room)
    for limit, expected in ((25, list(range(5, 30))), (3, [27, 28, 29])):
        replay = {"since": since, "limit": limit}
        heard = await join(await connect(member.token()), topic, broadcast={"replay": replay})
        await until(lambda heard=heard, expected=expected: heard.numbers == expected)  # type: ignore[misc]
    late = {"since": int((time.time() + 60) * 1000)}
    heard = await join(await connect(member.token()), topic, broadcast={"replay": late})
    db.execute(SEND, [100, topic])
    await heard.until(lambda heard: heard.numbers == [100])


async def test_a_lost_database_connection_loses_nothing(
    connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
) -> None:
    heard = await join(await connect(person(room).token()), f"room:{room}")
    for number in range(3):
        db.execute(SEND, [2 * number, f"room:{room}"])
        db.execute("select pg_terminate_backend(active_pid) from pg_replication_slots where active")
        db.execute(SEND, [2 * number + 1, f"room:{room}"])
        await heard.until(lambda heard, number=number: len(heard.messages) == 2 * number + 2)  # type: ignore[misc]
    assert heard.numbers == [0, 1, 2, 3, 4, 5]
    assert heard.states == ["SUBSCRIBED"]


async def test_a_lost_slot_ends_the_clients_connections(
    connect: Any, person: Callable[..., Person], room: str, db: psycopg.Connection
) -> None:
    heard = await join(await connect(person(room).token()), f"room:{room}")
    drop = """
        select pg_terminate_backend(active_pid, 1000), pg_drop_replication_slot(slot_name) from pg_replication_slots
    """
    db.execute(drop)
    # They come back, and could ask for what they missed.
    await heard.until(lambda heard: heard.states.count("SUBSCRIBED") == 2)
    db.execute(SEND, [1, f"room:{room}"])
    await heard.until(lambda heard: heard.numbers == [1])


async def test_a_crash_of_the_database_loses_nothing(connect: Any, data_dir: Path) -> None:
    with Stack(StackOptions(PROJECT, data_dir, api_port=0, seed=False)) as stack:
        assert stack.info is not None
        client = await connect(url=f"{stack.info.api_url}/realtime/v1", key=stack.info.secret_key)
        heard = await join(client, "square")

        def crash() -> None:
            """Kill a session: Postgres ends all others and recovers."""
            assert stack.info is not None
            with psycopg.connect(stack.info.admin_db_url, autocommit=True) as connection:
                connection.execute(SEND, [1, "square"])
                os.kill(connection.info.backend_pid, signal.SIGKILL)

        def recovered() -> bool:
            assert stack.info is not None
            with (
                contextlib.suppress(psycopg.OperationalError),
                psycopg.connect(stack.info.admin_db_url, autocommit=True) as connection,
            ):
                connection.execute(SEND, [2, "square"])
                return True
            return False

        crash()
        await until(recovered)
        await heard.until(lambda heard: heard.numbers == [1, 2])
        assert heard.states == ["SUBSCRIBED"]
        await client.close()


async def test_postgres_is_never_left_asleep(db: psycopg.Connection) -> None:
    # Its sender can miss a commit's wake-up; what the stream says four times a second wakes it then.
    heard = "select max(reply_time) from pg_stat_replication"
    (last,) = db.execute(heard).fetchone() or (None,)
    assert last is not None
    await until(lambda: (db.execute(heard).fetchone() or (last,))[0] > last, seconds=1)


async def test_realtime_and_postgres_alone_start_anew_by_themselves(stack: Stack) -> None:
    with pytest.raises(LocalStackError, match="auth cannot be started anew"):
        stack.restart("auth")
