"""Declared writes of all rows that a filter finds, up to a number that the caller names.

The ids are resolved first, by the same read that a list would make, since PostgREST obeys only tests of a row's own
columns on a write. The write then names the ids, and repeats those tests of the filter that it can, so that a row that
has moved on meanwhile is left alone. All rows are written or none: the write says how many it means, and the database
undoes it when they are more or fewer.
"""

from collections.abc import Sequence
from typing import Any

from graphql.execution.values import VariableValues

from gql.catalog import catalog
from gql.errors import ApiError, ErrorCode, bad_input
from gql.table import Sort
from resolvers.context import Context
from resolvers.declared.base import planner
from resolvers.declared.writes import Write, in_order
from tripgate.planner import write
from tripgate.planner.plan import And, Condition, Delete, OwnTest, Pick, Read, Update
from tripgate.planner.selection import Selected
from tripgate.planner.write_filters import check_write_filter
from tripgate.upstream.backend import NotExactlyError


class WriteMany(Write):
    """What the writes by filter share."""

    null_means_error = True
    verb: str

    async def find(self, context: Context, read: Read, at_most: int) -> Sequence[dict[str, Any]]:
        """The rows that are meant, in the order of their keys.

        Raises:
            ApiError: AT_MOST_EXCEEDED when there are more; BAD_USER_INPUT when `at_most` is out of bounds.
        """
        if not 1 <= at_most <= context.max_page_size:
            raise bad_input(f"atMost must be between 1 and {context.max_page_size}, not {at_most}.", field="atMost")
        order = (Sort(self.table.primary_key),)
        found = Read(read.table, read.columns, read.embeds, read.where, order, limit=at_most + 1)
        rows = (await context.backend.read(found, context.caller, self.table)).rows
        if len(rows) > at_most:
            raise ApiError(
                ErrorCode.AT_MOST_EXCEEDED,
                f"The filter matches more than {at_most} of the {self.nouns}, so nothing was changed. "
                f"Narrow it, or raise atMost, to {context.max_page_size} at most.",
                field="atMost",
            )
        return rows

    async def send(
        self, context: Context, wanted: Update | Delete, tests: tuple[OwnTest, ...], keys: list[str]
    ) -> list[dict[str, Any]]:
        """Write the rows of these keys for which the tests hold: all or none, in the order of the keys.

        Raises:
            ApiError: FORBIDDEN when the caller may not write each of them, CONFLICT when they changed meanwhile.
        """
        tests = (write.keyed(self.table, keys), *tests)
        key = self.table.primary_key
        try:
            rows = await context.backend.write(write.only(wanted, tests, exactly=len(keys)), context.caller, self.table)
        except NotExactlyError:
            still = Read(self.table.name, (Pick(key),), where=And(tests))
            if len((await context.backend.read(still, context.caller, self.table)).rows) < len(keys):
                raise
            raise ApiError(
                ErrorCode.FORBIDDEN,
                f"You may see these {self.nouns} but not {self.verb} each of them, so nothing was changed.",
            ) from None
        return in_order(rows, key, keys)

    def wanted(self, context: Context, variables: VariableValues, arguments: dict[str, Any]) -> Condition:
        """What the filter asks for.

        Raises:
            ApiError: BAD_USER_INPUT, also for a filter of which a part says nothing.
        """
        check_write_filter(catalog, self.table, arguments["filter"])
        return planner(context, variables).condition(self.table, arguments["filter"])

    @property
    def nouns(self) -> str:
        """What rows are called in a sentence."""
        return self.table.bare_name.replace("_", " ")


class UpdateMany(WriteMany):
    """`updateTrips(filter, patch, atMost)`: the rows as written."""

    verb = "change"

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        arguments = selected.arguments(variables)
        since = write.moment_of(arguments)
        plan = self.plan(context, selected, variables)
        update = write.update(self.table, (), arguments["patch"], plan.returning)
        where = self.wanted(context, variables, arguments)
        seen = () if since is None else (self.table.columns[write.UPDATED_AT].name,)
        read = Read(self.table.name, write.returning(self.table, seen), where=where)
        found = await self.find(context, read, arguments["atMost"])
        if not found:
            return []
        if since is not None and (moved := write.changed_after(self.table, found, since)) is not None:
            raise ApiError(
                ErrorCode.CONFLICT,
                f"One of these {self.nouns} has changed meanwhile, at {moved}, so nothing was changed. "
                "Read them anew, then decide.",
                reason="CHANGED_MEANWHILE",
                updatedAt=moved,
            )
        keys = [row[self.table.primary_key] for row in found]
        tests = (*write.own_tests(self.table, where), *write.unmodified_since(self.table, since))
        rows: Sequence[dict[str, Any]] = await self.send(context, update, tests, keys)
        if plan.read.embeds:
            rows = await self.read_back(context, plan, keys)
        return list(map(plan.shaper, rows))


class DeleteMany(WriteMany):
    """`deleteTrips(filter, atMost)`: the rows as they were."""

    verb = "delete"

    async def run(self, context: Context, selected: Selected, variables: VariableValues) -> Any:
        context.signed_in()
        arguments = selected.arguments(variables)
        plan = self.plan(context, selected, variables)
        where = self.wanted(context, variables, arguments)
        # What is embedded goes with the rows, so it is read with their keys.
        columns = (pick.column for pick in plan.read.columns) if plan.read.embeds else ()
        read = Read(self.table.name, write.returning(self.table, columns), plan.read.embeds, where)
        found = await self.find(context, read, arguments["atMost"])
        if not found:
            return []
        key = self.table.primary_key
        keys = [row[key] for row in found]
        delete = Delete(self.table.name, (), plan.returning)
        rows = await self.send(context, delete, write.own_tests(self.table, where), keys)
        if plan.read.embeds:
            rows = in_order(found, key, [row[key] for row in rows])
        return list(map(plan.shaper, rows))
