"""What every declared root field is: a Strawberry field that answers with finished data.

Its shaper follows the selection, so no executor walks the rows again.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.unset import UNSET

from gql.late import LateField, optional
from gql.nullability import semantic_non_null
from gql.table import Table, catalog
from resolvers.context import Context
from tripgate.planner.read import Planner
from tripgate.planner.selection import Selected


class DeclaredField(LateField):
    """A root field that needs no body: what it does follows from its declaration.

    Fields of queries and mutations can be null whatever `make_type` says, so that one that fails leaves the others
    their answers. An event of a subscription has no others, and is never null.

    Attributes:
        null_means_error: Whether `run` answers null only by raising; the schema then says `@semanticNonNull`.
    """

    null_means_error: bool = False

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
            make_type if is_subscription else lambda: optional(make_type()),
            make_arguments,
            description=description,
            default=UNSET,
            is_subscription=is_subscription,
            directives=semantic_non_null() if self.null_means_error else (),
        )
        self._type_name = type_name

    def deprecated(self, reason: str) -> Self:
        """The same field, marked: `place = one("Place").deprecated("Use `places`.")`."""
        self.deprecation_reason = reason
        return self

    @property
    def table(self) -> Table:
        """The table behind the field's type."""
        return catalog[self._type_name]

    @abstractmethod
    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        """The field's finished answer for this selection.

        Raises:
            ApiError: Any public error.
        """


def planner(context: Context, variables: VariableValues) -> Planner:
    """A planner for one request."""
    return Planner(catalog, variables, max_page_size=context.max_page_size)
