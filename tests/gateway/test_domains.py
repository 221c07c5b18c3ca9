"""The schema is put together from what modules offer: a table's usual root fields in one line, others one by one."""

from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
import strawberry

from gql.catalog import catalog
from gql.declare import NEVER, REQUIRED, column, on_create, table, unique
from resolvers.declared import many, one
from resolvers.declared.crud import Crud, Domain, crud, domain
from tripgate.gateway.domains import sorted_by_root
from tripgate.gateway.schema import MUTATIONS, QUERIES, SUBSCRIPTIONS, build_schema, merge


@pytest.fixture(autouse=True)
def undeclared(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test declares is forgotten."""
    for name in ("by_type", "_by_name", "_by_field"):
        monkeypatch.setattr(catalog, name, dict(getattr(catalog, name)))
    monkeypatch.setattr(catalog, "_by_name", dict(catalog._by_name))


def module(name: str, offered: Domain | None = None, *types: type) -> tuple[ModuleType, Domain | None]:
    made = ModuleType(name)
    for each in types:
        each.__module__ = name
        setattr(made, each.__name__, each)
    return made, offered


def fields(line: Crud) -> dict[str, list[str]]:
    """The names of the fields that a line gives, by their root type."""
    return {
        each.__name__.removeprefix(line.type_name): [
            field.python_name
            for field in each.__strawberry_definition__.fields  # type: ignore[attr-defined]
        ]
        for each in line.types()
    }


def declare(name: str, plural: str, columns: dict[str, tuple[Any, Any]], **more: Any) -> None:
    body = {key: mark for key, (_, mark) in columns.items()}
    annotations = {key: hint for key, (hint, _) in columns.items()}
    table(plural, order_by=("id",), **more)(type(name, (), {**body, "__annotations__": annotations, "__doc__": name}))


ID = (UUID, column(write=NEVER))


def test_one_line_gives_the_usual_root_fields() -> None:
    declare("Shelf", "shelves", {"id": ID, "name": (str, column(write=REQUIRED))})
    assert fields(crud("Shelf", changes="What happens to shelves.")) == {
        "Query": ["shelf", "shelves", "shelves_grouped"],
        "Mutation": [
            "create_shelf", "create_shelves", "update_shelf", "update_shelves", "delete_shelf", "delete_shelves",
        ],
        "Subscription": ["shelf_changes"],
    }  # fmt: skip


def test_each_unique_key_is_looked_up_by_and_the_only_one_upserted_by() -> None:
    name = (str, column(write=REQUIRED))
    declare("Shelf", "shelves", {"id": ID, "name": name}, keys=(unique("name"),))
    assert fields(crud("Shelf", upsert=True)) == {
        "Query": ["shelf", "shelf_by_name", "shelves", "shelves_grouped"],
        "Mutation": [
            "create_shelf", "upsert_shelf", "create_shelves",
            "update_shelf", "update_shelves", "delete_shelf", "delete_shelves",
        ],
    }  # fmt: skip


def test_what_no_column_allows_is_not_offered() -> None:
    declare("Mark", "marks", {"id": ID, "name": (str, column(write=on_create(required=True)))})
    assert fields(crud("Mark"))["Mutation"] == ["create_mark", "create_marks", "delete_mark", "delete_marks"]
    declare("Entry", "entries", {"id": ID, "name": (str, column(write=NEVER))})
    assert fields(crud("Entry"))["Mutation"] == ["delete_entry", "delete_entries"]


def test_reads_and_writes_can_be_left_out() -> None:
    assert list(fields(crud("Tag", writes=False))) == ["Query"]
    assert list(fields(crud("Tag", reads=False))) == ["Mutation"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: crud("Tagg"), r"(?m)crud\('Tagg'\): gql/types declares no such type$"),
        (lambda: crud("Item"), r"(?m)crud\('Item'\): gql/types declares no such type; do you mean TripItem\?$"),
        (lambda: crud("Trip", upsert=True), r"crud\('Trip', upsert=True\): the type must have one unique key, not 0"),
        (lambda: crud("Vote", upsert=True, writes=False), r"crud\('Vote'\): an upsert is a write"),
        (lambda: crud("Collaborator", upsert=True), r"no column of the type may be created"),
    ],
)
def test_a_line_that_cannot_be_is_refused(wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong().types()


def test_domains_come_by_their_positions_and_then_by_name() -> None:
    @strawberry.type
    class ShelfQuery:
        shelf = one("Tag")

    @strawberry.type
    class BoxQuery:
        box = one("Tag")

    @strawberry.type
    class LidQuery:
        lid = one("Tag")

    offered = [
        module("b", domain(BoxQuery), BoxQuery),
        module("a", domain(ShelfQuery), ShelfQuery),
        module("c", domain(LidQuery, position=1), LidQuery),
        module("helpers"),
    ]
    found = sorted_by_root(offered)
    assert found == {"Query": (LidQuery, ShelfQuery, BoxQuery), "Mutation": (), "Subscription": ()}


def test_every_module_that_offers_something_is_found() -> None:
    found = {each.__name__ for each in (*QUERIES, *MUTATIONS, *SUBSCRIPTIONS)}
    assert {"AccountMutation", "NodeQuery", "TagQuery", "TagMutation", "VoteSubscription"} <= found


def test_a_root_type_that_its_module_forgets_is_refused() -> None:
    @strawberry.type
    class ShelfQuery:
        shelf = one("Tag")

    for offered in (None, domain(crud("Tag"))):
        with pytest.raises(ValueError, match=r"^shelves\.ShelfQuery is not part of the module's DOMAIN$"):
            sorted_by_root([module("shelves", offered, ShelfQuery)])


def test_a_type_whose_name_says_no_root_is_refused() -> None:
    @strawberry.type
    class Shelves:
        shelf = one("Tag")

    with pytest.raises(ValueError, match=r"^shelves\.Shelves must be called …Query, …Mutation, …Subscription$"):
        sorted_by_root([module("shelves", domain(Shelves), Shelves)])


def test_two_that_offer_one_field_fail_the_start() -> None:
    @strawberry.type
    class LabelQuery:
        tags = many("Tag")

    said = r"^Query\.tags is offered by both TagQuery and LabelQuery$"
    with pytest.raises(ValueError, match=said):
        merge("Query", "Reads.", [*crud("Tag", writes=False).types(), LabelQuery])
    with pytest.raises(ValueError, match=said):
        build_schema(queries=[LabelQuery])


def test_two_lines_for_one_table_fail_the_start() -> None:
    twice = [*crud("Tag", writes=False).types(), *crud("Tag", writes=False).types()]
    with pytest.raises(ValueError, match=r"^Query\.tag is offered by both TagQuery and TagQuery$"):
        merge("Query", "Reads.", twice)
