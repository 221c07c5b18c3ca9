"""Tables of several Postgres schemas: what their types and root fields are called, and what two may not be called."""

import dataclasses
from typing import Any

import pytest

from gql import derive
from gql.catalog import Catalog, catalog
from gql.schemas import BACKOFFICE, HOUSEHOLD, INSIGHTS, MEETINGS, PUBLIC, TOGETHER, PostgresSchema, bare, schema_of
from gql.table import Column, Kind, Relation, Table, UniqueKey
from resolvers.declared import rows_of
from tripgate.gateway.schema import schema


@pytest.mark.parametrize(
    ("schema", "table", "written", "type_name", "many"),
    [
        (PUBLIC, "trips", "Trip", "Trip", "trips"),
        (HOUSEHOLD, "couples", "Couple", "HouseholdCouple", "householdCouples"),
        (HOUSEHOLD, "couples", "HouseholdCouple", "HouseholdCouple", "householdCouples"),
        (HOUSEHOLD, "householdings", "Householding", "HouseholdHouseholding", "householdHouseholdings"),
        (TOGETHER, "plans", "Plan", "TogetherPlan", "togetherPlans"),
        (INSIGHTS, "insights", "Insight", "Insight", "insights"),
        (INSIGHTS, "sources", "Source", "InsightSource", "insightSources"),
        (MEETINGS, "meetings", "Meeting", "Meeting", "meetings"),
        (MEETINGS, "meetingAttendances", "MeetingAttendance", "MeetingAttendance", "meetingAttendances"),
        (MEETINGS, "rooms", "Room", "MeetingRoom", "meetingRooms"),
        (BACKOFFICE, "adminNotes", "AdminNote", "AdminNote", "adminNotes"),
        (BACKOFFICE, "administrators", "Administrator", "AdminAdministrator", "adminAdministrators"),
    ],
)
def test_types_and_fields_get_the_prefix_of_their_schema_once(
    schema: PostgresSchema, table: str, written: str, type_name: str, many: str
) -> None:
    assert (schema.type_name(written), schema.field_name(table)) == (type_name, many)


def test_a_table_outside_of_public_is_called_with_its_schema() -> None:
    assert [each.qualified("notes") for each in (PUBLIC, HOUSEHOLD)] == ["notes", "household.notes"]
    assert [(schema_of(name), bare(name)) for name in ("notes", "household.notes")] == [
        ("public", "notes"),
        ("household", "notes"),
    ]


def made(type_name: str, name: str, plural: str, **said: Any) -> Table:
    columns = {"id": Column("id", "id", Kind.UUID, nullable=False)}
    return Table(type_name, name, type_name[0].lower() + type_name[1:], plural, columns, {}, (), **said)


def test_two_tables_of_one_name_are_two() -> None:
    catalog = Catalog()
    public, household = made("Note", "notes", "notes"), made("HouseholdNote", "household.notes", "householdNotes")
    catalog.add(public)
    catalog.add(household)
    assert (catalog.named("notes"), catalog.named("household.notes")) == (public, household)
    assert (household.schema, household.bare_name) == ("household", "notes")
    assert catalog.schemas() == ("public", "household")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            made("HouseholdNote", "household_notes", "rows"),
            "HouseholdNote is declared twice: over household.notes and over household_notes.",
        ),
        (
            made("Row", "household_notes", "householdNotes"),
            "householdNotes would be a root field of both HouseholdNote over household.notes and Row over "
            "household_notes.",
        ),
        (
            made("Row", "rows", "rows", unique=(UniqueKey(("id",), "householdNote"),)),
            "householdNote would be a root field of both HouseholdNote over household.notes and Row over rows.",
        ),
    ],
)
def test_two_of_one_name_in_the_api_fail(other: Table, message: str) -> None:
    catalog = Catalog()
    catalog.add(made("HouseholdNote", "household.notes", "householdNotes"))
    with pytest.raises(ValueError, match=message):
        catalog.add(other)


def test_a_function_stands_in_the_schema_of_the_rows_that_it_returns() -> None:
    assert schema() is not None  # declares every type
    with pytest.raises(ValueError, match=r"meetings\.found returns rows of trips, so it must be in the same"):
        rows_of("Trip", "meetings.found", description="Found.").made_type()


def test_rows_of_another_schema_do_not_come_along(monkeypatch: pytest.MonkeyPatch) -> None:
    couples = Relation("couples", "HouseholdCouple", "home_id", many=True, creatable=True)
    for name in ("by_type", "_by_name", "_by_field"):
        monkeypatch.setattr(catalog, name, dict(getattr(catalog, name)))
    monkeypatch.setattr(catalog, "several_schemas", True)
    catalog.add(made("HouseholdCouple", "household.couples", "householdCouples"))
    catalog.add(dataclasses.replace(made("Home", "homes", "homes"), relations={"couples": couples}))
    with pytest.raises(ValueError, match=r"^Home\.couples: rows of another Postgres schema are not made along"):
        derive.create_type("Home")
