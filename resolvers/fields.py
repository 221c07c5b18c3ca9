"""Root fields by declaration: `trips = many("Trip")`. Each plans the selection below it and sends one request.

A declared field answers with finished data: its shaper follows the selection, so no executor walks the rows again.
"""

import asyncio
import uuid
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.unset import UNSET

from gql import derive
from gql.errors import ApiError, ErrorCode, bad_input
from gql.late import LateField, list_of, object_type, optional
from gql.table import Table, catalog
from resolvers.context import Context
from tripgate.planner import write
from tripgate.planner.plan import ALWAYS, Compare, Operator, Pick, Read
from tripgate.planner.read import ConnectionPlan, ObjectPlan, Planner
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import ConnectionShaper, ObjectShaper, connection_shaper, object_shaper
from tripgate.upstream.postgrest.render import Request, read_request


class DeclaredField(LateField):
    """A root field that needs no body: what it does follows from its declaration."""

    def __init__(
        self,
        type_name: str,
        make_type: Callable[[], Any],
        make_arguments: Callable[[], list[StrawberryArgument]],
        description: str,
    ) -> None:
        super().__init__(make_type, make_arguments, description=description, default=UNSET)
        self._type_name = type_name

    @property
    def table(self) -> Table:
        """The table behind the field's type."""
        return catalog[self._type_name]

    @abstractmethod
    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        """The field's finished answer for this selection.

        Raises:
            ApiError: Any public error.
        """

    def _planner(self, context: Context, variables: VariableValues) -> Planner:
        return Planner(catalog, variables, max_page_size=context.max_page_size)

    async def _object(self, context: Context, ready: "_ReadyObject") -> dict[str, Any] | None:
        answer = await context.postgrest.fetch(ready.request, context.caller, self.table)
        return ready.shaper(answer.rows[0]) if answer.rows else None


@dataclass(frozen=True, slots=True)
class _ReadyObject:
    """A planned row, rendered and compiled: all that does not depend on the moment, kept with its document."""

    request: Request
    shaper: ObjectShaper

    @classmethod
    def of(cls, plan: ObjectPlan) -> "_ReadyObject":
        return cls(read_request(plan.read), object_shaper(plan.shape))


@dataclass(frozen=True, slots=True)
class _ReadyConnection:
    """A planned page, rendered and compiled, and the request of its total where that is one of its own."""

    page: Request | None
    total: Request | None
    shaper: ConnectionShaper

    @classmethod
    def of(cls, plan: ConnectionPlan) -> "_ReadyConnection":
        return cls(
            None if plan.read is None else read_request(plan.read),
            None if plan.total is None else read_request(plan.total),
            connection_shaper(plan.shape),
        )


class _One(DeclaredField):
    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        ready: _ReadyObject | None = context.plans.get(selected.key)
        if ready is None:
            where = Compare(self.table.primary_key, Operator.EQ, str(selected.arguments(variables)["id"]))
            plan = self._planner(context, variables).object(self.table, selected.children, where)
            ready = context.plans[selected.key] = _ReadyObject.of(plan)
        return await self._object(context, ready)


class _Own(DeclaredField):
    def __init__(self, type_name: str, by: str, description: str) -> None:
        super().__init__(type_name, lambda: optional(object_type(type_name)), list, description)
        self._by = by

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        if context.caller.user_id is None:
            return None
        where = Compare(self.table.columns[self._by].name, Operator.EQ, context.caller.user_id)
        plan = self._planner(context, variables).object(self.table, selected.children, where)
        return await self._object(context, _ReadyObject.of(plan))


class _Many(DeclaredField):
    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        ready: _ReadyConnection | None = context.plans.get(selected.key)
        if ready is None:
            plan = self._planner(context, variables).connection(self.table, selected)
            ready = context.plans[selected.key] = _ReadyConnection.of(plan)
        fetch = context.postgrest.fetch
        if ready.page is not None and ready.total is not None:
            page, total = await asyncio.gather(
                fetch(ready.page, context.caller, self.table), fetch(ready.total, context.caller, self.table)
            )
            return ready.shaper(page.rows, total.total)
        request = ready.page or ready.total
        if request is None:
            return ready.shaper([], None)
        answer = await fetch(request, context.caller, self.table)
        return ready.shaper(answer.rows, answer.total)


