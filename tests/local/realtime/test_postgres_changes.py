"""Changes of tables, judged by the unmodified Python client."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.local.realtime.conftest import Person, subscribed, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from realtime import AsyncRealtimeClient

_numbers = itertools.count(1)


class Changes:
    """What the stock client tells of changes."""

    def __init__(self, client: AsyncRealtimeClient, **binding: Any) -> None:
        self.events: list[dict[str, Any]] = []
        self.system: list[str] = []
        self.states: list[str] = []
        self.errors: list[str] = []
        self.channel = client.channel(f"changes{next(_numbers)}")
        self.channel.on_postgres_changes(
            binding.pop("event", "*"), lambda change: self.events.append(dict(change["data"])), **binding
        )
        self.channel.on_system(lambda payload: self.system.append(payload.message))

    async def ready(self) -> Changes:
        """Subscribe, and wait until changes are told."""
        await self.subscribe()
        await until(lambda: "Subscribed to PostgreSQL" in self.system)
        return self

    async def subscribe(self) -> Changes:
        await subscribed(self.channel, self.states, self.errors)
        return self

    async def next(self, count: int) -> list[dict[str, Any]]:
        """The first `count` events, and no more."""
        await until(lambda: len(self.events) >= count)
        assert len(self.events) == count, self.events
        return self.events


@pytest.fixture
async def changes(connect: Any) -> Callable[..., Any]:
    """Makes subscribers: of a person, or without one."""

    async def one(person: Person | None, **binding: Any) -> Changes:
        return Changes(await connect(person.token() if person else None), **binding)

    return one


@pytest.fixture
def number() -> int:
    """A primary key that no other test uses."""
    return next(_numbers)


def insert(db: psycopg.Connection, number: int, owner: Person, title: str = "Pack") -> None:
    db.execute("insert into tasks (id, user_id, title, secret) values (%s, %s, %s, 's')", [number, owner.id, title])


async def test_each_person_hears_of_their_own_rows(
    changes: Any, person: Callable[..., Person], db: psycopg.Connection, number: int
) -> None:
    ada, ben = person(), person()
    hers, his = [await (await changes(who, table="tasks")).ready() for who in (ada, ben)]
    insert(db, number, ada)
    await hers.next(1)
    db.execute("update tasks set user_id = %s where id = %s", [ben.id, number])
    assert [event["type"] for event in await his.next(1)] == ["UPDATE"]
    db.execute("delete from tasks where id = %s", [number])
    # A deletion cannot be judged, so all hear of it: of the key alone.
    for heard, first in ((hers, "INSERT"), (his, "UPDATE")):
        events = await heard.next(2)
        assert [event["type"] for event in events] == [first, "DELETE"]
        assert events[1]["old_record"] == {"id": number}
        assert "record" not in events[1]


async def test_a_row_as_its_reader_may_see_it(
    changes: Any, person: Callable[..., Person], db: psycopg.Connection, number: int
) -> None:
    ada = person()
    heard = await (await changes(ada, table="tasks", event="INSERT")).ready()
    db.execute(
        """
        insert into tasks values (%s, %s, E'a "quote"\\n', 12345678901234.5678, '2026-05-01 10:00+02',
            '{one,"two, three"}', '{"deep": [1, null]}', 'calm', 'hidden')
        """,
        [number, ada.id],
    )
    (event,) = await heard.next(1)
    assert event["record"] == {
        "id": number,
        "user_id": ada.id,
        "title": 'a "quote"\n',
        "amount": 12345678901234.5678,
        "due": "2026-05-01T08:00:00+00:00",
        "labels": ["one", "two, three"],
        "details": {"deep": [1, None]},
        "mood": "calm",
    }
    assert (event["schema"], event["table"], event["type"], event["errors"]) == ("public", "tasks", "INSERT", None)
    assert event["commit_timestamp"].endswith("Z")
    assert {column["name"]: column["type"] for column in event["columns"]} == {
        "id": "int4",
        "user_id": "uuid",
        "title": "text",
        "amount": "numeric",
        "due": "timestamptz",
        "labels": "_text",
        "details": "jsonb",
        "mood": "mood",
    }


async def test_an_update_tells_the_key_of_before(
    changes: Any, person: Callable[..., Person], db: psycopg.Connection, number: int
) -> None:
    ada = person()
    insert(db, number, ada)
    heard = await (await changes(ada, table="tasks", event="UPDATE")).ready()
    db.execute("update tasks set title = 'Unpack' where id = %s", [number])
    (event,) = await heard.next(1)
    assert event["record"]["title"] == "Unpack"
    assert event["old_record"] == {"id": number}


async def test_filters_are_judged_by_the_columns_type(changes: Any, db: psycopg.Connection) -> None:
    filters = {
        "id=eq.9": [9],
        "id=lt.10": [8, 9],
        "id=gte.9": [9, 10],
        "id=in.(8,10)": [8, 10],
        "id=neq.9": [8, 10],
        "id=gt.8,id=lt.10": [9],
        "id=not.in.(8,9)": [10],
        'body=eq."n, 9"': [9],
        "body=like.n%": [9],
        "body=is.null": [10],
    }
    heard = {filter_: await (await changes(None, table="signs", filter=filter_)).ready() for filter_ in filters}
    db.execute("insert into signs values (8, 'm'), (9, 'n, 9'), (10, null)")
    for filter_, expected in filters.items():
        events = await heard[filter_].next(len(expected))
        assert [event["record"]["id"] for event in events] == expected, filter_
    # With full replica identity and without row level security, deletions tell all, and filters see it.
    db.execute("delete from signs where id in (8, 9, 10)")
    (_, deleted) = await heard["body=is.null"].next(2)
    assert (deleted["type"], deleted["old_record"]) == ("DELETE", {"id": 10, "body": None})


async def test_whole_schemas_and_chosen_columns(
    changes: Any, person: Callable[..., Person], db: psycopg.Connection, number: int
) -> None:
    ada = person()
    everything = await (await changes(ada, schema="public")).ready()
    chosen = await (await changes(ada, table="tasks", select=["title"])).ready()
    insert(db, number, ada)
    db.execute("insert into signs values (%s, 'x')", [number])
    (event,) = await chosen.next(1)
    assert event["record"] == {"id": number, "title": "Pack"}
    assert [column["name"] for column in event["columns"]] == ["id", "title"]
    assert [event["table"] for event in await everything.next(2)] == ["tasks", "signs"]


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ({"table": "unpublished"}, "Please check Realtime is enabled"),
        ({"table": "tasks", "filter": "secret=eq.s"}, "invalid column for filter secret"),
        ({"table": "tasks", "filter": "id=eq.one"}, "invalid input syntax for type integer"),
        ({"table": "tasks", "filter": "id=is.true"}, "Exception"),
        ({"table": "tasks", "filter": "id=foo.1"}, "Error parsing `filter` params"),
        ({"table": "tasks", "filter": "id=in.1"}, "must be wrapped by parentheses"),
        ({"table": "signs", "filter": "body=match.("}, "invalid regular expression"),
        ({"table": "signs", "filter": f"id=in.({','.join(map(str, range(101)))})"}, "Maximum 100"),
        ({"schema": "public", "select": ["id"]}, "not supported for wildcard"),
    ],
)
async def test_what_cannot_be_subscribed_to_says_why(
    changes: Any, person: Callable[..., Person], binding: dict[str, Any], message: str
) -> None:
    heard = await (await changes(person(), **binding)).subscribe()
    await until(lambda: bool(heard.errors))
    assert message in heard.errors[0]


async def test_what_cannot_be_read_arrives_as_an_error(
    changes: Any, person: Callable[..., Person], db: psycopg.Connection, number: int
) -> None:
    heaps = await (await changes(None, table="heaps")).ready()
    hidden = await (await changes(person(), table="hidden")).ready()
    db.execute("insert into heaps values ('x')")
    db.execute("insert into hidden values (%s, 'x')", [number])
    (event,) = await heaps.next(1)
    assert (event["errors"], event["record"]) == (["Error 400: Bad Request, no primary key"], {})
    (event,) = await hidden.next(1)
    assert (event["errors"], event["record"]) == (["Error 401: Unauthorized"], {})


async def test_of_a_large_row_the_small_fields_arrive(
    changes: Any, person: Callable[..., Person], db: psycopg.Connection, number: int
) -> None:
    ada = person()
    heard = await (await changes(ada, table="tasks")).ready()
    insert(db, number, ada, "x" * 1_100_000)
    (event,) = await heard.next(1)
    assert event["errors"] == ["Error 413: Payload Too Large"]
    assert (event["record"]["id"], "title" in event["record"]) == (number, False)


async def test_a_large_value_that_did_not_change_is_left_out(
    changes: Any, person: Callable[..., Person], db: psycopg.Connection, number: int
) -> None:
    ada = person()
    db.execute("alter table tasks alter column title set storage external")
    insert(db, number, ada, "x" * 10_000)
    heard = await (await changes(ada, table="tasks")).ready()
    db.execute("update tasks set mood = 'cross' where id = %s", [number])
    (event,) = await heard.next(1)
    assert event["record"]["mood"] == "cross"
    assert "title" not in event["record"]


async def test_a_newer_token_decides_from_then_on(
    connect: Any, person: Callable[..., Person], db: psycopg.Connection, number: int
) -> None:
    ada, ben = person(), person()
    client = await connect(ada.token())
    heard = await Changes(client, table="tasks", event="INSERT").ready()
    await client.set_auth(ben.token())
    await until(lambda: heard.system.count("Subscribed to PostgreSQL") == 2)
    insert(db, number, ada)
    insert(db, number + 1_000_000, ben)
    (event,) = await heard.next(1)
    assert event["record"]["user_id"] == ben.id


async def test_who_has_left_hears_no_more(changes: Any, db: psycopg.Connection, number: int) -> None:
    left, kept = [await (await changes(None, table="signs")).ready() for _ in range(2)]
    await left.channel.unsubscribe()
    await until(lambda: left.states[-1] == "CLOSED")
    db.execute("insert into signs values (%s, 'x')", [number])
    await kept.next(1)
    assert left.events == []


async def test_changes_come_in_the_order_of_commits(changes: Any, db: psycopg.Connection) -> None:
    heard = await (await changes(None, table="signs", event="INSERT")).ready()
    await asyncio.to_thread(db.execute, "insert into signs select n, n::text from generate_series(100000, 100099) n")
    await until(lambda: len(heard.events) == 100)
    assert [event["record"]["id"] for event in heard.events] == list(range(100_000, 100_100))
