"""Functions of the database as root fields: rows as connections, values as they are, under the caller's policies."""

from typing import Any

import pytest

from tests.gateway.conftest import Team
from tests.support import Person, Wire

SEARCH = """query ($text: String!, $filter: PlaceFilter, $order: [PlaceOrder!], $first: Int, $after: String) {
  searchPlaces(text: $text, filter: $filter, orderBy: $order, first: $first, after: $after) {
    nodes { name } totalCount pageInfo { hasNextPage endCursor }
  }
}"""
BY_NAME = [{"name": "ASC"}]


async def found(person: Person, text: str, **variables: Any) -> list[str]:
    """The names of the places that a search finds."""
    data = await person.ask(SEARCH, text=text, **{"order": BY_NAME, **variables})
    names = [node["name"] for node in data["searchPlaces"]["nodes"]]
    if "first" not in variables:
        assert data["searchPlaces"]["totalCount"] == len(names)
    return names


async def save(person: Person, **fields: Any) -> str:
    """The id of a new place."""
    data = await person.ask(
        "mutation ($input: CreatePlaceInput!) { createPlace(input: $input) { id } }", input={"name": "x", **fields}
    )
    return str(data["createPlace"]["id"])


async def test_places_by_words_in_name_city_address_and_notes(ada: Person) -> None:
    assert await found(ada, "kyoto") == ["Fushimi Inari Taisha", "Kinkaku-ji", "Nishiki Market"]
    assert await found(ada, "MARKET kyoto") == ["Nishiki Market"]
    assert await found(ada, "manuzio") == ["Mercato Testaccio"]
    assert await found(ada, "panth") == ["Pantheon"]
    assert await found(ada, "antheon") == []
    assert await found(ada, "kyoto lisbon") == []


@pytest.mark.parametrize(
    "text",
    [
        *("-rome", "market -rome", "kyoto or rome", "-", "- rome", '"nishiki market"', '"market nishiki"'),
        *('-"nishiki market"', "rome -", "-rome -kyoto", 'kyoto -"nishiki market" or lisbon'),
    ],
)
async def test_words_mean_what_they_mean_to_a_filter(ada: Person, text: str) -> None:
    """Of whole words in the places' notes, addresses, names and cities, which both look through."""
    data = await ada.ask(
        "query ($text: String!) { places(first: 100, filter: { search: $text }, orderBy: [{ name: ASC }]) "
        "{ nodes { name } } }",
        text=text,
    )
    assert await found(ada, text, first=100) == [node["name"] for node in data["places"]["nodes"]]


async def test_what_is_left_out_begins_so_too(newcomer: Person) -> None:
    await save(newcomer, name="Market hall")
    await save(newcomer, name="Concert hall")
    assert await found(newcomer, "hall -mark") == ["Concert hall"]
    assert await found(newcomer, '"conc hal"') == ["Concert hall"]


@pytest.mark.parametrize("text", ["", " ", "!", "&", "' | ''", "a:*", "\\", "() <-> !", "\"'", "%", ";+#", "🦀"])
async def test_no_text_is_taken_for_an_operator(newcomer: Person, text: str) -> None:
    await save(newcomer, name="Quay")
    assert await found(newcomer, text) == []
    assert await found(newcomer, f"{text} quay") == ([] if text in {"a:*", "🦀"} else ["Quay"])


@pytest.mark.parametrize(
    "text",
    [
        *("in.n out", "is.it", "eq.", "eq.quay", "not.eq.quay", "not.quay", "is.null", "in.(quay)", "cs.{quay}"),
        *("fts.quay", "wfts(english).quay", "like(any).{quay}", "eq(any).{quay}", "gt.1", "isdistinct.quay", "(quay)"),
        *("null", "{}", "[1]", '"quay"', "1e400", "true", "a&words=b", "words=eq.x", "%00quay", "*", "quay,inn"),
    ],
)
async def test_text_that_begins_like_an_operator_of_the_data_service_is_text(newcomer: Person, text: str) -> None:
    await save(newcomer, name=f"The {text} inn")
    assert await found(newcomer, text) == ([] if text in {"*", "{}"} else [f"The {text} inn"])
    assert await found(newcomer, text, filter={"name": {"startsWith": "Another"}}) == []


