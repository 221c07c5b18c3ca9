"""`tripgate doctor` over tables of a Postgres schema that the Data API does not serve."""

import aiohttp
import pytest

from gql.catalog import catalog
from gql.table import Column, Kind, Relation, Table
from tripgate.commands.doctor.data import Data
from tripgate.commands.doctor.probe import Probe
from tripgate.commands.doctor.report import Level
from tripgate.gateway.schema import schema
from tripgate.gateway.settings import Settings
from tripgate.local.stack import StackInfo

ID = {"id": Column("id", "id", Kind.UUID, nullable=False)}


@pytest.fixture(autouse=True)
def declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two types more: a table of schema household, and one whose rows have rows of it."""
    assert schema() is not None
    for name in ("by_type", "_by_name", "_by_field"):
        monkeypatch.setattr(catalog, name, dict(getattr(catalog, name)))
    monkeypatch.setattr(catalog, "several_schemas", True)
    couples = Relation("couples", "HouseholdCouple", "tag_id", many=True)
    catalog.add(Table("HouseholdCouple", "household.couples", "householdCouple", "householdCouples", ID, {}, ()))
    catalog.add(Table("Label", "tags", "label", "labels", ID, {"couples": couples}, ()))


async def test_a_schema_that_is_not_exposed_is_told_once(stack: StackInfo, http: aiohttp.ClientSession) -> None:
    given = {"SUPABASE_URL": stack.api_url, "SUPABASE_PUBLISHABLE_KEY": stack.publishable_key}
    settings = Settings.model_validate({**given, "rest_url": stack.rest_url})
    (finding,) = await Data(Probe(http, stack.publishable_key, deadline=5), settings).tables()
    assert finding.level is Level.ERROR
    assert finding.line == (
        "Schema household is not exposed, so all fields of its types fail. Add household to the exposed schemas of the "
        "Data API's settings (`schemas` of [api] in config.toml)."
    )
