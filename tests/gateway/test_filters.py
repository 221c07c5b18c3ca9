"""Filters: every operator, and text that is taken exactly as it is, whatever it contains."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support import Person, examples
from tripgate.local.stack import StackInfo

TITLES = (
    "query ($filter: TripFilter) { trips(filter: $filter, orderBy: [{ title: ASC }], first: 100) { nodes { title } } }"
)

# Characters that mean something to PostgREST, to a URL, to LIKE or to a regular expression, and some that mean nothing.
AWKWARD = st.text(
    st.one_of(
        st.sampled_from(list("\"\\,.:()*%_{}[]&=+;?#/<>!~^$|- \t\n'aAİßéあ🧳\u2028")),
        st.characters(exclude_characters="\0", exclude_categories=("Cs",)),
    ),
    min_size=1,
    max_size=12,
)


async def titles(person: Person, filter_: dict[str, Any]) -> list[str]:
    return [node["title"] for node in (await person.ask(TITLES, filter=filter_))["trips"]["nodes"]]


@pytest.fixture(scope="module")
async def traveller(anonymous: Person) -> Person:
    """Somebody with four trips that differ in every kind of column."""
    person = await anonymous.sign_up()
    await person.trip(title="Alps", status="BOOKED", budget="100.10", startDate="2027-01-01", endDate="2027-01-02")
    await person.trip(title="Bari", status="PLANNING", budget="100.2", startDate="2027-02-01", description="By train")
    await person.trip(title="Cork", status="COMPLETED", currency="GBP")
    await person.trip(title="Delft", status="CANCELLED", budget="0")
    return person


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({}, ["Alps", "Bari", "Cork", "Delft"]),
        ({"title": {}}, ["Alps", "Bari", "Cork", "Delft"]),
        ({"title": {"eq": "Bari"}}, ["Bari"]),
        ({"title": {"neq": "Bari"}}, ["Alps", "Cork", "Delft"]),
        ({"title": {"gt": "Bari", "lte": "Cork"}}, ["Cork"]),
        ({"title": {"in": ["Cork", "Alps", "Nowhere"]}}, ["Alps", "Cork"]),
        ({"title": {"in": []}}, []),
        ({"title": {"like": "%l%"}}, ["Alps", "Delft"]),
        ({"title": {"like": "_ork"}}, ["Cork"]),
        ({"title": {"ilike": "B%"}}, ["Bari"]),
        ({"title": {"ilike": "%L%"}}, ["Alps", "Delft"]),
        ({"status": {"eq": "BOOKED"}}, ["Alps"]),
        ({"status": {"in": ["BOOKED", "CANCELLED"]}}, ["Alps", "Delft"]),
        ({"status": {"neq": "BOOKED"}}, ["Bari", "Cork", "Delft"]),
        ({"budget": {"eq": "100.1"}}, ["Alps"]),
        ({"budget": {"gte": "100.10"}}, ["Alps", "Bari"]),
        ({"budget": {"lt": 1}}, ["Delft"]),
        ({"budget": {"neq": "0"}}, ["Alps", "Bari"]),
        ({"budget": {"isNull": True}}, ["Cork"]),
        ({"budget": {"isNull": False}}, ["Alps", "Bari", "Delft"]),
        ({"startDate": {"gt": "2027-01-01"}}, ["Bari"]),
        ({"createdAt": {"lt": "2001-01-01T00:00:00Z"}}, []),
        ({"createdAt": {"gt": "2001-01-01T00:00:00+02:00"}}, ["Alps", "Bari", "Cork", "Delft"]),
        ({"title": {"eq": "Alps"}, "status": {"eq": "PLANNING"}}, []),
        ({"and": [{"title": {"gt": "A"}}, {"title": {"lt": "C"}}]}, ["Alps", "Bari"]),
        ({"or": [{"title": {"eq": "Alps"}}, {"currency": {"eq": "GBP"}}]}, ["Alps", "Cork"]),
        ({"or": []}, []),
        ({"and": []}, ["Alps", "Bari", "Cork", "Delft"]),
        ({"or": [{}]}, ["Alps", "Bari", "Cork", "Delft"]),
        ({"not": {}}, []),
        ({"not": {"title": {"in": ["Alps", "Bari"]}}}, ["Cork", "Delft"]),
        ({"not": {"not": {"title": {"eq": "Alps"}}}}, ["Alps"]),
        ({"not": {"or": [{"budget": {"isNull": True}}, {"budget": {"gt": "50"}}]}}, ["Delft"]),
        (
            {"or": [{"not": {"status": {"eq": "BOOKED"}}, "budget": {"gte": "1"}}, {"title": {"eq": "Cork"}}]},
            ["Bari", "Cork"],
        ),
    ],
)
async def test_operators(traveller: Person, filter_: dict[str, Any], expected: list[str]) -> None:
    assert await titles(traveller, filter_) == expected


@pytest.mark.parametrize(
    "filter_", [{"title": {"eq": None}}, {"title": None}, {"and": None}, {"not": None}, {"title": {"in": None}}]
)
async def test_null_is_tested_by_is_null_alone(ada: Person, filter_: dict[str, Any]) -> None:
    error = await ada.refused(TITLES, filter=filter_)
    assert error["code"] == "BAD_USER_INPUT"
    assert "test for null with isNull" in error["message"]


@pytest.fixture(scope="module")
def shelf(seeded: StackInfo, traveller: Person) -> Any:
    """Puts trips with these titles on somebody's otherwise untouched shelf, and answers what SQL finds there."""

    class Shelf:
        def __init__(self) -> None:
            self.connection = psycopg.connect(seeded.admin_db_url, autocommit=True)

        def fill(self, texts: list[str]) -> None:
            mine = "user_id = %s"
            self.connection.execute(f"delete from public.trips where description = 'shelf' and {mine}", [traveller.id])
            with self.connection.cursor() as cursor:
                cursor.executemany(
                    "insert into public.trips (user_id, title, description) values (%s, %s, 'shelf')",
                    [(traveller.id, text) for text in texts],
                )

        def where(self, condition: str, value: Any) -> list[str]:
            found = self.connection.execute(
                f"select title from public.trips where user_id = %s and description = 'shelf' and {condition}",
                [traveller.id, value],
            )
            return sorted(title for (title,) in found)

    found = Shelf()
    yield found
    found.fill([])
    found.connection.close()


