"""What every declared root field is: a Strawberry field whose resolver answers with finished data.

The data follows the selection: its keys are the response keys of all that is selected below the field. The gateway
sends it as it is; where graphql-core goes on below the field, `completion` has it read the keys.
"""

import dataclasses
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from typing import Any, Protocol, Self

from graphql.execution.values import VariableValues
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission, PermissionExtension
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryOptional, has_object_definition
from strawberry.types.field import FieldType
from strawberry.types.fields.resolver import StrawberryResolver
from strawberry.types.unset import UNSET
from strawberry.utils.str_converters import to_camel_case

from gql.catalog import catalog
from gql.forward_types import LateField
from gql.nullability import semantic_non_null
from gql.scope import Unheard
from gql.table import Table
from resolvers.context import Context, Info, PlanCache
from tripgate.planner.planner import Planner
from tripgate.planner.selection import Selected, selected_root
from tripgate.upstream.whole_rows import WholeRows


class DeclaredField(LateField):
    """A root field that needs no body: what it does follows from its declaration.

    Fields of queries and mutations can be null whatever `make_type` says, so that one that fails leaves the others
    their answers. An event of a subscription has no others, and is never null.

    Attributes:
        null_means_error: Whether `run` answers null only by raising; the schema then says `@semanticNonNull`.
        depends_on: The tables, by their SQL names, that the answer is made of beside the rows of the field's type; or
            why live queries need not hear of their changes. `None` where there are no others.
        has_effects: Whether a query has something done beside reading: it then needs POST, and nobody follows it.
    """

    null_means_error: bool = False
    depends_on: tuple[str, ...] | Unheard | None = None
    has_effects: bool = False

    def __init__(
        self,
        type_name: str,
        make_type: Callable[[], Any],
        make_arguments: Callable[[], list[StrawberryArgument]],
        description: str,
        *,
        is_subscription: bool = False,
    ) -> None:
        super().__init__(
            make_type,
            make_arguments,
            description=description,
            default=UNSET,
            is_subscription=is_subscription,
            directives=semantic_non_null() if self.null_means_error else (),
            base_resolver=_Resolver(self._resolver()),
        )
        self._type_name = type_name

    def made_type(self) -> FieldType:
        made = super().made_type()
        return made if self.is_subscription or isinstance(made, StrawberryOptional) else StrawberryOptional(made)

    def deprecated(self, reason: str) -> Self:
        """The same field, marked: `place = one("Place").deprecated("Use `places`.")`."""
        self.deprecation_reason = reason
        return self

    def configured(
        self,
        *,
        permission_classes: Sequence[type[BasePermission]] = (),
        extensions: Sequence[FieldExtension] = (),
    ) -> Self:
        """The same field with what `strawberry.field` takes too: `trips = many("Trip").configured(extensions=[…])`.

        Such a field always runs in graphql-core, the gateway's included, so whatever is configured is asked each time.
        """
        self.extensions = [*self.extensions, *extensions]
        if permission_classes:
            self.permission_classes = [*self.permission_classes, *permission_classes]
            # As Strawberry does it: the last extension is the outermost, so permission is asked for first.
            self.extensions.append(PermissionExtension([each() for each in permission_classes], use_directives=False))
        return self

    @cached_property
    def table(self) -> Table:
        """The table behind the field's type."""
        return catalog[self._type_name]

    @property
    def has_table(self) -> bool:
        """Whether there is one."""
        return self._type_name in catalog.by_type

    @abstractmethod
    def run(self, context: Context, selected: Selected, variables: VariableValues) -> Awaitable[Any]:
        """The field's finished answer for this selection.

        Raises:
            ApiError: Any public error.
        """

    def _resolver(self) -> Callable[..., Any]:
        """The function that Strawberry calls, with arguments as its own input types."""

        async def resolve(info: Info, **given: Any) -> Any:
            return await self.run(*self._asked(info, given))

        return resolve

    def _asked(self, info: Info, given: dict[str, Any]) -> tuple[Context, Selected, VariableValues]:
        """What graphql-core asks of the field: with whose context, below which arguments, under which variables."""
        context = info.context
        if not isinstance(context, Context):
            raise TypeError(
                f"The context is {type(context).__name__}; give one of tripgate.gateway.contexts (docs/strawberry.md)."
            )
        names = {argument.python_name: argument.graphql_name or argument.python_name for argument in self.arguments}
        arguments = {names[name]: _as_input(value) for name, value in given.items()}
        selected, variables = selected_root(info._raw_info, arguments)
        # One context may serve many operations, and its plans are those of one.
        return dataclasses.replace(context, plans=PlanCache(), backend=WholeRows(context.backend)), selected, variables


class _Resolver(StrawberryResolver[Any]):
    """A resolver whose arguments are those of its field."""

    @property
    def arguments(self) -> list[StrawberryArgument]:
        """None of its own."""
        return []

    @property
    def is_graphql_generic(self) -> bool:
        """Never."""
        return False


def _as_input(value: Any) -> Any:
    """A value of Strawberry's input types as graphql-core has it: an object as a dictionary of what was given.

    The field's extensions may have changed it on the way.
    """
    if isinstance(value, list):
        return [_as_input(each) for each in value]
    if not has_object_definition(value):
        return value
    return {
        field.graphql_name or to_camel_case(field.python_name): _as_input(inner)
        for field in value.__strawberry_definition__.fields
        if (inner := getattr(value, field.python_name)) is not UNSET
    }


class PlanCachingField(DeclaredField):
    """A field whose plan is cached for the requests that have the same document and the same variables."""

    def prepared(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        """What `prepare` makes of this selection and these variables: from the context's cache, or made now."""
        found = context.plans.get(selected.key)
        if found is None:
            found = context.plans[selected.key] = self.prepare(context, selected, variables)
        return found

    @abstractmethod
    def prepare(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        """All that does not depend on the moment or the caller: a plan, prepared, and what shapes its rows.

        Raises:
            ApiError: BAD_USER_INPUT.
        """


class PlannedField(PlanCachingField):
    """A read: what `prepare` makes answers by itself."""

    @abstractmethod
    def prepare(self, context: Context, selected: Selected, variables: VariableValues) -> "PreparedField": ...

    def run(self, context: Context, selected: Selected, variables: VariableValues) -> Awaitable[Any]:
        prepared: PreparedField = self.prepared(context, selected, variables)
        return prepared.answer(context)


class PreparedField(Protocol):
    """A plan, prepared, and what shapes its rows: all of a field that does not depend on the moment or the caller."""

    def answer(self, context: Context) -> Awaitable[Any]:
        """The field's finished answer."""


def planner(context: Context, variables: VariableValues) -> Planner:
    """A planner for one request."""
    return Planner(catalog, variables, max_page_size=context.max_page_size)
