"""Validation by graphql-core, within what it may take."""

from collections.abc import Collection
from typing import Any

from graphql import (
    ASTValidationRule,
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    IntValueNode,
    NullValueNode,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged as overlapping

from gql.errors import ApiError, ErrorCode
from tripgate.gateway.limits.bounds import Limits
from tripgate.planner.streaming import STREAM_COUNT

# Whether fields merge is asked of each two that answer under one key, so it takes the square of how often a document
# repeats them. This is some twenty milliseconds' worth, where graphql-core would take half a second; what people write
# takes a few hundred steps.
overlapping.MAX_COMPLEXITY_BUDGET = 20_000

_ABORTED = "Validation aborted."


class StreamCountRule(ASTValidationRule):
    """How many rows a list with `@stream` begins with is a number from 0 on, whoever is answered in parts."""

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Look at what stands in the document; variables are looked at when they come."""
        for argument in node.arguments or () if node.name.value == "stream" else ():
            value = argument.value
            wrong = isinstance(value, NullValueNode) or (
                isinstance(value, IntValueNode) and value.value.startswith("-")
            )
            if argument.name.value == "initialCount" and wrong:
                self.report_error(GraphQLError(STREAM_COUNT, value))


def mistakes(
    schema: GraphQLSchema,
    document: DocumentNode,
    rules: Collection[type[ASTValidationRule]],
    limits: Limits,
    *,
    hide_suggestions: bool,
) -> list[GraphQLError]:
    """What is wrong with a document: as many mistakes as are told, and one more that says so where there are others.

    Raises:
        ApiError: TOO_MANY_SELECTIONS for one that repeats fields or fragments so often that it is not checked.
    """
    found = validate(schema, document, rules, max_errors=limits.validation_errors, hide_suggestions=hide_suggestions)
    if found and found[-1].message == _ABORTED:
        raise ApiError(
            ErrorCode.TOO_MANY_SELECTIONS,
            "The document repeats the same fields or fragments in one place too often to be checked. "
            "Select each of them once.",
        )
    return found
