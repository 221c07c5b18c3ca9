"""Documents → operations: parsed, validated and merged once, then kept.

Kept per document: the syntax tree, its validation, each operation's merged selection (one for every combination of the
variables in `@skip` and `@include`), and for a query its coerced variables, its cost and the plans of its reads (for
every set of variables seen lately).
"""

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    MaxIntrospectionDepthRule,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    get_variable_values,
    specified_rules,
    validate,
)
from graphql.execution.values import VariableValues
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gql.errors import ApiError, ErrorCode, bad_input
from tripgate.gateway.access import closed_to_nobody, made_for_anybody
from tripgate.gateway.kept import Kept, Refusal, Refusals, text_of, weight
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.limits.cost import VALUES, estimated, too_dear, too_many_conditions
from tripgate.gateway.limits.document import check_document
from tripgate.gateway.limits.inputs import Usage, are_few, check_variables
from tripgate.gateway.limits.reading import read
from tripgate.gateway.limits.validation import mistakes
from tripgate.planner.selection import Coerced, Selected, condition_variables, select
from tripgate.upstream.caller import Caller

_RULES = (
    # What is asked of the schema is counted before, as the settings say.
    *(rule for rule in specified_rules if rule is not MaxIntrospectionDepthRule),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
_INTROSPECTION = re.compile(r"__(?:schema|type)\b")
_VARIABLE_SETS = 64
_FEW_VALUES = 50


class RequestError(Exception):
    """A request that cannot be executed at all: it answers with errors and without data."""

    def __init__(self, code: ErrorCode, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.code = code
        self.errors = errors

    @classmethod
    def of(cls, error: ApiError) -> "RequestError":
        """The same refusal, of a whole request."""
        return cls(error.code, [GraphQLError(error.message, original_error=error)])


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation under one set of variables.

    Attributes:
        values: The variables by their declared types.
        roots: The merged root fields.
        cost: What it may cost at most.
        plans: Where reads keep their plans, by response key.
    """

    values: VariableValues
    roots: tuple[Selected, ...]
    cost: int
    plans: dict[str, Any] = field(default_factory=dict)


class Operation:
    """One operation of a document, ready to run.

    Attributes:
        limits: What it was held to, and what its variables and cost are held to.
        digest: The SHA-256 of its document, in hexadecimal.
        kept: What it and all others keep together.
    """

    # One for all: a refused mutation's variables must not stay with each document that somebody sends.
    _latest: "ClassVar[tuple[Operation, dict[str, Any], Prepared | RequestError] | None]" = None

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        definition: OperationDefinitionNode,
        limits: Limits,
        digest: str,
        kept: Kept,
        usage: Usage,
    ) -> None:
        self.document = document
        self.definition = definition
        self.kind: OperationType = definition.operation
        self.name = definition.name.value if definition.name is not None else None
        self.digest = digest
        self.kept = kept
        self._schema = schema
        self.limits = limits
        self._usage = usage
        self._fragments: Mapping[str, FragmentDefinitionNode] = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._selections: LRUCache[tuple[Any, ...], tuple[Selected, ...]] = LRUCache(maxsize=16)
        self._prepared: LRUCache[bytes, Prepared] = LRUCache(maxsize=_VARIABLE_SETS)

    def prepared(self, raw: dict[str, Any], *, hide_suggestions: bool, anew: bool = False) -> "Prepared":
        """What becomes of it under these variables; for a query the same as the last time they came.

        Args:
            raw: The variables as they came.
            anew: Whether nothing is kept, nor taken that was.

        Raises:
            RequestError: The variables do not fit their types, or it costs too much.
        """
        latest = Operation._latest
        if latest is not None and latest[0] is self and latest[1] is raw and not anew:
            if isinstance(latest[2], RequestError):
                Operation._latest = None
                raise latest[2].with_traceback(None)
            return latest[2]
        text = None if anew or self.kind is not OperationType.QUERY else text_of(raw)
        found = self._prepared.get(text) if text is not None else None
        if found is None:
            try:
                size = self.size(raw)
                values = self._coerced(raw, hide_suggestions=hide_suggestions)
                roots = self.roots(values)
                found = Prepared(values, roots, self._cost(roots, values, size))
            except RequestError as error:
                # Whoever counts it asks first, and whoever answers must not have to find it out once more.
                Operation._latest = self, raw, error
                raise
            if text is not None:
                self.kept.variables.keep(self._prepared, text, found)
            else:
                Operation._latest = self, raw, found
        return found

    def known_by(self, raw: dict[str, Any]) -> tuple[str, str | None, bytes] | None:
        """What an answer that depends on nothing but document and variables is known by; `None` where these are long.

        Args:
            raw: The variables as they came.
        """
        text = text_of(raw)
        return None if text is None else (self.digest, self.name, text)

    def release(self) -> None:
        """Let the variables go that were prepared last and are not kept: whoever limits and runs it shares them."""
        Operation._latest = None

    @cached_property
    def needs_nobody(self) -> bool:
        """Whether it does the same whoever asks, so that it runs for nobody where a token is not accepted.

        Told from its document, so before its variables are coerced.
        """
        return made_for_anybody(self._schema, self.definition, self._fragments)

    def admit(self, caller: Caller) -> None:
        """Refuse a caller whose token is not accepted what needs somebody; signing in and the like is open to them.

        Raises:
            ApiError: As the token was refused.
        """
        if caller.refusal is not None and not self.needs_nobody:
            raise caller.refusal.with_traceback(None)  # it may be raised for each operation of a connection

    def closed_to(self, caller: Caller, raw: dict[str, Any], *, hide_suggestions: bool) -> tuple[Selected, ...] | None:
        """The root fields, where the caller is not signed in and none of them does anything then; `None` otherwise.

        Told before variables are coerced, but for those that decide which fields there are: whoever has no account must
        not make us read what they send. `None` also for few values, which are read so that mistakes in them are told.

        Raises:
            RequestError: BAD_USER_INPUT for these.
        """
        if not caller.anonymous or are_few(raw, _FEW_VALUES) or self.needs_nobody:
            return None
        wanted = [
            node for node in self.definition.variable_definitions or () if node.variable.name.value in self._conditions
        ]
        roots = self.roots(self._values(wanted, raw, hide_suggestions=hide_suggestions))
        return roots if closed_to_nobody(roots) else None

    @cached_property
    def without_variables(self) -> DocumentNode:
        """Its document with itself alone, as if it took no variables: for an executor that is given coerced ones."""
        node = self.definition
        alone = OperationDefinitionNode(
            operation=node.operation, name=node.name, directives=node.directives, selection_set=node.selection_set
        )
        return DocumentNode(definitions=(alone, *self._fragments.values()))

    @cached_property
    def _conditions(self) -> tuple[str, ...]:
        # Only of operations that run: of many in one document, each would look through all its fragments.
        return condition_variables(self.definition, self._fragments)

    def coerce(self, variables: dict[str, Any], *, hide_suggestions: bool) -> VariableValues:
        """The variables by their declared types.

        Raises:
            RequestError: BAD_USER_INPUT, INPUT_TOO_LARGE.
        """
        self.size(variables)
        return self._coerced(variables, hide_suggestions=hide_suggestions)

    def size(self, variables: dict[str, Any]) -> int:
        """How many values its arguments have with these variables.

        Raises:
            RequestError: INPUT_TOO_LARGE.
        """
        try:
            return check_variables(variables, self.limits, self._usage)
        except ApiError as error:
            raise RequestError.of(error) from None

    def cost_of_reading(self, variables: dict[str, Any]) -> int:
        """What an operation costs that does not run, for its variables do not fit or it asks for too much."""
        try:
            found = self.size(variables)
        except RequestError:
            found = self.limits.input_values
        return 1 + found // VALUES

    def _coerced(self, variables: dict[str, Any], *, hide_suggestions: bool) -> VariableValues:
        definitions = self.definition.variable_definitions or ()
        values = self._values(definitions, variables, hide_suggestions=hide_suggestions)
        return values if self._usage.values <= _FEW_VALUES else Coerced.of(values)

    def _values(
        self, definitions: Collection[VariableDefinitionNode], variables: dict[str, Any], *, hide_suggestions: bool
    ) -> VariableValues:
        values = get_variable_values(
            self._schema,
            definitions,
            variables,
            max_errors=self.limits.validation_errors,
            hide_suggestions=hide_suggestions,
        )
        if isinstance(values, list):
            raise RequestError(ErrorCode.BAD_USER_INPUT, values)
        return values

    def roots(self, variables: VariableValues) -> tuple[Selected, ...]:
        """The merged root fields under these variables.

        Raises:
            RequestError: BAD_USER_INPUT for null in `@skip` or `@include`, which a variable with a default may bring.
        """
        variant = self._variant(variables)
        found = self._selections.get(variant)
        if found is None:
            found = select(self._schema, self.definition, self._fragments, variables)
            self._selections[variant] = found
        return found

    def _cost(self, roots: tuple[Selected, ...], variables: VariableValues, size: int) -> int:
        found = estimated(roots, variables, size, self.limits.pages)
        if found.conditions > self.limits.conditions:
            raise RequestError.of(too_many_conditions(found.conditions, self.limits.conditions))
        if found.cost > self.limits.cost:
            raise RequestError.of(too_dear(found.cost, self.limits.cost))
        return found.cost

    def _variant(self, variables: VariableValues) -> tuple[Any, ...]:
        found = tuple(variables.coerced.get(name) for name in self._conditions)
        if None in found:
            name = self._conditions[found.index(None)]
            message = f"The variable ${name} is null, but @skip and @include take true or false."
            raise RequestError.of(bad_input(message, field=name))
        return found


@dataclass(frozen=True, slots=True)
class _Document:
    operations: dict[str | None, Operation]
    weight: int


class Documents:
    """Every document seen lately.

    Args:
        size: How many are kept; large ones count as several.
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
        self._refused = Refusals()
        self._kept = Kept()

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
            self._refused.keep(query, Refusal.of(query, error.code, error.errors))
            raise

    def _read(self, query: str) -> _Document:
        try:
            document = read(query, self._limits)
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
        operations: dict[str | None, Operation] = {
            node.name.value if node.name is not None else None: Operation(
                self._schema, document, node, self._limits, digest, self._kept, Usage.of(size)
            )
            for node, size in measured.operations
        }
        if not operations:
            raise RequestError(
                ErrorCode.OPERATION_RESOLUTION_FAILURE, [GraphQLError("The document holds no operation.")]
            )
        return _Document(operations, weight(query, document))

    def _refuse_introspection(self, document: DocumentNode) -> None:
        errors = validate(self._schema, document, [NoSchemaIntrospectionCustomRule], max_errors=1)
        if errors:
            error = GraphQLError("Introspection is switched off here.", nodes=errors[0].nodes)
            raise RequestError(ErrorCode.INTROSPECTION_DISABLED, [error])
