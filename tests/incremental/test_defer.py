"""`@defer`: what is put off comes in a later part of the answer, and all parts together are the answer."""

import re

import pytest

from tests.incremental.parts import BY_ID, BY_PATH, parts, put_together
from tests.support import Person

LIST = '{ trips(first: 2) { nodes { title ... @defer(label: "items") { items(first: 1) { nodes { title } } } } } }'

QUERIES = [
    LIST,
    "{ viewer { id } ... @defer { trips { nodes { title } totalCount } } }",
    "{ trips { nodes { title } ... @defer { totalCount aggregate { sum { budget } } } } }",
    "{ trips { totalCount ... @defer { nodes { title } pageInfo { endCursor hasNextPage } } } }",
    "{ trips { edges { cursor node { id ... @defer { owner { displayName } } } } } }",
    "{ trips { nodes { items { nodes { title ... @defer { votes: voteSummary { score } place { name } } } } } } }",
    "{ trips { nodes { id ... @defer { items { totalCount } } items { nodes { id } } } } }",
    "{ trips { nodes { id ... @defer { title ... @defer { items { nodes { title } } } } } } }",
    "{ trips { nodes { owner { id ... @defer { displayName trips: __typename } } } } }",
    "query { trips { nodes { ...F @defer } } } fragment F on Trip { title items { nodes { ...G @defer } } } "
    "fragment G on TripItem { title place { name } }",
    "{ trips { nodes { ... @defer { items { nodes { id } } } ... @defer { items { nodes { title } } } } } }",
    "{ trips { ... @defer { nodes { id } } ... @defer { nodes { title } totalCount } } }",
    "{ viewer { id } ... @defer { trips { nodes { id } } } ... @defer { trips { totalCount } viewer { bio: id } } }",
    "{ ... @defer { trips { nodes { id ... @defer { title } } ... @defer { totalCount } } } }",
    "{ a: trips(first: 1) { nodes { id ... @defer { title } } } b: trips(last: 1) { nodes { ... @defer { title } } } }",
]


@pytest.mark.parametrize("accept", [BY_PATH, BY_ID])
@pytest.mark.parametrize("query", QUERIES)
async def test_all_parts_together_are_the_whole_answer(ada: Person, query: str, accept: str) -> None:
    whole = await ada.ask(query)
    assert whole == await ada.ask(re.sub(r"@defer(\([^)]*\))?", "", query))
    found = await parts(ada, query, accept)
    assert len(found) > 1
    assert put_together(found) == whole