async def test_text_that_postgres_cannot_hold(ada: Person, wire: Wire) -> None:
    wire.clear()
    error = await ada.refused(SEARCH, text="a\0b")
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "text")
    assert wire.requests == []


async def test_it_filters_orders_pages_and_counts_like_a_table(ada: Person, wire: Wire) -> None:
    wire.clear()
    first = (await ada.ask(SEARCH, text="rome", order=BY_NAME, first=2))["searchPlaces"]
    assert [node["name"] for node in first["nodes"]] == ["Colosseo", "Galleria Borghese"]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (5, True)
    assert len(wire.requests) == 1
    wire.clear()
    after = first["pageInfo"]["endCursor"]
    second = (await ada.ask(SEARCH, text="rome", order=BY_NAME, first=9, after=after))["searchPlaces"]
    assert [node["name"] for node in second["nodes"]] == ["Mercato Testaccio", "Pantheon", "Roma Termini"]
    assert (second["totalCount"], second["pageInfo"]["hasNextPage"]) == (5, False)
    assert len(wire.requests) == 2
    assert await found(ada, "rome", filter={"category": {"eq": "MUSEUM"}}) == ["Galleria Borghese"]
    assert await found(ada, "rome", filter={"or": []}) == []
    assert await found(
        ada, "rome", filter={"not": {"or": [{"latitude": {"lt": "41.9"}}, {"website": {"isNull": True}}]}}
    ) == ["Galleria Borghese"]
    assert await found(ada, "rome", filter={"items": {"some": {"kind": {"eq": "FOOD"}}}}) == ["Mercato Testaccio"]
    assert await found(ada, "rome", filter={"items": {"none": {}}}) == []
    data = await ada.ask(
        '{ searchPlaces(text: "rome", orderBy: [{ latitude: DESC }], first: 1, offset: 1) { nodes { name } } }'
    )
    assert data["searchPlaces"]["nodes"] == [{"name": "Roma Termini"}]
    data = await ada.ask('{ searchPlaces(text: "rome", orderBy: [{ latitude: DESC }], last: 1) { nodes { name } } }')
    assert data["searchPlaces"]["nodes"] == [{"name": "Mercato Testaccio"}]
    by_owner = [{"owner": {"displayName": "ASC"}}, {"name": "ASC"}]
    begin = (await ada.ask(SEARCH, text="rome", order=by_owner, first=1))["searchPlaces"]
    after = begin["pageInfo"]["endCursor"]
    assert begin["nodes"] == [{"name": "Colosseo"}]
    assert await found(ada, "rome", order=by_owner, first=1, after=after) == ["Galleria Borghese"]
    data = await ada.ask('{ searchPlaces(text: "rome", offset: 50) { nodes { name } totalCount } }')
    assert data == {"searchPlaces": {"nodes": [], "totalCount": 5}}


async def test_relations_of_what_it_finds_come_along(ada: Person, wire: Wire) -> None:
    wire.clear()
    data = await ada.ask(
        """{ searchPlaces(text: "reine") { nodes {
               name latitude owner { displayName }
               items(first: 1, filter: { kind: { eq: LODGING } }) { nodes { title trip { durationDays } } totalCount }
           } } }"""
    )
    assert data["searchPlaces"]["nodes"] == [
        {
            "name": "Reine",
            "latitude": "67.932400",
            "owner": {"displayName": "Ada Lindqvist"},
            "items": {
                "nodes": [{"title": "Fisherman's cabin in Reine", "trip": {"durationDays": 8}}],
                "totalCount": 1,
            },
        }
    ]
    assert len(wire.requests) == 1


