"""Run an operation. The one module that builds on the internals of graphql-core's and Strawberry's executors.

A query of declared fields alone does not enter them: its answers come finished from their shapers. Everything else
(introspection, fields with a body) runs in graphql-core, where declared fields pass through untouched.
"""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, cast

import strawberry
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    is_non_null_type,
    located_error,
)
from graphql.execution import experimental_execute_incrementally
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from gql.errors import ErrorCode
from resolvers.anonymous import is_null_for_anonymous
from resolvers.context import Context, sign_in
from resolvers.declared import DeclaredField
from tripgate.gateway.errors import formatted
from tripgate.gateway.execution_context import ExecutionContext, leaf_value, not_run
from tripgate.gateway.explain import Explanation
from tripgate.gateway.operation import Operation, PreparedOperation, RequestError
from tripgate.gateway.schema import known_answer
from tripgate.planner.selection import Selected

_INTROSPECTION_FIELDS = frozenset({"__schema", "__type", "__typename"})


@dataclass(frozen=True, slots=True)
class Result:
    """An executed operation's data, which may be null, its errors, and what extensions of the schema add."""

    data: dict[str, Any] | None
    errors: Sequence[GraphQLError] = ()
    extensions: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """What the fields of one run share."""

    roots: dict[str, tuple[Selected, DeclaredField]]
    variables: VariableValues
    context: Context
    explanation: Explanation | None

    def gathering(self) -> "_Run":
        """The same, where what fields ask at the same moment may be asked at once."""
        backend = self.context.backend.gathering()
        if backend is self.context.backend:
            return self
        return dataclasses.replace(self, context=dataclasses.replace(self.context, backend=backend))

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
    prepared: PreparedOperation,
    context: Context,
    explanation: Explanation | None = None,
) -> Result:
    """Run an operation that is prepared for these variables and this caller.

    Args:
        explanation: Called with what each declared field takes.
    """
    roots = prepared.roots
    if prepared.closed:
        return _closed(roots)
    declared: dict[str, tuple[Selected, DeclaredField]] = {}
    alone = operation.kind is OperationType.QUERY
    for selected in roots:
        field = declared_field(selected)
        if field is not None:
            declared[selected.key] = (selected, field)
        elif selected.definition is not None:
            alone = False
    this_run = _Run(declared, prepared.values, context, explanation)
    if len(declared) > 1 and operation.kind is OperationType.QUERY:
        this_run = this_run.gathering()
    if alone:
        return await _run_declared(this_run, roots)
    known_by = None
    if prepared.text is not None and _is_introspection(operation, roots):
        known_by = (operation.digest, operation.name, prepared.text)
    cached: Result | None = operation.caches.introspection.get(known_by) if known_by is not None else None
    if cached is not None:
        return cached
    # Its document says neither @defer nor @stream, which the schema knows, so it is one answer.
    outcome = experimental_execute_incrementally(
        schema,
        operation.without_variables,
        context_value=context,
        executor_class=_Executor,
        hide_suggestions=operation.hide_suggestions,
        this_run=this_run,
    )
    done = cast(ExecutionResult, await outcome if isawaitable(outcome) else outcome)
    result = Result(done.data, done.errors or ())
    if known_by is not None and not result.errors:
        operation.caches.introspection[known_by] = result
    return result


async def run_extended(
    schema: strawberry.Schema,
    operation: Operation,
    variables: dict[str, Any],
    prepared: PreparedOperation,
    context: Context,
) -> Result:
    """Run an operation as Strawberry does, within the extensions of its schema.

    Args:
        variables: As they came.
    """
    known = None
    if prepared.closed:  # its variables have not been read, nor are they now
        closed = _closed(prepared.roots)
        known = ExecutionResult(closed.data, list(closed.errors) or None)
    token = known_answer.set(known)
    try:
        done = await schema.execute(_text(operation), variables, context, operation_name=operation.name)
    finally:
        known_answer.reset(token)
    return Result(done.data, done.errors or (), done.extensions)


