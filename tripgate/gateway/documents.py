"""Documents → operations: parsed and validated once, then cached."""

import hashlib
import re
from dataclasses import dataclass
from typing import TypeVar

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gql.errors import ApiError, ErrorCode
from tripgate.gateway.document_cache import OperationCaches, Refusal, RefusalCache, weight
from tripgate.gateway.limits.bounded_parse import bounded_parse
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.limits.document import check_document
from tripgate.gateway.limits.inputs import Usage
from tripgate.gateway.limits.validation import StreamCountRule, mistakes
from tripgate.gateway.operation import Operation, OperationInParts, RequestError
from tripgate.planner.selection import at_once

_RULES = (
    # What is asked of the schema is counted before, as the settings say.
    *(rule for rule in specified_rules if rule is not MaxIntrospectionDepthRule),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
    StreamCountRule,
)
_Kind = TypeVar("_Kind", bound=Operation)
_IN_PARTS = re.compile(r"@\s*(?:defer|stream)\b")
_INTROSPECTION = re.compile(r"__(?:schema|type)\b")


@dataclass(frozen=True, slots=True)
class _Document:
    operations: dict[str | None, Operation]
    weight: int


class Documents:
    """Every document seen lately.

    Args:
        size: How many are cached; large ones count as several.
        limits: What is beyond them is refused before it is validated.
        hide_suggestions: Whether errors keep the schema's other names to themselves.
        introspection: Whether documents may ask for the schema.
    """

    def __init__(
        self, schema: GraphQLSchema, *, size: int, limits: Limits, hide_suggestions: bool, introspection: bool
    ) -> None:
        self._schema = schema
        self._limits = limits
        self._hide_suggestions = hide_suggestions
        self._introspection = introspection
        self._known: LRUCache[str, _Document] = LRUCache(maxsize=size, getsizeof=lambda one: min(one.weight, size))
        self._refused = RefusalCache()
        self._caches = OperationCaches()

    def operation(self, query: str, name: str | None) -> Operation:
        """The operation of this name in a document; the only one where no name is given.

        Raises:
            RequestError: The document does not parse or validate, or holds no such operation.
        """
        document = self._known.get(query)
        if document is None:
            document = self._known[query] = self._new(query)
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

    def _new(self, query: str) -> _Document:
        refusal = self._refused.get(query)
        if refusal is not None:
            raise RequestError(refusal.code, refusal.errors)
        try:
            return self._read(query)
        except RequestError as error:
            self._refused.put(query, Refusal.of(query, error.code, error.errors))
            raise

    def _read(self, query: str) -> _Document:
        try:
            document = bounded_parse(query, self._limits)
            measured = check_document(document, self._limits)
            if not self._introspection and _INTROSPECTION.search(query):
                self._refuse_introspection(document)
            errors = mistakes(self._schema, document, _RULES, self._limits, hide_suggestions=self._hide_suggestions)
        except GraphQLSyntaxError as error:
            raise RequestError(ErrorCode.GRAPHQL_PARSE_FAILED, [error]) from None
        except ApiError as error:
            raise RequestError.of(error) from None
        if errors:
            raise RequestError(ErrorCode.GRAPHQL_VALIDATION_FAILED, errors)
        digest = hashlib.sha256(query.encode(errors="replace")).hexdigest()
        usages = [Usage.of(size) for _, size in measured.operations]
        whole = at_once(document) if _IN_PARTS.search(query) else document
        operations = self._operations(Operation, whole, digest, usages)
        if whole is not document:
            for name, apart in self._operations(OperationInParts, document, digest, usages).items():
                if apart.kind is OperationType.QUERY:
                    operations[name].in_parts = apart
        if not operations:
            raise RequestError(
                ErrorCode.OPERATION_RESOLUTION_FAILURE, [GraphQLError("The document holds no operation.")]
            )
        return _Document(operations, weight(query, document))

    def _operations(
        self, made: type[_Kind], document: DocumentNode, digest: str, usages: list[Usage]
    ) -> dict[str | None, _Kind]:
        """The operations of a document by their names; `usages` in their order."""
        nodes = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        return {
            node.name.value if node.name is not None else None: made(
                self._schema,
                document,
                node,
                self._limits,
                digest,
                self._caches,
                usage,
                hide_suggestions=self._hide_suggestions,
            )
            for node, usage in zip(nodes, usages, strict=True)
        }

    def _refuse_introspection(self, document: DocumentNode) -> None:
        errors = validate(self._schema, document, [NoSchemaIntrospectionCustomRule], max_errors=1)
        if errors:
            error = GraphQLError("Introspection is switched off here.", nodes=errors[0].nodes)
            raise RequestError(ErrorCode.INTROSPECTION_DISABLED, [error])
