"""Filters: every operator, and text that is taken exactly as it is, whatever it contains."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support import Person
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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@pytest.mark.parametrize("place", ["filter: { title: { eq: $text } }", "filter: { or: [{ title: { in: [$text] } }] }"])
async def test_text_that_no_database_holds_is_refused(ada: Person, place: str) -> None:
    error = await ada.refused(f"query ($text: String!) {{ trips({place}) {{ totalCount }} }}", text="a\0b")
    assert error["code"] == "BAD_USER_INPUT"
    assert "U+0000" in error["message"]
