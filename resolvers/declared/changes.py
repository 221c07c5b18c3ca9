"""Declared subscriptions: a trip's changes, shaped like any answer.

What a change's record answers exactly is shaped from it. Numbers that JSON would round and related rows are read anew,
with the subscriber's own token.
"""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument

from gql.errors import ApiError, ErrorCode
from gql.table import Kind, Table, catalog
from resolvers.context import Context
from resolvers.declared.base import DeclaredField, planner
from tripgate.planner.plan import Compare, Operator, Pick, Read
from tripgate.planner.read import ObjectPlan
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import ObjectShaper, object_shaper
from tripgate.upstream.caller import Caller
from tripgate.upstream.postgrest.render import read_request
from tripgate.upstream.realtime.frames import Change, Operation
from tripgate.upstream.realtime.relay import PRESENCE_CHANGED
from tripgate.upstream.realtime.subscription import Admit, Subscription

_EXACT_IN_JSON = frozenset(Kind) - {Kind.NUMERIC}


class SubscriptionField(DeclaredField):
    """A root field of `Subscription`."""

    @abstractmethod
    def events(
        self, context: Context, selected: Selected, variables: VariableValues
    ) -> AsyncGenerator[dict[str, Any], None]:
        """The field's finished value, event by event. Nothing is sent on subscribing.

        Raises:
            ApiError: FORBIDDEN for what does not exist or may not be seen, and at the moment when that becomes so;
                UNAUTHENTICATED when the token expires; UPSTREAM_UNAVAILABLE when changes cannot be had.
        """

    async def run(self, _context: Context, _selected: Selected, _variables: VariableValues) -> Any:
        raise ApiError(ErrorCode.BAD_REQUEST, "Subscribe over a WebSocket or with Accept: text/event-stream.")


class Changes(SubscriptionField):
    """`tripItemChanges(tripId)`: the changes of one table's rows on one trip."""

    def __init__(
        self,
        type_name: str,
        make_type: Callable[[], Any],
        make_arguments: Callable[[], list[StrawberryArgument]],
        description: str,
    ) -> None:
        super().__init__(type_name, make_type, make_arguments, description, is_subscription=True)

    async def events(
        self, context: Context, selected: Selected, variables: VariableValues
    ) -> AsyncGenerator[dict[str, Any], None]:
        caller = context.signed_in()
        trip_id = str(selected.arguments(variables)["tripId"])
        event = _Event.of(self.table, context, selected, variables)
        assert context.relay is not None  # noqa: S101 - the gateway that serves subscriptions has one
        async with context.relay.subscribe(f"trip:{trip_id}", caller, admit_to_trip(context, trip_id)) as subscription:
            with _live(context, subscription):
                async for change in subscription.changes():
                    if change.operation is Operation.RESYNC or change.table == self.table.name:
                        yield await event.answer(change, subscription.caller)


class TripPresence(SubscriptionField):
    """`tripPresence(tripId)`: who is on the trip now."""

    def __init__(
        self, make_type: Callable[[], Any], make_arguments: Callable[[], list[StrawberryArgument]], description: str
    ) -> None:
        super().__init__("Profile", make_type, make_arguments, description, is_subscription=True)

    async def events(
        self, context: Context, selected: Selected, variables: VariableValues
    ) -> AsyncGenerator[dict[str, Any], None]:
        caller = context.signed_in()
        trip_id = str(selected.arguments(variables)["tripId"])
        assert context.relay is not None  # noqa: S101 - the gateway that serves subscriptions has one
        seen: frozenset[str] = frozenset()
        async with context.relay.present(f"trip:{trip_id}", caller, admit_to_trip(context, trip_id)) as presence:
            with _live(context, presence.subscription):
                async for change in presence.subscription.changes():
                    people = presence.people
                    if change is not PRESENCE_CHANGED or people == seen:
                        continue
                    yield await self._answer(context, selected, variables, presence.subscription.caller, seen, people)
                    seen = people

    async def _answer(
        self,
        context: Context,
        selected: Selected,
        variables: VariableValues,
        caller: Caller,
        before: frozenset[str],
        people: frozenset[str],
    ) -> dict[str, Any]:
        groups = {"people": people, "joined": people - before, "left": before - people}

        async def part(child: Selected) -> Any:
            if child.name == "__typename":
                return child.parent_type.name
            if not groups[child.name]:
                return []
            where = Compare(self.table.primary_key, Operator.IN, tuple(sorted(groups[child.name])))
            plan = planner(context, variables).object(self.table, child.children, where)
            found = await context.postgrest.fetch(read_request(plan.read), caller, self.table)
            return [object_shaper(plan.shape)(row) for row in found.rows]

        return {child.key: await part(child) for child in selected.children}


@dataclass(frozen=True, slots=True)
class _Event:
    """How a change becomes the answer to one selection."""

    context: Context
    selected: Selected
    table: Table
    rows: dict[str, tuple[ObjectPlan, ObjectShaper, bool]]

    @classmethod
    def of(cls, table: Table, context: Context, selected: Selected, variables: VariableValues) -> "_Event":
        rows = {}
        for child in selected.children:
            if child.name == table.singular:
                where = Compare(table.primary_key, Operator.EQ, "")
                plan = planner(context, variables).object(table, child.children, where)
                rows[child.key] = (plan, object_shaper(plan.shape), _answered_by_record(table, plan))
        return cls(context, selected, table, rows)

    async def answer(self, change: Change, caller: Caller) -> dict[str, Any]:
        return {child.key: await self._part(child, change, caller) for child in self.selected.children}

    async def _part(self, child: Selected, change: Change, caller: Caller) -> Any:
        match child.name:
            case "__typename":
                return child.parent_type.name
            case "operation":
                return change.operation.value
            case "id":
                return change.id
            case "occurredAt":
                return change.occurred_at
            case _:
                return await self._row(child.key, change, caller)

    async def _row(self, key: str, change: Change, caller: Caller) -> Any:
        if change.record is None or change.id is None:
            return None
        plan, shaper, from_record = self.rows[key]
        if from_record:
            return shaper(change.record)
        where = Compare(self.table.primary_key, Operator.EQ, change.id)
        read = Read(plan.read.table, plan.read.columns, plan.read.embeds, where)
        found = await self.context.postgrest.fetch(read_request(read), caller, self.table)
        return shaper(found.rows[0]) if found.rows else None


def _answered_by_record(table: Table, plan: ObjectPlan) -> bool:
    columns = [table.by_sql_name[pick.column] for pick in plan.read.columns]
    return not plan.read.embeds and all(column.kind in _EXACT_IN_JSON for column in columns)


def admit_to_trip(context: Context, trip_id: str) -> Admit:
    """The read that decides whether a caller may listen to a trip; the same for one that does not exist."""
    trips = catalog["Trip"]
    where = Compare(trips.primary_key, Operator.EQ, trip_id)
    request = read_request(Read(trips.name, (Pick(trips.primary_key),), where=where))

    async def admit(caller: Caller) -> None:
        if not (await context.postgrest.fetch(request, caller, trips)).rows:
            raise ApiError(ErrorCode.FORBIDDEN, "You may not follow this trip, or there is no such trip.")

    return admit


@contextmanager
def _live(context: Context, subscription: Subscription) -> Iterator[None]:
    context.live.add(subscription)
    try:
        yield
    finally:
        context.live.discard(subscription)
