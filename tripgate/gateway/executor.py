"""Run an operation. The one module that builds on the internals of graphql-core's and Strawberry's executors.

A query of declared fields alone does not enter them: its answers come finished from their shapers. Everything else
(introspection, fields with a body) runs in graphql-core, where declared fields pass through untouched.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationType,
    execute,
    get_nullable_type,
    introspection_types,
    is_scalar_type,
    located_error,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter

from gql.errors import ApiError, ErrorCode
from resolvers.access import is_null_for_nobody
from resolvers.context import Context, sign_in
from resolvers.declared import DeclaredField
from tripgate.gateway.explain import Explanation
from tripgate.gateway.operation import Operation
from tripgate.planner.selection import Coerced, Selected

_TYPE = introspection_types["__Type"]
# What introspection tells as plain text or truth; most of an answer to it, and known without more ado.
_PLAIN = {
    (type_, name): field.resolve
    for type_ in introspection_types.values()
    if isinstance(type_, GraphQLObjectType)
    for name, field in type_.fields.items()
    if field.resolve is not None and not field.args and is_scalar_type(get_nullable_type(field.type))
}
_OF_THE_SCHEMA = frozenset({"__schema", "__type", "__typename"})


@dataclass(frozen=True, slots=True)
class Result:
    """An executed operation's data, which may be null, and its errors."""

    data: dict[str, Any] | None
    errors: Sequence[GraphQLError] = ()


@dataclass(frozen=True, slots=True)
class _Run:
    """What the fields of one run share."""

    roots: dict[str, tuple[Selected, DeclaredField]]
    variables: VariableValues
    context: Context
    explanation: Explanation | None

    async def declared(self, key: str) -> Any:
        selected, field = self.roots[key]
        if self.explanation is not None:
            return await self.explanation.field(
                key, self.context, lambda context: field.run(context, selected, self.variables)
            )
        return await field.run(self.context, selected, self.variables)


async def run(
    schema: GraphQLSchema,
    operation: Operation,
    variables: dict[str, Any],
    context: Context,
    *,
    hide_suggestions: bool,
    explanation: Explanation | None = None,
) -> Result:
    """Run an operation. Of one that does nothing for a caller who is not signed in, the variables are not even read.

    Args:
        variables: As they came.
        explanation: Told what each declared field takes; its plans are made anew.

    Raises:
        RequestError: The variables do not fit their types, or the operation costs too much; nothing has been sent.
    """
    if not operation.needs_nobody and context.caller.token is None:
        closed = operation.closed_to(context.caller, variables, hide_suggestions=hide_suggestions)
        if closed is not None:
            return _closed(closed)
    prepared = operation.prepared(variables, hide_suggestions=hide_suggestions, anew=explanation is not None)
    operation.release()
    context.plans = prepared.plans
    context.cost = prepared.cost
    roots = prepared.roots
    declared = {
        selected.key: (selected, field) for selected in roots if (field := declared_field(selected)) is not None
    }
    this_run = _Run(declared, prepared.values, context, explanation)
    try:
        if operation.kind is OperationType.QUERY and all(
            selected.key in declared or selected.name == "__typename" for selected in roots
        ):
            return await _run_declared(this_run, roots)
        alone = explanation is None and _asks_the_schema_alone(operation, roots)
        known_by = operation.known_by(variables) if alone else None
        kept: Result | None = operation.kept.answers.get(known_by) if known_by is not None else None
        if kept is not None:
            return kept
        outcome = execute(
            schema,
            operation.without_variables,
            context_value=context,
            variable_values=variables,
            executor_class=_Executor,
            hide_suggestions=hide_suggestions,
            this_run=this_run,
        )
        done: ExecutionResult = await outcome if isawaitable(outcome) else outcome
        result = Result(done.data, done.errors or ())
        if known_by is not None and not result.errors:
            operation.kept.answers[known_by] = result
        return result
    finally:
        if type(prepared.values) is Coerced:
            prepared.values.arguments = None  # planned by now


def _asks_the_schema_alone(operation: Operation, roots: tuple[Selected, ...]) -> bool:
    return operation.kind is OperationType.QUERY and all(selected.name in _OF_THE_SCHEMA for selected in roots)


