"""Functions of the database as root fields: those that return rows of a table are connections, others plain values.

Such a function changes nothing and runs with the caller's own rights. Its arguments travel in the body, where any
text is taken as it is.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import FieldType

from gql import derive
from gql.errors import bad_input
from gql.schemas import schema_of
from gql.scope import Unheard
from resolvers.context import Context
from resolvers.declared.base import DeclaredField, PlannedField, planner
from resolvers.declared.queries import Many, PreparedObject, WrittenObject
from tripgate.planner.conditions import as_text
from tripgate.planner.plan import ALWAYS, FunctionCall, Read
from tripgate.planner.planner import ConnectionPlan
from tripgate.planner.selection import Selected


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a function.

    Attributes:
        field: As in GraphQL.
        name: As in SQL.
        annotation: Its type; where null is allowed, the function has a default for it.
    """

    field: str
    name: str
    annotation: Any
    description: str

    @property
    def argument(self) -> StrawberryArgument:
        """The field's argument."""
        return derive.argument(self.field, self.annotation, self.description)


def call(function: str, parameters: tuple[Parameter, ...], arguments: dict[str, Any]) -> FunctionCall:
    """The call with these arguments, keyed by their GraphQL names. What is absent gets the function's default.

    Raises:
        ApiError: BAD_USER_INPUT for null, which cannot be told from a text, and for text that Postgres cannot hold.
    """
    given = [parameter for parameter in parameters if parameter.field in arguments]
    for parameter in given:
        if arguments[parameter.field] is None:
            raise bad_input(f"{parameter.field} is null. Leave it out.", field=parameter.field)
    return FunctionCall(
        function,
        tuple((each.name, as_text(arguments[each.field], each.field)) for each in given),
    )


class FunctionRows(Many):
    """`searchPlaces(text, filter, orderBy, first, …)`."""

    def __init__(
        self,
        type_name: str,
        function: str,
        parameters: tuple[Parameter, ...],
        make_type: Callable[[], Any],
        said: str,
        depends_on: tuple[str, ...] | Unheard | None,
    ) -> None:
        super().__init__(
            type_name,
            make_type,
            lambda: [*(each.argument for each in parameters), *derive.connection_arguments(type_name)],
            said,
        )
        self.function = function
        self.parameters = parameters
        self.depends_on = depends_on

    def made_type(self) -> FieldType:
        """The field's type.

        Raises:
            ValueError: The backend would find no relations of the rows.
        """
        made = super().made_type()
        if schema_of(self.function) != self.table.schema:
            raise ValueError(
                f"{self.python_name}: {self.function} returns rows of {self.table.name}, so it must be in the same "
                "Postgres schema"
            )
        return made

    def plan(self, context: Context, selected: Selected, variables: VariableValues) -> ConnectionPlan:
        source = call(self.function, self.parameters, selected.arguments(variables))

        def called(read: Read | None) -> Read | None:
            return None if read is None else dataclasses.replace(read, source=source)

        plan = super().plan(context, selected, variables)
        return dataclasses.replace(plan, read=called(plan.read), total=called(plan.total))


class FunctionRow(PlannedField):
    """`billingSubscription`: the one row that a function without arguments returns, or null."""

    def __init__(
        self, type_name: str, function: str, make_type: Callable[[], Any], said: str, depends_on: tuple[str, ...] | None
    ) -> None:
        super().__init__(type_name, make_type, list, said)
        self.function = function
        self.depends_on = depends_on

    def prepare(
        self, context: Context, selected: Selected, variables: VariableValues
    ) -> PreparedObject | WrittenObject:
        plan = planner(context, variables).object(self.table, selected.children, ALWAYS)
        read = dataclasses.replace(plan.read, source=call(self.function, (), {}))
        return PreparedObject.of(context, self.table, dataclasses.replace(plan, read=read))


class FunctionValue(DeclaredField):
    """`distanceInMetres(fromPlaceId, toPlaceId)`: one plain value.

    Numbers travel as JSON's, so a function that must be exact to the digit returns its `numeric` as text.

    Args:
        returns: The type of the value. Where null is not allowed, a function that returns it has failed.
    """

    def __init__(
        self,
        function: str,
        parameters: tuple[Parameter, ...],
        returns: Any,
        said: str,
        depends_on: tuple[str, ...] | Unheard,
    ) -> None:
        self.null_means_error = type(None) not in get_args(returns)
        super().__init__("", lambda: returns, lambda: [each.argument for each in parameters], said)
        self.function = function
        self.parameters = parameters
        self.depends_on = depends_on

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        prepared = context.backend.prepare(call(self.function, self.parameters, selected.arguments(variables)))
        (value,) = (await context.backend.fetch(prepared, context.caller, None)).rows
        if value is None and self.null_means_error:
            raise ValueError(f"{self.function} returned null, and is declared never to")
        return value
