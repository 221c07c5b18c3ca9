"""The schema, assembled from the domains that `domains` finds."""

import functools
from collections.abc import Callable, Sequence
from contextvars import ContextVar

import strawberry
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, GraphQLSyntaxError, is_non_null_type
from strawberry.extensions import SchemaExtension
from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext as StrawberryExecutionContext

from gql.catalog import catalog
from gql.coverage import check_coverage
from gql.errors import ErrorCode
from gql.scalars import SCALARS
from gql.scope_checks import check_scopes
from resolvers.anonymous import refuse_anonymous
from resolvers.declared import DeclaredField
from resolvers.declared.completion import read_finished
from resolvers.declared.entities import ANY, ENTITIES, SERVICE
from resolvers.declared.live import check_depends_on, live_reads
from resolvers.declared.writes_many import DeleteMany, UpdateMany
from tripgate.gateway import domains
from tripgate.gateway.errors import CombinedError, public
from tripgate.gateway.execution_context import ExecutionContext
from tripgate.gateway.federation import federation_query, subgraph_sdl

known_answer: ContextVar[ExecutionResult | None] = ContextVar("known_answer", default=None)
"""What `execute` answers within the extensions without executing it, nor reading its variables."""

_FOUND = domains.discover()
QUERIES: Sequence[type] = _FOUND["Query"]
MUTATIONS: Sequence[type] = _FOUND["Mutation"]
SUBSCRIPTIONS: Sequence[type] = _FOUND["Subscription"]


@functools.cache
def schema(*, federation: bool = False) -> strawberry.Schema:
    """The program's schema; with `federation` as a subgraph."""
    return build_schema(federation=federation)


def build_schema(
    *,
    queries: Sequence[type] = (),
    mutations: Sequence[type] = (),
    subscriptions: Sequence[type] = (),
    extensions: Sequence[type[SchemaExtension] | Callable[[], SchemaExtension]] = (),
    federation: bool = False,
) -> strawberry.Schema:
    """The program's domains and more, as a schema for the gateway and for whatever else takes one of Strawberry's.

    Args:
        queries: Further domains: Strawberry types whose fields become those of `Query`. Below likewise.
        extensions: Strawberry's own. The gateway runs each operation within them.
        federation: Whether it is a subgraph of Apollo Federation, with `_service` and `_entities`.

    Raises:
        ValueError: Two domains offer a field of one name, a root field can never be null, a scope names what is not
            there, or live queries would miss changes.
    """
    check_declarations()
    sdl = functools.cache(lambda: subgraph_sdl(str(made)))
    subgraph = [federation_query(sdl)] if federation else []
    made = Schema(
        query=merge("Query", "Everything that can be read.", [*QUERIES, *queries, *subgraph]),
        mutation=merge(
            "Mutation",
            "Everything that can be changed. Fields run in order; after a failure the rest do not run.",
            [*MUTATIONS, *mutations],
        ),
        subscription=merge(
            "Subscription",
            "Changes as they happen, and everything that can be read, anew whenever it differs.",
            [*SUBSCRIPTIONS, *subscriptions, *live_reads([*QUERIES, *queries])],
        ),
        config=StrawberryConfig(
            scalar_map={**SCALARS, **ANY} if federation else SCALARS,
            enable_experimental_incremental_execution=True,
        ),
        execution_context_class=ExecutionContext,
        extensions=extensions,
    )
    check_root_fields(made._schema)
    read_finished(made._schema)
    refuse_anonymous(made._schema)
    if federation:
        sdl()  # now, since it takes a while, in which nothing else would be answered
    return made


def check_declarations() -> None:
    """Make sure that what is declared of the program's tables and reads fits together.

    Raises:
        ValueError: A scope names what is not there, or live queries would miss changes.
    """
    check_scopes(catalog)
    check_coverage(catalog)
    for domain in QUERIES:
        for field in domain.__strawberry_definition__.fields:  # type: ignore[attr-defined]
            if isinstance(field, DeclaredField):
                check_depends_on(field)


def is_subgraph(schema: strawberry.Schema) -> bool:
    """Whether a schema was made with `federation`."""
    query = schema._schema.query_type
    return query is not None and SERVICE in query.fields


def check_root_fields(schema: GraphQLSchema) -> None:
    """Make sure that each root field fails alone.

    Raises:
        ValueError: A field of a query or a mutation can never be null, so its failure would be that of all others. Of
            a router's fields a specification says that they are not, and nobody asks for others beside them.
    """
    for root in (schema.query_type, schema.mutation_type):
        for name, field in () if root is None else root.fields.items():
            if is_non_null_type(field.type) and name not in {ENTITIES, SERVICE}:
                raise ValueError(
                    f"{root}.{name} can never be null, so its failure would take the answers of all others along. "
                    "Annotate it `… | None`, with directives=semantic_non_null() if null comes only with an error."
                )


class Schema(strawberry.Schema):
    """Strawberry's schema, whose answers hold no error that is not public."""

    def create_extensions_runner(
        self, execution_context: StrawberryExecutionContext, extensions: list[SchemaExtension]
    ) -> SchemaExtensionsRunner:
        """As in Strawberry, for an operation whose answer may be known without its being executed."""
        execution_context.result = known_answer.get()
        return super().create_extensions_runner(execution_context, extensions)

    def process_errors(
        self,
        errors: list[GraphQLError],
        execution_context: StrawberryExecutionContext | None = None,  # noqa: ARG002 - Strawberry gives it by name
    ) -> None:
        """Mask what failed outside of the executor, in extensions and on subscribing, and log nothing else."""
        errors[:] = [
            each for error in errors for each in (error.errors if isinstance(error, CombinedError) else [error])
        ]
        for index, error in enumerate(errors):
            # Without a path, it may also be of a document or a variable, in the words of graphql-core or a scalar.
            if error.path is None and isinstance(error.original_error, ValueError | GraphQLError | None):
                error.extensions = {"code": _code_of_a_document(error).value, **(error.extensions or {})}
                continue
            shown = public(error)
            if shown is not error:
                errors[index] = GraphQLError(str(shown), error.nodes, path=error.path, original_error=shown)


def _code_of_a_document(error: GraphQLError) -> ErrorCode:
    """What an error before the execution means that has no code yet; those of variables have."""
    if isinstance(error, GraphQLSyntaxError):
        return ErrorCode.GRAPHQL_PARSE_FAILED
    return ErrorCode.GRAPHQL_VALIDATION_FAILED if error.nodes else ErrorCode.BAD_USER_INPUT


def graphql_schema() -> GraphQLSchema:
    """The same for graphql-core."""
    return schema()._schema


def merge(name: str, description: str, domains: Sequence[type]) -> type:
    """One root type of all domains.

    Raises:
        ValueError: Two domains offer a field of one name; neither may win.
    """
    owners: dict[str, type] = {}
    for domain in domains:
        for field in domain.__strawberry_definition__.fields:  # type: ignore[attr-defined]
            if (other := owners.setdefault(field.python_name, domain)) is not domain:
                raise ValueError(
                    f"{name}.{field.python_name} is offered by both {other.__name__} and {domain.__name__}"
                )
    return strawberry.type(type(name, tuple(domains), {}), description=description)


def written_by_filter() -> list[tuple[str, str]]:
    """Each table that some field writes by filter, with `update` or `delete`."""
    fields = [field for domain in MUTATIONS for field in domain.__strawberry_definition__.fields]  # type: ignore[attr-defined]
    return [
        (field.table.name, "update" if isinstance(field, UpdateMany) else "delete")
        for field in fields
        if isinstance(field, UpdateMany | DeleteMany)
    ]
