"""Totals that come in parts are merged as Postgres would have computed them at once."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gql.table import Kind
from tests.support import examples
from tripgate.local.stack import StackInfo
from tripgate.upstream.postgrest.merge import Part, merge

PARTS = (
    Part("count", "count", None, None),
    Part("sum", "sum", Kind.NUMERIC, None),
    Part("avg", "avg", Kind.NUMERIC, ("sum", "values")),
    Part("values", "count", None, None),
    Part("min", "min", Kind.NUMERIC, None),
    Part("max", "max", Kind.NUMERIC, None),
)
COMPUTED = """
select jsonb_build_object('count', count(*), 'sum', sum(value)::text, 'avg', avg(value)::text, 'values', count(value),
    'min', min(value)::text, 'max', max(value)::text) from unnest(%s::numeric[]) value"""

NUMBERS = st.builds(
    lambda digits, scale: f"{Decimal(digits).scaleb(-scale):f}",
    st.integers(-(10**27), 10**27) | st.integers(-(10**5), 10**5),
    st.sampled_from([0, 2, 6]),
)


@pytest.fixture(scope="module")
def database(seeded: StackInfo) -> Iterator[psycopg.Connection]:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as connection:
        yield connection


@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=st.lists(st.lists(st.none() | NUMBERS, min_size=1, max_size=4), max_size=4))
def test_any_parts(database: psycopg.Connection, groups: list[list[str | None]]) -> None:
    def computed(values: list[str | None]) -> dict[str, Any]:
        (row,) = database.execute(COMPUTED, [values]).fetchone() or ({},)
        return dict(row)

    whole = computed([value for values in groups for value in values])
    found = merge(PARTS, [computed(values) for values in groups])
    for name in ("min", "max"):  # equal numbers may be written with other zeros
        assert (found[name] and Decimal(found[name])) == (whole[name] and Decimal(whole[name]))
    assert {**found, "min": 0, "max": 0} == {**whole, "min": 0, "max": 0}


def test_dates_and_instants_are_compared_as_such() -> None:
    parts = (
        Part("a", "min", Kind.DATETIME, None),
        Part("b", "max", Kind.DATETIME, None),
        Part("c", "min", Kind.INT, None),
    )
    rows = [
        {"a": "2027-01-01T00:00:00.5+00:00", "b": "2027-01-01T00:00:00+00:00", "c": 10},
        {"a": "2027-01-01T00:00:00+00:00", "b": "2027-01-01T00:00:00.123456+00:00", "c": 9},
        {"a": None, "b": None, "c": None},
    ]
    expected = {"a": "2027-01-01T00:00:00+00:00", "b": "2027-01-01T00:00:00.123456+00:00", "c": 9}
    assert merge(parts, rows) == expected
