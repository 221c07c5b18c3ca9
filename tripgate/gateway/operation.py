"""Documents → operations: parsed, validated and merged once, then kept.

Kept per document: the syntax tree, its validation, each operation's merged selection (one for every combination of the
variables in `@skip` and `@include`) and the plans of its reads (one set for every set of variables seen lately).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    get_variable_values,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import VariableValues
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gql.errors import ErrorCode
from tripgate.planner.selection import Selected, condition_variables, select

_RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
_MAX_ERRORS = 20
_VARIABLE_SETS = 64
_LONGEST_KEPT_VARIABLES = 4096


class RequestError(Exception):
    """A request that cannot be executed at all: it answers with errors and without data."""

    def __init__(self, code: ErrorCode, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.code = code
        self.errors = errors


class Operation:
    """One operation of a document, ready to run."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, definition: OperationDefinitionNode) -> None:
        self.document = document
        self.definition = definition
        self.kind: OperationType = definition.operation
        self.name = definition.name.value if definition.name is not None else None
        self._schema = schema
        self._fragments: Mapping[str, FragmentDefinitionNode] = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._conditions = condition_variables(definition, self._fragments)
        self._selections: LRUCache[tuple[Any, ...], tuple[Selected, ...]] = LRUCache(maxsize=16)
        self._plans: LRUCache[tuple[bytes, tuple[Any, ...]], dict[str, Any]] = LRUCache(maxsize=_VARIABLE_SETS)

    def coerce(self, variables: dict[str, Any], *, hide_suggestions: bool) -> VariableValues:
        """The variables by their declared types.

        Raises:
            RequestError: BAD_USER_INPUT.
        """
        values = get_variable_values(
            self._schema,
            self.definition.variable_definitions or (),
            variables,
            max_errors=_MAX_ERRORS,
            hide_suggestions=hide_suggestions,
        )
        if isinstance(values, list):
            raise RequestError(ErrorCode.BAD_USER_INPUT, values)
        return values

    def roots(self, variables: VariableValues) -> tuple[Selected, ...]:
        """The merged root fields under these variables."""
        variant = self._variant(variables)
        found = self._selections.get(variant)
        if found is None:
            found = select(self._schema, self.definition, self._fragments, variables)
            self._selections[variant] = found
        return found

    def plans(self, variables: VariableValues, raw: dict[str, Any]) -> dict[str, Any]:
        """Where the plans of reads with these variables are kept, by response key."""
        try:
            # The order of keys does not matter to a plan, but sorting would cost more than a second plan.
            text = orjson.dumps(raw)
        except orjson.JSONEncodeError:
            return {}
        if len(text) > _LONGEST_KEPT_VARIABLES:
            return {}
        return self._plans.setdefault((text, self._variant(variables)), {})

    def _variant(self, variables: VariableValues) -> tuple[Any, ...]:
        return tuple(variables.coerced.get(name) for name in self._conditions)


@dataclass(frozen=True, slots=True)
class _Document:
    operations: dict[str | None, Operation]


class Documents:
    """Every document seen lately.

    Args:
        max_tokens: A longer document is refused before it is parsed to the end.
        hide_suggestions: Whether errors keep the schema's other names to themselves.
    """

    def __init__(self, schema: GraphQLSchema, *, size: int, max_tokens: int, hide_suggestions: bool) -> None:
        self._schema = schema
        self._max_tokens = max_tokens
        self._hide_suggestions = hide_suggestions
        self._known: LRUCache[str, _Document | RequestError] = LRUCache(maxsize=size)

    def operation(self, query: str, name: str | None) -> Operation:
        """The operation of this name in a document; the only one where no name is given.

        Raises:
            RequestError: The document does not parse or validate, or holds no such operation.
        """
        document = self._known.get(query)
        if document is None:
            try:
                document = self._read(query)
            except RequestError as error:
                document = error
            self._known[query] = document
        if isinstance(document, RequestError):
            raise RequestError(document.code, document.errors)
        operations = document.operations
        if name is None and len(operations) == 1:
            return next(iter(operations.values()))
        found = operations.get(name) if name is not None else None
        if found is None:
            message = (
                "The document holds several operations; say which one in operationName."
                if name is None
                else f"The document holds no operation named {name!r}."
            )
            raise RequestError(ErrorCode.OPERATION_RESOLUTION_FAILURE, [GraphQLError(message)])
        return found

    def _read(self, query: str) -> _Document:
        try:
            document = parse(query, max_tokens=self._max_tokens, allow_empty_selection_sets=False)
        except GraphQLSyntaxError as error:
            raise RequestError(ErrorCode.GRAPHQL_PARSE_FAILED, [error]) from None
        except RecursionError:
            too_deep = GraphQLError("The document is nested too deeply.")
            raise RequestError(ErrorCode.GRAPHQL_PARSE_FAILED, [too_deep]) from None
        errors = validate(
            self._schema, document, _RULES, max_errors=_MAX_ERRORS, hide_suggestions=self._hide_suggestions
        )
        if errors:
            raise RequestError(ErrorCode.GRAPHQL_VALIDATION_FAILED, errors)
        operations: dict[str | None, Operation] = {
            node.name.value if node.name is not None else None: Operation(self._schema, document, node)
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        if not operations:
            raise RequestError(
                ErrorCode.OPERATION_RESOLUTION_FAILURE, [GraphQLError("The document holds no operation.")]
            )
        return _Document(operations)
