"""An answer in parts while it is made: what waits for what, what fails alone, and who stops reading."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from tests.faults.proxy import Exchange, Fault, FaultyProxy, faulty, held, passes, says
from tests.incremental.parts import BY_ID, BY_PATH, asking, each, parts
from tests.support import Person, serving
from tripgate.local.stack import StackInfo

LIST = "{ trips(first: 2) { nodes { title ... @defer { items { totalCount } } } } }"
STREAMED = "{ trips(orderBy: [{ title: ASC }]) { nodes @stream(initialCount: 1) { title } } }"
BESIDE = "{ viewer { displayName } ... @defer { trips { totalCount } } }"


@pytest.fixture
async def proxied(seeded: StackInfo, ada: Person) -> AsyncIterator[tuple[FaultyProxy, Person]]:
    """A proxy that fails as it is told, and somebody who asks through it."""
    async with faulty(seeded, database_url=None) as (proxy, url):
        yield proxy, Person(ada.http, url, ada.token)


@pytest.mark.parametrize("accept", [BY_PATH, BY_ID])
async def test_the_first_part_does_not_wait_for_those_after_it(
    proxied: tuple[FaultyProxy, Person], accept: str
) -> None:
    proxy, reader = proxied
    go = asyncio.Event()
    await proxy.does(passes, held(go))
    async with asking(reader, LIST, accept) as response:
        coming = each(response)
        first = await anext(coming)
        assert [set(node) for node in first["data"]["trips"]["nodes"]] == [{"title"}] * 2
        go.set()
        (last,) = [part async for part in coming]
    assert last["hasNext"] is False
    assert all("errors" not in piece for piece in last["incremental"])


@pytest.mark.parametrize("accept", [BY_PATH, BY_ID])
async def test_the_first_rows_of_a_list_do_not_wait_for_the_others(
    proxied: tuple[FaultyProxy, Person], accept: str
) -> None:
    proxy, reader = proxied
    go = asyncio.Event()
    await proxy.does(passes, held(go))
    async with asking(reader, STREAMED, accept) as response:
        coming = each(response)
        first = await anext(coming)
        assert len(first["data"]["trips"]["nodes"]) == 1
        go.set()
        (last,) = [part async for part in coming]
    assert last["hasNext"] is False
    assert len(last["incremental"][0]["items"]) == 3


async def test_rows_that_cannot_be_read_end_their_list_with_an_error(proxied: tuple[FaultyProxy, Person]) -> None:
    proxy, reader = proxied
    broken = says(500, "57014")
    await proxy.does(passes, broken)
    first, last = await parts(reader, STREAMED)
    assert "errors" not in first
    (piece,) = last["incremental"]
    (error,) = piece.pop("errors")
    assert piece == {"path": ["trips", "nodes", 1], "items": None}
    assert (error["path"], error["extensions"]["code"]) == (["trips", "nodes"], "TIMEOUT")
    await proxy.does(passes, broken)
    first, last = await parts(reader, STREAMED, BY_ID)
    (ended,) = last.pop("completed")
    assert last == {"hasNext": False}
    assert (ended["id"], ended["errors"][0]["path"]) == (first["pending"][0]["id"], ["trips", "nodes"])


async def test_a_page_that_cannot_be_told_of_fails_its_field_once(proxied: tuple[FaultyProxy, Person]) -> None:
    proxy, reader = proxied
    query = "{ trips { nodes @stream(initialCount: 1) { title } pageInfo { endCursor } } viewer { displayName } }"
    for broken in (1, 2):
        left = [says(500, "57014")] * broken + [passes] * (3 - broken)

        async def first_lists(exchange: Exchange, left: list[Fault] = left) -> None:
            await (left.pop(0) if "trips" in exchange.path else passes)(exchange)

        await proxy.does(first_lists, first_lists, first_lists)
        (answer,) = await parts(reader, query)
        assert answer["data"] == {"trips": None, "viewer": {"displayName": "Ada Lindqvist"}}
        assert [error["path"] for error in answer["errors"]] == [["trips"]]


async def test_of_many_lists_each_ends_with_the_error_of_their_common_read(proxied: tuple[FaultyProxy, Person]) -> None:
    proxy, reader = proxied
    await proxy.does(passes, says(500, "57014"))
    query = "{ trips(first: 2) { nodes { items { nodes @stream(initialCount: 1) { title } } } } }"
    _, last = await parts(reader, query)
    paths = [["trips", "nodes", index, "items", "nodes"] for index in range(2)]
    assert [piece["path"] for piece in last["incremental"]] == [[*path, 1] for path in paths]
    assert [piece["errors"][0]["path"] for piece in last["incremental"]] == paths


async def test_a_list_goes_on_behind_its_last_row_whatever_comes_and_goes_before_it(
    proxied: tuple[FaultyProxy, Person], seeded: StackInfo
) -> None:
    proxy, ada = proxied
    reader = await ada.sign_up()
    ids = {title: await reader.trip(title=title) for title in ("B", "C", "D")}

    async def once_much_has_changed(exchange: Exchange) -> None:
        with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
            connection.execute("update public.trips set title = 'A' where id = %s", [ids["B"]])
            connection.execute("delete from public.trips where id = %s", [ids["C"]])
            connection.execute("update public.trips set title = 'E' where id = %s", [ids["D"]])
        await passes(exchange)

    await proxy.does(passes, once_much_has_changed)
    first, last = await parts(reader, STREAMED)
    assert first["data"]["trips"]["nodes"] == [{"title": "B"}]
    assert last["incremental"] == [{"path": ["trips", "nodes", 1], "items": [{"title": "E"}]}]


@pytest.mark.parametrize("accept", [BY_PATH, BY_ID])
async def test_a_list_whose_other_rows_have_gone_ends_without_any(
    proxied: tuple[FaultyProxy, Person], seeded: StackInfo, accept: str
) -> None:
    proxy, ada = proxied
    reader = await ada.sign_up()
    await reader.trip(title="A")
    going = await reader.trip(title="B")

    async def once_one_has_gone(exchange: Exchange) -> None:
        with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
            connection.execute("delete from public.trips where id = %s", [going])
        await passes(exchange)

    await proxy.does(passes, once_one_has_gone)
    first, last = await parts(reader, STREAMED, accept)
    assert first["data"]["trips"]["nodes"] == [{"title": "A"}]
    assert last == {"hasNext": False, **({"completed": [{"id": "0"}]} if accept is BY_ID else {})}


async def test_a_root_field_that_is_put_off_is_read_from_the_start(proxied: tuple[FaultyProxy, Person]) -> None:
    proxy, reader = proxied
    both = asyncio.Event()

    async def once_both_are_there(exchange: Exchange) -> None:
        if len(proxy.attempts) == 2:
            both.set()
        await held(both)(exchange)

    await proxy.does(once_both_are_there, once_both_are_there)
    first, last = await parts(reader, BESIDE)
    assert first["data"] == {"viewer": {"displayName": "Ada Lindqvist"}}
    assert last["incremental"] == [{"path": [], "data": {"trips": {"totalCount": 4}}}]


async def test_a_part_that_cannot_be_read_is_null_with_an_error_at_its_path(
    proxied: tuple[FaultyProxy, Person],
) -> None:
    proxy, reader = proxied
    broken = says(500, "57014")
    await proxy.does(passes, broken)
    first, last = await parts(reader, LIST)
    assert "errors" not in first
    for index, piece in enumerate(last["incremental"]):
        path = ["trips", "nodes", index]
        assert piece["path"] == path
        assert piece["data"] is None
        assert piece["errors"][0]["path"] == path
        assert piece["errors"][0]["extensions"]["code"] == "TIMEOUT"
    await proxy.does(passes, broken)
    first, last = await parts(reader, LIST, BY_ID)
    assert "incremental" not in last
    assert [each["errors"][0]["extensions"]["code"] for each in last["completed"]] == ["TIMEOUT"] * 2


async def test_a_root_field_that_fails_is_null_in_its_part(proxied: tuple[FaultyProxy, Person]) -> None:
    proxy, reader = proxied
    query = "{ viewer { displayName } ... @defer { trips { totalCount } places { nodes { missing: name } } } }"

    async def only_trips(exchange: Exchange) -> None:
        await (says(500, "57014") if "trips" in exchange.path else passes)(exchange)

    await proxy.does(only_trips, only_trips, only_trips)
    _, last = await parts(reader, query)
    (piece,) = last["incremental"]
    assert piece["data"]["trips"] is None
    assert piece["data"]["places"]
    assert [error["path"] for error in piece["errors"]] == [["trips"]]


async def test_a_row_that_goes_between_two_parts_is_not_found(
    proxied: tuple[FaultyProxy, Person], seeded: StackInfo
) -> None:
    proxy, ada = proxied
    reader = await ada.sign_up()
    kept, going = await reader.trip(title="A"), await reader.trip(title="B")

    async def once_one_has_gone(exchange: Exchange) -> None:
        with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
            connection.execute("delete from public.trips where id = %s", [going])
        await passes(exchange)

    await proxy.does(passes, once_one_has_gone)
    query = "{ trips(orderBy: [{ title: ASC }]) { nodes { title ... @defer { id } } } }"
    _, last = await parts(reader, query)
    there, gone = last["incremental"]
    assert there == {"path": ["trips", "nodes", 0], "data": {"id": kept}}
    assert gone["data"] is None
    assert gone["errors"][0]["path"] == ["trips", "nodes", 1]
    assert gone["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_failure_of_the_first_part_is_that_of_a_whole_answer(proxied: tuple[FaultyProxy, Person]) -> None:
    proxy, reader = proxied
    await proxy.does(says(500, "57014"))
    (answer,) = await parts(reader, LIST)
    assert answer["data"] == {"trips": None}
    assert answer["errors"][0]["path"] == ["trips"]


@pytest.mark.parametrize("query", [LIST, STREAMED])
async def test_a_client_that_goes_away_ends_what_is_read_for_it(seeded: StackInfo, ada: Person, query: str) -> None:
    async with faulty(seeded, database_url=None, max_running=1) as (proxy, url):
        reader = Person(ada.http, url, ada.token)
        await proxy.does(passes, held(asyncio.Event()))
        async with asking(reader, query) as response:
            await anext(each(response))
            assert await reader.code("{ trips { totalCount } }") == "OVERLOADED"
            response.close()
        async with asyncio.timeout(60):
            while "errors" in (await reader.post("{ trips { totalCount } }"))[1]:  # noqa: ASYNC110 - a test may look
                await asyncio.sleep(0.1)


async def test_a_deadline_is_that_of_all_parts(seeded: StackInfo, ada: Person) -> None:
    async with faulty(seeded, database_url=None, request_timeout=1) as (proxy, url):
        await proxy.does(passes, held(asyncio.Event()))
        _, last = await parts(Person(ada.http, url, ada.token), LIST)
    assert {piece["errors"][0]["extensions"]["code"] for piece in last["incremental"]} == {"TIMEOUT"}


async def test_a_gateway_that_stops_sends_the_parts_that_are_under_way(seeded: StackInfo, ada: Person) -> None:
    go = asyncio.Event()
    async with FaultyProxy(seeded.rest_url).running() as proxy:
        await proxy.does(passes, held(go))
        stopping = serving(seeded, database_url=None, rest_url=proxy.url, shutdown_timeout=20)
        url = await stopping.__aenter__()
        async with asking(Person(ada.http, url, ada.token), LIST) as response:
            coming = each(response)
            await anext(coming)
            stop = asyncio.create_task(stopping.__aexit__(None, None, None))
            await asyncio.sleep(0.1)
            go.set()
            (last,) = [part async for part in coming]
            assert all(piece["data"] for piece in last["incremental"])
        await stop
