"""An operation of a document, and what becomes of it under variables: a merged selection, coerced values, a cost.

Cached with it: its merged selection (one for every combination of the variables in `@skip` and `@include`), and for a
query its coerced variables, its cost and the plans of its reads (for every set of variables seen lately).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    get_variable_values,
)
from graphql.execution.values import VariableValues

from gql.catalog import catalog
from gql.errors import ApiError, ErrorCode, bad_input
from resolvers.context import PlanCache
from resolvers.declared.entities import too_many_representations
from tripgate.gateway.anonymous_operations import (
    all_allow_anonymous,
    all_closed_to_anonymous,
    any_has_effects,
    fragments_of,
)
from tripgate.gateway.document_cache import OperationCaches, text_of
from tripgate.gateway.limits.bounds import Limits
from tripgate.gateway.limits.cost import VALUES, Estimated, cost_exceeded, estimated, too_many_conditions
from tripgate.gateway.limits.inputs import Usage, are_few, check_variables
from tripgate.gateway.plain_variables import PlainVariables
from tripgate.gateway.variable_fields import name_fields
from tripgate.planner.deferral import Split, split
from tripgate.planner.selection import CONDITIONS, Coerced, Selected, condition_variables, select
from tripgate.upstream.caller import Caller

_VARIABLE_SETS = 64
_FEW_VALUES = 50
_NO_VALUES = VariableValues({}, {})
_NOT_GIVEN = object()


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
class PreparedOperation:
    """An operation under one set of variables.

    Attributes:
        values: The variables by their declared types.
        roots: The merged root fields.
        cost: What it may cost at most.
        text: What a query's variables are known by; `None` where they are long, and for what is prepared anew.
        plans: The cache of its fields' plans.
        closed: Whether nothing of it is for this caller, who is not signed in; `values` are none then.
    """

    values: VariableValues
    roots: tuple[Selected, ...]
    cost: int
    text: bytes | None
    plans: PlanCache = field(default_factory=PlanCache)
    closed: bool = False

    def without_arguments(self) -> "PreparedOperation":
        """The same, but without the arguments that have been coerced for measuring and planning.

        They take memory, and whoever runs it again finds its plans cached.
        """
        return replace(self, values=self.values.plain()) if type(self.values) is Coerced else self


@dataclass(slots=True)
class _Selection:
    """The merged root fields.

    Attributes:
        estimated: What they cost, once that is known to be the same under all variables.
    """

    roots: tuple[Selected, ...]
    estimated: Estimated | None = None


class Operation:
    """One operation of a document, ready to run.

    Attributes:
        limits: What it was held to, and what its variables and cost are held to.
        digest: The SHA-256 of its document, in hexadecimal.
        caches: Those that all operations share.
        hide_suggestions: Whether errors keep the schema's other names to themselves.
        in_parts: The same, to be answered in parts; `None` where nothing of it says `@defer` or
            `@stream`.
    """

    _condition_directives = CONDITIONS
    _condition_words = "but @skip and @include take true or false"

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        definition: OperationDefinitionNode,
        limits: Limits,
        digest: str,
        caches: OperationCaches,
        usage: Usage,
        *,
        hide_suggestions: bool,
    ) -> None:
        self.document = document
        self.definition = definition
        self.kind: OperationType = definition.operation
        self.name = definition.name.value if definition.name is not None else None
        self.digest = digest
        self.caches = caches
        self._schema = schema
        self.limits = limits
        self._usage = usage
        self.hide_suggestions = hide_suggestions
        self.in_parts: OperationInParts | None = None
        self._fragments: Mapping[str, FragmentDefinitionNode] = fragments_of(document)
        self._selections: LRUCache[tuple[Any, ...], _Selection] = LRUCache(maxsize=16)
        self._prepared: LRUCache[bytes, PreparedOperation] = LRUCache(maxsize=_VARIABLE_SETS)

    def prepare(self, raw: dict[str, Any], caller: Caller, *, anew: bool = False) -> PreparedOperation:
        """What becomes of it under these variables; for a query the same as the last time they came.

        Of an operation that does nothing for a caller who is not signed in, the variables are not even read.

        Args:
            raw: The variables as they came.
            anew: Whether to cache nothing, and to take nothing from the cache.

        Raises:
            ApiError: As the caller's token was refused, if this needs somebody; signing in and the like is open to all.
            RequestError: The variables do not fit their types, or it costs too much.
        """
        if caller.token is None and not self.allows_anonymous:
            if caller.refusal is not None:
                raise caller.refusal.with_traceback(None)  # it may be raised for each operation of a connection
            closed = self.closed_to_anonymous(caller, raw)
            if closed is not None:
                return PreparedOperation(_NO_VALUES, closed, len(closed), None, closed=True)
        text = None if anew or self.kind is not OperationType.QUERY else text_of(raw)
        found = self._prepared.get(text) if text is not None else None
        if found is None:
            size = self.size(raw)
            values = self._coerced(raw)
            selection = self._selection(values)
            found = PreparedOperation(values, selection.roots, self._cost(selection, values, size), text)
            if self.kind is OperationType.SUBSCRIPTION:  # it may run for hours
                found = found.without_arguments()
            if text is not None:
                self.caches.variable_sets.put(self._prepared, text, found.without_arguments())
        return found

    @cached_property
    def allows_anonymous(self) -> bool:
        """Whether all its root fields allow anonymous callers, so that it runs though the token is not accepted.

        Known from its document alone, so before its variables are coerced.
        """
        return all_allow_anonymous(self._schema, self.definition, self._fragments)

    @cached_property
    def has_effects(self) -> bool:
        """Whether a root field has something done beside reading, though it be a query's."""
        return any_has_effects(self._schema, self.definition, self._fragments)

    def closed_to_anonymous(self, caller: Caller, raw: dict[str, Any]) -> tuple[Selected, ...] | None:
        """The root fields, where the caller is not signed in and none of them does anything then; `None` otherwise.

        Known before variables are coerced, but for those that decide which fields there are: without an account nobody
        may make us read what they send. `None` also for few values, which are read so that mistakes in them are told.

        Raises:
            RequestError: BAD_USER_INPUT for these.
        """
        if not caller.anonymous or are_few(raw, _FEW_VALUES) or self.allows_anonymous:
            return None
        wanted = [
            node for node in self.definition.variable_definitions or () if node.variable.name.value in self._conditions
        ]
        roots = self.roots(self._values(wanted, raw))
        return roots if all_closed_to_anonymous(roots) else None

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
        return condition_variables(self.definition, self._fragments, self._condition_directives)

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

    def _coerced(self, variables: dict[str, Any]) -> VariableValues:
        values = None if self._plain is None else self._plain.values(variables)
        if values is None:
            values = self._values(self.definition.variable_definitions or (), variables)
        return values if self._usage.values <= _FEW_VALUES else Coerced.of(values)

    @cached_property
    def _plain(self) -> PlainVariables | None:
        return PlainVariables.of(self._schema, self.definition.variable_definitions or ())

    def _values(self, definitions: Collection[VariableDefinitionNode], variables: dict[str, Any]) -> VariableValues:
        values = get_variable_values(
            self._schema,
            definitions,
            variables,
            max_errors=self.limits.validation_errors,
            hide_suggestions=self.hide_suggestions,
        )
        if isinstance(values, list):
            name_fields(values, self.definition, self._fragments)
            raise RequestError(ErrorCode.BAD_USER_INPUT, values)
        return values

    def roots(self, variables: VariableValues) -> tuple[Selected, ...]:
        """The merged root fields under these variables.

        Raises:
            RequestError: BAD_USER_INPUT for null in `@skip` or `@include`, which a variable with a default may bring.
        """
        return self._selection(variables).roots

    def _selection(self, variables: VariableValues) -> "_Selection":
        variant = self._variant(variables)
        found = self._selections.get(variant)
        if found is None:
            found = _Selection(select(self._schema, self.definition, self._fragments, variables))
            self._selections[variant] = found
        return found

    def _cost(self, selection: "_Selection", variables: VariableValues, size: int) -> int:
        found = selection.estimated
        if found is None:
            found = estimated(selection.roots, variables, self.limits.pages)
            if not found.varies:
                selection.estimated = found
        return self._within_limits(found, size)

    def _within_limits(self, found: Estimated, size: int) -> int:
        cost = found.cost + size // VALUES
        if found.conditions > self.limits.conditions:
            raise RequestError.of(too_many_conditions(found.conditions, self.limits.conditions))
        if found.representations > self.limits.pages.largest:
            raise RequestError.of(too_many_representations(found.representations, self.limits.pages.largest))
        if cost > self.limits.cost:
            raise RequestError.of(cost_exceeded(cost, self.limits.cost))
        return cost

    def _variant(self, variables: VariableValues) -> tuple[Any, ...]:
        found = tuple(variables.coerced.get(name, _NOT_GIVEN) for name in self._conditions)
        if None in found:
            name = self._conditions[found.index(None)]
            message = f"The variable ${name} is null, {self._condition_words}."
            raise RequestError.of(bad_input(message, field=name))
        return found


class OperationInParts(Operation):
    """A query with `@defer` or `@stream`, to be answered in parts. Its roots are those of the whole."""

    _condition_directives = CONDITIONS | {"defer", "stream"}
    _condition_words = "which @skip, @include, @defer and @stream do not take"

    @cached_property
    def _splits(self) -> LRUCache[tuple[Any, ...], Split]:
        return LRUCache(maxsize=16)

    def split(self, variables: VariableValues) -> Split:
        """What is answered first, and what later.

        Raises:
            RequestError: As `roots`; BAD_USER_INPUT for an `initialCount` that is none.
        """
        variant = self._variant(variables)
        found = self._splits.get(variant)
        if found is None:
            most = self.limits.pages.largest
            try:
                found = split(self._schema, catalog, self.definition, self._fragments, variables, max_page_size=most)
            except ApiError as error:
                raise RequestError.of(error) from None
            self._splits[variant] = found
        return found

    def _cost(self, selection: "_Selection", variables: VariableValues, size: int) -> int:
        del selection
        apart = self.split(variables)
        found = estimated(apart.first, variables, self.limits.pages, apart.parts)
        return self._within_limits(found, size)
