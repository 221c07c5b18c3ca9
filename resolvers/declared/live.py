"""Live queries: each declared read under `Subscription`, answered at once and anew whenever its answer differs."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import strawberry
from graphql.execution.values import VariableValues
from strawberry.types.field import FieldType

from gql.catalog import catalog
from resolvers.context import Context
from resolvers.declared.base import DeclaredField
from resolvers.declared.changes import SubscriptionField
from resolvers.declared.lookups import AnyNodes
from resolvers.declared.queries import AnyNode
from tripgate.planner.selection import Selected


class LiveRead(SubscriptionField):
    """`subscription { trip(id) }`: what the read of this name answers, as long as somebody follows.

    Attributes:
        read: The root field of `Query`.
    """

    def __init__(self, read: DeclaredField) -> None:
        check_depends_on(read)
        self.read = read
        self.null_means_error = read.null_means_error
        super().__init__(
            read._type_name,
            lambda: read.type,
            lambda: read.arguments,
            f"{read.description} Answered anew whenever it differs.",
            is_subscription=True,
        )
        self.deprecation_reason = read.deprecation_reason

    def made_type(self) -> FieldType:
        """As the read's: a row that is gone, or may be seen no longer, is null."""
        return self.read.type

    async def events(
        self, context: Context, selected: Selected, variables: VariableValues
    ) -> AsyncGenerator[dict[str, Any], None]:
        assert context.live_queries is not None  # noqa: S101 - the gateway that serves subscriptions has them
        context.signed_in()
        async with aclosing(context.live_queries.follow(context, selected, variables)) as answers:
            async for answer in answers:
                yield answer["data"][selected.key]


def check_depends_on(read: DeclaredField) -> None:
    """Make sure that it is known which changes make the answer of a read another; of its rows `gql.coverage` does.

    Raises:
        ValueError: It is not.
    """
    if isinstance(read.depends_on, tuple):
        for name in read.depends_on:
            if catalog.find(name) is None:
                raise ValueError(f"{read.python_name}: depends_on names {name}, over which no type is declared")
    elif read.depends_on is None and not read.has_table and not isinstance(read, AnyNode | AnyNodes):
        raise ValueError(
            f"{read.python_name}: which tables it looks into is not declared, so live queries of it would miss their "
            'changes. Say depends_on=("…",) with their names, or depends_on=POLLED to have it read every '
            "TRIPGATE_LIVE_POLL seconds."
        )


def live_reads(queries: Sequence[type]) -> list[type]:
    """A domain of `Subscription` for each of these of `Query`, with its declared reads.

    A read with extensions or permission classes is left out: they are asked once for each request, and nobody asks them
    again for the answers that follow. So is one that has something done: nobody means it to be done again and again.
    """
    made = []
    for domain in queries:
        fields = {
            field.python_name: LiveRead(field)
            for field in domain.__strawberry_definition__.fields  # type: ignore[attr-defined]
            if isinstance(field, DeclaredField) and not field.extensions and not field.has_effects
        }
        if fields:
            made.append(strawberry.type(type(f"Live{domain.__name__}", (), dict(fields))))
    return made
