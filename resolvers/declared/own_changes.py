"""`myChanges`: what concerns the caller alone, on whichever trip or none, as it happens."""

from collections.abc import AsyncGenerator, Iterable
from copy import copy
from typing import Any

from graphql.execution.values import VariableValues

from gql import derive
from gql.catalog import catalog
from gql.scope import Scope
from gql.table import Table
from resolvers.context import Context
from resolvers.declared.admission import admission
from resolvers.declared.base import planner
from resolvers.declared.changed_row import ChangeAnswers
from resolvers.declared.changes import SubscriptionField, person_scope
from tripgate.planner.plan import ALWAYS
from tripgate.planner.selection import Selected
from tripgate.upstream.realtime.frames import Change, Operation


class OwnChanges(SubscriptionField):
    """The changes that are told on a person's own topic, each as the `…Change` of its type."""

    def __init__(self, description: str) -> None:
        super().__init__("", derive.own_change_type, list, description, is_subscription=True)

    async def events(
        self, context: Context, selected: Selected, variables: VariableValues
    ) -> AsyncGenerator[dict[str, Any], None]:
        caller = context.signed_in()
        relay = context.relay
        assert relay is not None  # noqa: S101 - the gateway that serves subscriptions has one
        key = str(caller.user_id)
        scope: Scope = person_scope()
        answers: dict[str, ChangeAnswers] = {}
        subscription = await relay.subscribe(scope.topic(key), caller, admission(context.backend, scope, key))
        context.live.add(subscription)
        try:
            async for change in subscription:
                if change.operation is Operation.RESYNC:
                    yield _event(selected, derive.MISSED, change.occurred_at)
                    continue
                table = catalog.find(change.table)
                if table is None:
                    continue
                left = list(_left(selected, table, change))
                for event in left:
                    yield event
                if left:
                    continue
                if table.name not in answers:
                    answers[table.name] = _answers(context, table, selected, variables)
                yield await answers[table.name].answer(change, subscription.caller, context.backend)
        finally:
            context.live.discard(subscription)
            relay.leave(subscription)


def _answers(context: Context, table: Table, selected: Selected, variables: VariableValues) -> ChangeAnswers:
    assert context.relay is not None  # noqa: S101 - the caller has used it
    of_type = copy(selected)
    of_type.children = selected.children_of(derive.change_type(table.type_name).__strawberry_definition__.name)  # type: ignore[attr-defined]
    plans = planner(context, variables)
    return ChangeAnswers.of(
        context.backend,
        table,
        of_type,
        lambda child: plans.object(table, child.children, ALWAYS),
        context.relay.retry_seconds,
    )


def _left(selected: Selected, table: Table, change: Change) -> Iterable[dict[str, Any]]:
    """An event for each scope that the caller takes part in no longer: their membership's row says little of it."""
    for scope, via in catalog.left_by(table) if change.operation is Operation.DELETE else ():
        key = (change.before or {}).get(via)
        if key is not None:
            yield _event(selected, derive.left_name(scope), change.occurred_at, str(key))


def _event(selected: Selected, type_name: str, occurred_at: str, key: str | None = None) -> dict[str, Any]:
    """An event that is no change of a row: when it was, and perhaps what it is about."""
    values = {"__typename": type_name, "occurredAt": occurred_at}
    return {child.key: values.get(child.name, key) for child in selected.children_of(type_name)}
