"""The gateway's limits of documents and costs as an extension of Strawberry's, for a schema that runs elsewhere.

```python
schema = build_schema(extensions=[within_limits(settings)])
```

The gateway itself needs none: it holds every request to them before the schema hears of it.
"""

from collections.abc import Callable, Iterator

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension

from gql.errors import ErrorCode
from tripgate.gateway.documents import Documents
from tripgate.gateway.errors import CombinedError, bounded
from tripgate.gateway.operation import Operation, RequestError
from tripgate.gateway.settings import Settings


def within_limits(settings: Settings) -> Callable[[], SchemaExtension]:
    """What makes the extension for one schema, each operation's anew; documents are kept by it as by the gateway."""
    documents: list[Documents] = []

    class WithinLimits(SchemaExtension):
        """Refuses what is beyond the limits before it is validated, and what costs too much before it runs."""

        def on_operation(self) -> Iterator[None]:
            """Begin, before the document has been read."""
            self._operation: Operation | None = None
            self._mistakes: list[GraphQLError] = []
            yield

        def on_parse(self) -> Iterator[None]:
            """Parse and validate the document, or take it from the cache."""
            context = self.execution_context
            if not documents:
                documents.append(_documents(settings, self))
            try:
                self._operation = documents[0].operation(context.query or "", context._provided_operation_name)
                context.graphql_document = self._operation.document
                context.validation_rules = ()
            except RequestError as error:
                if error.code is not ErrorCode.GRAPHQL_VALIDATION_FAILED:
                    raise _first(error) from None
                self._mistakes = [_coded(each, error.code) for each in error.errors]
            yield

        def on_validate(self) -> Iterator[None]:
            """Report the mistakes that validation found."""
            if self._mistakes:
                self.execution_context.pre_execution_errors = self._mistakes
            yield

        def on_execute(self) -> Iterator[None]:
            """Prepare the operation, and refuse it where its cost is beyond the limit."""
            if self._operation is not None:
                variables = self.execution_context.variables or {}
                try:
                    prepared = self._operation.prepare(variables, self.execution_context.context.caller)
                    if prepared.closed:  # what is coerced all the same here is no more than others may send
                        self._operation.size(variables)
                except RequestError as error:
                    raise CombinedError([_coded(each, error.code) for each in error.errors]) from None
            yield

    return WithinLimits


def _documents(settings: Settings, extension: SchemaExtension) -> Documents:
    return Documents(
        extension.execution_context.schema._schema,
        size=settings.cached_documents,
        limits=settings.limits,
        hide_suggestions=not settings.development,
        introspection=settings.introspects,
    )


def _first(error: RequestError) -> GraphQLError:
    return _coded(error.errors[0], error.code)


def _coded(error: GraphQLError, code: ErrorCode) -> GraphQLError:
    error.message = bounded(error.message)
    error.extensions = {"code": code.value, **(error.extensions or {})}
    return error
