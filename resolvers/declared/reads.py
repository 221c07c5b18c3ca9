"""Declared reads: each plans the selection below it once and sends one request, however deep it goes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql.execution.values import VariableValues

from gql.errors import bad_input
from gql.table import Table, catalog
from resolvers.context import Context
from resolvers.declared.base import DeclaredField, planner
from tripgate.planner import node_id
from tripgate.planner.plan import Compare, Operator
from tripgate.planner.read import ConnectionPlan, ObjectPlan
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import ConnectionShaper, ObjectShaper, Row, connection_shaper, object_shaper
from tripgate.upstream.postgrest.client import Rows
from tripgate.upstream.postgrest.render import Request


@dataclass(frozen=True, slots=True)
class _ReadyObject:
    """A planned row, rendered and compiled: all that does not depend on the moment, kept with its document."""

    request: Request
    shaper: ObjectShaper

    @classmethod
    def of(cls, context: Context, plan: ObjectPlan) -> "_ReadyObject":
        return cls(context.postgrest.prepare(plan.read), object_shaper(plan.shape))

    async def answer(self, context: Context, table: Table) -> dict[str, Any] | None:
        found = await context.postgrest.fetch(self.request, context.caller, table)
        return self.shaper(found.rows[0]) if found.rows else None


@dataclass(frozen=True, slots=True)
class _ReadyConnection:
    """A planned page, rendered and compiled, and the request of its totals where that is one of its own."""

    page: Request | None
    total: Request | None
    shaper: ConnectionShaper

    @classmethod
    def of(cls, context: Context, plan: ConnectionPlan) -> "_ReadyConnection":
        return cls(
            None if plan.read is None else context.postgrest.prepare(plan.read),
            None if plan.total is None else context.postgrest.prepare(plan.total),
            connection_shaper(plan.shape),
        )

    async def answer(self, context: Context, table: Table) -> dict[str, Any]:
        fetch = context.postgrest.fetch
        if self.page is not None and self.total is not None:
            page, total = await asyncio.gather(
                fetch(self.page, context.caller, table), fetch(self.total, context.caller, table)
            )
            return self.shaper(page.rows, _totals(total))
        request = self.page or self.total
        if request is None:
            return self.shaper([], [])
        found = await fetch(request, context.caller, table)
        return self.shaper(found.rows, _totals(found))


def _totals(found: Rows) -> list[Row]:
    """The rows of totals: the count beside a page, or what an aggregated read answers."""
    return found.rows if found.total is None else [{"count": found.total}]


class One(DeclaredField):
    """`trip(id)`."""

    def plan(self, context: Context, selected: Selected, variables: VariableValues) -> ObjectPlan:
        """The plan for this selection."""
        where = Compare(self.table.primary_key, Operator.EQ, str(selected.arguments(variables)["id"]))
        return planner(context, variables).object(self.table, selected.children, where)

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        ready: _ReadyObject | None = context.plans.get(selected.key)
        if ready is None:
            ready = context.plans[selected.key] = _ReadyObject.of(context, self.plan(context, selected, variables))
        return await ready.answer(context, self.table)


class Own(DeclaredField):
    """`viewer`: the row that belongs to the caller."""

    def __init__(self, type_name: str, make_type: Callable[[], Any], by: str, description: str) -> None:
        super().__init__(type_name, make_type, list, description)
        self._by = by

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        if context.caller.user_id is None:
            return None
        where = Compare(self.table.columns[self._by].name, Operator.EQ, context.caller.user_id)
        plan = planner(context, variables).object(self.table, selected.children, where)
        return await _ReadyObject.of(context, plan).answer(context, self.table)


class AnyNode(DeclaredField):
    """`node(nodeId)`: a row of whichever type its identifier names."""

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        type_name, key = node_id.decode(selected.arguments(variables)["nodeId"])
        table = catalog.get(type_name)
        if table is None:
            raise bad_input("nodeId is not an identifier of this API.", field="nodeId")
        where = Compare(table.primary_key, Operator.EQ, str(key))
        plan = planner(context, variables).object(table, selected.children_of(type_name), where)
        return await _ReadyObject.of(context, plan).answer(context, table)


class Many(DeclaredField):
    """`trips(filter, orderBy, first, …)`."""

    def plan(self, context: Context, selected: Selected, variables: VariableValues) -> ConnectionPlan:
        """The plan for this selection."""
        return planner(context, variables).connection(self.table, selected)

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        ready: _ReadyConnection | None = context.plans.get(selected.key)
        if ready is None:
            ready = context.plans[selected.key] = _ReadyConnection.of(context, self.plan(context, selected, variables))
        return await ready.answer(context, self.table)
