"""Declared upserts: a row by its unique key, made where there is none and changed where there is one."""

import dataclasses
from collections.abc import Callable
from typing import Any

from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument

from gql.errors import ApiError, ErrorCode
from gql.table import UniqueKey
from resolvers.context import Context
from resolvers.declared.writes import Write, Written
from tripgate.planner import write
from tripgate.planner.plan import Insert, Match, Update
from tripgate.planner.selection import Selected


class Upsert(Write):
    """`upsertTag(input)`.

    PostgREST's upsert sets every column that it is given, and Postgres demands the right to update them all. So where
    the input is of columns that may be updated, one request does both. Where it names one that may not, as the place
    of a saved place, the first request makes the row or leaves the one that is there alone, and a second changes what
    may be changed of that one.
    """

    null_means_error = True

    def __init__(
        self,
        type_name: str,
        make_type: Callable[[], Any],
        make_arguments: Callable[[], list[StrawberryArgument]],
        description: str,
        lookup: str | None = None,
    ) -> None:
        """Declare it by the unique key that `lookup` finds rows by, or by the only one."""
        super().__init__(type_name, make_type, make_arguments, description)
        self._lookup = lookup

    @property
    def key(self) -> UniqueKey:
        """The key that says which row is meant."""
        (key,) = (key for key in self.table.unique if self._lookup in {None, key.lookup})
        return key

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        plan = self.plan(context, selected, variables)
        given = selected.arguments(variables)["input"]
        insert = write.insert(self.table, [given], plan.returning, "input")
        merge = all(self.table.by_sql_name[name].patchable for name in insert.columns)
        insert = dataclasses.replace(insert, on_conflict=self.key.columns, merge=merge)
        answer = await self.one(context, plan, insert)
        if answer is None:
            answer = await self._change(context, plan, insert)
        if answer is None:
            # It was there a moment ago, or is there and not the caller's to see: that it cannot be told is the point.
            message = f"This {self.noun} exists already and is not yours to change."
            raise ApiError(ErrorCode.CONFLICT, message, reason="ALREADY_EXISTS")
        return answer

    async def _change(self, context: Context, plan: Written, insert: Insert) -> dict[str, Any] | None:
        """What the input says of the row that is there already; `None` where the caller may not see or change it."""
        (row,) = insert.rows
        match = self._match(context, row)
        changes = {name: value for name, value in row.items() if self.table.by_sql_name[name].patchable}
        if changes:
            return await self.one(context, plan, Update(self.table.name, match, changes, insert.returning))
        key = self.table.primary_key
        found = await self.matching(context, match, *(pick.column for pick in insert.returning))
        if found and plan.read.embeds:
            found = await self.read_back(context, plan, [found[0][key]])
        return plan.shaper(found[0]) if found else None

    def _match(self, context: Context, row: dict[str, Any]) -> Match:
        own = {self.key.own: str(context.caller.user_id)}
        return tuple((name, own[name] if name in own else str(row[name])) for name in self.key.columns)
