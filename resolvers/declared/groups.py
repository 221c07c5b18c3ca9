"""Declared groups: `tripsGrouped(by, filter)`, one request for all groups and what is computed over each."""

from dataclasses import dataclass
from typing import Any

from graphql.execution.values import VariableValues

from gql.table import Table
from resolvers.context import Context
from resolvers.declared.base import PlannedField, planner
from tripgate.planner import aggregates
from tripgate.planner.aggregates import GroupsPlan
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import ObjectShaper, object_shaper
from tripgate.upstream.backend import PreparedPlan


@dataclass(frozen=True, slots=True)
class _PreparedGroups:
    """Planned groups, prepared and compiled, cached with their document."""

    table: Table
    prepared: PreparedPlan
    shaper: ObjectShaper

    @classmethod
    def of(cls, context: Context, table: Table, plan: GroupsPlan) -> "_PreparedGroups":
        return cls(table, context.backend.prepare(plan.read), object_shaper(plan.shape))

    async def answer(self, context: Context) -> list[dict[str, Any]]:
        found = await context.backend.fetch(self.prepared, context.caller, self.table)
        return [self.shaper(row) for row in found.rows]


class Grouped(PlannedField):
    """`tripsGrouped(by, filter, first, offset)`."""

    null_means_error = True

    def plan(self, context: Context, selected: Selected, variables: VariableValues) -> GroupsPlan:
        """The plan for this selection."""
        arguments = selected.arguments(variables)
        where = planner(context, variables).condition(self.table, arguments.get("filter"))
        return aggregates.groups(self.table, selected, arguments, where, max_page_size=context.max_page_size)

    def prepare(self, context: Context, selected: Selected, variables: VariableValues) -> _PreparedGroups:
        return _PreparedGroups.of(context, self.table, self.plan(context, selected, variables))
