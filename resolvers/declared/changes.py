"""Declared subscriptions: changes in a scope, shaped like any answer, and who is there."""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import Any, NamedTuple

from graphql import located_error
from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument

from gql.catalog import catalog
from gql.errors import ApiError, ErrorCode
from gql.scope import Scope
from resolvers.context import Context, Info
from resolvers.declared.admission import Members, admission
from resolvers.declared.base import DeclaredField, PlanCachingField, planner
from resolvers.declared.changed_row import ChangeAnswers
from resolvers.declared.streamed_changes import streamed_changes
from tripgate.planner.plan import ALWAYS, Compare, Operator
from tripgate.planner.selection import Selected
from tripgate.planner.shaper import object_shaper
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.frames import Change, Operation
from tripgate.upstream.realtime.subscription import Admit
from tripgate.upstream.resilience.retry import retry


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

    def _resolver(self) -> Callable[..., Any]:
        async def subscribe(info: Info, **given: Any) -> AsyncGenerator[Any, None]:
            asked = info._raw_info
            try:
                async with aclosing(self.events(*self._asked(info, given))) as events:
                    async for event in events:
                        yield event
            except Exception as error:  # graphql-core gives the end of a stream no place
                raise located_error(error, asked.field_nodes, asked.path.as_list()) from error

        return subscribe


class Changes(SubscriptionField, PlanCachingField):
    """`tripItemChanges(tripId)`: the changes of one table's rows in one scope; `notificationChanges`, on one's own.

    Args:
        narrowed_by: Fields of which an argument may say the value that a row must have; of what is the caller's own.
    """

    def __init__(
        self,
        type_name: str,
        make_type: Callable[[], Any],
        make_arguments: Callable[[], list[StrawberryArgument]],
        description: str,
        narrowed_by: tuple[str, ...] = (),
    ) -> None:
        super().__init__(type_name, make_type, make_arguments, description, is_subscription=True)
        self._narrowed_by = narrowed_by

    def prepared(self, context: Context, selected: Selected, variables: VariableValues) -> "_Stream":
        """What follows this selection; not kept for others where it is the caller's own."""
        if change_scope(self.table.type_name).of_person:
            return self.prepare(context, selected, variables)
        stream: _Stream = super().prepared(context, selected, variables)
        return stream

    def prepare(self, context: Context, selected: Selected, variables: VariableValues) -> "_Stream":
        assert context.relay is not None  # noqa: S101 - the gateway that serves subscriptions has one
        scope = change_scope(self.table.type_name)
        key = str(context.caller.user_id) if scope.of_person else scope_key(selected, variables)
        plans = planner(context, variables)
        answers = ChangeAnswers.of(
            context.backend,
            self.table,
            selected,
            lambda child: plans.object(self.table, child.children, ALWAYS),
            context.relay.retry_seconds,
        )
        return _Stream(scope.topic(key), admission(context.backend, scope, key), answers)

    async def events(
        self, context: Context, selected: Selected, variables: VariableValues
    ) -> AsyncGenerator[dict[str, Any], None]:
        caller = context.signed_in()
        stream = self.prepared(context, selected, variables)
        assert context.relay is not None  # noqa: S101 - the gateway that serves subscriptions has one
        streams = self.table.streamed is not None
        subscription = await context.relay.subscribe(stream.topic, caller, stream.admit, takes_pieces=streams)
        told = streamed_changes(self.table, subscription, stream.answers, context.backend) if streams else subscription
        wanted = self._wanted(selected, variables)
        context.live.add(subscription)
        try:
            async for change in told:
                if change.operation is Operation.RESYNC or (
                    change.table == self.table.name and (not wanted or is_of(change, wanted))
                ):
                    yield await stream.answers.answer(change, subscription.caller, context.backend)
        finally:
            context.live.discard(subscription)
            context.relay.leave(subscription)

    def _wanted(self, selected: Selected, variables: VariableValues) -> dict[str, str]:
        """The values that a row must have, as changes tell them, by column."""
        if not self._narrowed_by:
            return {}
        given = selected.arguments(variables)
        return {
            self.table.columns[name].name: str(given[name]) for name in self._narrowed_by if given.get(name) is not None
        }


def is_of(change: Change, wanted: dict[str, str]) -> bool:
    """Whether a change is of a row with these values; of what is gone nobody knows them any more."""
    record = change.record
    return record is None or all(record.get(column) == value for column, value in wanted.items())


class Presence(SubscriptionField):
    """`tripPresence(tripId)`: who is on the trip now, of those who take part in it."""

    def __init__(
        self,
        type_name: str,
        scope: Scope,
        make_type: Callable[[], Any],
        make_arguments: Callable[[], list[StrawberryArgument]],
        description: str,
    ) -> None:
        super().__init__(type_name, make_type, make_arguments, description, is_subscription=True)
        self._scope = scope

    async def events(
        self, context: Context, selected: Selected, variables: VariableValues
    ) -> AsyncGenerator[dict[str, Any], None]:
        caller = context.signed_in()
        key = scope_key(selected, variables)
        assert context.relay is not None  # noqa: S101 - the gateway that serves subscriptions has one
        seen = strangers = frozenset[str]()
        members = Members(context.backend, self._scope, key)
        async with context.relay.present(self._scope.topic(key), caller, members.admit) as presence:
            context.live.add(presence.subscription)
            try:
                # Every change is a reason to look: who is a member was read again where one may have changed that.
                async for _ in presence.subscription:
                    strangers, doubted = presence.people - members.ids, strangers
                    if strangers - doubted:
                        # Perhaps they have joined since: Realtime may tell of a commit before reads see it.
                        presence.look_again()
                        continue
                    people = presence.people & members.ids
                    if people == seen:
                        continue
                    ask = partial(
                        self._answer, context, selected, variables, presence.subscription.caller, seen, people
                    )
                    yield await retry(ask, context.relay.retry_seconds)
                    seen = people
            finally:
                context.live.discard(presence.subscription)

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
            found = await context.backend.read(plan.read, caller, self.table)
            return [object_shaper(plan.shape)(row) for row in found.rows]

        return {child.key: await part(child) for child in selected.children}


class _Stream(NamedTuple):
    """What all share who follow with one document and the same variables: where changes come from, who may hear of
    them, and how they become answers."""

    topic: str
    admit: Admit
    answers: ChangeAnswers


def change_scope(type_name: str) -> Scope:
    """The scope on whose topics changes of a type are told.

    Raises:
        ValueError: There is none.
    """
    scope = catalog[type_name].scope
    if scope is None:
        raise ValueError(f"changes of {type_name} are told nowhere: say where by @table(…, scope=…)")
    return scope


def person_type() -> str:
    """The type whose rows are the people of all scopes.

    Raises:
        ValueError: No scope is of a person.
    """
    return person_scope().root


def person_scope() -> Scope:
    """The scope whose rows are people.

    Raises:
        ValueError: There is none.
    """
    of_person = catalog.scopes.of_person
    if of_person is None:
        raise ValueError("nobody can be told of what concerns them: declare a scope(…, of_person=True)")
    return of_person


def scope_key(selected: Selected, variables: VariableValues) -> str:
    """The key of the scope's root, which is the only argument."""
    (key,) = selected.arguments(variables).values()
    return str(key)
