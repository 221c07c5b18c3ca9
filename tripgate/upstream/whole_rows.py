"""A backend that decodes all rows of a long answer, for graphql-core, which visits each of them."""

import dataclasses

from gql.table import Table
from tripgate.planner.plan import Read
from tripgate.planner.rows import ChunkedRows
from tripgate.upstream.backend import Backend, Plan, PreparedByKey, PreparedPlan, RelatedTables, Rows
from tripgate.upstream.caller import Caller


class WholeRows(Backend):
    """The backend it is given, whose rows never come in chunks."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def gathering(self) -> Backend:
        """As the backend."""
        return WholeRows(self._backend.gathering())

    def prepare(self, plan: Plan) -> PreparedPlan:
        """As the backend."""
        return self._backend.prepare(plan)

    def prepare_by_key(self, read: Read, column: str) -> PreparedByKey:
        """As the backend."""
        return self._backend.prepare_by_key(read, column)

    async def fetch(
        self, prepared: PreparedPlan, caller: Caller, table: Table | None, related: RelatedTables = ()
    ) -> Rows:
        """Fetch, and read all rows. Raises as `Backend.fetch`."""
        found = await self._backend.fetch(prepared, caller, table, related)
        return dataclasses.replace(found, rows=list(found.rows)) if isinstance(found.rows, ChunkedRows) else found
