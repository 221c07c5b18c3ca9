"""Declared reads: each plans the selection below it once and asks once, however deep it goes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql.execution.values import VariableValues

from gql.catalog import catalog
from gql.table import Table
from resolvers.context import Context
from resolvers.declared.base import DeclaredField, PlannedField, planner
from tripgate.planner import node_id
from tripgate.planner.conditions import key_in
from tripgate.planner.plan import ALWAYS, Compare, Operator
from tripgate.planner.planner import ConnectionPlan, ObjectPlan
from tripgate.planner.rows import Row
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import ConnectionShaper, ObjectShaper, connection_shaper, object_shaper
from tripgate.upstream.backend import PreparedByKey, PreparedPlan, Rows


@dataclass(frozen=True, slots=True)
class PreparedObject:
    """A planned row, prepared and compiled: all that does not depend on the moment, cached with its document."""

    table: Table
    prepared: PreparedPlan
    shaper: ObjectShaper

    @classmethod
    def of(cls, context: Context, table: Table, plan: ObjectPlan) -> "PreparedObject | WrittenObject":
        written = context.backend.prepare_answer(plan)
        if written is not None:
            return WrittenObject(table, written)
        return cls(table, context.backend.prepare(plan.read), object_shaper(plan.shape))

    async def answer(self, context: Context) -> dict[str, Any] | None:
        found = await context.backend.fetch(self.prepared, context.caller, self.table)
        return self.shaper(found.rows[0]) if found.rows else None


@dataclass(frozen=True, slots=True)
class WrittenObject:
    """A planned row whose answer the database writes."""

    table: Table
    prepared: PreparedPlan

    async def answer(self, context: Context) -> orjson.Fragment | None:
        text = (await context.backend.fetch(self.prepared, context.caller, self.table)).text
        return None if text is None else orjson.Fragment(text)


@dataclass(frozen=True, slots=True)
class _PreparedObjectByKey:
    """A planned row, prepared and compiled but for its key, so that all keys share one plan."""

    table: Table
    prepared: PreparedByKey
    shaper: ObjectShaper

    @classmethod
    def of(
        cls, context: Context, table: Table, plan: ObjectPlan, column: str
    ) -> "_PreparedObjectByKey | _WrittenObjectByKey":
        written = context.backend.prepare_answer_by_key(plan, column)
        if written is not None:
            return _WrittenObjectByKey(table, written)
        return cls(table, context.backend.prepare_by_key(plan.read, column), object_shaper(plan.shape))

    def with_key(self, key: str) -> PreparedObject:
        return PreparedObject(self.table, self.prepared.with_key(key), self.shaper)


@dataclass(frozen=True, slots=True)
class _WrittenObjectByKey:
    """A planned row whose answer the database writes, but for its key."""

    table: Table
    prepared: PreparedByKey

    def with_key(self, key: str) -> WrittenObject:
        return WrittenObject(self.table, self.prepared.with_key(key))


def _by_key(
    context: Context,
    table: Table,
    selected: Selected,
    children: tuple[Selected, ...],
    variables: VariableValues,
    key: str,
    column: str | None = None,
) -> PreparedObject | WrittenObject:
    """The row of a key; planned once for all keys where nothing below depends on variables."""
    cached: _PreparedObjectByKey | _WrittenObjectByKey | None = selected.cached.get(table.type_name)
    if cached is None:
        column = column or table.primary_key
        if not all(child.constant for child in children):
            plan = planner(context, variables).object(table, children, Compare(column, Operator.EQ, key))
            return PreparedObject.of(context, table, plan)
        plan = planner(context, variables).object(table, children, ALWAYS)
        cached = selected.cached[table.type_name] = _PreparedObjectByKey.of(context, table, plan, column)
    return cached.with_key(key)


@dataclass(frozen=True, slots=True)
class _PreparedConnection:
    """A planned page, prepared and compiled, and its totals where they are read by themselves."""

    table: Table
    page: PreparedPlan | None
    total: PreparedPlan | None
    shaper: ConnectionShaper

    @classmethod
    def of(cls, context: Context, table: Table, plan: ConnectionPlan) -> "_PreparedConnection | _WrittenConnection":
        written = context.backend.prepare_answer(plan)
        if written is not None:
            return _WrittenConnection(table, written)
        return cls(
            table,
            None if plan.read is None else context.backend.prepare(plan.read),
            None if plan.total is None else context.backend.prepare(plan.total),
            connection_shaper(plan.shape),
        )

    async def answer(self, context: Context) -> dict[str, Any]:
        table = self.table
        if self.page is not None and self.total is not None:
            fetch = context.backend.gathering().fetch
            page, total = await asyncio.gather(
                fetch(self.page, context.caller, table), fetch(self.total, context.caller, table)
            )
            return self.shaper(page.rows, _totals(total))
        prepared = self.page or self.total
        if prepared is None:
            return self.shaper([], [])
        found = await context.backend.fetch(prepared, context.caller, table)
        return self.shaper(found.rows, _totals(found))


@dataclass(frozen=True, slots=True)
class _WrittenConnection:
    """A planned page whose answer the database writes."""

    table: Table
    prepared: PreparedPlan

    async def answer(self, context: Context) -> orjson.Fragment:
        found = await context.backend.fetch(self.prepared, context.caller, self.table)
        return orjson.Fragment(found.text or b"null")


def _totals(found: Rows) -> Sequence[Row]:
    """The rows of totals: the count beside a page, or what an aggregated read answers."""
    return found.rows if found.total is None else [{"count": found.total}]


class One(PlannedField):
    """`trip(id)`."""

    def plan(self, context: Context, selected: Selected, variables: VariableValues) -> ObjectPlan:
        """The plan for this selection."""
        where = Compare(self.table.primary_key, Operator.EQ, key_in(self.table, selected.arguments(variables)))
        return planner(context, variables).object(self.table, selected.children, where)

    def prepare(
        self, context: Context, selected: Selected, variables: VariableValues
    ) -> PreparedObject | WrittenObject:
        """The prepared read of this selection, and what shapes its answer."""
        key = key_in(self.table, selected.arguments(variables))
        return _by_key(context, self.table, selected, selected.children, variables, key)


class Own(DeclaredField):
    """`viewer`: the row that belongs to the caller."""

    def __init__(self, type_name: str, make_type: Callable[[], Any], by: str, description: str) -> None:
        super().__init__(type_name, make_type, list, description)
        self._by = by

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        if context.caller.user_id is None:
            return None
        column = self.table.columns[self._by].name
        prepared = _by_key(context, self.table, selected, selected.children, variables, context.caller.user_id, column)
        return await prepared.answer(context)


class AnyNode(DeclaredField):
    """`node(nodeId)`: a row of whichever type its identifier names."""

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        type_name, key = node_id.decode(catalog, selected.arguments(variables)["nodeId"])
        prepared = _by_key(context, catalog[type_name], selected, selected.children_of(type_name), variables, key)
        return await prepared.answer(context)


class Many(PlannedField):
    """`trips(filter, orderBy, first, …)`."""

    null_means_error = True

    def __init__(self, type_name: str, *arguments: Any, **options: Any) -> None:
        super().__init__(type_name, *arguments, **options)
        catalog.list_at_root(type_name)

    def plan(self, context: Context, selected: Selected, variables: VariableValues) -> ConnectionPlan:
        """The plan for this selection."""
        return planner(context, variables).connection(self.table, selected)

    def prepare(
        self, context: Context, selected: Selected, variables: VariableValues
    ) -> _PreparedConnection | _WrittenConnection:
        return _PreparedConnection.of(context, self.table, self.plan(context, selected, variables))