async def test_what_it_finds_is_tested_by_related_rows_and_words_at_once(ada: Person) -> None:
    food: dict[str, Any] = {"items": {"some": {"kind": {"eq": "FOOD"}}}}
    assert await found(ada, "rome", filter={**food, "search": "testaccio"}) == ["Mercato Testaccio"]
    assert await found(ada, "rome", filter={**food, "search": "colosseo"}) == []
    assert await found(ada, "rome", filter={"or": [food, {"search": "colosseo"}]}) == ["Colosseo", "Mercato Testaccio"]
    others = await found(ada, "rome", filter={"not": {"or": [food, {"search": "colosseo"}]}})
    assert others == ["Galleria Borghese", "Pantheon", "Roma Termini"]


async def test_aggregates_of_what_it_finds(ada: Person) -> None:
    data = await ada.ask(
        """{ searchPlaces(text: "rome", filter: { category: { neq: TRANSPORT } }) {
               aggregate { count max { latitude } } totalCount } }"""
    )
    assert data == {"searchPlaces": {"aggregate": {"count": 4, "max": {"latitude": "41.914214"}}, "totalCount": 4}}


async def test_a_search_finds_what_a_list_shows(team: Team, anonymous: Person) -> None:
    """Whoever is on the trip finds the places that its items name, and nobody finds more than they may see."""
    shown = await save(team.owner, name="Lighthouse north", notes="windswept")
    await save(team.owner, name="Lighthouse south")
    await save(team.stranger, name="Lighthouse west")
    await team.owner.ask(
        "mutation ($id: UUID!, $place: UUID!) { updateTripItem(id: $id, patch: { placeId: $place }) { id } }",
        id=team.items[0],
        place=shown,
    )
    expected = [
        (team.owner, ["Lighthouse north", "Lighthouse south"]),
        (team.editor, ["Lighthouse north"]),
        (team.viewer, ["Lighthouse north"]),
        (team.stranger, ["Lighthouse west"]),
    ]
    for person, names in expected:
        assert await found(person, "lighthouse") == names
        data = await person.ask(
            '{ places(filter: { name: { startsWith: "Lighthouse" } }, orderBy: [{ name: ASC }]) { nodes { name } } }'
        )
        assert [node["name"] for node in data["places"]["nodes"]] == names
    assert await found(team.stranger, "windswept") == []
    assert await anonymous.code(SEARCH, text="lighthouse") == "UNAUTHENTICATED"


DISTANCE = """query ($from: UUID!, $to: UUID!) { distanceInMetres(fromPlaceId: $from, toPlaceId: $to) }"""


async def test_how_far_it_is_between_two_places(newcomer: Person, wire: Wire) -> None:
    north = await save(newcomer, latitude="48.0", longitude="11.0")
    south = await save(newcomer, latitude="47.0", longitude="11.0")
    across = await save(newcomer, latitude="-48.0", longitude="-169.0")
    nowhere = await save(newcomer)
    wire.clear()
    assert await newcomer.ask(DISTANCE, **{"from": north, "to": south}) == {"distanceInMetres": 111195}
    assert len(wire.requests) == 1
    assert await newcomer.ask(DISTANCE, **{"from": south, "to": north}) == {"distanceInMetres": 111195}
    assert await newcomer.ask(DISTANCE, **{"from": north, "to": north}) == {"distanceInMetres": 0}
    assert await newcomer.ask(DISTANCE, **{"from": north, "to": across}) == {"distanceInMetres": 20015114}
    assert await newcomer.ask(DISTANCE, **{"from": north, "to": nowhere}) == {"distanceInMetres": None}


async def test_where_a_place_lies_that_one_may_not_see_is_not_revealed(
    newcomer: Person, stranger: Person, anonymous: Person
) -> None:
    here = await save(newcomer, latitude="48.0", longitude="11.0")
    there = await save(stranger, latitude="47.0", longitude="11.0")
    for pair in ((here, there), (there, here), (there, there)):
        assert await newcomer.ask(DISTANCE, **dict(zip(("from", "to"), pair, strict=True))) == {
            "distanceInMetres": None
        }
    assert await anonymous.code(DISTANCE, **{"from": here, "to": there}) == "UNAUTHENTICATED"
