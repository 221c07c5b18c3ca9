"""A foreign key of a table to itself, seen from both of its ends, wherever relations may stand."""

from typing import Any

import pytest

from tests.scopes.conftest import Neighbours


@pytest.fixture
def house(neighbours: Neighbours) -> Neighbours:
    """The attic is behind the stairs, and these behind the hall."""
    room = neighbours.room
    rooms = [(f"{room}/hall", None, "Hall"), (f"{room}/stairs", f"{room}/hall", "Stairs")]
    for code, behind, title in rooms:
        neighbours.sql("insert into public.rooms (code, behind_code, title) values (%s, %s, %s)", code, behind, title)
        neighbours.sql("insert into public.room_guests (room_code, user_id) values (%s, %s)", code, neighbours.other.id)
    neighbours.sql("update public.rooms set behind_code = %s where code = %s", f"{room}/stairs", room)
    return neighbours


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (
            "rooms { nodes { title behind { title behind { title } } leadsTo { nodes { title behind { title } } } } }",
            [
                {
                    "title": "Attic",
                    "behind": {"title": "Stairs", "behind": {"title": "Hall"}},
                    "leadsTo": {"nodes": []},
                },
                {
                    "title": "Hall",
                    "behind": None,
                    "leadsTo": {"nodes": [{"title": "Stairs", "behind": {"title": "Hall"}}]},
                },
                {
                    "title": "Stairs",
                    "behind": {"title": "Hall", "behind": None},
                    "leadsTo": {"nodes": [{"title": "Attic", "behind": {"title": "Stairs"}}]},
                },
            ],
        ),
        ("rooms { nodes { title leadsTo { totalCount } } }", [("Attic", 0), ("Hall", 1), ("Stairs", 1)]),
        ('rooms(filter: { behind: { title: { eq: "Hall" } } }) { nodes { title } }', ["Stairs"]),
        ('rooms(filter: { behind: { behind: { title: { eq: "Hall" } } } }) { nodes { title } }', ["Attic"]),
        ('rooms(filter: { leadsTo: { some: { title: { eq: "Attic" } } } }) { nodes { title } }', ["Stairs"]),
        ("rooms(filter: { leadsTo: { none: {} } }) { nodes { title } }", ["Attic"]),
        ("rooms(orderBy: [{ behind: { title: DESC } }]) { nodes { title } }", ["Hall", "Attic", "Stairs"]),
        (
            "rooms(orderBy: [{ behind: { behind: { title: ASC } } }, { title: DESC }]) { nodes { title } }",
            ["Attic", "Stairs", "Hall"],
        ),
    ],
)
async def test_both_ends_of_a_key_of_a_table_to_itself(house: Neighbours, query: str, answer: list[Any]) -> None:
    data = await house.other.ask(f"{{ {query} }}")
    nodes = data["rooms"]["nodes"]
    if isinstance(answer[0], str):
        nodes = [node["title"] for node in nodes]
    if isinstance(answer[0], tuple):
        nodes = [(node["title"], node["leadsTo"]["totalCount"]) for node in nodes]
    assert nodes == answer
