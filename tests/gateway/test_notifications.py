"""The bell over GraphQL: one's own notifications in pages, how many are new, and that they have been read."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.support import Person, Wire
from tripgate.local.stack import StackInfo

PAGE = """query ($filter: NotificationFilter, $first: Int, $after: String) {
  notifications(filter: $filter, first: $first, after: $after) {
    nodes { system kind title body link readAt } totalCount pageInfo { hasNextPage endCursor }
  }
}"""
COUNT = "{ unreadNotifications }"
READ = (
    "mutation ($ids: [UUID!], $until: DateTime) { markNotificationsRead(ids: $ids, until: $until) { id title readAt } }"
)


@pytest.fixture
def told(seeded: StackInfo) -> Any:
    """Tells a person something; gives its id."""

    def tell(person: Person, title: str, body: str | None = None, link: str | None = None) -> str:
        with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
            row = connection.execute(
                "select private.notify(%s, 'trips', 'greeting', %s, %s, %s)", (person.id, title, body, link)
            ).fetchone()
        assert row is not None
        return str(row[0])

    return tell


async def titles(person: Person, filter_: dict[str, Any] | None = None) -> list[str]:
    page = (await person.ask(PAGE, filter=filter_))["notifications"]
    return [node["title"] for node in page["nodes"]]


async def test_one_reads_what_one_was_told_the_newest_first(newcomer: Person, anonymous: Person, told: Any) -> None:
    other = await anonymous.sign_up()
    told(other, "For somebody else")
    told(newcomer, "Hello", "How are you?", "/trips/1")
    told(newcomer, "Hello again")
    first = (await newcomer.ask(PAGE, first=1))["notifications"]
    assert first["nodes"] == [
        {"system": "trips", "kind": "greeting", "title": "Hello again", "body": None, "link": None, "readAt": None}
    ]
    assert first["totalCount"] == 2
    second = (await newcomer.ask(PAGE, first=1, after=first["pageInfo"]["endCursor"]))["notifications"]
    assert second["nodes"] == [
        {
            "system": "trips",
            "kind": "greeting",
            "title": "Hello",
            "body": "How are you?",
            "link": "/trips/1",
            "readAt": None,
        }
    ]
    assert not second["pageInfo"]["hasNextPage"]


async def test_the_bell_counts_what_is_new_by_one_small_request(newcomer: Person, told: Any, wire: Wire) -> None:
    for title in "abc":
        told(newcomer, title)
    assert await newcomer.ask(COUNT) == {"unreadNotifications": 3}
    wire.clear()
    await newcomer.ask(COUNT)
    assert len(wire.requests) <= 1  # none over SQL


async def test_some_are_read_by_their_ids(newcomer: Person, told: Any) -> None:
    a, b, c = (told(newcomer, title) for title in "abc")
    marked = (await newcomer.ask(READ, ids=[c, a]))["markNotificationsRead"]
    assert [each["id"] for each in marked] == sorted([a, c])
    assert all(each["readAt"] for each in marked)
    assert await titles(newcomer, {"readAt": {"isNull": True}}) == ["b"]
    assert await newcomer.ask(COUNT) == {"unreadNotifications": 1}
    # Once more changes nothing, and does not move the time.
    assert (await newcomer.ask(READ, ids=[a, b]))["markNotificationsRead"][0]["id"] == b


async def test_all_are_read_until_a_moment_and_what_came_meanwhile_stays_new(newcomer: Person, told: Any) -> None:
    told(newcomer, "a")
    told(newcomer, "b")
    seen = await newcomer.ask("{ notifications(first: 1) { nodes { createdAt } } }")
    told(newcomer, "c")
    until = seen["notifications"]["nodes"][0]["createdAt"]
    marked = (await newcomer.ask(READ, until=until))["markNotificationsRead"]
    assert sorted(each["title"] for each in marked) == ["a", "b"]
    assert await titles(newcomer, {"readAt": {"isNull": True}}) == ["c"]


async def test_what_is_marked_can_be_asked_for_with_whose_it_is(newcomer: Person, told: Any) -> None:
    key = told(newcomer, "a")
    document = "mutation ($ids: [UUID!]) { markNotificationsRead(ids: $ids) { title user { id } } }"
    assert await newcomer.ask(document, ids=[key]) == {
        "markNotificationsRead": [{"title": "a", "user": {"id": newcomer.id}}]
    }


async def test_nobody_marks_or_deletes_what_others_were_told(newcomer: Person, anonymous: Person, told: Any) -> None:
    theirs = told(await anonymous.sign_up(), "Not yours")
    assert await newcomer.ask(READ, ids=[theirs]) == {"markNotificationsRead": []}
    assert await newcomer.code("mutation ($id: UUID!) { deleteNotification(id: $id) { id } }", id=theirs) == "NOT_FOUND"
    assert await newcomer.ask("query ($id: UUID!) { notification(id: $id) { title } }", id=theirs) == {
        "notification": None
    }


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "ids"),
        ({"ids": None, "until": None}, "ids"),
        ({"ids": [], "until": "2027-05-01T10:00:00Z"}, "ids"),
        ({"ids": [str(uuid4())] * 101}, "ids"),
    ],
    ids=["nothing", "nulls", "both", "too many"],
)
async def test_it_must_be_said_which(newcomer: Person, given: dict[str, Any], field: str) -> None:
    told = await newcomer.refused(READ, **given)
    assert (told["code"], told["field"]) == ("BAD_USER_INPUT", field)


async def test_none_by_an_empty_list(newcomer: Person, told: Any) -> None:
    told(newcomer, "a")
    assert await newcomer.ask(READ, ids=[]) == {"markNotificationsRead": []}
    assert await newcomer.ask(COUNT) == {"unreadNotifications": 1}


async def test_one_deletes_one_or_all_that_one_has_read(newcomer: Person, told: Any) -> None:
    a, b, c = (told(newcomer, title) for title in "abc")
    deleted = await newcomer.ask("mutation ($id: UUID!) { deleteNotification(id: $id) { title } }", id=a)
    assert deleted == {"deleteNotification": {"title": "a"}}
    await newcomer.ask(READ, ids=[b])
    cleared = await newcomer.ask(
        "mutation { deleteNotifications(filter: { readAt: { isNull: false } }, atMost: 100) { id } }"
    )
    assert cleared == {"deleteNotifications": [{"id": b}]}
    assert await titles(newcomer) == ["c"]
    assert c


async def test_two_that_tell_the_same_people_in_another_order_do_not_wait_for_each_other(
    newcomer: Person, anonymous: Person, seeded: StackInfo
) -> None:
    other = await anonymous.sign_up()
    tell = "select private.notify(%s, 'trips', 'greeting', 'Hello', null, null)"
    url = seeded.admin_db_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "insert into public.notifications (user_id, system, kind, title, created_at)"
            " select person, 'trips', 'greeting', 'Old', now() - interval '91 days' from unnest(%s::uuid[]) as person",
            ([newcomer.id, other.id],),
        )
    with psycopg.connect(url) as one, psycopg.connect(url) as two:
        for connection in (one, two):
            connection.execute("set local lock_timeout = '5s'")
        one.execute(tell, (newcomer.id,))
        two.execute(tell, (other.id,))
        one.execute(tell, (other.id,))
        two.execute(tell, (newcomer.id,))
    for person in (newcomer, other):
        assert await titles(person) == ["Hello", "Hello"]


@pytest.mark.parametrize(
    "document",
    [
        COUNT,
        "{ notifications { totalCount } }",
        'mutation { markNotificationsRead(until: "2027-05-01T10:00:00Z") { id } }',
    ],
)
async def test_without_an_account_there_is_no_bell(anonymous: Person, document: str) -> None:
    assert await anonymous.code(document) == "UNAUTHENTICATED"
