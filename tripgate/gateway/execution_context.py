"""graphql-core's executor as everything over this schema uses it, the gateway and Strawberry's own tools alike.

It shows no failure that is not public, ends a mutation at its first failure, and answers introspection in less time.
"""

import json
from collections.abc import Callable
from typing import Any, cast

import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLLeafType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    get_nullable_type,
    get_operation_ast,
    introspection_types,
    is_scalar_type,
)
from graphql.execution.collect_fields import FieldDetailsList
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gql.errors import ApiError, ErrorCode
from gql.json_numbers import decimal_number, whole_number
from resolvers.context import Context
from tripgate.gateway.anonymous_operations import all_allow_anonymous, fragments_of
from tripgate.gateway.errors import public

_TYPE = introspection_types["__Type"]
_OBJECTS = frozenset(type_ for type_ in introspection_types.values() if isinstance(type_, GraphQLObjectType))
# What introspection tells as plain text or truth; most of an answer to it, and known without more ado.
_PLAIN: dict[tuple[GraphQLNamedType, str], Callable[[Any, Any], Any]] = {
    (type_, name): field.resolve
    for type_ in _OBJECTS
    for name, field in type_.fields.items()
    if field.resolve is not None and not field.args and is_scalar_type(get_nullable_type(field.type))
}
_PLAIN[_TYPE, "kind"] = lambda type_, info: _kind(type_, info).name
_kind: Any = cast(GraphQLObjectType, _TYPE).fields["kind"].resolve
# Where it tells a type that may have been told before.
_TYPES = {
    (type_, name): field.resolve
    for type_ in _OBJECTS
    for name, field in type_.fields.items()
    if field.resolve is not None and get_nullable_type(field.type) is _TYPE
}


def not_run() -> ApiError:
    """The failure of a mutation's field behind one that has failed."""
    return ApiError(ErrorCode.NOT_RUN, "Not run, since a field before it failed.")


class ExecutionContext(StrawberryGraphQLCoreExecutionContext):
    """What Strawberry calls an execution context: the executor of one operation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._completed_types: dict[tuple[int, int], Any] = {}

    @classmethod
    def build(
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Any = None,
        context_value: Any = None,
        raw_variable_values: dict[str, Any] | None = None,
        operation_name: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """As in graphql-core, but nothing runs for a token that was refused, unless it needs nobody.

        The errors of variables that do not fit their types have a code.
        """
        if isinstance(context_value, Context) and (refusal := context_value.caller.refusal) is not None:
            operation = get_operation_ast(document, operation_name)
            if operation is not None and not all_allow_anonymous(schema, operation, fragments_of(document)):
                return [GraphQLError(refusal.message, original_error=refusal)]
        built = super().build(
            schema, document, root_value, context_value, raw_variable_values, operation_name, *args, **kwargs
        )
        if isinstance(built, list):
            for error in built:
                error.extensions = {"code": ErrorCode.BAD_USER_INPUT.value, **(error.extensions or {})}
        return built

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
        if return_type not in _OBJECTS:
            try:
                return super().complete_object_value(
                    return_type, field_details_list, info, path, result, position_context
                )
            except GraphQLError as error:
                raise _not_its_type(error) from None
        key = (id(result), id(field_details_list))
        completed = self._completed_types.get(key)
        if completed is None:
            completed = self._introspected(return_type, field_details_list, path, result, position_context)
            if return_type is _TYPE:
                self._completed_types[key] = completed
        return completed

    def _introspected(
        self,
        type_: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        path: Path,
        result: Any,
        position_context: Any,
    ) -> dict[str, Any]:
        """A part of the schema: nothing of it has to be waited for."""
        fields: dict[str, Any] = {}
        for name, details in self.collect_subfields(type_, field_details_list).grouped_field_set.items():
            field = (type_, details[0].node.name.value)
            plain = _PLAIN.get(field)
            if plain is not None:
                fields[name] = plain(result, None)
                continue
            inner = _TYPES.get(field)  # asked first, since nothing of a type that is known has to be prepared
            known = None if inner is None else self._completed_types.get((id(inner(result, None)), id(details)))
            fields[name] = known or self.execute_field(
                type_, result, details, Path(path, name, type_.name), position_context
            )
        return fields

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any,
    ) -> Any:
        """As in graphql-core, but a mutation's fields do not run once one has failed."""
        if path.prev is not None or field_details_list[0].node.name.value == "__typename":
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        if parent_type is self.schema.mutation_type and self.collected_errors.errors:
            return self.failed(not_run(), parent_type, field_details_list, path)
        return self.execute_root_field(parent_type, source, field_details_list, path, position_context)

    def execute_root_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any,
    ) -> Any:
        """Run a field of the operation's root, other than `__typename`."""
        return super().execute_field(parent_type, source, field_details_list, path, position_context)

    def failed(
        self, error: Exception, parent_type: GraphQLObjectType, field_details_list: FieldDetailsList, path: Path
    ) -> None:
        """Null for a field, and its error; for a field that is never null the error is raised."""
        definition = parent_type.fields[field_details_list[0].node.name.value]
        self.handle_field_error(error, definition.type, field_details_list, path)

    def handle_field_error(
        self,
        raw_error: Exception,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        path: Path,
    ) -> None:
        """As in graphql-core, for what may be shown of the error."""
        super().handle_field_error(public(raw_error), return_type, field_details_list, path)

    def complete_list_value(self, *args: Any) -> Any:
        """As in graphql-core, but a resolver that returns no list has failed, and not the client."""
        try:
            return super().complete_list_value(*args)
        except GraphQLError as error:
            raise _not_its_type(error) from None

    def ensure_valid_runtime_type(self, *args: Any) -> GraphQLObjectType:
        """As in graphql-core, likewise for a value of an interface that is of none of its types."""
        try:
            return super().ensure_valid_runtime_type(*args)
        except GraphQLError as error:
            raise _not_its_type(error) from None

    @staticmethod
    def complete_leaf_value(return_type: GraphQLLeafType, result: Any) -> Any:
        """As in graphql-core, but JSON that is text becomes Python's, its numbers to the last digit."""
        if type(result) is orjson.Fragment:
            return json.loads(orjson.dumps(result), parse_float=decimal_number, parse_int=whole_number)
        return leaf_value(return_type, result)


def leaf_value(return_type: GraphQLLeafType, result: Any) -> Any:
    """A scalar or an enum as graphql-core answers it.

    Raises:
        TypeError: A resolver returned what is none.
    """
    try:
        return StrawberryGraphQLCoreExecutionContext.complete_leaf_value(return_type, result)
    except GraphQLError as error:
        raise _not_its_type(error) from None


def _not_its_type(error: GraphQLError) -> Exception:
    """The failure behind a value that is not of its field's type: graphql-core's words repeat it, so they are masked.

    What failed below, in a field that is never null, has a path already, and stays what it is.
    """
    return error if error.path is not None or error.original_error is not None else TypeError(error.message)