async def subscribe(
    schema: strawberry.Schema, operation: Operation, variables: dict[str, Any], context: Context
) -> AsyncGenerator[dict[str, Any], None]:
    """The answers to a subscription that Strawberry runs: its field has a body or extensions, or the schema has some.

    Raises:
        RequestError: It ends with an error, or has not begun.
    """
    results = await schema.subscribe(_text(operation), variables, context, operation_name=operation.name)
    async with aclosing(cast(AsyncGenerator[ExecutionResult, None], results)) as events:
        async for event in events:
            if event.data is None and event.errors:
                code = getattr(event.errors[0].original_error, "code", ErrorCode.BAD_USER_INPUT)
                raise RequestError(code, event.errors)
            answer: dict[str, Any] = {"errors": formatted(event.errors)} if event.errors else {}
            answer["data"] = event.data
            if event.extensions:
                answer["extensions"] = event.extensions
            yield answer


def _text(operation: Operation) -> str:
    """The document as it came."""
    assert operation.definition.loc is not None  # noqa: S101 - documents are parsed with their places
    return operation.definition.loc.source.body


def _is_introspection(operation: Operation, roots: tuple[Selected, ...]) -> bool:
    return operation.kind is OperationType.QUERY and all(selected.name in _INTROSPECTION_FIELDS for selected in roots)


async def _run_declared(this_run: _Run, roots: tuple[Selected, ...]) -> Result:
    """The root fields at once, each failure located at its field, as graphql-core would answer.

    All can be null (`gateway/schema.py` sees to it) but those of a router, so one that fails leaves the others theirs.
    """
    if len(roots) == 1:  # no task for what needs none
        outcome = await _outcome(this_run, roots[0])
        if not isinstance(outcome, GraphQLError):
            return Result({roots[0].key: outcome})
        outcomes = [outcome]
    else:
        outcomes = await asyncio.gather(*(_outcome(this_run, selected) for selected in roots))
    return _merged(roots, outcomes)


def _closed(roots: tuple[Selected, ...]) -> Result:
    """The answer to a caller who is not signed in, where each field needs somebody or is null."""
    outcomes: list[Any] = []
    for selected in roots:
        if selected.definition is None:
            outcomes.append(selected.parent_type.name)
        elif is_null_for_anonymous(selected.definition):
            outcomes.append(None)
        else:
            failed = selected.parent_type.name == "Mutation" and any(
                isinstance(each, GraphQLError) for each in outcomes
            )
            error = not_run() if failed else sign_in()
            outcomes.append(located_error(error, [selected.node], [selected.key]))
    return _merged(roots, outcomes)


def _merged(roots: tuple[Selected, ...], outcomes: Sequence[Any]) -> Result:
    errors = [outcome for outcome in outcomes if isinstance(outcome, GraphQLError)]
    if errors and any(
        isinstance(outcome, GraphQLError)
        and selected.definition is not None
        and is_non_null_type(selected.definition.type)
        for selected, outcome in zip(roots, outcomes, strict=True)
    ):
        return Result(None, errors)
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
    """The declaration behind a root field; `None` for a field with a body, and for one with extensions.

    Extensions, permission classes among them, are asked by graphql-core, where such a field runs.
    """
    field = selected.declaration
    return field if isinstance(field, DeclaredField) and not field.extensions else None


class _Executor(ExecutionContext):
    """The schema's own, but declared root fields answer by themselves."""

    def __init__(self, *args: Any, this_run: _Run, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._this_run = this_run
        self.variable_values = this_run.variables  # coerced before, which takes long where there are many

    def execute_root_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any,
    ) -> Any:
        if path.key not in self._this_run.roots:
            explanation = self._this_run.explanation
            if explanation is None or field_details_list[0].node.name.value in _INTROSPECTION_FIELDS:
                return super().execute_root_field(parent_type, source, field_details_list, path, position_context)

            async def run_body(context: Context) -> Any:
                given, self.context_value = self.context_value, context
                try:  # the resolver is called here, with the context as it is now
                    found = super(_Executor, self).execute_root_field(
                        parent_type, source, field_details_list, path, position_context
                    )
                finally:
                    self.context_value = given
                return await found if isawaitable(found) else found

            return explanation.field(str(path.key), self._this_run.context, run_body, asks_others=True)
        return self._declared_field(parent_type, field_details_list, path)

    async def _declared_field(self, parent_type: GraphQLObjectType, details: FieldDetailsList, path: Path) -> Any:
        try:
            return await self._this_run.declared(str(path.key))
        except Exception as error:  # as in graphql-core: any failure becomes the field's error
            return self.failed(error, parent_type, details, path)

    @staticmethod
    def complete_leaf_value(return_type: GraphQLLeafType, result: Any) -> Any:
        """As in graphql-core: JSON that is text goes into the answer as it is."""
        return leaf_value(return_type, result)
