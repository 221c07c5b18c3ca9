"""How long an answer may be cached and what it depends on, by its document: Apollo's rules for `@cacheControl`."""

from uuid import UUID

import pytest
import strawberry

from gql.catalog import catalog
from gql.types.scopes import TRIP as SCOPE
from resolvers.declared import Parameter, rows_of
from tripgate.gateway.documents import Documents
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.schema import build_schema, graphql_schema, schema
from tripgate.gateway.staleness.dependencies import Dependencies, dependencies, followed
from tripgate.upstream.caller import Caller

DOCUMENTS = Documents(graphql_schema(), size=100, limits=Limits(), hide_suggestions=False, introspection=True)
TRIP = "00000000-0000-4000-8000-000000000001"


def of(query: str, **variables: object) -> Dependencies | None:
    """The hint for a query."""
    operation = DOCUMENTS.operation(query, None)
    prepared = operation.prepare(variables, Caller(token="a token"))
    found = dependencies(prepared.roots, prepared.values)
    return found if found.seconds else None


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("{ tags { nodes { name } pageInfo { hasNextPage } totalCount aggregate { count max { name } } } }", 60),
        ("{ tags { edges { cursor node { name __typename } } } __typename }", 60),
        ("{ tags { nodes { name owner { displayName } } } }", 30),
        ("{ tags { totalCount } trips { totalCount } }", 30),
        ("{ tagsGrouped(by: [COLOUR]) { key { colour } count } }", 60),
        ('{ tagByName(name: "x") { id } myPreferences { locale } }', 60),
        ('{ searchPlaces(text: "x") { nodes { name } } }', 30),
    ],
)
def test_an_answer_is_cached_for_as_long_as_the_most_fleeting_of_its_fields(query: str, seconds: int) -> None:
    found = of(query)
    assert found is not None
    assert found.seconds == seconds


@pytest.mark.parametrize(
    "query",
    [
        "{ __typename }",
        "{ __schema { queryType { name } } tags { totalCount } }",
        "{ tags { totalCount } invitations { totalCount } }",
        "{ trips { nodes { isOver } } }",
        "{ trips(filter: { invitations: { some: { status: { eq: PENDING } } } }) { totalCount } }",
        "{ trips(filter: { and: [{ or: [{ not: { invitations: { none: {} } } }] }] }) { totalCount } }",
        '{ node(nodeId: "x") { nodeId } }',
        f'{{ distanceInMetres(fromPlaceId: "{TRIP}", toPlaceId: "{TRIP}") }}',
        "{ myInvitations { id } }",
    ],
)
def test_what_does_not_opt_in_keeps_the_whole_answer_from_being_cached(query: str) -> None:
    assert of(query) is None


def test_what_is_left_out_does_not_count() -> None:
    query = "query ($with: Boolean!) { trips { nodes { title isOver @include(if: $with) } } }"
    assert of(query, **{"with": True}) is None
    assert of(query, **{"with": False}) is not None


# What decides who sees them, and they themselves.
OF_PROFILES = {"profiles", "trips", "collaborators", "collections", "collection_members"}
OF_PLACES = {"places", "trips", "collaborators", "trip_items", "collections", "collection_members", "collection_places"}


