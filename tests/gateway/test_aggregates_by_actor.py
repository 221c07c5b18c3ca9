"""Aggregates and counts see what their caller sees, and no more."""

from typing import Any

import psycopg

from tests.support import Person
from tripgate.local.stack import StackInfo


async def test_rows_with_hidden_columns(seeded: StackInfo, newcomer: Person) -> None:
    trip = await newcomer.trip()
    with psycopg.connect(seeded.admin_db_url) as connection:
        for number in (1, 2):
            connection.execute(
                """insert into public.invitations (trip_id, email, role, token_hash, invited_by)
                   values (%s, %s, 'viewer', encode(sha256(%s::bytea), 'hex'), %s)""",
                [trip, f"{number}@{newcomer.id}.example", f"{newcomer.id}{number}", newcomer.id],
            )
    query = """query ($filter: InvitationFilter) {
      invitations(filter: $filter) { totalCount aggregate { count min { email } } }
      trips { nodes { invitations(filter: $filter) { totalCount aggregate { count } } } } }"""
    for filter_, count in [
        ({}, 2),
        ({"email": {"startsWith": "1@"}}, 1),
        ({"trip": {"title": {"eq": "A trip"}}}, 2),
        ({"trip": {"title": {"eq": "Another"}}}, 0),
        ({"or": [{"trip": {"title": {"eq": "Another"}}}, {"email": {"startsWith": "1@"}}]}, 1),
    ]:
        nested = {"totalCount": count, "aggregate": {"count": count}}
        if "or" in filter_:
            wanted = query.replace("min { email }", "")
            expected: dict[str, Any] = {"count": count}
        else:
            wanted = query
            expected = {"count": count, "min": {"email": f"1@{newcomer.id}.example" if count else None}}
        assert await newcomer.ask(wanted, filter=filter_) == {
            "invitations": {"totalCount": count, "aggregate": expected},
            "trips": {"nodes": [{"invitations": nested}]},
        }
    assert await newcomer.code("{ invitations { aggregate { min { tokenHash } } } }") == "GRAPHQL_VALIDATION_FAILED"


async def test_tests_of_related_rows_with_hidden_columns(seeded: StackInfo, newcomer: Person) -> None:
    """What nobody may read whole rows of is tested all the same: alone, inside of other tests, beside counts."""
    trip, _ = await newcomer.trip(title="Invited", budget="7"), await newcomer.trip(title="Alone", budget="5")
    item = "mutation ($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }"
    await newcomer.ask(item, input={"tripId": trip, "title": "x"})
    with psycopg.connect(seeded.admin_db_url) as connection:
        connection.execute(
            """insert into public.invitations (trip_id, email, role, token_hash, invited_by)
               values (%s, 'x@x.example', 'viewer', encode(sha256(%s::bytea), 'hex'), %s)""",
            [trip, f"{newcomer.id}", newcomer.id],
        )
    query = """query ($filter: TripFilter) {
      trips(filter: $filter, orderBy: [{ title: ASC }]) { nodes { title } totalCount aggregate { count } }
      sums: trips(filter: $filter) { aggregate { count sum { budget } } }
      tripsGrouped(by: [TITLE], filter: $filter) { key { title } count }
      viewer { trips(filter: $filter) { totalCount } } }"""
    for filter_, expected in [
        ({"invitations": {"some": {}}}, {"Invited": 7}),
        ({"invitations": {"none": {}}}, {"Alone": 5}),
        ({"items": {"some": {"trip": {"invitations": {"some": {}}}}}}, {"Invited": 7}),
        ({"items": {"none": {"trip": {"invitations": {"some": {}}}}}}, {"Alone": 5}),
        ({"invitations": {"some": {"trip": {"title": {"eq": "Invited"}}}}}, {"Invited": 7}),
    ]:
        count = len(expected)
        assert await newcomer.ask(query, filter=filter_) == {
            "trips": {
                "nodes": [{"title": title} for title in expected],
                "totalCount": count,
                "aggregate": {"count": count},
            },
            "sums": {"aggregate": {"count": count, "sum": {"budget": f"{sum(expected.values())}.00"}}},
            "tripsGrouped": [{"key": {"title": title}, "count": 1} for title in expected],
            "viewer": {"trips": {"totalCount": count}},
        }, filter_


# Who sees what -------------------------------------------------------------------------------------------------------


async def test_nothing_of_rows_that_the_caller_may_not_see(seeded: StackInfo, anonymous: Person) -> None:
    owner, editor, viewer, stranger = [await anonymous.sign_up() for _ in range(4)]
    shared = await owner.trip(title="Shared", budget="10")
    private = await owner.trip(title="Private", budget="500")
    for trip, cost in ((shared, "1"), (shared, "2"), (private, "40")):
        await owner.ask(
            "mutation ($input: CreateTripItemInput!) { createTripItem(input: $input) { id } }",
            input={"tripId": trip, "title": "x", "cost": cost},
        )
    with psycopg.connect(seeded.admin_db_url) as connection:
        for person, role in ((editor, "editor"), (viewer, "viewer")):
            connection.execute(
                "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, %s)",
                [shared, person.id, role],
            )
    query = """query ($owner: UUID!) {
      trips { aggregate { count sum { budget } max { budget title } } }
      tripItems { aggregate { count sum { cost } } }
      dear: tripItems(filter: { trip: { budget: { gt: "400" } } }) { aggregate { count sum { cost } } }
      profile(id: $owner) { trips { totalCount aggregate { count sum { budget } } } }
      tripsGrouped(by: [OWNER_ID]) { key { ownerId } count sum { budget } }
    }"""
    nothing = {"count": 0, "sum": {"cost": None}}
    assert await owner.ask(query, owner=owner.id) == {
        "trips": {
            "aggregate": {"count": 2, "sum": {"budget": "510.00"}, "max": {"budget": "500.00", "title": "Shared"}}
        },
        "tripItems": {"aggregate": {"count": 3, "sum": {"cost": "43.00"}}},
        "dear": {"aggregate": {"count": 1, "sum": {"cost": "40.00"}}},
        "profile": {"trips": {"totalCount": 2, "aggregate": {"count": 2, "sum": {"budget": "510.00"}}}},
        "tripsGrouped": [{"key": {"ownerId": owner.id}, "count": 2, "sum": {"budget": "510.00"}}],
    }
    for person in (editor, viewer):
        assert await person.ask(query, owner=owner.id) == {
            "trips": {
                "aggregate": {"count": 1, "sum": {"budget": "10.00"}, "max": {"budget": "10.00", "title": "Shared"}}
            },
            "tripItems": {"aggregate": {"count": 2, "sum": {"cost": "3.00"}}},
            "dear": {"aggregate": nothing},
            "profile": {"trips": {"totalCount": 1, "aggregate": {"count": 1, "sum": {"budget": "10.00"}}}},
            "tripsGrouped": [{"key": {"ownerId": owner.id}, "count": 1, "sum": {"budget": "10.00"}}],
        }
    assert await stranger.ask(query, owner=owner.id) == {
        "trips": {"aggregate": {"count": 0, "sum": {"budget": None}, "max": {"budget": None, "title": None}}},
        "tripItems": {"aggregate": nothing},
        "dear": {"aggregate": nothing},
        "profile": None,
        "tripsGrouped": [],
    }
    for field in (
        "trips { aggregate { count } }",
        "trips { aggregate { sum { budget } } }",
        "invitations { aggregate { count min { email } } }",
        "tripsGrouped(by: [STATUS]) { count }",
    ):
        assert await anonymous.code(f"{{ {field} }}") == "UNAUTHENTICATED"
