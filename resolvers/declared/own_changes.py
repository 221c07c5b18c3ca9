"""`myChanges`: what concerns the caller alone, on whichever trip or none, as it happens."""

from collections.abc import AsyncGenerator
from copy import copy
from typing import Any

from graphql.execution.values import VariableValues

from gql import derive
from gql.scope import Scope
from gql.table import Table, catalog
from resolvers.context import Context
from resolvers.declared.admission import admission
from resolvers.declared.base import planner
from resolvers.declared.changed_row import ChangeAnswers
from resolvers.declared.changes import SubscriptionField, person_scope
from tripgate.planner.plan import ALWAYS
from tripgate.planner.selection import Selected
from tripgate.upstream.realtime.frames import Operation


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
                    yield _missed(selected, change.occurred_at)
                    continue
                table = catalog.find(change.table)
                if table is None:
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


def _missed(selected: Selected, occurred_at: str) -> dict[str, Any]:
    return {
        child.key: child.parent_type.name if child.name == "__typename" else occurred_at
        for child in selected.children_of(derive.MISSED)
    }
