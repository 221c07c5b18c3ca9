"""Declared mutations that an Edge Function does with the caller's own token; its answer names the row that it made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graphql.execution.values import VariableValues
from strawberry.types.arguments import StrawberryArgument

from gql.errors import ApiError
from gql.forward_types import object_type
from resolvers.context import Context
from resolvers.declared.writes import Write
from tripgate.planner.selection import Selected


@dataclass(frozen=True, slots=True)
class Answered:
    """What a function answers: `{"<name>": {"id": …}}`, a row of the type."""

    type_name: str
    name: str


class Invoked(Write):
    """Has an Edge Function do something, and answers the row that it names, as the caller reads it.

    Args:
        answered: What it answers.
        function: The Edge Function.
        fields: What the function calls each argument; it is not given those that are null.
    """

    null_means_error = True
    # The way to the arguments, as refusals name them.
    within = ""

    def __init__(
        self,
        answered: Answered,
        function: str,
        fields: dict[str, str],
        make_arguments: Callable[[], list[StrawberryArgument]],
        said: str,
    ) -> None:
        name = answered.type_name
        super().__init__(name, lambda: object_type(name), make_arguments, said)
        self._answered = answered.name
        self._function = function
        self._fields = fields

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        caller = context.signed_in()
        plan = self.plan(context, selected, variables)
        arguments = selected.arguments(variables)
        given = {
            self._fields[name]: str(value) if isinstance(value, UUID) else value
            for name, value in self._given(arguments).items()
            if value is not None
        }
        try:
            made = await context.functions.invoke(self._function, given, caller)
        except ApiError as error:
            raise self._named(error) from None
        return await self.by_key(context, plan, str(made[self._answered]["id"]))

    def _given(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {name: arguments.get(name) for name in self._fields}

    def _named(self, error: ApiError) -> ApiError:
        """The refusal, with the argument by what it is called here."""
        names = {ours: name for name, ours in self._fields.items()}
        if (name := names.get(str(error.extensions.get("field")))) is not None:
            error.extensions["field"] = f"{self.within}{name}"
        return error


class InvokedByInput(Invoked):
    """The same, whose arguments stand in an input."""

    within = "input."

    def _given(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return super()._given(arguments["input"])