def not_blank(texts: list[str]) -> bool:
    return all(text.strip() for text in texts)


@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(AWKWARD, min_size=1, max_size=6, unique=True).filter(not_blank))
@example(texts=['","', "a,b", ")", '\\"', "*", "%", "_", "null", "\\", "a*b"])
async def test_text_is_matched_exactly_as_in_sql(shelf: Any, traveller: Person, texts: list[str]) -> None:
    shelf.fill(texts)
    shelved = {"description": {"eq": "shelf"}}

    async def found(operators: dict[str, Any]) -> list[str]:
        return sorted(await titles(traveller, {**shelved, "title": operators}))

    text = texts[0]
    assert await found({"eq": text}) == [text]
    assert await found({"neq": text}) == sorted(texts[1:])
    assert await found({"in": texts[:3]}) == sorted(texts[:3])
    assert sorted(await titles(traveller, {**shelved, "not": {"title": {"in": texts[:2]}}})) == sorted(texts[2:])
    either = {"or": [{"title": {"eq": text}}, {"title": {"eq": texts[-1]}}]}
    assert sorted(await titles(traveller, {**shelved, **either})) == sorted({text, texts[-1]})
    assert await found({"gte": text}) == shelf.where("title >= %s", text)
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    for pattern in (escaped, f"%{escaped}%", f"{escaped[:1].removesuffix(chr(92))}%"):
        assert await found({"like": pattern}) == shelf.where("title like %s", pattern)
        assert await found({"ilike": pattern}) == shelf.where("title ilike %s", pattern)


