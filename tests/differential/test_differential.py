"""The gateway plans a document as a whole; plain execution resolves each field by itself. Both must answer the same.

So must either backend, and Strawberry, which runs the gateway's schema in graphql-core and knows nothing of its faster
way.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import psycopg
import pytest
from graphql import parse, validate
from hypothesis import HealthCheck, example, given, note, settings

from tests.differential.documents import Document, documents
from tests.differential.reference import Reference, written_schema
from tests.support import examples, reading, serving
from tripgate.gateway.contexts import context_for
from tripgate.gateway.schema import schema
from tripgate.gateway.settings import Settings
from tripgate.local.postgrest import POOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from resolvers.context import Context
    from tests.support import Person
    from tripgate.local.stack import StackInfo


@pytest.fixture(scope="module")
async def asking(seeded: StackInfo, ada: Person) -> AsyncIterator[Person]:
    """Ada, over a gateway that takes more aliases than a person would write, and is asked for its schema too."""
    async with serving(seeded, introspection=True, max_aliases=1000, max_directives=1000) as url:
        yield dataclasses.replace(ada, url=url)


@pytest.fixture(scope="module")
async def asking_postgres(seeded: StackInfo) -> AsyncIterator[str]:
    """The address of such a gateway that reads straight from Postgres."""
    given = reading(seeded, "postgres")
    async with serving(seeded, introspection=True, max_aliases=1000, max_directives=1000, **given) as url:
        yield url


@pytest.fixture(scope="module")
async def as_ada(seeded: StackInfo, ada: Person) -> AsyncIterator[Context]:
    """Ada's context, for the same schema without a gateway."""
    given = {
        "SUPABASE_URL": seeded.api_url,
        "SUPABASE_PUBLISHABLE_KEY": seeded.publishable_key,
        "rest_url": seeded.rest_url,
        "upstream_pool": POOL,
    }
    async with context_for(Settings.model_validate(given), ada.token) as context:
        yield context


@pytest.fixture(scope="module")
def database(seeded: StackInfo) -> Iterator[psycopg.Connection]:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        yield connection


# Two trips have pictures: one of Ada's, one of somebody's whom she does not see, and one that nobody is known to have
# uploaded.
PICTURES = [
    (
        "ada00000-0000-4000-8002-000000000001",
        "ada00000-0000-4000-8000-000000000001",
        4_000_000_000,
        "2026-04-11 12:00Z",
    ),
    ("ada00000-0000-4000-8002-000000000001", "00000000-0000-4000-8000-000000000000", 1000, "2026-04-12 12:00Z"),
    ("ada00000-0000-4000-8002-000000000002", None, 0, "2026-06-21 12:00Z"),
]


@pytest.fixture(scope="module", autouse=True)
def _pictures(database: psycopg.Connection) -> Iterator[None]:
    """Objects as Storage would keep them. Nothing else is told of them, so that nothing is left when they are gone."""
    database.execute("set session_replication_role = replica")
    for number, (trip, uploader, size, at) in enumerate(PICTURES):
        database.execute(
            "insert into storage.objects (bucket_id, name, owner_id, metadata, created_at, updated_at)"
            " values ('trip-images', %s, %s, %s, %s, %s)",
            (f"{trip}/{number}.png", uploader, json.dumps({"size": size, "mimetype": "image/png"}), at, at),
        )
    database.execute("reset session_replication_role")
    yield
    database.execute("set session_replication_role = replica")
    names = [f"{trip}/{number}.png" for number, (trip, *_) in enumerate(PICTURES)]
    database.execute("delete from storage.objects where bucket_id = 'trip-images' and name = any (%s)", (names,))
    database.execute("reset session_replication_role")


# One document of everything, so that each is there whatever chance brings.
MANY_THINGS = """
query ($cities: [String!] = ["Kyoto", "Rome"], $few: Int, $costs: Boolean!, $never: Boolean = true) {
  trips(orderBy: [{ budget: DESC_NULLS_LAST }], first: $few) {
    ...Page
    nodes { status food: items(filter: { kind: { eq: FOOD } }) { ...Totals nodes { ...Item } } ...Owned }
    nodes { all: items(first: 2, offset: 1) { ...Totals edges { node { ...Item trip { title } } } } title }
  }
  places(filter: { city: { in: $cities } }) { totalCount ... @skip(if: $never) { aggregate { count } } }
  node(nodeId: "VHJpcDphZGEwMDAwMC0wMDAwLTQwMDAtODAwMi0wMDAwMDAwMDAwMDE") {
    ...Anything ... on Trip { ...Owned durationDays costTotal isOver }
  }
}
fragment Page on TripConnection { pageInfo { hasNextPage hasPreviousPage } totalCount }
fragment Totals on TripItemConnection { totalCount aggregate { count avg { cost } max { startsAt title } } }
fragment Item on TripItem { id: title cost @include(if: $costs) voteSummary { score mine } place { city name } }
fragment Owned on Trip { owner { displayName ...Anything } ...Anything __typename }
fragment Anything on Node { nodeId kind: __typename ... on Profile { createdAt } }
"""
# Rows that are related by a function of the row.
OF_FUNCTIONS = """
{
  trips(orderBy: [{ title: ASC }]) { nodes {
    images { totalCount aggregate { count max { createdAt } } nodes { ...Picture uploader { displayName } } }
    oldest: images(orderBy: [{ createdAt: ASC }], first: 1) { pageInfo { hasNextPage } edges { node { ...Picture } } }
    known: images(filter: { contentType: { eq: "image/png" }, uploaderId: { isNull: false } }) { nodes { path } }
  } }
}
fragment Picture on StoredFile { nodeId bucket path size contentType tripId }
"""


@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(document=documents())
@example(document=Document(MANY_THINGS, {"few": 3, "costs": True}))
@example(document=Document(OF_FUNCTIONS, {}))
# PostgREST refuses an offset beside a limit of nothing.
@example(document=Document("{ trips(first: 0, offset: 1) { totalCount nodes { title } } }", {}))
@example(document=Document("{ trips { nodes { items(first: 0, offset: 1) { nodes { title } } } } }", {}))
async def test_any_document_means_what_field_by_field_execution_means(
    asking: Person, asking_postgres: str, as_ada: Context, database: psycopg.Connection, document: Document
) -> None:
    note(str(document))
    assert validate(written_schema(), parse(document.text)) == []
    assert asking.id is not None
    expected = Reference(database, asking.id).answer(document.text, document.variables)
    _, body = await asking.post(document.text, **document.variables)
    # As text, since the order of keys is part of an answer.
    assert json.dumps(body, indent=1) == json.dumps({"data": expected}, indent=1)
    _, straight = await dataclasses.replace(asking, url=asking_postgres).post(document.text, **document.variables)
    assert json.dumps(straight, indent=1) == json.dumps(body, indent=1)
    done = await schema().execute(document.text, document.variables, as_ada)
    assert done.errors is None
    assert json.dumps(done.data, indent=1) == json.dumps(expected, indent=1)
