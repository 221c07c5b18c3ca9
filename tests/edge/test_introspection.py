"""The schema is told in development alone, unless a setting says otherwise."""

import pytest

from tests.support import Person, serving
from tripgate.local.stack import StackInfo

SCHEMA = "{ __schema { queryType { name } } }"
OFF = {"message": "Introspection is switched off here.", "code": "INTROSPECTION_DISABLED"}


@pytest.mark.parametrize(
    "query",
    [
        SCHEMA,
        '{ __type(name: "Trip") { name } }',
        "{ a: __schema { types { fields { name } } } }",
        "{ ...F } fragment F on Query { __schema { queryType { name } } }",
        "{ trips { totalCount } ... on Query { __schema { queryType { name } } } }",
        "query A { __typename } query B { __schema { queryType { name } } }",
    ],
)
async def test_off_in_production(anonymous: Person, getting: str, query: str) -> None:
    assert await Person(anonymous.http, getting).refused(query) == OFF


async def test_type_names_are_no_introspection(ada: Person, getting: str) -> None:
    assert await Person(ada.http, getting, ada.token).ask(
        '{ __typename trips(first: 1, filter: { title: { eq: "__schema" } }) { __typename } }'
    ) == {
        "__typename": "Query",
        "trips": {"__typename": "TripConnection"},
    }


@pytest.mark.parametrize(
    ("settings", "on"),
    [
        ({"development": True}, True),
        ({"introspection": True}, True),
        ({"development": True, "introspection": False}, False),
    ],
)
async def test_the_setting_goes_first(
    seeded: StackInfo, anonymous: Person, settings: dict[str, bool], on: bool
) -> None:
    async with serving(seeded, **settings) as url:
        person = Person(anonymous.http, url)
        if on:
            assert await person.ask(SCHEMA) == {"__schema": {"queryType": {"name": "Query"}}}
        else:
            assert await person.refused(SCHEMA) == OFF
