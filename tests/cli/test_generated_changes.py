"""What tells of changes, generated from scopes: for tables that find their root over others."""

import re

from gql.catalog import catalog
from gql.table import Column, Kind, Relation, Table
from tripgate.commands.generated_changes import Changes
from tripgate.gateway.schema import schema


def note(type_name: str, name: str) -> Table:
    """A table whose rows are a trip item's, and so of its trip."""
    columns = {
        "id": Column("id", "id", Kind.UUID, nullable=False),
        "itemId": Column("itemId", "item_id", Kind.UUID, nullable=False),
    }
    item = Relation("item", "TripItem", "item_id", many=False)
    scope = catalog.scopes.by_name["trip"]
    path = ("item_id", "trip_id")
    return Table(type_name, name, type_name.lower(), name, columns, {"item": item}, (), scope=scope, scope_path=path)


def test_two_tables_of_one_name_have_a_function_each() -> None:
    assert schema() is not None  # declares every type
    changes = Changes()
    made = [changes.of_table(note(*names)) for names in (("Note", "notes"), ("HouseholdNote", "household.notes"))]
    functions = [re.findall(r"^create function private\.(\w+)\(\)", "\n".join(parts), re.MULTILINE) for parts in made]
    assert functions == [["broadcast_trip_of_notes"], ["broadcast_trip_of_household_notes"]]
    for parts, (table, function) in zip(
        made,
        [("public.notes", "broadcast_trip_of_notes"), ("household.notes", "broadcast_trip_of_household_notes")],
        strict=True,
    ):
        assert parts[-1] == (
            f"create trigger broadcast_notes_changes after insert or update or delete on {table}\n"
            f"    for each row execute function private.{function}('id');"
        )