@pytest.mark.parametrize("operator", ["like", "ilike"])
async def test_a_pattern_that_ends_before_its_end_is_refused(ada: Person, operator: str) -> None:
    query = f"query ($text: String!) {{ trips(filter: {{ title: {{ {operator}: $text }} }}) {{ totalCount }} }}"
    assert await ada.refused(query, text="a\\\\\\") == {
        "code": "BAD_USER_INPUT",
        "field": f"filter.title.{operator}",
        "message": f"filter.title.{operator} ends in a backslash that takes no character. "
        "Write two for a backslash itself.",
    }
    assert (await ada.ask(query, text="%\\\\"))["trips"] == {"totalCount": 0}


@pytest.mark.parametrize("place", ["filter: { title: { eq: $text } }", "filter: { or: [{ title: { in: [$text] } }] }"])
async def test_text_that_no_database_holds_is_refused(ada: Person, place: str) -> None:
    error = await ada.refused(f"query ($text: String!) {{ trips({place}) {{ totalCount }} }}", text="a\0b")
    assert error["code"] == "BAD_USER_INPUT"
    assert "U+0000" in error["message"]


@pytest.fixture(scope="module")
async def organiser(anonymous: Person) -> Person:
    """Somebody whose trips carry labels, and whose items carry details."""
    person = await anonymous.sign_up()
    await person.trip(title="Alps", labels=["hiking", "with friends"], description="Walking from hut to hut")
    await person.trip(title="Bari", labels=["hiking", 'a,b "c" {d}\\'], destination="Italy")
    cork = await person.trip(title="Cork")
    create = "mutation ($inputs: [CreateTripItemInput!]!) { createTripItems(inputs: $inputs) { details } }"
    details = [
        {"seat": "12A", "airline": {"name": "Aer Lingus", "codes": ["EI", "AL"]}},
        {"seat": None, "price": 12.5, "flexible": True},
        {},
    ]
    made = await person.ask(
        create, inputs=[{"tripId": cork, "title": f"Item {n}", "details": each} for n, each in enumerate(details)]
    )
    assert made == {"createTripItems": [{"details": each} for each in details]}
    return person


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"labels": {"contains": ["hiking"]}}, ["Alps", "Bari"]),
        ({"labels": {"contains": ["hiking", "with friends"]}}, ["Alps"]),
        ({"labels": {"contains": []}}, ["Alps", "Bari", "Cork"]),
        ({"labels": {"contains": ['a,b "c" {d}\\']}}, ["Bari"]),
        ({"labels": {"containedBy": ["hiking", "with friends", "swimming"]}}, ["Alps", "Cork"]),
        ({"labels": {"overlaps": ["with friends", "swimming"]}}, ["Alps"]),
        ({"labels": {"overlaps": []}}, []),
        ({"labels": {"eq": ["hiking", "with friends"]}}, ["Alps"]),
        ({"labels": {"eq": []}}, ["Cork"]),
        ({"labels": {"neq": []}}, ["Alps", "Bari"]),
        ({"labels": {"distinctFrom": ["hiking"]}}, ["Alps", "Bari", "Cork"]),
        ({"not": {"labels": {"contains": ["hiking"]}}}, ["Cork"]),
        ({"title": {"contains": "l"}}, ["Alps"]),
        ({"title": {"startsWith": "b"}}, []),
        ({"title": {"istartsWith": "b"}}, ["Bari"]),
        ({"title": {"endsWith": "rk"}}, ["Cork"]),
        ({"title": {"icontains": "A"}}, ["Alps", "Bari"]),
        ({"title": {"iendsWith": "I"}}, ["Bari"]),
        ({"title": {"notIn": ["Alps", "Cork"]}}, ["Bari"]),
        ({"title": {"notIn": []}}, ["Alps", "Bari", "Cork"]),
        ({"destination": {"distinctFrom": "Italy"}}, ["Alps", "Cork"]),
        ({"search": "huts walk"}, ["Alps"]),
        ({"search": "italy or friends"}, ["Alps", "Bari"]),
        ({"search": "hiking -italy"}, ["Alps"]),
        ({"search": '"hut to hut"'}, ["Alps"]),
        ({"search": "\"a')"}, []),
        ({"search": ""}, []),
        ({"or": [{"search": "cork"}, {"labels": {"overlaps": ["with friends"]}}]}, ["Alps", "Cork"]),
        ({"items": {"some": {"details": {"contains": {"airline": {"codes": ["EI"]}}}}}}, ["Cork"]),
        ({"items": {"some": {"search": "items"}}}, ["Cork"]),
    ],
)
async def test_lists_words_and_parts_of_text(organiser: Person, filter_: dict[str, Any], expected: list[str]) -> None:
    assert await titles(organiser, filter_) == expected


