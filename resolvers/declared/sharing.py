"""What those who take part in a row do about it, whatever the scope."""

from typing import Any

from graphql.execution.values import VariableValues

from gql import derive
from gql.scope import Scope
from resolvers.context import Context
from resolvers.declared.writes import Matched
from tripgate.planner.plan import Delete, Match
from tripgate.planner.selection import Selected


class Leave(Matched):
    """`leaveTrip(tripId)`: the caller takes part in somebody else's row no longer."""

    null_means_error = True

    def __init__(self, scope: Scope, description: str) -> None:
        (self._members,) = scope.members
        self._scope = scope
        super().__init__(self._members.type_name, lambda: bool, lambda: [derive.scope_argument(scope)], description)

    def match(self, context: Context, arguments: dict[str, Any]) -> Match:
        key = str(arguments[derive.scope_key_name(self._scope)])
        return ((self._members.via, key), (self._members.person, str(context.caller.user_id)))

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        caller = context.signed_in()
        match = self.match(context, selected.arguments(variables))
        if not await context.backend.write(Delete(self.table.name, match, ()), caller, self.table):
            raise await self.explain_nothing(context, match)
        return True