@pytest.mark.parametrize(
    ("query", "tables", "scopes"),
    [
        ("{ tags { nodes { name } } }", {"tags"}, {}),
        ("{ savedPlaces { nodes { name } } }", {"saved_places", "places"}, {"trip": None, "collection": None}),
        (
            '{ tags(filter: { placeTags: { some: { place: { name: { eq: "x" } } } } }) { totalCount } }',
            {"tags", "place_tags", *OF_PLACES},
            {"trip": None, "collection": None},
        ),
        ("{ trips { totalCount } }", {"trips", "collaborators", "trip_items"}, {"trip": None}),
        (
            "{ trips(orderBy: [{ owner: { displayName: ASC } }]) { totalCount } }",
            {"trips", "collaborators", "trip_items", *OF_PROFILES},
            {"trip": None},
        ),
        (f'{{ trip(id: "{TRIP}") {{ title }} }}', {"trips", "collaborators", "trip_items"}, {"trip": {TRIP}}),
        (
            f'{{ tripItems(filter: {{ tripId: {{ eq: "{TRIP}" }} }}) {{ nodes {{ voteSummary {{ up }} }} }} }}',
            {"trip_items", "trips", "collaborators", "votes"},
            {"trip": {TRIP}},
        ),
        (
            f'{{ trip(id: "{TRIP}") {{ owner {{ displayName }} items {{ nodes {{ place {{ name }} }} }} }} }}',
            {*OF_PROFILES, *OF_PLACES},
            {"trip": {TRIP}},
        ),
        (
            f'{{ trip(id: "{TRIP}") {{ owner {{ trips {{ totalCount }} }} }} }}',
            {"trips", "collaborators", "trip_items", *OF_PROFILES},
            {"trip": None},
        ),
        (
            f'{{ trip(id: "{TRIP}") {{ title }} trips {{ totalCount }} }}',
            {"trips", "collaborators", "trip_items"},
            {"trip": None},
        ),
        ("{ viewer { displayName } }", OF_PROFILES, {"trip": None, "collection": None}),
        # By a collection everybody sees who shares it, but not every place in it: some are seen on trips alone.
        (
            f'{{ collection(id: "{TRIP}") {{ members {{ nodes {{ user {{ displayName }} }} }} }} }}',
            {"collections", "collection_members", *OF_PROFILES},
            {"collection": {TRIP}},
        ),
        (
            f'{{ collection(id: "{TRIP}") {{ collectionPlaces {{ nodes {{ place {{ name }} }} }} }} }}',
            {"collections", "collection_members", "collection_places", *OF_PLACES},
            {"trip": None, "collection": {TRIP}},
        ),
    ],
)
def test_an_answer_depends_on_all_that_it_looks_at(query: str, tables: set[str], scopes: dict[str, set[str]]) -> None:
    found = of(query)
    assert found is not None
    assert found.tables == tables
    assert dict(found.scopes) == scopes
    assert found.by_topic == ("trips" in tables or "collections" in tables)


@strawberry.type
class SimilarQuery:
    """Rows that a function finds, perhaps those of other trips than the one it is given."""

    similar_items = rows_of(
        "TripItem",
        "similar_items",
        Parameter("tripId", "trip", UUID, "Like those of this trip."),
        description="Items that are much alike.",
    )


def test_an_argument_of_a_function_does_not_say_whose_rows_it_returns() -> None:
    documents = Documents(
        build_schema(queries=[SimilarQuery])._schema,
        size=10,
        limits=Limits(),
        hide_suggestions=False,
        introspection=True,
    )

    def scopes_of(arguments: str) -> dict[str, frozenset[str] | None]:
        operation = documents.operation(f"{{ similarItems({arguments}) {{ nodes {{ title }} }} }}", None)
        prepared = operation.prepare({}, Caller(token="a token"))
        found = dependencies(prepared.roots, prepared.values)
        assert found is not None
        return dict(found.scopes)

    assert scopes_of(f'tripId: "{TRIP}"') == {"trip": None}
    assert scopes_of(f'tripId: "{TRIP}", filter: {{ tripId: {{ eq: "{TRIP}" }} }}') == {"trip": {TRIP}}


@pytest.mark.parametrize(
    ("table", "target", "same"),
    [
        ("Trip", "TripItem", True),
        ("TripItem", "Trip", True),
        ("Vote", "TripItem", True),
        ("TripItem", "Place", True),
        ("Place", "TripItem", False),
        ("Profile", "Trip", False),
        ("Trip", "Trip", False),
    ],
)
def test_what_is_related_to_a_row_of_a_trip_is_of_that_trip_unless_it_is_a_trip(
    table: str, target: str, same: bool
) -> None:
    at = (SCOPE, TRIP)
    assert followed(catalog[table], catalog[target], at) == (at if same else None)


def test_the_schema_shows_it_as_apollo_does() -> None:
    text = str(schema())
    assert (
        "directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) "
        "on FIELD_DEFINITION | OBJECT | INTERFACE | UNION" in text
    )
    assert "type Tag implements Node @cacheControl(maxAge: 60, scope: PRIVATE) {" in text
    assert "type TagConnection @cacheControl(maxAge: 60, scope: PRIVATE) {" in text
    assert "type PageInfo @cacheControl(inheritMaxAge: true) {" in text
    assert "  isOver: Boolean @cacheControl(maxAge: 0, scope: PRIVATE)" in text
    assert "type Invitation implements Node {" in text
