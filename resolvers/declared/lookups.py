"""Declared reads of rows that are named: one by a unique key, and several of any type by their identifiers."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphql.execution.values import VariableValues
from strawberry.utils.str_converters import to_camel_case

from gql import derive
from gql.catalog import catalog
from gql.descriptions import describe
from gql.errors import ApiError, bad_input
from gql.forward_types import object_type, optional
from gql.table import Table, UniqueKey
from resolvers.context import Context
from resolvers.declared.base import DeclaredField, planner
from resolvers.declared.queries import One, PreparedObject, WrittenObject
from tripgate.planner import node_id
from tripgate.planner.conditions import as_text
from tripgate.planner.plan import And, Compare, Operator, pick
from tripgate.planner.planner import ObjectPlan
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import object_shaper


class Lookup(One):
    """`tagByName(name)`: the row of a unique key, which is found by the field's own name."""

    def __init__(self, type_name: str) -> None:
        super().__init__(
            type_name,
            lambda: optional(object_type(type_name)),
            lambda: [_argument(self.table, name) for name in self.key.asked],
            f"The `{type_name}` with these values, which no two have in common, or null.",
        )

    @property
    def key(self) -> UniqueKey:
        """The key that the field is called after.

        Raises:
            LookupError: The type declares no such key.
        """
        name = to_camel_case(self.python_name)
        for key in self.table.unique:
            if key.lookup == name:
                return key
        raise LookupError(f"no unique key of {self.table.type_name} is looked up by {name}")

    def plan(self, context: Context, selected: Selected, variables: VariableValues) -> ObjectPlan:
        arguments = selected.arguments(variables)
        columns = [self.table.by_sql_name[name] for name in self.key.asked]
        tests = [Compare(each.name, Operator.EQ, as_text(arguments[each.field], each.field)) for each in columns]
        if self.key.own is not None:
            tests.append(Compare(self.key.own, Operator.EQ, str(context.caller.user_id)))
        where = tests[0] if len(tests) == 1 else And(tuple(tests))
        return planner(context, variables).object(self.table, selected.children, where)

    def prepare(
        self, context: Context, selected: Selected, variables: VariableValues
    ) -> PreparedObject | WrittenObject:
        return PreparedObject.of(context, self.table, self.plan(context, selected, variables))

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        if self.key.own is None:
            return await super().run(context, selected, variables)
        # A plan that holds the caller's id is for this caller alone.
        context.signed_in()
        plan = self.plan(context, selected, variables)
        rows = (await context.backend.read(plan.read, context.caller, self.table)).rows
        return object_shaper(plan.shape)(rows[0]) if rows else None


def _argument(table: Table, name: str) -> Any:
    column = table.by_sql_name[name]
    return derive.argument(column.field, derive.annotation_of(column), describe(table.name, name) or "")


class AnyNodes(DeclaredField):
    """`nodes(nodeIds)`: rows of whichever types their identifiers name."""

    null_means_error = True

    def __init__(self, make_type: Callable[[], Any], make_arguments: Callable[[], list[Any]], description: str) -> None:
        super().__init__("Node", make_type, make_arguments, description)

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        given = selected.arguments(variables)["nodeIds"]
        if len(given) > context.max_page_size:
            raise bad_input(
                f"nodeIds has {len(given)} entries; at most {context.max_page_size} go at once.", field="nodeIds"
            )
        wanted = [_decoded(each, f"nodeIds[{index}]") for index, each in enumerate(given)]
        return await rows_by_keys(context, selected, variables, wanted)


async def rows_by_keys(
    context: Context, selected: Selected, variables: VariableValues, wanted: Sequence[tuple[str, str]]
) -> list[dict[str, Any] | None]:
    """The rows of these types and keys in their order, as selected of each type, by one request for each type.

    Raises:
        ApiError: BAD_USER_INPUT for arguments below that cannot be planned, before anything is asked for.
    """
    by_type: dict[str, dict[str, None]] = {}
    for type_name, key in wanted:
        by_type.setdefault(type_name, {})[key] = None
    # All are planned before anything is sent, so that no mistake costs a request.
    plans = [
        (type_name, _of_type(context, type_name, keys, selected, variables)) for type_name, keys in by_type.items()
    ]
    if len(plans) > 1:
        context = dataclasses.replace(context, backend=context.backend.gathering())
    answers = await asyncio.gather(*(_rows(context, type_name, plan) for type_name, plan in plans))
    found = {place: row for rows in answers for place, row in rows.items()}
    return [found.get(place) for place in wanted]


def _decoded(given: str, path: str) -> tuple[str, str]:
    try:
        return node_id.decode(catalog, given)
    except ApiError:
        raise bad_input(f"{path} is not an identifier of this API.", field="nodeIds") from None


def _of_type(
    context: Context, type_name: str, keys: Iterable[str], selected: Selected, variables: VariableValues
) -> ObjectPlan:
    table = catalog[type_name]
    where = Compare(table.primary_key, Operator.IN, tuple(keys))
    plan = planner(context, variables).object(table, selected.children_of(type_name), where)
    key = pick(table, table.primary_key)
    if key in plan.read.columns:
        return plan
    return dataclasses.replace(plan, read=dataclasses.replace(plan.read, columns=(*plan.read.columns, key)))


async def _rows(context: Context, type_name: str, plan: ObjectPlan) -> dict[tuple[str, str], dict[str, Any]]:
    table = catalog[type_name]
    shaper = object_shaper(plan.shape)
    rows = (await context.backend.read(plan.read, context.caller, table)).rows
    return {(type_name, row[table.primary_key]): shaper(row) for row in rows}