class _Write(DeclaredField):
    """What the writes share: they return their own columns, and a read by key follows when relations are selected."""

    def _plan(self, context: Context, selected: Selected, variables: VariableValues) -> ObjectPlan:
        return self._planner(context, variables).object(self.table, selected.children, ALWAYS)

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

    async def _explain_nothing(self, context: Context, key: str) -> ApiError:
        """Why a write of one row changed none: it is not visible, or visible and not permitted."""
        read = Read(
            self.table.name, (Pick(self.table.primary_key),), where=Compare(self.table.primary_key, Operator.EQ, key)
        )
        if (await context.postgrest.read(read, context.caller, self.table)).rows:
            return ApiError(ErrorCode.FORBIDDEN, f"You may see this {self._noun} but not change it.")
        return ApiError(ErrorCode.NOT_FOUND, f"There is no such {self._noun}.")

    @property
    def _noun(self) -> str:
        return self.table.name.removesuffix("s").replace("_", " ")


class _Create(_Write):
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


class _CreateMany(_Create):
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


class _Update(_Write):
    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        arguments = selected.arguments(variables)
        key = str(arguments["id"])
        plan = self._plan(context, selected, variables)
        update = write.update(self.table, arguments["id"], arguments["patch"], self._returning(plan))
        rows = await context.postgrest.write(update, context.caller, self.table)
        if not rows:
            raise await self._explain_nothing(context, key)
        if plan.read.embeds:
            rows = await self._read_back(context, plan, [key])
        return object_shaper(plan.shape)(rows[0]) if rows else None


class _Delete(_Write):
    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        id_: uuid.UUID = selected.arguments(variables)["id"]
        plan = self._plan(context, selected, variables)
        # What is embedded goes with the row, so it is read before.
        before = await self._read_back(context, plan, [str(id_)]) if plan.read.embeds else None
        delete = write.delete(self.table, id_, self._returning(plan))
        rows = await context.postgrest.write(delete, context.caller, self.table)
        if not rows:
            raise await self._explain_nothing(context, str(id_))
        return object_shaper(plan.shape)((before or rows)[0])


def one(type_name: str) -> DeclaredField:
    """`trip(id: UUID!): Trip`: null when there is none or the caller may not see it."""
    return _One(type_name, *_optional(type_name), f"The `{type_name}` with this id, or null.")


def own(type_name: str, *, by: str, description: str) -> DeclaredField:
    """The caller's own row, whose field `by` is the caller's id; null for an anonymous caller."""
    return _Own(type_name, by, description)


def many(type_name: str) -> DeclaredField:
    """`trips(filter, orderBy, first, …): TripConnection!`."""
    return _Many(
        type_name,
        lambda: derive.connection_type(type_name),
        lambda: derive.connection_arguments(type_name),
        f"The `{type_name}` rows that the caller may see.",
    )


def create(type_name: str) -> DeclaredField:
    """`createTrip(input: CreateTripInput!): Trip`."""
    return _Create(
        type_name,
        lambda: optional(object_type(type_name)),
        lambda: [derive.argument("input", derive.create_type(type_name), "The new row.")],
        f"Create a `{type_name}`.",
    )


def create_many(type_name: str) -> DeclaredField:
    """`createTrips(inputs: [CreateTripInput!]!): [Trip!]`: all or none, answered in the order of the inputs."""
    return _CreateMany(
        type_name,
        lambda: optional(list_of(object_type(type_name))),
        lambda: [derive.argument("inputs", list_of(derive.create_type(type_name)), "The new rows.")],
        f"Create several `{type_name}` rows, all or none; the answer is in the order of the inputs.",
    )


def update(type_name: str) -> DeclaredField:
    """`updateTrip(id: UUID!, patch: TripPatch!): Trip`."""
    return _Update(
        type_name,
        lambda: optional(object_type(type_name)),
        lambda: [_id(), derive.argument("patch", derive.patch_type(type_name), "What changes.")],
        f"Change a `{type_name}`.",
    )


def delete(type_name: str) -> DeclaredField:
    """`deleteTrip(id: UUID!): Trip`: the row as it was."""
    return _Delete(type_name, *_optional(type_name), f"Delete a `{type_name}`; the answer is the row as it was.")


def _optional(type_name: str) -> tuple[Callable[[], Any], Callable[[], list[StrawberryArgument]]]:
    return lambda: optional(object_type(type_name)), lambda: [_id()]


def _id() -> StrawberryArgument:
    return derive.argument("id", uuid.UUID, "The row's key.")


def _in_order(rows: list[dict[str, Any]], key: str, keys: list[str]) -> list[dict[str, Any]]:
    by_key = {row[key]: row for row in rows}
    return [by_key[each] for each in keys if each in by_key]


__all__ = ["DeclaredField", "create", "create_many", "delete", "many", "one", "own", "update"]