async def _run_declared(this_run: _Run, roots: tuple[Selected, ...]) -> Result:
    """The root fields at once, each failure located at its field, as graphql-core would answer.

    Any of them can be null (`gateway/schema.py` sees to it), so one that fails leaves the others their answers.
    """
    if len(roots) == 1:
        outcomes = [await _outcome(this_run, roots[0])]  # no task for what needs none
    else:
        outcomes = await asyncio.gather(*(_outcome(this_run, selected) for selected in roots))
    return _together(roots, outcomes)


def _closed(roots: tuple[Selected, ...]) -> Result:
    """The answer to a caller who is not signed in, where each field needs somebody or is null."""
    outcomes: list[Any] = []
    for selected in roots:
        if selected.definition is None:
            outcomes.append(selected.parent_type.name)
        elif is_null_for_nobody(selected.definition):
            outcomes.append(None)
        else:
            failed = selected.parent_type.name == "Mutation" and any(
                isinstance(each, GraphQLError) for each in outcomes
            )
            error = _not_run() if failed else sign_in()
            outcomes.append(located_error(error, [selected.node], [selected.key]))
    return _together(roots, outcomes)


def _together(roots: tuple[Selected, ...], outcomes: Sequence[Any]) -> Result:
    errors = [outcome for outcome in outcomes if isinstance(outcome, GraphQLError)]
    data = {
        selected.key: None if isinstance(outcome, GraphQLError) else outcome
        for selected, outcome in zip(roots, outcomes, strict=True)
    }
    return Result(data, errors)


async def _outcome(this_run: _Run, selected: Selected) -> Any:
    if selected.name == "__typename":
        return selected.parent_type.name
    try:
        if this_run.explanation is None:
            return await this_run.roots[selected.key][1].run(this_run.context, selected, this_run.variables)
        return await this_run.declared(selected.key)
    except Exception as error:  # any failure becomes the field's error; the gateway masks what it must
        return located_error(error, [selected.node], [selected.key])


def declared_field(selected: Selected) -> DeclaredField | None:
    """The declaration behind a root field; `None` for a field with a body."""
    if selected.definition is None:
        return None
    field = selected.definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return field if isinstance(field, DeclaredField) else None


def _not_run() -> ApiError:
    return ApiError(ErrorCode.NOT_RUN, "Not run, since a field before it failed.")


class _Executor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, but declared root fields answer by themselves and a failed mutation ends the rest."""

    def __init__(self, *args: Any, this_run: _Run, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._this_run = this_run
        self.variable_values = this_run.variables  # coerced before, which takes long where there are many
        self._types_told: dict[tuple[int, int], Any] = {}

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> Any:
        """As in graphql-core, but an introspection tells each type once for each place of the document that asks.

        Most fields have a type that others have too, so that is a fifth of the work. Both parts of the key are kept
        alive, by the schema and by graphql-core, for as long as this executor runs.
        """
        if return_type is not _TYPE:
            return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)
        key = (id(result), id(field_details_list))
        told = self._types_told.get(key)
        if told is None:
            told = self._types_told[key] = super().complete_object_value(
                return_type, field_details_list, info, path, result, position_context
            )
        return told

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any,
    ) -> Any:
        plain = _PLAIN.get((parent_type, field_details_list[0].node.name.value))
        if plain is not None:
            return plain(source, None)
        if path.prev is not None or field_details_list[0].node.name.value == "__typename":
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        if parent_type is self.schema.mutation_type and self.collected_errors.errors:
            return self._failed(_not_run(), parent_type, field_details_list, path)
        if path.key not in self._this_run.roots:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        return self._declared_field(parent_type, field_details_list, path)

    async def _declared_field(self, parent_type: GraphQLObjectType, details: FieldDetailsList, path: Path) -> Any:
        try:
            return await self._this_run.declared(str(path.key))
        except Exception as error:  # as in graphql-core: any failure becomes the field's error
            return self._failed(error, parent_type, details, path)

    def _failed(
        self, error: Exception, parent_type: GraphQLObjectType, details: FieldDetailsList, path: Path
    ) -> Awaitable[Any] | None:
        definition = parent_type.fields[details[0].node.name.value]
        self.handle_field_error(error, definition.type, details, path)
        return None
