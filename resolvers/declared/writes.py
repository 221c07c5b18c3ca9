"""Declared writes: one request, and one read by key behind it when relations are selected."""

import uuid
from collections.abc import Callable
from typing import Any

from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument

from gql.errors import ApiError, ErrorCode, bad_input
from resolvers.context import Context
from resolvers.declared.base import DeclaredField, planner
from tripgate.planner import write
from tripgate.planner.plan import ALWAYS, Compare, Operator, Pick, Read
from tripgate.planner.read import ObjectPlan
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import object_shaper


class Write(DeclaredField):
    """What the writes share: they return their own columns, and a read by key follows when relations are selected."""

    def _plan(self, context: Context, selected: Selected, variables: VariableValues) -> ObjectPlan:
        return planner(context, variables).object(self.table, selected.children, ALWAYS)

    def _returning(self, plan: ObjectPlan) -> tuple[Pick, ...]:
        columns = () if plan.read.embeds else (pick.column for pick in plan.read.columns)
        return write.returning(self.table, columns)

    async def _read_back(self, context: Context, plan: ObjectPlan, keys: list[str]) -> list[dict[str, Any]]:
        """Rows by key in the order of the keys, with their relations."""
        key = self.table.primary_key
        columns = write.returning(self.table, (pick.column for pick in plan.read.columns))
        where = Compare(key, Operator.IN, tuple(keys))
        read = Read(self.table.name, columns, plan.read.embeds, where)
        answer = await context.postgrest.read(read, context.caller, self.table)
        return _in_order(answer.rows, key, keys)

    async def _explain_nothing(self, context: Context, column: str, value: str) -> ApiError:
        """Why a write of one row changed none: it is not visible, or visible and not permitted."""
        read = Read(self.table.name, (Pick(self.table.primary_key),), where=Compare(column, Operator.EQ, value))
        if (await context.postgrest.read(read, context.caller, self.table)).rows:
            return ApiError(ErrorCode.FORBIDDEN, f"You may see this {self._noun} but not change it.")
        return ApiError(ErrorCode.NOT_FOUND, f"There is no such {self._noun}.")

    @property
    def _noun(self) -> str:
        return self.table.name.removesuffix("s").replace("_", " ")


class Create(Write):
    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        answers = await self._insert(context, selected, variables, [selected.arguments(variables)["input"]], "input")
        return answers[0]

    async def _insert(
        self, context: Context, selected: Selected, variables: VariableValues, inputs: list[dict[str, Any]], path: str
    ) -> list[dict[str, Any]]:
        context.signed_in()
        plan = self._plan(context, selected, variables)
        insert = write.insert(self.table, inputs, self._returning(plan), path)
        rows = await context.postgrest.write(insert, context.caller, self.table)
        key = self.table.primary_key
        keys = [row[key] for row in insert.rows] if len(inputs) > 1 else [row[key] for row in rows]
        rows = await self._read_back(context, plan, keys) if plan.read.embeds else _in_order(rows, key, keys)
        shaper = object_shaper(plan.shape)
        return [shaper(row) for row in rows]


class CreateMany(Create):
    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        inputs = selected.arguments(variables)["inputs"]
        if len(inputs) > context.max_page_size:
            raise bad_input(
                f"inputs has {len(inputs)} entries; at most {context.max_page_size} go at once.", field="inputs"
            )
        if not inputs:
            context.signed_in()
            return []
        return await self._insert(context, selected, variables, inputs, "inputs")


class Update(Write):
    """`updateTrip(id, patch)`."""

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        return await self._update(
            context, selected, variables, self.table.primary_key, str(selected.arguments(variables)["id"])
        )

    async def _update(
        self, context: Context, selected: Selected, variables: VariableValues, column: str, value: str
    ) -> dict[str, Any] | None:
        """Patch the row whose `column`, a unique one, has this value."""
        plan = self._plan(context, selected, variables)
        patch = selected.arguments(variables)["patch"]
        update = write.update(self.table, column, value, patch, self._returning(plan))
        rows = await context.postgrest.write(update, context.caller, self.table)
        if not rows:
            raise await self._explain_nothing(context, column, value)
        if plan.read.embeds:
            rows = await self._read_back(context, plan, [row[self.table.primary_key] for row in rows])
        return object_shaper(plan.shape)(rows[0]) if rows else None


class UpdateOwn(Update):
    """`updateMyProfile(patch)`: the row that belongs to the caller."""

    def __init__(
        self,
        type_name: str,
        make_type: Callable[[], Any],
        make_arguments: Callable[[], list[StrawberryArgument]],
        by: str,
        description: str,
    ) -> None:
        super().__init__(type_name, make_type, make_arguments, description)
        self._by = by

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        caller = context.signed_in()
        column = self.table.columns[self._by].name
        return await self._update(context, selected, variables, column, str(caller.user_id))


class Delete(Write):
    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        id_: uuid.UUID = selected.arguments(variables)["id"]
        plan = self._plan(context, selected, variables)
        # What is embedded goes with the row, so it is read before.
        before = await self._read_back(context, plan, [str(id_)]) if plan.read.embeds else None
        delete = write.delete(self.table, id_, self._returning(plan))
        rows = await context.postgrest.write(delete, context.caller, self.table)
        if not rows:
            raise await self._explain_nothing(context, self.table.primary_key, str(id_))
        return object_shaper(plan.shape)((before or rows)[0])


def _in_order(rows: list[dict[str, Any]], key: str, keys: list[str]) -> list[dict[str, Any]]:
    by_key = {row[key]: row for row in rows}
    return [by_key[each] for each in keys if each in by_key]