ITEMS = """query ($details: JSONFilter) {
  tripItems(filter: { details: $details }, orderBy: [{ title: ASC }]) { nodes { title } } }"""


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"contains": {"seat": "12A"}}, [0]),
        ({"contains": {"airline": {"name": "Aer Lingus"}}}, [0]),
        ({"contains": {}}, [0, 1, 2]),
        ({"containedBy": {"seat": None, "price": 12.5, "flexible": True, "more": 1}}, [1, 2]),
        ({"at": [{"path": ["seat"], "eq": "12A"}]}, [0]),
        ({"at": [{"path": ["seat"], "eq": None}]}, [1]),
        ({"at": [{"path": ["airline", "name"], "eq": "Aer Lingus"}]}, [0]),
        ({"at": [{"path": ["price"], "eq": 12.50}, {"path": ["flexible"], "eq": True}]}, [1]),
        ({"at": [{"path": ["price"], "eq": "12.5"}]}, []),
        ({"at": [{"path": ['seat->>"x",or(id.gt.0)'], "eq": "12A"}]}, []),
        ({"isNull": False}, [0, 1, 2]),
    ],
)
async def test_json_by_its_parts(organiser: Person, details: dict[str, Any], expected: list[int]) -> None:
    nodes = (await organiser.ask(ITEMS, details=details))["tripItems"]["nodes"]
    assert nodes == [{"title": f"Item {number}"} for number in expected]


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"at": [{"path": [], "eq": 1}]}, "filter.details.at[0].path"),
        ({"at": [{"path": ["seat"], "eq": {"a": 1}}]}, "filter.details.at[0].eq"),
        ({"at": [{"path": ["seat"]}]}, "filter.details.at[0].eq"),
        ({"at": [{"path": ["a\0"], "eq": 1}]}, "filter.details.at[0]"),
        ({"contains": {"a": ["\0"]}}, "filter.details.contains"),
    ],
)
async def test_json_that_cannot_be_asked_for(organiser: Person, details: dict[str, Any], field: str) -> None:
    _, body = await organiser.post(ITEMS, details=details)
    assert body["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT", "field": field}


@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=AWKWARD, operator=st.sampled_from(["contains", "startsWith", "endsWith"]))
async def test_parts_of_text_are_taken_exactly(traveller: Person, seeded: StackInfo, text: str, operator: str) -> None:
    described, holds = {
        "contains": (f"x{text}y", "position(%s in description) > 0"),
        "startsWith": (f"{text}y", "starts_with(description, %s)"),
        "endsWith": (f"x{text}", "right(description, char_length(%s)) = %s"),
    }[operator]
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        own = "from public.trips where user_id = %s"
        connection.execute(f"delete {own} and title not in ('Alps', 'Bari', 'Cork', 'Delft')", [traveller.id])
        connection.execute(
            "update public.trips set description = %s where user_id = %s and title = 'Delft'", [described, traveller.id]
        )
        found = connection.execute(
            f"select title {own} and {holds} order by title", [traveller.id, *[text] * holds.count("%s")]
        )
        expected = [title for (title,) in found]
    assert await titles(traveller, {"description": {operator: text}}) == expected
